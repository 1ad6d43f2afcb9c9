//! The setting `Channels`: which channels follow new builds by themselves, and when.

use crate::plan::Severity;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use shared::published::{CHANNEL_NAME, is_channel_name};
use std::collections::BTreeMap;
use std::time::Duration;

/// By channel: its rule. A channel that isn't among them is moved by commands only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels(BTreeMap<String, Rule>);

/// When a channel is promoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// By commands.
    Manual,
    /// With each new build, as soon as it is published.
    AtOnce,
    /// To a build that was published long enough, while no newer one was.
    Soaked {
        /// How long.
        soak: Duration,
        /// The worst finding that the build may have; none to not ask for findings.
        max_severity: Option<Severity>,
    },
}

/// `{"promote": "auto", "soak": "PT24H", "maxSeverity": "MEDIUM"}`, `{"promote": "auto"}`, `{"promote": "manual"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Form {
    promote: Promote,
    #[serde(default, deserialize_with = "soak")]
    soak: Option<Duration>,
    max_severity: Option<Severity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Promote {
    Auto,
    Manual,
}

impl Channels {
    /// What the setting has to be.
    pub(super) const EXPECTED: &'static str = "JSON such as {\"dev\": {\"promote\": \"auto\"}, \"staging\": \
         {\"promote\": \"auto\", \"soak\": \"PT24H\", \"maxSeverity\": \"MEDIUM\"}, \"prod\": {\"promote\": \"manual\"}}";

    pub(super) fn parse(text: &str) -> Result<Self, Option<String>> {
        let forms: BTreeMap<String, Form> = serde_json::from_str(text).map_err(|error| Some(error.to_string()))?;
        let rules = forms.into_iter().map(|(channel, form)| {
            if !is_channel_name(&channel) {
                return Err(format!("{channel:?} can't be a channel: expected {CHANNEL_NAME}"));
            }
            let rule = form.rule().map_err(|problem| format!("{channel}: {problem}"))?;
            Ok((channel, rule))
        });
        rules.collect::<Result<_, _>>().map(Self).map_err(Some)
    }

    /// The channels and their rules, by name.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.0.iter().map(|(channel, rule)| (channel.as_str(), rule))
    }
}

impl Form {
    fn rule(self) -> Result<Rule, &'static str> {
        match self {
            Self { promote: Promote::Manual, soak: None, max_severity: None } => Ok(Rule::Manual),
            Self { promote: Promote::Manual, .. } => Err("soak and maxSeverity are for \"promote\": \"auto\""),
            Self { soak: None, max_severity: None, .. } => Ok(Rule::AtOnce),
            Self { soak: None, .. } => {
                Err("maxSeverity needs a soak such as \"PT24H\": a build that was just published isn't scanned yet")
            }
            Self { soak: Some(soak), max_severity, .. } => Ok(Rule::Soaked { soak, max_severity }),
        }
    }
}

fn soak<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let expected = "a duration of ISO 8601 in days, hours, minutes and seconds, such as PT24H or P3D";
    duration(&text).map(Some).ok_or_else(|| de::Error::custom(format!("soak is {text:?}: expected {expected}")))
}

/// A duration of ISO 8601, without years and months, which aren't equally long; more than nothing.
fn duration(text: &str) -> Option<Duration> {
    let text = text.strip_prefix('P')?;
    let (days, time) = match text.split_once('T') {
        Some((_, "")) => return None,
        Some((days, time)) => (days, time),
        None => (text, ""),
    };
    let mut seconds = amounts(days, &[('W', 7 * 86_400), ('D', 86_400)])?;
    seconds = seconds.checked_add(amounts(time, &[('H', 3_600), ('M', 60), ('S', 1)])?)?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Whole numbers with their units, each at most once and in order.
fn amounts(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut total = 0u64;
    for (unit, seconds) in units {
        let Some((amount, rest)) = text.split_once(*unit) else { continue };
        if amount.is_empty() || !amount.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(amount.parse::<u64>().ok()?.checked_mul(*seconds)?)?;
        text = rest;
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let text = r#"{
            "dev": {"promote": "auto"},
            "prod": {"promote": "manual"},
            "staging": {"promote": "auto", "soak": "P1DT12H", "maxSeverity": "MEDIUM"}
        }"#;
        let channels = Channels::parse(text).unwrap();
        let soaked = Rule::Soaked { soak: Duration::from_secs(36 * 3600), max_severity: Some(Severity::Medium) };
        let rules: Vec<_> = channels.rules().collect();
        assert_eq!(rules, [("dev", &Rule::AtOnce), ("prod", &Rule::Manual), ("staging", &soaked)]);
        assert_eq!(Channels::parse("{}").unwrap(), Channels::default());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, problem) in [
            ("auto", "expected value at line 1"),
            (r#"{"prod": "auto"}"#, "expected struct Form"),
            (r#"{"prod": {}}"#, "missing field `promote`"),
            (r#"{"prod": {"promote": "sometimes"}}"#, "unknown variant `sometimes`, expected `auto` or `manual`"),
            (r#"{"prod": {"promote": "auto", "soaks": "PT1H"}}"#, "unknown field `soaks`"),
            (r#"{"prod": {"promote": "auto", "soak": "24h"}}"#, "soak is \"24h\": expected a duration"),
            (r#"{"prod": {"promote": "auto", "soak": "PT1H", "maxSeverity": "BAD"}}"#, "unknown variant `BAD`"),
            (r#"{"prod": {"promote": "auto", "maxSeverity": "LOW"}}"#, "prod: maxSeverity needs a soak"),
            (r#"{"prod": {"promote": "manual", "soak": "PT1H"}}"#, "prod: soak and maxSeverity are for"),
            (r#"{"hold": {"promote": "manual"}}"#, "\"hold\" can't be a channel: expected 1 to 91 letters"),
        ] {
            let told = Channels::parse(text).unwrap_err().unwrap();
            assert!(told.contains(problem), "{text}: {told}");
        }
    }

    #[test]
    fn durations() {
        for (text, seconds) in
            [("PT24H", 86_400), ("P1D", 86_400), ("P2W", 1_209_600), ("PT1H30M", 5_400), ("P1DT1S", 86_401)]
        {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "P", "PT", "24H", "PT24", "P1M", "P1Y", "PT0S", "PT-1H", "PT1M1H", "P1DT", "PT1.5H", "pt1h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
