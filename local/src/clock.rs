//! Time: what it looks like on AWS's wires, and the one place that reads the machine's clock.

use chrono::{DateTime, SecondsFormat, Utc};

/// A moment, in UTC.
pub type Time = DateTime<Utc>;

/// The machine's time. Only the real-time driver and the start of `serve` have a reason to ask.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
pub fn machine_now() -> Time {
    Utc::now()
}

/// `2026-09-09T19:12:18.677Z`: the form of Image Builder's `DateTime` strings and of SNS.
pub fn iso_millis(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `2026-09-09T19:12:18Z`: the form of EventBridge's `time`.
pub fn iso_seconds(time: Time) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Epoch seconds with milliseconds: the form of JSON timestamps.
pub fn epoch_seconds(time: Time) -> f64 {
    time.timestamp_millis() as f64 / 1000.0
}
