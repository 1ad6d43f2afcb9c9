//! The subject line, within SNS's rules: ASCII without line breaks or control characters, fewer than 100 characters,
//! <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>.

use crate::cause::Severity;

/// The most characters that fit.
const MOST: usize = 99;

pub(super) fn subject(severity: Severity, title: &str) -> String {
    let line = format!("[{}] {title}", severity.name());
    let line: String = line
        .chars()
        .map(|c| match c {
            ' '..='~' => c,
            c if c.is_control() || c.is_whitespace() => ' ',
            _ => '?',
        })
        .collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= MOST { line } else { format!("{}...", line[..MOST - 3].trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_is_cut() {
        assert_eq!(subject(Severity::Error, "web 1.0.0/3\n failed: \u{e9}t\u{e9}"), "[error] web 1.0.0/3 failed: ?t?");
        assert_eq!(subject(Severity::Info, &"x".repeat(92)).len(), 99);
        let cut = subject(Severity::Info, &"x".repeat(93));
        assert!(cut.len() == 99 && cut.ends_with("x..."));
    }

    proptest! {
        #[test]
        fn whatever_the_title_the_service_takes_it(title in ".{0,300}") {
            let subject = subject(Severity::Critical, &title);
            prop_assert!(subject.len() < 100 && subject.starts_with('['));
            prop_assert!(subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        }
    }
}
