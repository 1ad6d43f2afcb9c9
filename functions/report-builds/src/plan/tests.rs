use super::*;
use crate::facts::*;
use crate::fixtures::*;
use chrono::TimeDelta;

fn plan_of(facts: &Facts) -> Plan {
    plan(facts, &settings())
}

/// What a plan does, in short: the kind and reason of reports, and the names of other actions.
fn told(facts: &Facts) -> Vec<String> {
    let told = |step: Step| match step.action {
        Action::Report { kind, .. } => match step.reason {
            Reason::Over(_) => format!("{kind} over"),
            _ => kind.to_string(),
        },
        Action::Count { kind, .. } => format!("count {kind}"),
        Action::Retry { attempt, .. } => format!("retry {attempt}"),
        Action::Block { remember } => format!("block {}", remember.value.unwrap_or_default()),
        Action::Answer { .. } => "answer".to_owned(),
    };
    plan_of(facts).steps.into_iter().map(told).collect()
}

/// Writes the tags that a plan writes.
fn applied(facts: &mut Facts) {
    for step in plan_of(facts).steps {
        let (Action::Report { remember, .. }
        | Action::Count { remember, .. }
        | Action::Retry { remember, .. }
        | Action::Block { remember }) = step.action
        else {
            continue;
        };
        let Remember { resource, tag, value } = remember;
        let tags = match facts.pipelines.iter_mut().find(|pipeline| pipeline.arn == resource) {
            Some(pipeline) => &mut pipeline.tags,
            None => match facts.builds.get_mut(&resource) {
                Some(Known::Is(build)) => &mut build.tags,
                other => panic!("{resource}: {other:?}"),
            },
        };
        match value {
            Some(value) => tags.insert(tag, value),
            None => tags.remove(&tag),
        };
    }
}

fn status(facts: &mut Facts, build: usize, status: Status) {
    let Known::Is(builds) = &mut facts.pipelines[0].builds else { panic!() };
    builds[build - 1].status = status;
}

fn throttled() -> Facts {
    failed(Some(distribution_failure(vec![region("us-east-1", None, "FAILED", Some(THROTTLED))])), "")
}

