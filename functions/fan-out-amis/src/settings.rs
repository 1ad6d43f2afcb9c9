//! The function's settings.

mod channels;

pub use channels::{Channels, Rule};
pub use shared::share::ShareTargets;

use shared::accounts::TargetRole;
use shared::arn::Arn;
use shared::settings::{Environment, SettingsError};

/// What the stack sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `PARAMETER_PREFIX`: the path under which parameters are written, without the last slash. Default `/golden-images`.
    pub parameter_prefix: String,
    /// `PUBLISHED_IMAGES_TOPIC_ARN`: the topic that every published build is announced to.
    pub topic: Arn,
    /// `EVENT_BUS`: the event bus that hears of it too, by name or ARN. Default `default`.
    pub event_bus: String,
    /// `TARGET_ROLE_NAME` and `TARGET_ROLE_EXTERNAL_ID`: the role to assume in other accounts. Default none.
    pub target_role: Option<TargetRole>,
    /// `SHARE_TARGETS`: where AMIs are published that are shared only. Default nowhere.
    pub share_targets: ShareTargets,
    /// `CHANNELS`: when channels are promoted by themselves. Default never.
    pub channels: Channels,
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
        let bus = "the name or the ARN of an event bus";
        let event_bus = environment.optional("EVENT_BUS", "default", bus, event_bus);
        let role = "the name of a role, with its path if it has one";
        let role = environment.optional("TARGET_ROLE_NAME", "", role, role_name);
        let id = "2 to 1224 letters, digits and the characters _+=,.@:/-";
        let external_id = environment.optional("TARGET_ROLE_EXTERNAL_ID", "", id, external_id);
        let share_targets = environment.document("SHARE_TARGETS", "[]", ShareTargets::EXPECTED, ShareTargets::parse);
        let channels = environment.document("CHANNELS", "{}", Channels::EXPECTED, Channels::parse);
        let target_role = role.zip(external_id).map(|(name, external_id)| {
            let session_name = "fan-out-amis".to_owned();
            name.map(|name| TargetRole { name, external_id, session_name })
        });
        let settings = (|| {
            Some(Self {
                parameter_prefix: parameter_prefix?,
                topic: topic?,
                event_bus: event_bus?,
                target_role: target_role?,
                share_targets: share_targets?,
                channels: channels?,
            })
        })();
        environment.finish(settings)
    }

    /// The parameter of a family.
    pub fn parameter(&self, family: &str) -> String {
        format!("{}/{family}", self.parameter_prefix)
    }
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

/// EventBridge's rules for event buses, <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html>.
fn event_bus(text: &str) -> Option<String> {
    let name = match text.parse::<Arn>() {
        Ok(arn) if arn.service == "events" => arn.resource.strip_prefix("event-bus/")?.to_owned(),
        Ok(_) => return None,
        Err(_) => text.to_owned(),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    ((1..=256).contains(&name.len()) && name.chars().all(legal)).then(|| text.to_owned())
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

    #[test]
    fn other_accounts_channels_and_the_bus_are_optional() {
        let bare = read(&[TOPIC, ("TARGET_ROLE_EXTERNAL_ID", "only")]).unwrap();
        assert_eq!((bare.event_bus.as_str(), &bare.target_role), ("default", &None));
        let bus = "arn:aws:events:us-east-1:123456789012:event-bus/images";
        let set = read(&[TOPIC, ("TARGET_ROLE_NAME", "ops/golden-images"), ("EVENT_BUS", bus)]).unwrap();
        assert_eq!(set.event_bus, bus);
        let role = set.target_role.unwrap();
        assert_eq!(
            (role.name.as_str(), role.external_id, role.session_name.as_str()),
            ("ops/golden-images", None, "fan-out-amis")
        );
    }

    #[test]
    fn every_bad_setting_is_named_with_what_is_wrong_in_it() {
        let bad = [
            TOPIC,
            ("EVENT_BUS", "arn:aws:sns:us-east-1:123456789012:t"),
            ("TARGET_ROLE_NAME", "a role"),
            ("TARGET_ROLE_EXTERNAL_ID", "1"),
            ("SHARE_TARGETS", "{}"),
            ("CHANNELS", r#"{"latest": {"promote": "auto"}}"#),
        ];
        let error = read(&bad).unwrap_err();
        let named: Vec<_> = error.problems.iter().map(|problem| problem.variable).collect();
        assert_eq!(named, bad[1..].iter().map(|(name, _)| *name).collect::<Vec<_>>());
        assert!(error.to_string().contains("\"latest\" can't be a channel"), "{error}");
    }
}
