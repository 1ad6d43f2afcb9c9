//! Random sequences of valid calls over all kinds of resources, with time passing between them: whatever was
//! called in whatever order, these hold.
//!
//! - A call that is refused changes nothing; a call that is repeated with its token changes nothing and is
//!   answered the same.
//! - The builds of a name and version are numbered from 1 without a gap, and no number is given twice.
//! - What a pipeline or a recipe refers to by its exact ARN is there.
//! - An image changes its status only as the service allows.
//! - The pages of a listing joined are the whole listing.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]
#![expect(clippy::panic, reason = "a test that can't go on fails")]

use chrono::TimeDelta;
use goldsmith_local::draw::Seed;
use goldsmith_local::imagebuilder;
use goldsmith_local::wire::{ApiError, Caller, Context, Principal};
use goldsmith_local::world::{DEFAULT_ACCOUNT, DEFAULT_REGION, Step, World};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ROLE: &str = "arn:aws:iam::123456789012:role/image-builder";

/// Which status may follow which, as the service's documentation tells it.
const CHANGES: &[(&str, &[&str])] = &[
    ("PENDING", &["CREATING", "BUILDING", "DISTRIBUTING", "FAILED", "CANCELLED", "AVAILABLE"]),
    ("CREATING", &["BUILDING", "FAILED", "CANCELLED", "AVAILABLE", "DISTRIBUTING", "TESTING"]),
    ("BUILDING", &["TESTING", "DISTRIBUTING", "FAILED", "CANCELLED"]),
    ("TESTING", &["DISTRIBUTING", "FAILED", "CANCELLED"]),
    ("DISTRIBUTING", &["INTEGRATING", "FAILED", "CANCELLED"]),
    ("INTEGRATING", &["AVAILABLE", "FAILED", "CANCELLED"]),
    ("AVAILABLE", &["DEPRECATED", "DISABLED", "DELETED"]),
    ("DEPRECATED", &["AVAILABLE", "DISABLED", "DELETED"]),
    ("DISABLED", &["AVAILABLE", "DEPRECATED", "DELETED"]),
    ("FAILED", &["DELETED", "PENDING", "TESTING", "DISTRIBUTING"]),
    ("CANCELLED", &["DELETED", "PENDING", "TESTING", "DISTRIBUTING"]),
];

/// What a random number makes of the present: a call, or time that passes.
#[derive(Debug, Clone, Copy)]
struct Draw {
    what: u8,
    which: u16,
    how: u8,
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let draw = (any::<u8>(), any::<u16>(), any::<u8>()).prop_map(|(what, which, how)| Draw { what, which, how });
    prop::collection::vec(draw, 60..180)
}

fn arn(rest: &str) -> String {
    format!("arn:aws:imagebuilder:{DEFAULT_REGION}:{DEFAULT_ACCOUNT}:{rest}")
}