#[test]
fn a_passing_failure_is_tried_again_and_told_once_each_way_it_ends() {
    let mut facts = throttled();
    assert_eq!(told(&facts), ["retry 1", "build-failed"]);
    applied(&mut facts);
    assert!(told(&facts).is_empty(), "the event comes twice");
    // While it runs, the good build before it is no recovery.
    status(&mut facts, 4, Status::Distributing);
    assert!(told(&facts).is_empty());
    let mut recovered = facts.clone();
    status(&mut recovered, 4, Status::Available);
    assert_eq!(told(&recovered), ["build-failed over"]);
    applied(&mut recovered);
    assert!(told(&recovered).is_empty());
    // The second attempt is as silent as the first was, and the end of all attempts isn't.
    status(&mut facts, 4, Status::Failed);
    facts.detail(4).failure.as_mut().unwrap().execution = Some("wf-2".to_owned());
    assert_eq!(told(&facts), ["retry 2"]);
    applied(&mut facts);
    facts.detail(4).failure.as_mut().unwrap().execution = Some("wf-3".to_owned());
    assert_eq!(told(&facts), ["build-failed"]);
    applied(&mut facts);
    assert!(told(&facts).is_empty());
    insta::assert_json_snapshot!(plan_of(&throttled()).steps[0], @r#"
    {
      "action": "retry",
      "image": "arn:aws:imagebuilder:eu-west-1:123456789012:image/web-server/2.0.1/4",
      "attempt": 1,
      "clientToken": "3142557d-0b77-58e5-8d7f-dc9cee70dfaa",
      "remember": {
        "resource": "arn:aws:imagebuilder:eu-west-1:123456789012:image/web-server/2.0.1/4",
        "tag": "goldsmith:retried",
        "value": "1 wf-0d4fc061-ae57-4c30-8f41-529dbe607182"
      },
      "reason": "the reason passes by itself: too many calls at once",
      "outcome": "planned"
    }
    "#);
}

#[test]
fn a_refused_retry_is_told_as_a_failure_for_good() {
    let mut facts = throttled();
    facts.retry_refused.insert(build_arn(4).to_string(), "RetryImage: AccessDeniedException".to_owned());
    let plan = plan_of(&facts);
    let [Step { action: Action::Report { severity, message, .. }, .. }] = &plan.steps[..] else { panic!("{plan:?}") };
    assert_eq!(*severity, Severity::Error);
    assert!(message.text.contains("Trying again was refused: RetryImage: AccessDeniedException"), "{}", message.text);
}

#[test]
fn an_older_good_build_is_no_recovery_and_an_older_failure_is_none() {
    let mut failed = failed(Some(component_failure(Status::Building, "build", "InstallAgent")), "");
    applied(&mut failed);
    // Its record is deleted: the newest that ended is an older good one.
    let mut deleted = failed.clone();
    status(&mut deleted, 4, Status::Deleted);
    assert!(told(&deleted).is_empty());
    // A newer good build is what counts, whichever event comes.
    let mut newer = failed.clone();
    let Known::Is(builds) = &mut newer.pipelines[0].builds else { panic!() };
    builds.push(summary(5, Status::Available));
    assert_eq!(told(&newer), ["build-failed over"]);
    applied(&mut newer);
    assert!(told(&newer).is_empty(), "the failed build's event comes again");
    // A recipe whose version went back: the later build is the newer one.
    let mut back = failed;
    let Known::Is(builds) = &mut back.pipelines[0].builds else { panic!() };
    let arn = arn("image/web-server/1.0.0/1").parse().unwrap();
    builds.push(Summary { arn, ..summary(5, Status::Available) });
    assert_eq!(told(&back), ["build-failed over"]);
}

#[test]
fn what_is_not_known_is_neither_wrong_nor_over() {
    let mut open = published(|places| places[0].held().ami = Known::Is(AmiState::Gone));
    (open.pipelines[0].enabled, open.pipelines[0].consecutive_failures) = (false, 5);
    open.pipelines[0].references = Known::Is(vec![Reference {
        reference: "ami-1".to_owned(),
        role: Role::Parent,
        state: ReferenceState::Gone("deregistered".to_owned()),
    }]);
    let mut step = failed(Some(failure(Status::Building, "LaunchBuildInstance")), "");
    step.families = open.families.clone();
    let pipeline = &open.pipelines[0];
    step.pipelines[0] = Pipeline { builds: step.pipelines[0].builds.clone(), ..pipeline.clone() };
    let mut wrong = told(&step);
    wrong.sort();
    assert_eq!(wrong, ["ami-gone", "build-failed", "inputs-withdrawn", "pipeline-disabled"]);
    applied(&mut step);
    let why = || "AccessDeniedException".to_owned();
    let pipeline = &mut step.pipelines[0];
    pipeline.enabled = false;
    pipeline.schedule = None;
    pipeline.references = Known::Unread(why());
    pipeline.builds = Known::Unread(why());
    step.families[0].published = Known::Unread(why());
    step.families[0].builds = Known::Unread(why());
    assert!(told(&step).is_empty(), "{:?}", told(&step));
    step.families[0].published =
        Known::Is(vec![Place { holds: Known::Unread(why()), ..place("eu-west-1", "123456789012") }]);
    assert!(told(&step).is_empty());
    // A failed build whose details can't be read waits for the next event.
    let mut unread = failed(None, "");
    unread.builds.insert(build_arn(4).to_string(), Known::Unread(why()));
    assert!(told(&unread).is_empty());
}

#[test]
fn a_build_with_findings_is_blocked_until_somebody_accepts_them() {
    let mut facts = scanned(newer_parent());
    assert_eq!(told(&facts), ["block findings: 1 critical", "cve-detected"]);
    let high = Settings { block_severity: Some(FindingSeverity::High), ..settings() };
    let Action::Block { remember } = &plan(&facts, &high).steps[0].action else { panic!() };
    assert_eq!(remember.value.as_deref(), Some("findings: 1 critical 2 high"));
    let never = Settings { block_severity: None, report_severity: None, ..settings() };
    assert!(plan(&facts, &never).steps.is_empty());
    applied(&mut facts);
    assert_eq!(facts.detail(4).tags[tags::BLOCKED], "findings: 1 critical");
    assert!(told(&facts).is_empty());
    facts.detail(4).tags = Tags::from([(tags::ACCEPTED.to_owned(), "not reachable".to_owned())]);
    assert!(told(&facts).is_empty());
    // One that failed never gets to a channel.
    facts.detail(4).tags.clear();
    status(&mut facts, 4, Status::Failed);
    assert!(!told(&facts).iter().any(|action| action.starts_with("block")));
}

#[test]
fn the_same_findings_again_are_counted_and_others_are_told() {
    let mut facts = scanned(newer_parent());
    applied(&mut facts);
    let scan = facts.detail(4).scan.clone();
    let Known::Is(builds) = &mut facts.pipelines[0].builds else { panic!() };
    builds.push(summary(5, Status::Available));
    facts.builds.insert(build_arn(5).to_string(), Known::Is(Build { scan: scan.clone(), ..detail(5) }));
    assert_eq!(told(&facts), ["block findings: 1 critical", "count cve-detected"]);
    let Known::Is(found) = &mut facts.detail(5).scan else { panic!() };
    found.findings.push(finding("CVE-2026-3000", FindingSeverity::High, vec![package("curl", "8.0", None)]));
    assert_eq!(told(&facts), ["block findings: 1 critical", "cve-detected"]);
    let Known::Is(found) = &mut facts.detail(5).scan else { panic!() };
    found.findings.clear();
    assert_eq!(told(&facts), ["cve-detected over"]);
}

#[test]
fn schedules_and_ages_have_their_limits() {
    let due = at("2026-11-20T03:00:00Z");
    let at_due = |now: &str, change: fn(&mut Pipeline)| {
        let mut facts = facts(&[Status::Available]);
        (facts.now, facts.pipelines[0].next_run) = (at(now), Some(due));
        change(&mut facts.pipelines[0]);
        told(&facts)
    };
    let late = "2026-11-20T04:00:00Z";
    assert_eq!(at_due(late, |_| {}), ["pipeline-not-run"]);
    assert!(at_due("2026-11-20T03:59:59Z", |_| {}).is_empty());
    assert!(at_due(late, |pipeline| pipeline.last_run = pipeline.next_run).is_empty());
    assert!(at_due(late, |pipeline| pipeline.builds = Known::Is(vec![summary(5, Status::Building)])).is_empty());
    assert!(at_due(late, |pipeline| pipeline.enabled = false).is_empty());
    assert!(at_due(late, |pipeline| pipeline.schedule = None).is_empty());
    let disabled = |failures, limit| {
        let mut facts = facts(&[Status::Available]);
        let pipeline = &mut facts.pipelines[0];
        (pipeline.enabled, pipeline.consecutive_failures) = (false, failures);
        pipeline.schedule.as_mut().unwrap().failure_count = limit;
        told(&facts).len()
    };
    assert_eq!([disabled(5, None), disabled(4, None), disabled(2, Some(2)), disabled(1, Some(2))], [1, 0, 1, 0]);
    let stale = |days: i64, tag: Option<&str>| {
        let mut facts = facts(&[Status::Available]);
        facts.family(Known::Unasked);
        facts.now = summary(1, Status::Available).created + TimeDelta::days(days);
        facts.pipelines[0].tags.extend(tag.map(|tag| (tags::STALE_AFTER.to_owned(), tag.to_owned())));
        let plan = plan_of(&facts);
        (plan.steps.len(), plan.problems.len())
    };
    assert_eq!([stale(44, None), stale(45, None)], [(0, 0), (1, 0)]);
    assert_eq!([stale(10, Some("10d")), stale(9, Some("10d")), stale(999, Some("never"))], [(1, 0), (0, 0), (0, 0)]);
    assert_eq!(stale(45, Some("soon")), (1, 1), "what can't be read is said, and the setting counts");
}

#[test]
fn published_parameters_are_right_if_held_back_new_or_not_to_be_told() {
    let older = |place: &mut Place| *place.held() = Holds { value: "ami-2".to_owned(), ..place.held().clone() };
    let later = |facts: Facts| Facts { now: at("2026-11-21T06:00:00Z"), ..facts };
    assert!(told(&later(published(|_| {}))).is_empty());
    assert_eq!(told(&later(published(|places| older(&mut places[0])))), ["published-differs"]);
    let held = published(|places| {
        older(&mut places[0]);
        places[0].held().held = true;
    });
    assert!(told(&later(held)).is_empty());
    let fresh = Facts { now: at("2026-11-19T05:00:00Z"), ..published(|places| older(&mut places[0])) };
    assert!(told(&fresh).is_empty(), "publishing takes its time");
    let refused = Some("Unable to Describe Resource".to_owned());
    let healed = published(|places| places[0].refusal.clone_from(&refused));
    assert!(told(&later(healed)).is_empty(), "it was written since");
    let mut wrong = published(|places| {
        older(&mut places[0]);
        places[0].refusal.clone_from(&refused);
    });
    wrong.now = at("2026-11-19T05:00:00Z");
    assert_eq!(told(&wrong), ["parameter-refused"]);
    applied(&mut wrong);
    let places = published(|_| {}).families;
    let right = Facts { families: places, now: at("2026-11-19T06:00:00Z"), ..wrong };
    assert_eq!(told(&right), ["parameter-refused over"]);
}

#[test]
fn a_step_is_answered_only_while_it_waits() {
    let waiting = Known::Is(vec![waiting_step(STEP, "WaitForApproval")]);
    let resumed = answer(Answer::Resume, &build_arn(2), STEP, Some("seen"), &waiting);
    insta::assert_json_snapshot!(resumed.steps, @r#"
    [
      {
        "action": "answer",
        "answer": "RESUME",
        "image": "arn:aws:imagebuilder:eu-west-1:123456789012:image/web-server/2.0.1/2",
        "step": "step-1e50d172-bf68-4d41-9052-63aecf718293",
        "comment": "seen",
        "clientToken": "1b4c06a1-d4d0-5deb-994d-f45699272e74",
        "reason": "somebody asked for it",
        "outcome": "planned"
      }
    ]
    "#);
    let none = answer(Answer::Stop, &build_arn(2), STEP, None, &Known::Is(vec![]));
    assert_eq!((&none.steps[0].reason, &none.steps[0].outcome), (&Reason::NotWaiting, &Outcome::SKIPPED));
    let unread = answer(Answer::Stop, &build_arn(2), STEP, None, &Known::Unread("throttled".to_owned()));
    assert!(unread.steps[0].outcome.is_failure());
}

#[test]
fn an_answered_step_is_forgotten_in_silence() {
    let mut facts = facts(&[Status::Available, Status::Testing]);
    facts.detail(2).waiting = Known::Is(vec![waiting_step(STEP, "WaitForApproval")]);
    assert_eq!(told(&facts), ["step-waiting"]);
    applied(&mut facts);
    assert!(told(&facts).is_empty());
    facts.detail(2).waiting = Known::Is(vec![]);
    assert_eq!(told(&facts), ["count step-waiting"]);
    applied(&mut facts);
    assert!(told(&facts).is_empty());
    facts.now += TimeDelta::days(15);
    assert_eq!(told(&facts), ["count step-waiting"]);
    applied(&mut facts);
    assert!(facts.detail(2).tags.is_empty(), "in the end the tag goes");
}

#[test]
fn a_resource_without_room_for_a_tag_says_so() {
    let mut facts = facts(&[Status::Available, Status::Cancelled]);
    facts.pipelines[0].tags = (0..50).map(|n| (format!("own-{n}"), String::new())).collect();
    let plan = plan_of(&facts);
    let Action::Report { message, .. } = &plan.steps[0].action else { panic!("{plan:?}") };
    assert!(message.text.contains("has 50 tags"), "{}", message.text);
    facts.pipelines[0].tags.pop_first();
    let plan = plan_of(&facts);
    let Action::Report { message, .. } = &plan.steps[0].action else { panic!("{plan:?}") };
    assert!(!message.text.contains("50 tags"), "{}", message.text);
}

#[test]
fn tags_of_aws_take_no_room() {
    let mut facts = facts(&[Status::Available, Status::Cancelled]);
    let own = (0..49).map(|n| (format!("own-{n}"), String::new()));
    facts.pipelines[0].tags = own.chain([("aws:cloudformation:stack-name".to_owned(), "images".to_owned())]).collect();
    let plan = plan_of(&facts);
    let Action::Report { message, .. } = &plan.steps[0].action else { panic!("{plan:?}") };
    assert!(!message.text.contains("50 tags"), "{}", message.text);
}

#[test]
fn a_build_that_could_not_be_kept_from_channels_is_told_so() {
    let mut facts = scanned(newer_parent());
    facts.block_refused.insert(build_arn(4).to_string(), "TagResource: AccessDeniedException".to_owned());
    let plan = plan_of(&facts);
    let report = plan.steps.iter().find_map(|step| match &step.action {
        Action::Report { message, .. } => Some(message),
        _ => None,
    });
    let text = &report.unwrap().text;
    assert!(text.contains("no, though it should be: TagResource: AccessDeniedException"), "{text}");
    assert!(text.contains("--tags goldsmith:blocked=findings") && !text.contains("findings-accepted"), "{text}");
}

#[test]
fn a_schedule_that_builds_whatever_changed_is_due_by_its_expression() {
    // Every day at 3:55 in Berlin, which is 2:55 in winter. Image Builder's own next time has moved on.
    let on = |now: &str, change: fn(&mut Pipeline)| {
        let mut facts = facts(&[]);
        let pipeline = &mut facts.pipelines[0];
        pipeline.schedule.as_mut().unwrap().always = true;
        (pipeline.last_run, pipeline.next_run) = (Some(at("2026-11-18T02:55:21Z")), Some(at("2026-11-21T02:55:00Z")));
        change(pipeline);
        facts.now = at(now);
        told(&facts)
    };
    assert!(on("2026-11-19T03:54:59Z", |_| {}).is_empty());
    assert_eq!(on("2026-11-19T03:55:00Z", |_| {}), ["pipeline-not-run"]);
    // The run is dated a little before its time.
    let early: fn(&mut Pipeline) = |pipeline| pipeline.last_run = Some(at("2026-11-18T02:54:58Z"));
    assert!(on("2026-11-19T03:00:00Z", early).is_empty());
    assert_eq!(on("2026-11-19T04:00:00Z", early), ["pipeline-not-run"]);
    let now = "2026-11-20T12:00:00Z";
    assert!(on(now, |pipeline| pipeline.schedule.as_mut().unwrap().always = false).is_empty());
    assert!(on(now, |pipeline| pipeline.updated = Some(at("2026-11-20T08:00:00Z"))).is_empty());
    assert!(on(now, |pipeline| pipeline.builds = Known::Is(vec![summary(2, Status::Testing)])).is_empty());
    assert!(on(now, |pipeline| pipeline.builds = Known::Unread("denied".to_owned())).is_empty());
    assert!(on(now, |pipeline| pipeline.schedule.as_mut().unwrap().expression = "soon".to_owned()).is_empty());
    // It never ran at all.
    assert_eq!(on("2026-01-06T04:00:00Z", |pipeline| pipeline.last_run = None), ["pipeline-not-run"]);
}
