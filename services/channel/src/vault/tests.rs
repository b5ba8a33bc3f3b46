use super::*;

const LI: Uuid = Uuid::from_u128(1);
const WEI: Uuid = Uuid::from_u128(2);

fn acme() -> TenantId {
    TenantId::parse("acme").unwrap()
}

fn other() -> TenantId {
    TenantId::parse("other").unwrap()
}

fn vault(byte: u8) -> Vault {
    Vault::new([byte; 32]).unwrap()
}

#[test]
fn what_was_sealed_for_a_party_opens_for_that_party() {
    let (key, stored) = vault(1).new_key(&acme(), LI).unwrap();
    let sealed = key.seal(Holds::Contact, b"li@example.com").unwrap();

    let again = vault(1).unwrap(&acme(), LI, &stored).unwrap();

    assert_eq!(
        again.open(Holds::Contact, &sealed).unwrap(),
        b"li@example.com"
    );
}

#[test]
fn the_same_value_never_looks_the_same_twice() {
    let (key, _) = vault(1).new_key(&acme(), LI).unwrap();
    let seal = || key.seal(Holds::Contact, b"li@example.com").unwrap();
    assert_ne!(seal(), seal());
}

#[test]
fn a_key_opens_with_its_own_master_tenant_and_party_alone() {
    let (_, stored) = vault(1).new_key(&acme(), LI).unwrap();
    let unwrap = |vault: Vault, tenant, party| vault.unwrap(&tenant, party, &stored).map(drop);
    assert_eq!(unwrap(vault(1), acme(), LI), Ok(()));
    assert_eq!(unwrap(vault(2), acme(), LI), Err(VaultError::OtherMaster));
    assert_eq!(unwrap(vault(1), other(), LI), Err(VaultError::Closed));
    assert_eq!(unwrap(vault(1), acme(), WEI), Err(VaultError::Closed));
    let mut disguised = vault(2);
    disguised.id = vault(1).id;
    assert_eq!(unwrap(disguised, acme(), LI), Err(VaultError::Closed));
}

#[test]
fn a_value_moved_to_another_place_stays_closed() {
    let (key, _) = vault(1).new_key(&acme(), LI).unwrap();
    let sealed = key.seal(Holds::Contact, b"li@example.com").unwrap();
    let moved = |tenant, party| DataKey {
        cipher: key.cipher.clone(),
        tenant,
        party,
    };
    assert!(moved(acme(), LI).open(Holds::Contact, &sealed).is_ok());
    let closed = Err(VaultError::Closed);
    assert_eq!(moved(acme(), LI).open(Holds::Answer, &sealed), closed);
    assert_eq!(moved(acme(), WEI).open(Holds::Contact, &sealed), closed);
    assert_eq!(moved(other(), LI).open(Holds::Contact, &sealed), closed);
}

#[test]
fn every_edit_of_a_sealed_value_is_detected() {
    let (key, _) = vault(1).new_key(&acme(), LI).unwrap();
    let sealed = key.seal(Holds::Contact, b"li").unwrap();
    for at in 0..sealed.len() {
        let mut edited = sealed.clone();
        edited[at] ^= 1;
        assert!(key.open(Holds::Contact, &edited).is_err(), "edit at {at}");
        assert!(
            key.open(Holds::Contact, &sealed[..at]).is_err(),
            "cut at {at}"
        );
    }
}

#[test]
fn a_blind_index_is_of_one_tenant_one_kind_and_one_master() {
    let of = |vault: Vault, tenant, index| vault.index(&tenant, index, "+8613800000000").unwrap();
    let here = of(vault(1), acme(), Index::Phone);
    assert_eq!(here, of(vault(1), acme(), Index::Phone));
    assert_ne!(here, of(vault(1), acme(), Index::Mail));
    assert_ne!(here, of(vault(1), other(), Index::Phone));
    assert_ne!(here, of(vault(2), acme(), Index::Phone));
}

#[test]
fn printing_the_vault_or_a_key_shows_no_key() {
    let (key, _) = vault(7).new_key(&acme(), LI).unwrap();
    assert_eq!(format!("{:?}", vault(7)), "Vault(…)");
    assert_eq!(format!("{key:?}"), format!("DataKey(parties/{LI})"));
}
