//! Ages as people write them in tags and settings: `30d`, `12h`, `4w`.

use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The longest: ten years.
const MAX_HOURS: u32 = 10 * 365 * 24;

/// A length of time of whole hours, from one hour to ten years, ordered by length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Age {
    hours: u32,
}

/// Text that isn't such an age.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} isn't an age: expected {expected}", expected = Age::EXPECTED)]
pub struct BadAge(String);

impl Age {
    /// What text has to be to be an age.
    pub const EXPECTED: &str = "a number with h, d or w behind it, such as 30d, from 1h to 3650d";

    /// So many days, of which there are at most 3650.
    pub const fn days(days: u16) -> Self {
        let hours = days as u32 * 24;
        Self { hours: if hours > MAX_HOURS { MAX_HOURS } else { hours } }
    }

    /// The whole of it in hours.
    pub const fn hours(self) -> i64 {
        self.hours as i64
    }
}

impl FromStr for Age {
    type Err = BadAge;

    fn from_str(text: &str) -> Result<Self, BadAge> {
        let bad = || BadAge(text.to_owned());
        let unit = text.chars().next_back().ok_or_else(bad)?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 7 * 24,
            _ => return Err(bad()),
        };
        let digits = &text[..text.len() - 1];
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad());
        }
        let number: u32 = digits.parse().map_err(|_| bad())?;
        let hours = number.checked_mul(hours).filter(|hours| (1..=MAX_HOURS).contains(hours)).ok_or_else(bad)?;
        Ok(Self { hours })
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hours {
            hours if hours % 24 == 0 => write!(f, "{}d", hours / 24),
            hours => write!(f, "{hours}h"),
        }
    }
}

impl Serialize for Age {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_and_written() {
        for (text, hours, written) in
            [("1h", 1, "1h"), ("30d", 720, "30d"), ("4w", 672, "28d"), ("48h", 48, "2d"), ("3650d", 87_600, "3650d")]
        {
            let age: Age = text.parse().unwrap();
            assert_eq!((age.hours(), age.to_string().as_str()), (hours, written), "{text}");
        }
        assert_eq!("30d".parse(), Ok(Age::days(30)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "d",
            "30",
            "0d",
            "0h",
            "-1d",
            "+1d",
            "1.5d",
            "30 d",
            "30m",
            "3651d",
            "30D",
            "never",
            "99999999999d",
            "1é",
        ] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
