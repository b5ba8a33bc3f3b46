//! Path templates of `google.api.http`: `/v1/{name=tickets/*}:start`.

/// A parsed template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    /// Segments with variables opened up; `*` stands for any one segment.
    pub(crate) segments: Vec<String>,
    /// Field paths of the request that the template binds.
    pub(crate) variables: Vec<String>,
    /// What follows the last `:`; empty without one.
    pub(crate) verb: String,
}

impl Template {
    /// Reads a template; the error says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let rest = text.strip_prefix('/').ok_or("a path begins with /")?;
        let end = rest.rfind('}').map_or(0, |at| at + 1);
        let (rest, verb) = match rest[end..].rfind(':') {
            Some(at) => (&rest[..end + at], &rest[end + at + 1..]),
            None => (rest, ""),
        };
        let mut template = Template {
            segments: Vec::new(),
            variables: Vec::new(),
            verb: verb.to_owned(),
        };
        for piece in split_outside_braces(rest)? {
            template.add(piece)?;
        }
        if verb.is_empty() && text.ends_with(':') {
            return Err("a verb follows the colon".to_owned());
        }
        Ok(template)
    }

    fn add(&mut self, piece: &str) -> Result<(), String> {
        let Some(inside) = piece.strip_prefix('{') else {
            return self.add_segment(piece);
        };
        let inside = inside
            .strip_suffix('}')
            .ok_or(format!("{piece} does not end in }}"))?;
        let (variable, pattern) = inside.split_once('=').unwrap_or((inside, "*"));
        let named = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        };
        if !variable.split('.').all(named) {
            return Err(format!("{variable:?} is no field path"));
        }
        self.variables.push(variable.to_owned());
        pattern
            .split('/')
            .try_for_each(|segment| self.add_segment(segment))
    }

    fn add_segment(&mut self, segment: &str) -> Result<(), String> {
        let literal = !segment.is_empty() && segment.chars().all(|c| c.is_ascii_alphanumeric());
        if segment != "*" && !literal {
            return Err(format!("{segment:?} is neither * nor letters and digits"));
        }
        self.segments.push(segment.to_owned());
        Ok(())
    }

    /// Whether one address may mean both.
    pub(crate) fn overlaps(&self, other: &Template) -> bool {
        let meet = |(a, b): (&String, &String)| a == b || a == "*" || b == "*";
        self.verb == other.verb
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(meet)
    }
}

fn split_outside_braces(text: &str) -> Result<Vec<&str>, String> {
    let (mut pieces, mut start, mut open) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if open => return Err("a variable within a variable".to_owned()),
            '{' => open = true,
            '}' => open = false,
            '/' if !open => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if open {
        return Err("a { is not closed".to_owned());
    }
    pieces.push(&text[start..]);
    Ok(pieces)
}

#[test]
fn a_template_is_read_into_segments_variables_and_verb() {
    let read = Template::parse("/v1/{name=tickets/*/quotes/*}:approve").unwrap();

    assert_eq!(read.segments, ["v1", "tickets", "*", "quotes", "*"]);
    assert_eq!(read.variables, ["name"]);
    assert_eq!(read.verb, "approve");
    let plain = Template::parse("/v1/{ticket.name=tickets/*}/notes").unwrap();
    assert_eq!(
        (plain.variables[0].as_str(), plain.verb.as_str()),
        ("ticket.name", "")
    );
    assert_eq!(
        Template::parse("/v1/stock:receive").unwrap().verb,
        "receive"
    );
}

#[test]
fn a_template_that_cannot_be_read_is_refused() {
    for wrong in [
        "v1/tickets",
        "/v1//tickets",
        "/v1/{name=tickets/*",
        "/v1/{{name}}",
        "/v1/{Name}",
        "/v1/{name=tickets/?}",
        "/v1/tickets:",
    ] {
        assert!(Template::parse(wrong).is_err(), "{wrong}");
    }
}
