//! The function's settings.

use shared::settings::{Environment, SettingsError};

/// What the stack sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `MAX_CONCURRENT_BUILDS`: how many builds may run at once, those counted that somebody else started. Default 10.
    pub max_concurrent_builds: usize,
    /// `MAX_ATTEMPTS`: how many builds on the same inputs may fail in a row before they aren't tried again. Default 3.
    pub max_attempts: usize,
}

impl Settings {
    /// Reads and checks all of them.
    ///
    /// # Errors
    /// Every variable that isn't as it has to be.
    pub fn from_environment(mut environment: Environment) -> Result<Self, SettingsError> {
        let builds = environment.optional("MAX_CONCURRENT_BUILDS", "10", "a number from 1 to 1000", |text| {
            text.parse().ok().filter(|builds| (1..=1000).contains(builds))
        });
        let attempts = environment.optional("MAX_ATTEMPTS", "3", "a number from 1 to 10", |text| {
            text.parse().ok().filter(|attempts| (1..=10).contains(attempts))
        });
        let settings = builds.zip(attempts);
        environment
            .finish(settings.map(|(max_concurrent_builds, max_attempts)| Self { max_concurrent_builds, max_attempts }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_environment(variables.collect())
    }

    #[test]
    fn everything_has_a_default() {
        assert_eq!(read(&[]).unwrap(), Settings { max_concurrent_builds: 10, max_attempts: 3 });
        let set = read(&[("MAX_CONCURRENT_BUILDS", "25"), ("MAX_ATTEMPTS", "1")]).unwrap();
        assert_eq!(set, Settings { max_concurrent_builds: 25, max_attempts: 1 });
    }

    #[test]
    fn what_can_not_be_is_refused_all_at_once() {
        for (builds, attempts) in [("0", "0"), ("-1", "11"), ("1001", "1.5"), ("many", "none")] {
            let error = read(&[("MAX_CONCURRENT_BUILDS", builds), ("MAX_ATTEMPTS", attempts)]).unwrap_err();
            let named: Vec<_> = error.problems.iter().map(|problem| problem.variable).collect();
            assert_eq!(named, ["MAX_CONCURRENT_BUILDS", "MAX_ATTEMPTS"], "{builds} {attempts}");
        }
    }
}
