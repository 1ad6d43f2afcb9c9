//! The function's settings.

use shared::arn::Arn;
use shared::settings::{Environment, SettingsError};

/// What the stack sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `PARAMETER_PREFIX`: the path under which parameters are written, without the last slash. Default `/golden-images`.
    pub parameter_prefix: String,
    /// `PUBLISHED_IMAGES_TOPIC_ARN`: the topic that every published build is announced to.
    pub topic: Arn,
}

impl Settings {
    /// Reads and checks all of them.
    ///
    /// # Errors
    /// Every variable that isn't as it has to be.
    pub fn from_environment(mut environment: Environment) -> Result<Self, SettingsError> {
        let parameter_prefix = environment.optional(
            "PARAMETER_PREFIX",
            "/golden-images",
            "a path of letters, digits, dots, hyphens and underscores, such as /golden-images: / in front, none at the \
             end, at most 13 levels, not under /aws or /ssm",
            prefix,
        );
        let topic = environment.required("PUBLISHED_IMAGES_TOPIC_ARN", "the ARN of an SNS topic", topic);
        environment
            .finish(parameter_prefix.zip(topic).map(|(parameter_prefix, topic)| Self { parameter_prefix, topic }))
    }

    /// The parameter of a family.
    pub fn parameter(&self, family: &str) -> String {
        format!("{}/{family}", self.parameter_prefix)
    }
}

/// Parameter Store's rules for names; 15 levels in all, and the prefix `aws` or `ssm` in any case is its own,
/// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html>.
fn prefix(text: &str) -> Option<String> {
    let levels: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let reserved = levels.first().is_none_or(|first| {
        let first = first.to_ascii_lowercase();
        first.starts_with("aws") || first.starts_with("ssm")
    });
    let whole = levels.iter().all(|level| !level.is_empty() && level.chars().all(legal));
    (whole && !reserved && levels.len() <= 13).then(|| text.to_owned())
}

fn topic(text: &str) -> Option<Arn> {
    let arn: Arn = text.parse().ok()?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let named = arn.resource.chars().all(legal) && !arn.region.is_empty() && arn.account.len() == 12;
    (arn.service == "sns" && named).then_some(arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_environment(variables.collect())
    }

    const TOPIC: (&str, &str) = ("PUBLISHED_IMAGES_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:published");

    #[test]
    fn the_prefix_has_a_default() {
        assert_eq!(read(&[TOPIC]).unwrap().parameter("web"), "/golden-images/web");
        assert_eq!(read(&[TOPIC, ("PARAMETER_PREFIX", "/a/b.c")]).unwrap().parameter("web"), "/a/b.c/web");
    }

    #[test]
    fn what_parameter_store_would_refuse_is_refused() {
        for prefix in ["golden", "/", "/a/", "//a", "/a b", "/a/ä", "/aws/x", "/AWSome", "/ssm", "/{{a}}"] {
            let error = read(&[TOPIC, ("PARAMETER_PREFIX", prefix)]).unwrap_err();
            assert_eq!(error.problems.iter().map(|p| p.variable).collect::<Vec<_>>(), ["PARAMETER_PREFIX"], "{prefix}");
        }
        assert!(read(&[TOPIC, ("PARAMETER_PREFIX", &"/a".repeat(13))]).is_ok());
        assert!(read(&[TOPIC, ("PARAMETER_PREFIX", &"/a".repeat(14))]).is_err());
        for topic in
            ["", "published", "arn:aws:sqs:us-east-1:123456789012:q", "arn:aws:sns:us-east-1:123456789012:t:id"]
        {
            assert!(read(&[("PUBLISHED_IMAGES_TOPIC_ARN", topic)]).is_err(), "{topic}");
        }
    }
}
