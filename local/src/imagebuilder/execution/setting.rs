//! What of a build its workflows see and put out.

use super::super::store::{BuildState, Resource};
use super::super::workflow::document::{Document, Step};
use super::super::{analysis, outputs};
use super::condition::Scope;
use super::plan::{Phase, Plan, Planned};
use super::play::{Action, Answer, Played};
use crate::draw::Seed;
use crate::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A build and the workflows that it runs.
pub(super) struct Setting<'a> {
    pub(super) seed: Seed,
    pub(super) image: &'a Resource,
    pub(super) build: &'a BuildState,
    plan: Option<&'a Plan>,
    documents: &'a BTreeMap<String, Document>,
    /// What the workflows of earlier phases have put out.
    workflow_outputs: Map<String, Value>,
}

impl<'a> Setting<'a> {
    /// Of a build that a recipe makes; `None` for other images.
    pub(super) fn of(world: &'a World, image_arn: &str) -> Option<Self> {
        let store = &world.imagebuilder;
        let build = store.builds.get(image_arn)?;
        Some(Self {
            seed: world.seed,
            image: store.get(image_arn)?,
            build,
            plan: store.executions.plans.get(&build.plan),
            documents: &store.executions.documents,
            workflow_outputs: Map::new(),
        })
    }

    /// Adds what the workflows of a phase have put out.
    pub(super) fn add_outputs(&mut self, phase: Phase, executions: &[Played]) {
        for ((planned, document), played) in self.workflows(phase).into_iter().zip(executions) {
            let mut scope = self.scope(planned, document);
            for (step, played) in document.steps.iter().zip(&played.steps) {
                scope.put_out(&step.name, &played.outputs);
            }
            let outputs = document
                .outputs
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), scope.value(&Value::from(value.as_str()))?)));
            let outputs: Vec<_> = outputs.collect();
            self.workflow_outputs.extend(outputs);
        }
    }

    /// The workflows of a phase with their documents.
    pub(super) fn workflows(&self, phase: Phase) -> Vec<(&'a Planned, &'a Document)> {
        let planned = self.plan.map(|plan| plan.of(phase)).unwrap_or_default();
        planned.into_iter().filter_map(|planned| Some((planned, self.documents.get(&planned.arn)?))).collect()
    }

    /// What a workflow's references stand for before its first step.
    pub(super) fn scope(&self, planned: &Planned, document: &Document) -> Scope {
        let mut parameters = Map::new();
        for parameter in &document.parameters {
            let Some(name) = parameter["name"].as_str() else { continue };
            let given = planned.parameters.get(name).unwrap_or(&parameter["defaultValue"]);
            if let Some(value) = typed(parameter["type"].as_str().unwrap_or_default(), given) {
                parameters.insert(name.to_owned(), value);
            }
        }
        Scope::new(self.variables(planned.phase), parameters, self.workflow_outputs.clone())
    }

    /// `$.imagebuilder.…`
    fn variables(&self, phase: Phase) -> Map<String, Value> {
        let document = &self.image.document;
        let infrastructure = &document["infrastructureConfiguration"];
        let container = self.image.text("type") == Some("DOCKER");
        let recipe = &document[if container { "containerRecipe" } else { "imageRecipe" }];
        let variables = json!({
            "imageType": document["type"],
            "platform": document["platform"],
            "imageName": document["name"],
            "imageBuildVersionArn": self.image.arn,
            "imageArn": self.image.arn,
            "imageVersionArn": self.image.arn.rsplit_once('/').map(|(version, _)| version),
            "imageBuildNumber": self.image.build,
            "semanticVersion": self.image.version.map(|version| version.to_string()),
            "dateTime": document["dateCreated"],
            "workflowPhase": phase.workflow_type(),
            "imageTestsEnabled": document["imageTestsConfiguration"]["imageTestsEnabled"],
            "collectImageMetadata": document["enhancedImageMetadataEnabled"] != false,
            "collectImageScanFindings": analysis::is_collected(&document["imageScanningConfiguration"]),
            "sourceImageARN": recipe["parentImage"],
            "workingPath": recipe["workingDirectory"],
            "instanceProfileName": infrastructure["instanceProfileName"],
            "instanceTypes": infrastructure["instanceTypes"],
            "keyPair": infrastructure["keyPair"],
            "securityGroups": infrastructure["securityGroupIds"],
            "subnetId": infrastructure["subnetId"],
            "s3Logs": infrastructure["logging"]["s3Logs"],
            "terminateInstanceOnFailure": !self.keeps_instances(),
        });
        let Value::Object(variables) = variables else { return Map::new() };
        variables.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// What a step that goes well puts out; for one that waited, what it was answered, RESUME unless told.
    pub(super) fn outputs(
        &self,
        step: &Step,
        inputs: &Map<String, Value>,
        answer: Option<&Answer>,
    ) -> Map<String, Value> {
        let arn = &self.image.arn;
        let hex = |what: &str| self.seed.hex(&[what, arn, &step.name], 17);
        let command = || {
            let id = self.seed.uuid(&["run command", arn, &step.name]);
            json!({"runCommandId": id, "status": "Success", "output": ""})
        };
        let outputs = match step.action.as_str() {
            "LaunchInstance" => json!({"instanceId": format!("i-{}", hex("instance"))}),
            "CreateImage" => {
                json!({"imageId": outputs::ami_id(self.seed, arn, &self.image.region, &self.build.account)})
            }
            "DistributeImage" => json!({"distributedImages": self.distributed()}),
            "CreateImageFromIso" | "RegisterImage" => json!({"imageId": format!("ami-{}", hex("other image"))}),
            "ExecuteComponents"
            | "SanitizeInstance"
            | "RunSysPrep"
            | "RunCommand"
            | "BootstrapInstanceForContainer"
            | "CollectImageScanFindings" => command(),
            "CollectImageMetadata" => json!({
                "osVersion": self.image.text("osVersion").unwrap_or_default(),
                "associationId": self.seed.uuid(&["association", arn, &step.name]),
            }),
            "ExecuteStateMachine" => {
                let machine = inputs.get("stateMachineArn").and_then(Value::as_str).unwrap_or_default();
                let execution = machine.replacen(":stateMachine:", ":execution:", 1);
                let id = self.seed.uuid(&["state machine", arn, &step.name]);
                json!({"executionArn": format!("{execution}:{id}"), "output": "{}"})
            }
            "WaitForAction" => {
                let action = match answer.map(|answer| answer.action) {
                    None | Some(Action::Resume) => "RESUME",
                    Some(Action::Stop) => "STOP",
                    Some(Action::TimeOut) => return Map::new(),
                };
                let mut outputs = json!({"action": action});
                if let Some(reason) = answer.and_then(|answer| answer.reason.as_deref()) {
                    outputs["reason"] = reason.into();
                }
                outputs
            }
            _ => json!({}),
        };
        if let Value::Object(outputs) = outputs { outputs } else { Map::new() }
    }
}