/// A world with its images' last seen statuses.
struct Trial {
    world: World,
    statuses: BTreeMap<String, String>,
    /// By name and version: the builds that were ever made, images and components.
    builds: BTreeMap<String, BTreeSet<u32>>,
    tokens: u32,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let world = World::new(Seed(seed), "2026-03-02T00:00:00Z".parse().unwrap());
        Self { world, statuses: BTreeMap::new(), builds: BTreeMap::new(), tokens: 0 }
    }

    fn context(&mut self) -> Context {
        let caller = Caller { account: DEFAULT_ACCOUNT.to_owned(), principal: Principal::Root, invocation: None };
        Context { caller, region: DEFAULT_REGION.to_owned(), request_id: "request".to_owned() }
    }

    fn raw(&mut self, operation: &str, input: Value) -> Result<Value, ApiError> {
        let context = self.context();
        imagebuilder::call(&mut self.world, &context, operation, input)
    }

    /// The account's resources with their documents, and when the next event is due.
    fn state(&self) -> String {
        let own = self.world.imagebuilder.all().filter(|it| it.owner == DEFAULT_ACCOUNT);
        let own: Vec<_> = own.map(|it| (&it.arn, it.document.to_value())).collect();
        format!("{} {:?}", serde_json::to_string(&own).unwrap(), self.world.next_due())
    }

    /// A call; refused, it has changed nothing, and repeated, it changes nothing more.
    fn call(&mut self, operation: &str, mut input: Value) -> Option<Value> {
        let needs_token = !operation.starts_with("Get")
            && !operation.starts_with("List")
            && !operation.starts_with("Delete")
            && !operation.starts_with("Put")
            && !operation.ends_with("Resource");
        if needs_token {
            self.tokens += 1;
            input["clientToken"] = format!("token-{}", self.tokens).into();
        }
        let before = self.state();
        match self.raw(operation, input.clone()) {
            Err(error) => {
                assert!(error.status < 500, "{operation} {input}: {error}");
                assert_eq!(self.state(), before, "{operation} was refused ({error}) and changed something");
                None
            }
            Ok(answer) => {
                self.look();
                if needs_token {
                    let after = self.state();
                    assert_eq!(self.raw(operation, input.clone()).unwrap(), answer, "{operation} again");
                    assert_eq!(self.state(), after, "{operation} again");
                    let mut other = input;
                    other["clientToken"] = format!("token-{}", self.tokens).into();
                    other["tags"] = json!({"other": self.tokens.to_string()});
                    if let Err(error) = self.raw(operation, other) {
                        assert_ne!(error.status, 500, "{operation}: {error}");
                    }
                    assert_eq!(self.state(), after, "{operation} with a token that was used");
                }
                Some(answer)
            }
        }
    }

    /// Lets time pass event by event, and looks after each.
    fn pass(&mut self, span: TimeDelta) {
        let limit = self.world.now + span;
        while let Some(step) = self.world.step(limit) {
            assert!(matches!(step, Step::Handled), "there is no function to invoke");
            self.look();
        }
    }

    /// What has come to be and what has changed since it was last looked.
    fn look(&mut self) {
        let mut seen = BTreeMap::new();
        for image in self.world.imagebuilder.all().filter(|it| it.owner == DEFAULT_ACCOUNT) {
            let Some(build) = image.build else { continue };
            let (version, _) = image.arn.rsplit_once('/').unwrap();
            self.builds.entry(version.to_owned()).or_default().insert(build);
            if image.arn.contains(":image/") {
                seen.insert(image.arn.clone(), image.status().to_owned());
            }
        }
        for (arn, status) in &seen {
            if let Some(before) = self.statuses.get(arn).filter(|before| *before != status) {
                let allowed = CHANGES.iter().find(|(from, _)| from == before).map_or(&[][..], |(_, to)| *to);
                assert!(allowed.contains(&status.as_str()), "{arn} went from {before} to {status}");
            } else if !self.statuses.contains_key(arn) {
                assert!(["PENDING", "CREATING"].contains(&status.as_str()), "{arn} began as {status}");
            }
        }
        self.statuses = seen;
    }

    /// The account's ARNs of a kind, by its segment.
    fn arns(&self, segment: &str) -> Vec<String> {
        let part = format!(":{DEFAULT_ACCOUNT}:{segment}/");
        self.world.imagebuilder.all().map(|it| it.arn.clone()).filter(|arn| arn.contains(&part)).collect()
    }

    fn pick(&self, segment: &str, which: u16) -> Option<String> {
        let arns = self.arns(segment);
        (!arns.is_empty()).then(|| arns[usize::from(which) % arns.len()].clone())
    }

    fn invariants(&mut self) {
        for (version, builds) in &self.builds {
            let expected: BTreeSet<u32> = (1..=u32::try_from(builds.len()).unwrap()).collect();
            assert_eq!(*builds, expected, "{version}");
        }
        let mut references = Vec::new();
        for resource in self.world.imagebuilder.all().filter(|it| it.owner == DEFAULT_ACCOUNT) {
            let mut refer =
                |value: &Value| references.extend(value.as_str().map(|arn| (resource.arn.clone(), arn.to_owned())));
            if resource.arn.contains(":image-pipeline/") {
                let members = [
                    "imageRecipeArn",
                    "containerRecipeArn",
                    "infrastructureConfigurationArn",
                    "distributionConfigurationArn",
                ];
                members.iter().for_each(|member| refer(&resource.document[member]));
                resource.document["workflows"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .for_each(|it| refer(&it["workflowArn"]));
            }
            if resource.arn.contains("-recipe/") {
                resource.document["components"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .for_each(|it| refer(&it["componentArn"]));
            }
        }
        for (from, to) in references.into_iter().filter(|(_, to)| !to.contains(":aws:")) {
            let (operation, member) = match to.split(':').nth(5).unwrap().split('/').next().unwrap() {
                "component" => ("GetComponent", "componentBuildVersionArn"),
                "workflow" => ("GetWorkflow", "workflowBuildVersionArn"),
                "image-recipe" => ("GetImageRecipe", "imageRecipeArn"),
                "container-recipe" => ("GetContainerRecipe", "containerRecipeArn"),
                "infrastructure-configuration" => ("GetInfrastructureConfiguration", "infrastructureConfigurationArn"),
                "distribution-configuration" => ("GetDistributionConfiguration", "distributionConfigurationArn"),
                other => panic!("{from} refers to a {other}"),
            };
            // A wildcard, and the version of a component, may stand for what is to come.
            let found = self.raw(operation, json!({member: to}));
            assert!(found.is_ok() || to.contains(".x"), "{from} refers to {to}, which isn't there");
        }
        for (operation, key) in [
            ("ListComponents", "componentVersionList"),
            ("ListImageBuildVersions", "imageSummaryList"),
            ("ListImages", "imageVersionList"),
            ("ListImagePipelines", "imagePipelineList"),
            ("ListWorkflows", "workflowVersionList"),
            ("ListLifecyclePolicies", "lifecyclePolicySummaryList"),
        ] {
            let whole = self.raw(operation, json!({"maxResults": 100})).unwrap();
            if whole.get("nextToken").is_some() {
                continue;
            }
            let (mut joined, mut input) = (Vec::new(), json!({"maxResults": 2}));
            loop {
                let page = self.raw(operation, input.clone()).unwrap();
                joined.extend(page[key].as_array().unwrap().clone());
                match page.get("nextToken") {
                    Some(token) => input["nextToken"] = token.clone(),
                    None => break,
                }
            }
            assert_eq!(Value::Array(joined), whole[key], "{operation}");
        }
    }

    /// Makes something of everything, so that calls find what they need: a pipeline whose builds go well, one whose
    /// builds wait for an action, one whose builds fail in their tests.
    fn furnish(&mut self) {
        let distributions = json!([{"region": DEFAULT_REGION, "amiDistributionConfiguration": {"name": "web {{ imagebuilder:buildDate }}"}}]);
        self.call("CreateDistributionConfiguration", json!({"name": "home", "distributions": distributions})).unwrap();
        let infrastructure = json!({"name": "builders", "instanceProfileName": "builders"});
        self.call("CreateInfrastructureConfiguration", infrastructure).unwrap();
        let data = "name: w\nschemaVersion: 1.0\nsteps:\n  - name: Wait\n    action: WaitForAction\n";
        let wait = json!({"name": "wait", "semanticVersion": "1.0.0", "type": "TEST", "data": data});
        self.call("CreateWorkflow", wait).unwrap();
        for (name, exit) in [("well", 0), ("waits", 0), ("fails", 1)] {
            let data = format!(
                "schemaVersion: 1.0\nphases:\n  - name: test\n    steps:\n      - name: Do\n        action: ExecuteBash\n        inputs:\n          commands:\n            - exit {exit}\n"
            );
            let component = json!({"name": name, "semanticVersion": "1.0.0", "platform": "Linux", "data": data});
            self.call("CreateComponent", component).unwrap();
            let recipe = json!({
                "name": name, "semanticVersion": "1.0.0",
                "parentImage": "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x",
                "components": [{"componentArn": arn(&format!("component/{name}/1.0.0/1"))}],
            });
            self.call("CreateImageRecipe", recipe).unwrap();
            let mut pipeline = json!({
                "name": name, "imageRecipeArn": arn(&format!("image-recipe/{name}/1.0.0")),
                "infrastructureConfigurationArn": arn("infrastructure-configuration/builders"),
                "distributionConfigurationArn": arn("distribution-configuration/home"),
            });
            if name == "waits" {
                pipeline["workflows"] = json!([{"workflowArn": arn("workflow/test/wait/1.0.0/1")}]);
                pipeline["executionRole"] = ROLE.into();
            }
            self.call("CreateImagePipeline", pipeline).unwrap();
        }
    }

    /// Does what a draw makes of the present.
    fn act(&mut self, draw: Draw) {
        let Draw { what, which, how } = draw;
        let name = format!("web-{}", which % 3);
        let version = ["1.0.0", "1.0.1", "2.0.x", "1.x.x"][usize::from(how % 4)];
        let of = |segment: &str| self.pick(segment, which);
        let infrastructure = of("infrastructure-configuration");
        match what % 34 {
            0 | 1 => {
                let exit = if how.is_multiple_of(5) { "exit 1" } else { "true" };
                let phase = if how.is_multiple_of(2) { "build" } else { "test" };
                let data = format!(
                    "schemaVersion: 1.0\n# {}\nphases:\n  - name: {phase}\n    steps:\n      - name: Do\n        action: ExecuteBash\n        inputs:\n          commands:\n            - {exit}\n",
                    how % 3
                );
                let version = ["1.0.0", "1.1.0"][usize::from(how % 2)];
                self.call(
                    "CreateComponent",
                    json!({"name": name, "semanticVersion": version, "platform": "Linux", "data": data}),
                );
            }
            2 | 3 => {
                let component = of("component").map(|arn| json!([{"componentArn": arn}]));
                let mut input = json!({
                    "name": name, "semanticVersion": version,
                    "parentImage": "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x",
                });
                if let Some(components) = component {
                    input["components"] = components;
                }
                self.call("CreateImageRecipe", input);
            }
            4 => {
                drop(self.call(
                    "CreateInfrastructureConfiguration",
                    json!({"name": name, "instanceProfileName": "builders"}),
                ))
            }
            5 => {
                let distribution = |region: &str| json!({"region": region, "amiDistributionConfiguration": {}});
                let distributions = [DEFAULT_REGION, "eu-west-1"].map(distribution);
                self.call("CreateDistributionConfiguration", json!({"name": name, "distributions": distributions}));
            }
            6 | 7 => {
                let (Some(recipe), Some(infrastructure)) = (of("image-recipe"), infrastructure) else { return };
                let mut input = json!({
                    "name": format!("{name}-{}", how % 4), "imageRecipeArn": recipe, "infrastructureConfigurationArn": infrastructure,
                });
                if let Some(distribution) = of("distribution-configuration") {
                    input["distributionConfigurationArn"] = distribution.into();
                }
                if how.is_multiple_of(3) {
                    input["schedule"] = json!({"scheduleExpression": "rate(6 hours)", "pipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY"});
                }
                if let Some(workflow) = of("workflow").filter(|_| how.is_multiple_of(2)) {
                    input["workflows"] = json!([{"workflowArn": workflow}]);
                    input["executionRole"] = ROLE.into();
                }
                self.call("CreateImagePipeline", input);
            }
            8..=11 => {
                if let Some(pipeline) = of("image-pipeline") {
                    self.call("StartImagePipelineExecution", json!({"imagePipelineArn": pipeline}));
                }
            }
            12 => {
                let (Some(recipe), Some(infrastructure)) = (of("image-recipe"), infrastructure) else { return };
                self.call(
                    "CreateImage",
                    json!({"imageRecipeArn": recipe, "infrastructureConfigurationArn": infrastructure}),
                );
            }
            13 => {
                let steps = match how % 3 {
                    0 => "  - name: Wait\n    action: WaitForAction\n    onFailure: Abort\n",
                    _ => {
                        "  - name: Launch\n    action: LaunchInstance\n    onFailure: Abort\n    inputs:\n      waitFor: ssmAgent\n"
                    }
                };
                let kind = ["BUILD", "TEST"][usize::from(how % 2)];
                let data = format!("name: w\nschemaVersion: 1.0\nsteps:\n{steps}");
                self.call(
                    "CreateWorkflow",
                    json!({"name": name, "semanticVersion": "1.0.0", "type": kind, "data": data}),
                );
            }
            14 => {
                let waiting = self.raw("ListWaitingWorkflowSteps", json!({})).unwrap()["steps"].clone();
                if let Some(step) = waiting.get(0) {
                    let action = ["RESUME", "STOP"][usize::from(how % 2)];
                    self.call("SendWorkflowStepAction", json!({
                        "stepExecutionId": step["stepExecutionId"], "imageBuildVersionArn": step["imageBuildVersionArn"], "action": action,
                    }));
                }
            }
            15 | 16 => {
                if let Some(image) = of("image") {
                    self.call("CancelImageCreation", json!({"imageBuildVersionArn": image}));
                }
            }
            17 => {
                if let Some(image) = of("image") {
                    self.call("RetryImage", json!({"imageBuildVersionArn": image}));
                }
            }
            18..=20 => {
                let Some(image) = of("image") else { return };
                let status = ["DEPRECATED", "DISABLED", "AVAILABLE", "DELETED"][usize::from(how % 4)];
                let mut input = json!({"resourceArn": image, "state": {"status": status}});
                if how.is_multiple_of(2) || status == "DELETED" {
                    input["executionRole"] = ROLE.into();
                    input["includeResources"] = json!({"amis": true, "snapshots": status == "DELETED"});
                }
                self.call("StartResourceStateUpdate", input);
            }
            21 => {
                let Some(image) = of("image") else { return };
                let Some(distribution) = of("distribution-configuration") else { return };
                self.call(
                    "DistributeImage",
                    json!({"sourceImage": image, "distributionConfigurationArn": distribution, "executionRole": ROLE}),
                );
            }
            22 => {
                let task = format!("import-ami-{:017x}", which);
                self.call(
                    "ImportVmImage",
                    json!({"name": name, "semanticVersion": "3.0.0", "platform": "Linux", "vmImportTaskId": task}),
                );
            }
            23 => {
                let action = [
                    json!({"type": "DEPRECATE", "includeResources": {"amis": true}}),
                    json!({"type": "DELETE", "includeResources": {"amis": true, "snapshots": true}}),
                ];
                let kind = usize::from(how % 2);
                let filter = [json!({"type": "AGE", "value": 1, "unit": "DAYS"}), json!({"type": "COUNT", "value": 2})];
                self.call(
                    "CreateLifecyclePolicy",
                    json!({
                        "name": name, "executionRole": ROLE, "resourceType": "AMI_IMAGE",
                        "policyDetails": [{"action": action[kind], "filter": filter[kind]}],
                        "resourceSelection": {"recipes": [{"name": name, "semanticVersion": "x.x.x"}]},
                    }),
                );
            }
            24..=28 => {
                let kinds = [
                    ("image", "DeleteImage", "imageBuildVersionArn"),
                    ("component", "DeleteComponent", "componentBuildVersionArn"),
                    ("image-recipe", "DeleteImageRecipe", "imageRecipeArn"),
                    ("image-pipeline", "DeleteImagePipeline", "imagePipelineArn"),
                    (
                        "infrastructure-configuration",
                        "DeleteInfrastructureConfiguration",
                        "infrastructureConfigurationArn",
                    ),
                    ("distribution-configuration", "DeleteDistributionConfiguration", "distributionConfigurationArn"),
                    ("workflow", "DeleteWorkflow", "workflowBuildVersionArn"),
                    ("lifecycle-policy", "DeleteLifecyclePolicy", "lifecyclePolicyArn"),
                ];
                let (segment, operation, member) = kinds[usize::from(how) % kinds.len()];
                if let Some(arn) = self.pick(segment, which) {
                    self.call(operation, json!({member: arn}));
                }
            }
            29 => {
                let arns: Vec<_> =
                    ["component", "image", "image-pipeline"].iter().flat_map(|it| self.arns(it)).collect();
                if let Some(arn) = arns.get(usize::from(which) % arns.len().max(1)) {
                    self.call("TagResource", json!({"resourceArn": arn, "tags": {"n": how.to_string()}}));
                }
            }
            30 => self.pass(TimeDelta::days(1)),
            _ => self.pass(TimeDelta::minutes(i64::from(how))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_invariants_hold_after_any_calls(seed in any::<u64>(), draws in draws()) {
        let mut trial = Trial::new(seed);
        trial.furnish();
        for draw in draws {
            trial.act(draw);
        }
        trial.invariants();
        trial.pass(TimeDelta::days(4));
        trial.invariants();
    }
}
