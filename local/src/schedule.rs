//! Schedule expressions: AWS's six-field `cron(…)`, `rate(…)` and `at(…)`, in a time zone.

use crate::clock::Time;
use chrono_tz::Tz;

/// A schedule expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, in one sentence.
    pub fn parse(_text: &str) -> Result<Self, String> {
        Err("not built yet".to_owned())
    }

    /// The first time after `after`. Rates count from `anchor`, the time at which the schedule was made.
    pub fn next_after(&self, _after: Time, _zone: Tz, _anchor: Time) -> Option<Time> {
        None
    }
}
