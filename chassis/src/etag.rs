//! Entity tags: which version of a resource a writer has seen.

/// The tag of a version: `"v3-9c1f"`, quoted as RFC 9110 writes strong tags. The four digits
/// are a checksum, so that a tag typed by hand is refused instead of overwriting.
pub fn etag(version: i64) -> String {
    format!("\"v{version}-{:04x}\"", checksum(version))
}

/// True when the tag is that of the version. The empty tag matches nothing here: whether a
/// verb may go without one is the verb's decision.
pub fn matches(tag: &str, version: i64) -> bool {
    tag == etag(version)
}

/// Mixes the version into 16 bits (the finalizer of SplitMix64).
fn checksum(version: i64) -> u16 {
    let mut mixed = version.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [high, low, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
    u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_matches_its_own_version_only() {
        assert!(matches(&etag(3), 3));
        assert!(!matches(&etag(3), 4));
        assert!(!matches("", 3));
        assert!(!matches("\"v3\"", 3));
        assert!(!matches("\"v3-0000\"", 3));
    }
}
