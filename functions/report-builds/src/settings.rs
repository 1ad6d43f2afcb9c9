//! The function's settings.

use crate::facts::FindingSeverity;
use chrono::TimeDelta;
use shared::accounts::TargetRole;
use shared::age::Age;
use shared::arn::Arn;
use shared::settings::{Environment, SettingsError, parameter_path, target_role, topic_arn};

/// What the stack sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `BUILD_REPORTS_TOPIC_ARN`: the topic that reports are sent to.
    pub topic: Arn,
    /// `REPEAT_AFTER`: how long repeats of one cause are counted, not sent. Default `7d`: a pipeline that
    /// fails every night is told of once a week.
    pub repeat_after: TimeDelta,
    /// `STALE_AFTER`: how old a family's newest AVAILABLE build may get; none for `never`. A pipeline's tag
    /// `goldsmith:stale-after` goes before it. Default `45d`.
    pub stale_after: Option<TimeDelta>,
    /// `CHAT_FORMAT`: whether chat gets a form of its own. Default `none`.
    pub chat: ChatFormat,
    /// `REPORT_SEVERITY`: findings at or above this are reported; none for `none`. Default `high`.
    pub report_severity: Option<FindingSeverity>,
    /// `BLOCK_SEVERITY`: a build with findings at or above this is kept from channels; none for `none`. Default
    /// `critical`.
    pub block_severity: Option<FindingSeverity>,
    /// `MAX_RETRIES`: how often a build is tried again after a passing failure in test or distribution; 0 for never.
    /// Default 2.
    pub max_retries: u32,
    /// `DEAD_LETTER_QUEUE_ARNS`: the functions' dead-letter queues, with commas between. Default none.
    pub queues: Vec<Arn>,
    /// `PARAMETER_PREFIX`: the path of the published parameters, without the last slash. Default `/golden-images`.
    pub parameter_prefix: String,
    /// `TARGET_ROLE_NAME` and `TARGET_ROLE_EXTERNAL_ID`: the role to assume in other accounts. Default none.
    pub target_role: Option<TargetRole>,
}

/// What [`stale_after`] reads.
pub(crate) const STALE_AFTER: &str = "never, or a number with h, d or w behind it, such as 45d, from 1h to 3650d";

/// What chat gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatFormat {
    /// The same text as e-mail.
    None,
    /// A custom notification of Amazon Q Developer in chat applications.
    AmazonQ,
}

impl Settings {
    /// Reads and checks all of them.
    ///
    /// # Errors
    /// Every variable that isn't as it has to be.
    pub fn from_environment(mut environment: Environment) -> Result<Self, SettingsError> {
        const SEVERITY: &str = "critical, high, medium, low or none";
        let topic = topic_arn(&mut environment, "BUILD_REPORTS_TOPIC_ARN");
        let repeat = environment.optional("REPEAT_AFTER", "7d", Age::EXPECTED, time);
        let stale = environment.optional("STALE_AFTER", "45d", STALE_AFTER, stale_after);
        let chat = environment.optional("CHAT_FORMAT", "none", "none or amazon-q", |text| match text {
            "none" => Some(ChatFormat::None),
            "amazon-q" => Some(ChatFormat::AmazonQ),
            _ => None,
        });
        let report = environment.optional("REPORT_SEVERITY", "high", SEVERITY, severity);
        let block = environment.optional("BLOCK_SEVERITY", "critical", SEVERITY, severity);
        let retries = environment.optional("MAX_RETRIES", "2", "a number from 0 to 5", |text| {
            text.parse().ok().filter(|n| (0..=5).contains(n))
        });
        let queues =
            environment.optional("DEAD_LETTER_QUEUE_ARNS", "", "ARNs of SQS queues, with commas between", |text| {
                let arns = text.split(',').map(str::trim).filter(|arn| !arn.is_empty());
                arns.map(|arn| arn.parse().ok().filter(|arn: &Arn| arn.service == "sqs")).collect()
            });
        let parameter_prefix = parameter_path(&mut environment);
        let target_role = target_role(&mut environment).map(|role| {
            let session_name = "report-builds".to_owned();
            role.map(|(name, external_id)| TargetRole { name, external_id, session_name })
        });
        let settings = (|| {
            Some(Self {
                topic: topic?,
                repeat_after: repeat?,
                stale_after: stale?,
                chat: chat?,
                report_severity: report?,
                block_severity: block?,
                max_retries: retries?,
                queues: queues?,
                parameter_prefix: parameter_prefix?,
                target_role: target_role?,
            })
        })();
        environment.finish(settings)
    }

    /// The parameter that a family is published under.
    pub fn parameter(&self, family: &str) -> String {
        format!("{}/{family}", self.parameter_prefix)
    }
}

fn time(text: &str) -> Option<TimeDelta> {
    text.parse::<Age>().ok().map(|age| TimeDelta::hours(age.hours()))
}

/// What `STALE_AFTER` and the tag `goldsmith:stale-after` hold: an age, or `never`.
pub(crate) fn stale_after(text: &str) -> Option<Option<TimeDelta>> {
    if text == "never" { Some(None) } else { time(text).map(Some) }
}

fn severity(text: &str) -> Option<Option<FindingSeverity>> {
    match text {
        "none" => Some(None),
        "critical" | "high" | "medium" | "low" => Some(Some(FindingSeverity::from(text))),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let topic = ("BUILD_REPORTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:build-reports");
        let variables = [topic]
            .into_iter()
            .chain(variables.iter().copied())
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Settings::from_environment(variables.collect())
    }

    #[test]
    fn everything_but_the_topic_has_a_default() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.repeat_after, TimeDelta::days(7));
        assert_eq!(settings.stale_after, Some(TimeDelta::days(45)));
        assert_eq!((settings.chat, settings.max_retries), (ChatFormat::None, 2));
        assert_eq!(settings.report_severity, Some(FindingSeverity::High));
        assert_eq!(settings.block_severity, Some(FindingSeverity::Critical));
        let queue = "arn:aws:sqs:us-east-1:123456789012:dead";
        let set = read(&[
            ("REPEAT_AFTER", "36h"),
            ("STALE_AFTER", "never"),
            ("CHAT_FORMAT", "amazon-q"),
            ("BLOCK_SEVERITY", "none"),
            ("MAX_RETRIES", "0"),
            ("DEAD_LETTER_QUEUE_ARNS", &format!("{queue}, {queue}")),
        ]);
        let set = set.unwrap();
        assert_eq!((set.repeat_after, set.stale_after), (TimeDelta::hours(36), None));
        assert_eq!((set.chat, set.block_severity, set.max_retries), (ChatFormat::AmazonQ, None, 0));
        assert_eq!(set.queues.len(), 2);
        assert_eq!(set.parameter("web"), "/golden-images/web");
        assert_eq!(set.target_role, None);
    }

    #[test]
    fn what_can_not_be_is_refused_all_at_once() {
        let error = read(&[
            ("BUILD_REPORTS_TOPIC_ARN", "arn:aws:sqs:us-east-1:123456789012:q"),
            ("REPEAT_AFTER", "0d"),
            ("STALE_AFTER", "1y"),
            ("CHAT_FORMAT", "slack"),
            ("REPORT_SEVERITY", "worst"),
            ("BLOCK_SEVERITY", "HIGH"),
            ("MAX_RETRIES", "6"),
            ("DEAD_LETTER_QUEUE_ARNS", "dead"),
        ]);
        assert_eq!(error.unwrap_err().problems.len(), 8);
        for text in ["", "soon", "45", "45m", "NEVER"] {
            assert_eq!(stale_after(text), None, "{text}");
        }
    }
}
