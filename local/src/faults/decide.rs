//! Whether a rule strikes: a pure function of the rule, of what it is about, and of the seed.

use super::document::Rule;
use crate::clock::Time;
use crate::draw::Seed;

/// What a fault can strike: a call, a notification, a build, an image in a listing.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    /// Each member of `match` that applies, with its values: one of them has to fit.
    pub(super) values: Vec<(&'static str, Vec<&'a str>)>,
    /// What tells it apart from others, for the seed.
    pub(super) key: String,
    /// How the journal names it.
    pub(super) title: String,
    /// The invocation that is struck.
    pub(super) invocation: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// The values of a member.
    fn of(&self, member: &str) -> &[&'a str] {
        self.values.iter().find(|(name, _)| *name == member).map_or(&[], |(_, values)| values)
    }

    /// A member's only value.
    pub(super) fn one(&self, member: &str) -> Option<&'a str> {
        self.of(member).first().copied()
    }

    /// The service that answers for it.
    pub(super) fn service(&self) -> &'a str {
        self.one("service").unwrap_or_default()
    }
}

/// Whether a rule is about a thing at a time.
pub(super) fn fits(rule: &Rule, at: Time, subject: &Subject<'_>) -> bool {
    rule.from.is_none_or(|from| at >= from)
        && rule.until.is_none_or(|until| at < until)
        && rule.on.iter().all(|(member, pattern)| {
            // A resource is named by what it begins with.
            let open = member == "resource";
            subject.of(member).iter().any(|value| glob(pattern, value, open))
        })
}

/// Whether a rule that fits strikes, having struck `before` times, what it met for the `nth` time.
pub(super) fn strikes(rule: &Rule, place: usize, before: u64, seed: Seed, key: &str, nth: u64) -> bool {
    if rule.times.is_some_and(|times| before >= times) {
        return false;
    }
    rule.probability.is_none_or(|probability| {
        let draw = seed.draw(&["fault", &place.to_string(), key, &nth.to_string()]);
        // The upper 53 bits are what a double holds exactly.
        (((draw >> 11) as f64) / ((1u64 << 53) as f64)) < probability
    })
}

/// Whether a text fits a pattern, in which `*` stands for any text; an open one may go on behind its end.
fn glob(pattern: &str, text: &str, open: bool) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return open || rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    if open { rest.contains(last) } else { rest.ends_with(last) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, closed, open) in [
            ("GetImage", "GetImage", true, true),
            ("GetImage", "GetImagePipeline", false, true),
            ("Get*", "GetImage", true, true),
            ("Get*", "ListImages", false, false),
            ("*", "", true, true),
            ("*Image", "GetImage", true, true),
            ("*Image", "GetImages", false, true),
            ("a*b*c", "a--b--c", true, true),
            ("a*b*c", "a--c--b", false, false),
            ("ab*ba", "aba", false, false),
            ("", "x", false, true),
        ] {
            assert_eq!((glob(pattern, text, false), glob(pattern, text, true)), (closed, open), "{pattern} {text}");
        }
    }
}
