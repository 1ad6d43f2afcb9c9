//! The function's settings.

/// What the stack sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How many builds may run at once, those counted that somebody else started.
    pub max_concurrent_builds: usize,
    /// How many builds on the same inputs may fail in a row before they aren't tried again.
    pub max_attempts: usize,
}
