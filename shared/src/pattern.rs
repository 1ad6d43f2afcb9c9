//! Patterns of names, as settings and commands have them.

/// Whether a name is as the pattern says, in which `*` stands for any characters.
pub fn fits(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_asterisks() {
        for (pattern, name, expected) in [
            ("web", "web", true),
            ("web", "web-1", false),
            ("web-*", "web-1", true),
            ("web-*", "web-", true),
            ("web-*", "web", false),
            ("*", "anything at all", true),
            ("*-arm64", "web-arm64", true),
            ("*-arm64", "arm64", false),
            ("w*b", "web", true),
            ("w*b", "web-1", false),
            ("*a*a*", "banana", true),
            ("*a*b*c", "xaxbxc", true),
            ("*a*b*c", "xbxaxc", false),
            ("a*a", "a", false),
            ("ab*bc", "abc", false),
            ("Web*", "web", false),
            ("", "web", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
