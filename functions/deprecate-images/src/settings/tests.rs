use super::*;

const REQUIRED: [(&str, &str); 2] = [
    ("REPORTS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:reports"),
    ("EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:role/lifecycle"),
];

fn read(variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let variables = REQUIRED.iter().chain(variables);
    Settings::from_environment(variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

#[test]
fn everything_but_the_topic_and_the_role_has_a_default() {
    let settings = read(&[]).unwrap();
    assert_eq!((settings.mode, settings.policy.keep, settings.last_launched_days), (Mode::Plan, 3, 30));
    assert_eq!((settings.max_per_run, settings.max_percent, settings.launch_template_depth), (50, 25, 100));
    assert_eq!((settings.policy.delete_after, settings.failed_after), (Age::days(60), Age::days(14)));
    assert_eq!((settings.target_role.as_ref(), settings.parameter("web")), (None, "/golden-images/web".to_owned()));
    let set = read(&[
        ("MODE", "apply"),
        ("KEEP", "7"),
        ("DEPRECATE_AFTER", "12h"),
        ("TARGET_ROLE_NAME", "service/golden"),
        ("TARGET_ROLE_EXTERNAL_ID", "an-id"),
    ]);
    let set = set.unwrap();
    assert_eq!((set.mode, set.policy.keep, set.policy.deprecate_after.hours()), (Mode::Apply, 7, 12));
    let role = set.target_role.unwrap();
    assert_eq!((role.name.as_str(), role.external_id.as_deref()), ("service/golden", Some("an-id")));
}

#[test]
fn what_can_not_be_is_refused_all_at_once() {
    let bad = [
        ("MODE", "Apply"),
        ("KEEP", "0"),
        ("DEPRECATE_AFTER", "30"),
        ("DISABLE_AFTER", "0d"),
        ("DELETE_AFTER", "4000d"),
        ("DELETE_FAILED_AFTER", "soon"),
        ("LAST_LAUNCHED_DAYS", "366"),
        ("MAX_PER_RUN", "0"),
        ("MAX_PERCENT", "101"),
        ("MAX_AT_ONCE", "0"),
        ("LAUNCH_TEMPLATE_DEPTH", "0"),
        ("PARAMETER_PREFIX", "golden"),
        ("REPORTS_TOPIC_ARN", "arn:aws:sqs:us-east-1:123456789012:reports"),
        ("EXECUTION_ROLE_ARN", "arn:aws:iam::123456789012:user/lifecycle"),
        ("TARGET_ROLE_NAME", "a b"),
        ("TARGET_ROLE_EXTERNAL_ID", "x"),
    ];
    let error = read(&bad).unwrap_err();
    assert_eq!(error.problems.iter().map(|it| it.variable).collect::<Vec<_>>(), bad.map(|(name, _)| name));
    let none = Settings::from_environment(Environment::default()).unwrap_err();
    assert_eq!(none.problems.iter().map(|it| it.variable).collect::<Vec<_>>(), REQUIRED.map(|(name, _)| name));
}
