//! The function's settings.

use crate::policy::{KEEP_EXPECTED, Policy, keep};
use shared::accounts::TargetRole;
use shared::age::Age;
use shared::arn::Arn;
use shared::settings::{Environment, SettingsError, parameter_path, target_role, topic_arn};
use shared::share::ShareTargets;
use std::ops::RangeInclusive;

/// What the stack sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `MODE`: whether plans are carried out. Default `plan`.
    pub mode: Mode,
    /// `KEEP`, `DEPRECATE_AFTER`, `DISABLE_AFTER`, `DELETE_AFTER`: the policy of families whose pipelines have no
    /// tags for it. Defaults 3, `30d`, `30d`, `60d`.
    pub policy: Policy,
    /// `DELETE_FAILED_AFTER`: how old a FAILED or CANCELLED build gets before it is deleted. Default `14d`.
    pub failed_after: Age,
    /// `LAST_LAUNCHED_DAYS`: an AMI that was launched within so many days counts as in use. Default 30.
    pub last_launched_days: u16,
    /// `MAX_PER_RUN`: at most so many images are disabled or deleted in a run. Default 50.
    pub max_per_run: usize,
    /// `MAX_PERCENT`: at most so many of a hundred images of a family, and of the account. Default 25.
    pub max_percent: usize,
    /// `MAX_AT_ONCE`: how many images are worked on at once. Default 5.
    pub max_at_once: usize,
    /// `LAUNCH_TEMPLATE_DEPTH`: how many versions of each launch template are searched. Default 100.
    pub launch_template_depth: u16,
    /// `PARAMETER_PREFIX`: the path of the families' parameters, without the last slash. Default `/golden-images`.
    pub parameter_prefix: String,
    /// `SHARE_TARGETS`: where AMIs are published that are shared only. Default nowhere.
    pub share_targets: ShareTargets,
    /// `RESUME_PARAMETER`: the parameter in which a run that had no time for all families says where the next one begins.
    /// Default none: each begins with the first.
    pub resume_parameter: Option<String>,
    /// `REPORTS_TOPIC_ARN`: the topic that summaries and alerts are sent to.
    pub reports: Arn,
    /// `EXECUTION_ROLE_ARN`: the role under which Image Builder changes AMIs and snapshots.
    pub execution_role: Arn,
    /// `TARGET_ROLE_NAME` and `TARGET_ROLE_EXTERNAL_ID`: the role to assume in other accounts. Default none.
    pub target_role: Option<TargetRole>,
}

/// Whether plans are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are written and sent, and that's all.
    Plan,
    /// They are carried out.
    Apply,
}

impl Settings {
    /// Reads and checks all of them.
    ///
    /// # Errors
    /// Every variable that isn't as it has to be.
    pub fn from_environment(mut environment: Environment) -> Result<Self, SettingsError> {
        let it = &mut environment;
        let mode = it.optional("MODE", "plan", "plan or apply", |text| match text {
            "plan" => Some(Mode::Plan),
            "apply" => Some(Mode::Apply),
            _ => None,
        });
        let keep = it.optional("KEEP", "3", KEEP_EXPECTED, keep);
        let deprecate_after = age(it, "DEPRECATE_AFTER", "30d");
        let disable_after = age(it, "DISABLE_AFTER", "30d");
        let delete_after = age(it, "DELETE_AFTER", "60d");
        let failed_after = age(it, "DELETE_FAILED_AFTER", "14d");
        // The range is that of Image Builder's own exclusion rule lastLaunched.
        let last_launched_days = it.optional("LAST_LAUNCHED_DAYS", "30", "a number from 1 to 365", |text| {
            text.parse().ok().filter(|days| (1..=365).contains(days))
        });
        let max_per_run = number(it, "MAX_PER_RUN", "50", "a number from 1 to 50000", 1..=50_000);
        let max_percent = number(it, "MAX_PERCENT", "25", "a number from 1 to 100", 1..=100);
        let max_at_once = number(it, "MAX_AT_ONCE", "5", "a number from 1 to 50", 1..=50);
        let launch_template_depth = it.optional("LAUNCH_TEMPLATE_DEPTH", "100", "a number from 1 to 10000", |text| {
            text.parse().ok().filter(|depth| (1..=10_000).contains(depth))
        });
        let parameter_prefix = parameter_path(it);
        let share_targets = it.document("SHARE_TARGETS", "[]", ShareTargets::EXPECTED, ShareTargets::parse);
        let expected = "a parameter's name, such as /goldsmith/retirement";
        let resume_parameter = it.optional("RESUME_PARAMETER", "", expected, |name| {
            (name.is_empty() || name.starts_with('/')).then(|| Some(name.to_owned()).filter(|name| !name.is_empty()))
        });
        let reports = topic_arn(it, "REPORTS_TOPIC_ARN");
        let execution_role = it.required("EXECUTION_ROLE_ARN", "the ARN of an IAM role", role);
        let target_role = target_role(it);
        let settings = (|| {
            Some(Self {
                mode: mode?,
                policy: Policy {
                    never: false,
                    keep: keep?,
                    deprecate_after: deprecate_after?,
                    disable_after: disable_after?,
                    delete_after: delete_after?,
                },
                failed_after: failed_after?,
                last_launched_days: last_launched_days?,
                max_per_run: max_per_run?,
                max_percent: max_percent?,
                max_at_once: max_at_once?,
                launch_template_depth: launch_template_depth?,
                parameter_prefix: parameter_prefix?,
                share_targets: share_targets?,
                resume_parameter: resume_parameter?,
                reports: reports?,
                execution_role: execution_role?,
                target_role: target_role?.map(|(name, external_id)| {
                    let session_name = "deprecate-images".to_owned();
                    TargetRole { name, external_id, session_name }
                }),
            })
        })();
        environment.finish(settings)
    }

    /// The parameter of a family.
    pub fn parameter(&self, family: &str) -> String {
        format!("{}/{family}", self.parameter_prefix)
    }
}

fn age(environment: &mut Environment, variable: &'static str, default: &str) -> Option<Age> {
    environment.optional(variable, default, Age::EXPECTED, |text| text.parse().ok())
}

fn number(
    environment: &mut Environment,
    variable: &'static str,
    default: &str,
    expected: &'static str,
    range: RangeInclusive<usize>,
) -> Option<usize> {
    environment.optional(variable, default, expected, |text| text.parse().ok().filter(|it| range.contains(it)))
}

fn role(text: &str) -> Option<Arn> {
    let arn: Arn = text.parse().ok()?;
    (arn.service == "iam" && arn.account.len() == 12 && arn.resource.starts_with("role/")).then_some(arn)
}

#[cfg(test)]
mod tests;