impl Setting<'_> {
    /// Whether the instances of failed builds are kept.
    pub(super) fn keeps_instances(&self) -> bool {
        self.image.document["infrastructureConfiguration"]["terminateInstanceOnFailure"] == false
    }

    /// The AMIs that the distribution makes.
    fn distributed(&self) -> Vec<Value> {
        let configuration = &self.image.document["distributionConfiguration"];
        let own = vec![json!({"region": self.image.region})];
        let distributions = configuration["distributions"].as_array().unwrap_or(&own);
        let region = |distribution: &Value| distribution["region"].as_str().unwrap_or(&self.image.region).to_owned();
        let ami = |region: &str| outputs::ami_id(self.seed, &self.image.arn, region, &self.build.account);
        distributions.iter().map(region).map(|region| json!({"region": region, "amiId": ami(&region)})).collect()
    }
}

/// A parameter's value in its type; values are lists of texts, of which only a `stringList` may have several.
fn typed(kind: &str, given: &Value) -> Option<Value> {
    if kind == "stringList" {
        return given.is_array().then(|| given.clone());
    }
    let first = given.as_array().map_or(Some(given), |list| list.first())?;
    let text = first.as_str();
    Some(match kind {
        "boolean" => text.map_or(first.clone(), |text| (text == "true").into()),
        "integer" => text.and_then(|text| text.parse::<i64>().ok()).map_or(first.clone(), Value::from),
        _ if first.is_null() => return None,
        _ => first.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_their_types() {
        for (kind, given, expected) in [
            ("string", json!(["a"]), Some(json!("a"))),
            ("boolean", json!(["true"]), Some(json!(true))),
            ("boolean", json!(["false"]), Some(json!(false))),
            ("integer", json!(["12"]), Some(json!(12))),
            ("stringList", json!(["a", "b"]), Some(json!(["a", "b"]))),
            ("string", Value::Null, None),
            ("string", json!([]), None),
        ] {
            assert_eq!(typed(kind, &given), expected, "{kind} {given}");
        }
    }
}
