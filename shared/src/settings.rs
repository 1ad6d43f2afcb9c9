//! Settings from the environment. Every problem is found in one go, so that a stack is repaired once.

use crate::arn::Arn;
use std::collections::BTreeMap;
use std::fmt;

/// The environment, and what was found wrong with it so far.
#[derive(Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

/// One variable that isn't as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// What it holds; `None` if it isn't set.
    pub found: Option<String>,
    /// What it has to hold.
    pub expected: &'static str,
    /// What exactly is wrong with it, where that can be said.
    pub detail: Option<String>,
}

/// Every problem of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// In the order in which the variables were read.
    pub problems: Vec<Problem>,
}

/// The settings that this process has, or its end with one line on standard error: a function that can't read them has no
/// invocation that could go well.
pub fn of_process<Settings>(
    function: &str,
    from_environment: impl FnOnce(Environment) -> Result<Settings, SettingsError>,
) -> Settings {
    from_environment(Environment::of_process()).unwrap_or_else(|error| {
        eprintln!("{function} can't start: {error}");
        std::process::exit(1)
    })
}

impl Environment {
    /// The environment of this process. What isn't Unicode can't be a setting and is left out.
    pub fn of_process() -> Self {
        let text =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        text.collect()
    }

    /// A variable that has to be set. `None` is a problem, noted for [`Self::finish`].
    pub fn required<T>(
        &mut self,
        variable: &'static str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let found = self.values.get(variable).cloned();
        self.read(variable, found, expected, |text| parse(text).ok_or(None))
    }

    /// A variable that stands for `default` when it isn't set or empty.
    pub fn optional<T>(
        &mut self,
        variable: &'static str,
        default: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.document(variable, default, expected, |text| parse(text).ok_or(None))
    }

    /// Like [`Self::optional`], for what can be wrong in so many ways that `parse` says in which.
    pub fn document<T>(
        &mut self,
        variable: &'static str,
        default: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Option<String>>,
    ) -> Option<T> {
        let found = self.values.get(variable).filter(|value| !value.is_empty()).cloned();
        self.read(variable, Some(found.unwrap_or_else(|| default.to_owned())), expected, parse)
    }

    fn read<T>(
        &mut self,
        variable: &'static str,
        found: Option<String>,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, Option<String>>,
    ) -> Option<T> {
        let detail = match found.as_deref().map(parse) {
            Some(Ok(value)) => return Some(value),
            Some(Err(detail)) => detail,
            None => None,
        };
        self.problems.push(Problem { variable, found, expected, detail });
        None
    }

    /// The settings, if every variable was as it has to be.
    ///
    /// # Errors
    /// Every problem that was noted.
    pub fn finish<T>(self, settings: Option<T>) -> Result<T, SettingsError> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            _ => Err(SettingsError { problems: self.problems }),
        }
    }
}

/// `PARAMETER_PREFIX`, the path under which families have their parameters, without the last slash.
pub fn parameter_path(environment: &mut Environment) -> Option<String> {
    environment.optional(
        "PARAMETER_PREFIX",
        "/golden-images",
        "a path of letters, digits, dots, hyphens and underscores, such as /golden-images: / in front, none at the end, \
         at most 13 levels, not under /aws or /ssm",
        path,
    )
}

/// Parameter Store's rules for names; 15 levels in all, and the prefix `aws` or `ssm` in any case is its own,
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>.
fn path(text: &str) -> Option<String> {
    let levels: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let reserved = levels.first().is_none_or(|first| {
        let first = first.to_ascii_lowercase();
        first.starts_with("aws") || first.starts_with("ssm")
    });
    let whole = levels.iter().all(|level| !level.is_empty() && level.chars().all(legal));
    (whole && !reserved && levels.len() <= 13).then(|| text.to_owned())
}

/// A topic that has to be set.
pub fn topic_arn(environment: &mut Environment, variable: &'static str) -> Option<Arn> {
    environment.required(variable, "the ARN of an SNS topic", topic)
}

fn topic(text: &str) -> Option<Arn> {
    let arn: Arn = text.parse().ok()?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let named = arn.resource.chars().all(legal) && !arn.region.is_empty() && arn.account.len() == 12;
    (arn.service == "sns" && named).then_some(arn)
}

/// `TARGET_ROLE_NAME` and `TARGET_ROLE_EXTERNAL_ID`, the role to assume in other accounts: its name, with its path if it
/// has one, and the external ID that it asks for. `None` inside if it isn't set.
pub fn target_role(environment: &mut Environment) -> Option<Option<(String, Option<String>)>> {
    let role = "the name of a role, with its path if it has one";
    let role = environment.optional("TARGET_ROLE_NAME", "", role, role_name);
    let id = "2 to 1224 letters, digits and the characters _+=,.@:/-";
    let external_id = environment.optional("TARGET_ROLE_EXTERNAL_ID", "", id, external_id);
    let (role, external_id) = role.zip(external_id)?;
    Some(role.map(|name| (name, external_id)))
}

/// Names of IAM roles, <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>; `None` inside for
/// none.
fn role_name(text: &str) -> Option<Option<String>> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let whole = text.split('/').all(|part| (1..=64).contains(&part.len()) && part.chars().all(legal));
    match text {
        "" => Some(None),
        name => whole.then(|| Some(name.to_owned())),
    }
}

/// STS's rules for external IDs, <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>; `None` inside
/// for none.
fn external_id(text: &str) -> Option<Option<String>> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    match text {
        "" => Some(None),
        id => ((2..=1224).contains(&id.len()) && id.chars().all(legal)).then(|| Some(id.to_owned())),
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self { values: variables.into_iter().collect(), problems: Vec::new() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "{} is {found:?}: expected {}", self.variable, self.expected)?,
            None => write!(f, "{} isn't set: expected {}", self.variable, self.expected)?,
        }
        self.detail.iter().try_for_each(|detail| write!(f, "; {detail}"))
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the environment isn't as it has to be")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once() {
        let mut environment: Environment = [("COUNT", "many"), ("EMPTY", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        let count: Option<u32> = environment.required("COUNT", "a number", |text| text.parse().ok());
        let name = environment.required("NAME", "a name", |text| Some(text.to_owned()));
        let empty = environment.optional("EMPTY", "7", "a number", |text| text.parse::<u32>().ok());
        assert_eq!(empty, Some(7));
        let error = environment.finish(count.zip(name)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment isn't as it has to be\n  COUNT is \"many\": expected a number\n  NAME isn't set: expected a name"
        );
    }
}
