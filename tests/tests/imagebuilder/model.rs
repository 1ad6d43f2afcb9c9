//! The service model as a source of inputs: the least that is valid, and the same with one member made bad.

use crate::raw::{Answer, Connection, encoded};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static MODEL: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../local/src/model/model.json")).unwrap());

/// Texts that fit the patterns, by shape.
const SAMPLES: &[(&str, &str)] = &[
    ("AccountId", "123456789012"),
    ("AmiNameString", "web {{ imagebuilder:buildDate }}"),
    ("ComponentBuildVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:component/none/1.0.0/1"),
    ("ComponentVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:component/none/1.0.0"),
    ("ComponentVersionArnOrBuildVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:component/none/1.0.0"),
    ("ContainerRecipeArn", "arn:aws:imagebuilder:us-east-1:123456789012:container-recipe/none/1.0.0"),
    ("DistributionConfigurationArn", "arn:aws:imagebuilder:us-east-1:123456789012:distribution-configuration/none"),
    ("EmptyString", ""),
    ("FilterName", "name"),
    ("HttpTokens", "required"),
    ("ImageBuildVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:image/none/1.0.0/1"),
    ("ImageBuilderArn", "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/none"),
    ("ImagePipelineArn", "arn:aws:imagebuilder:us-east-1:123456789012:image-pipeline/none"),
    ("ImageRecipeArn", "arn:aws:imagebuilder:us-east-1:123456789012:image-recipe/none/1.0.0"),
    ("ImageVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:image/none/1.0.0"),
    ("ImageVersionArnOrBuildVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:image/none/1.0.0/1"),
    ("InfrastructureConfigurationArn", "arn:aws:imagebuilder:us-east-1:123456789012:infrastructure-configuration/none"),
    ("LaunchTemplateId", "lt-0123456789abcdef0"),
    (
        "LicenseConfigurationArn",
        "arn:aws:license-manager:us-east-1:123456789012:license-configuration:lic-0123456789abcdef0123456789abcdef",
    ),
    ("LifecycleExecutionId", "lce-01234567-89ab-cdef-0123-456789abcdef"),
    ("LifecyclePolicyArn", "arn:aws:imagebuilder:us-east-1:123456789012:lifecycle-policy/none"),
    ("LogGroupName", "/aws/imagebuilder/web"),
    ("MarketplaceResourceLocation", "s3://bucket/key"),
    ("OrganizationArn", "arn:aws:organizations::123456789012:organization/o-0123456789"),
    ("OrganizationalUnitArn", "arn:aws:organizations::123456789012:ou/o-0123456789/ou-abcd-01234567"),
    ("SnsTopicArn", "arn:aws:sns:us-east-1:123456789012:builds"),
    ("Timezone", "Europe/Berlin"),
    ("UserDataOverride", "AAAA"),
    ("VersionNumber", "1.0.0"),
    ("WildcardVersionNumber", "1.0.0"),
    ("WorkflowBuildVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:workflow/build/none/1.0.0/1"),
    ("WorkflowExecutionId", "wf-01234567-89ab-cdef-0123-456789abcdef"),
    ("WorkflowStepExecutionId", "step-01234567-89ab-cdef-0123-456789abcdef"),
    ("WorkflowVersionArnOrBuildVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:workflow/build/none/1.0.0/1"),
    ("WorkflowWildcardVersionArn", "arn:aws:imagebuilder:us-east-1:123456789012:workflow/build/none/1.0.0"),
];

/// An operation's name with what the model says of it.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) about: &'static Value,
}

/// All operations.
pub(crate) fn operations() -> impl Iterator<Item = Operation> {
    let operations = MODEL["operations"].as_object().unwrap();
    operations.iter().map(|(name, about)| Operation { name, about })
}

/// An operation by its name.
pub(crate) fn operation(name: &str) -> Operation {
    operations().find(|operation| operation.name == name).unwrap()
}

/// A step from a value into it.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(&'static str),
    Item,
    Entry,
}

/// A bad value at a member, and how the refusal names that member.
pub(crate) struct Bad {
    pub(crate) input: Value,
    pub(crate) path: String,
    pub(crate) why: String,
}

fn shape(name: &str) -> &'static Value {
    &MODEL["shapes"][name]
}

fn members(described: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    described["members"].as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member))
}

fn text(value: &'static Value) -> &'static str {
    value.as_str().unwrap()
}

/// The least value of a shape.
fn minimal(name: &str) -> Value {
    let described = shape(name);
    match text(&described["type"]) {
        "structure" => {
            let required = described["required"].as_array().into_iter().flatten().map(text);
            let member = |member| (member, minimal(text(&described["members"][member]["shape"])));
            Value::Object(required.map(member).map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
        }
        "list" => json!([minimal(text(&described["member"]))]),
        "map" => json!({"key": minimal(text(&described["value"]))}),
        "boolean" => json!(true),
        "string" => match described["enum"].as_array().and_then(|values| values.first()) {
            Some(value) => value.clone(),
            None => SAMPLES.iter().find(|(sample, _)| *sample == name).map_or("example", |(_, text)| text).into(),
        },
        _ => described.get("min").cloned().unwrap_or_else(|| json!(1)),
    }
}

/// The least value of a shape that holds a value at the end of a path.
fn holding(name: &str, steps: &[Step], value: &Value) -> Value {
    let described = shape(name);
    match steps.split_first() {
        None => value.clone(),
        Some((Step::Member(member), rest)) => {
            let mut whole = minimal(name);
            whole[*member] = holding(text(&described["members"][*member]["shape"]), rest, value);
            whole
        }
        Some((Step::Item, rest)) => json!([holding(text(&described["member"]), rest, value)]),
        Some((Step::Entry, rest)) => json!({"key": holding(text(&described["value"]), rest, value)}),
    }
}

/// The paths to all texts within a shape, with their shapes.
fn texts(name: &'static str, path: &[Step], found: &mut Vec<(Vec<Step>, &'static str)>) {
    let described = shape(name);
    let mut follow = |step: Step, name: &'static str| texts(name, &[path, &[step]].concat(), found);
    match text(&described["type"]) {
        "structure" => {
            members(described).for_each(|(member, about)| follow(Step::Member(member), text(&about["shape"])));
        }
        "list" => follow(Step::Item, text(&described["member"])),
        "map" => follow(Step::Entry, text(&described["value"])),
        "string" => found.push((path.to_vec(), name)),
        _ => {}
    }
}

fn named(path: &[Step]) -> String {
    path.iter().fold(String::new(), |path, step| match step {
        Step::Member(name) if path.is_empty() => (*name).to_owned(),
        Step::Member(name) => format!("{path}.{name}"),
        Step::Item => format!("{path}[0]"),
        Step::Entry => format!("{path}.key"),
    })
}

impl Operation {
    fn input_shape(&self) -> &'static str {
        text(&self.about["input"])
    }

    /// The least valid input, without client token.
    pub(crate) fn minimal(&self) -> Value {
        let mut input = minimal(self.input_shape());
        input.as_object_mut().unwrap().remove("clientToken");
        input
    }

    /// Where a member sits: `uri`, `querystring` or in the body.
    fn location(&self, member: &str) -> Option<&'static str> {
        shape(self.input_shape())["members"][member]["location"].as_str()
    }

    /// The required members that no client fills by itself and that aren't in the path.
    pub(crate) fn required(&self) -> Vec<&'static str> {
        let required = shape(self.input_shape())["required"].as_array();
        let required = required.into_iter().flatten().map(text);
        required.filter(|name| *name != "clientToken" && self.location(name) != Some("uri")).collect()
    }

    /// Whether the input has a member of a shape.
    pub(crate) fn takes(&self, member: &str, of: &str) -> bool {
        shape(self.input_shape())["members"][member]["shape"] == of
    }

    /// Whether the output has a member.
    pub(crate) fn answers(&self, member: &str) -> bool {
        shape(text(&self.about["output"]))["members"].get(member).is_some()
    }

    /// Whether an error is one that clients expect.
    pub(crate) fn models(&self, code: &str) -> bool {
        self.about["errors"].as_array().unwrap().iter().any(|error| error == code)
    }

    /// For every text of the input: an input in which it alone is bad, in each way that its shape knows.
    pub(crate) fn bad_inputs(&self) -> Vec<Bad> {
        let mut found = Vec::new();
        texts(self.input_shape(), &[], &mut found);
        let mut bad = Vec::new();
        for (path, name) in found {
            let described = shape(name);
            let Some(Step::Member(top)) = path.first() else { continue };
            let location = self.location(top);
            let mut ways = Vec::new();
            if location.is_none() {
                ways.push(("of a wrong type", json!(7)));
            }
            if described.get("enum").is_some() {
                ways.push(("none of the enum", json!("Nope")));
            }
            if let Some(max) = described["max"].as_u64() {
                ways.push(("too long", json!("a".repeat(usize::try_from(max).unwrap() + 1))));
            }
            if described["min"].as_u64().is_some_and(|min| min > 0) && location != Some("uri") {
                ways.push(("too short", json!("")));
            }
            if described.get("pattern").is_some() {
                ways.push(("out of its pattern", json!("\u{0}")));
            }
            for (why, value) in ways {
                let input = holding(self.input_shape(), &path, &value);
                bad.push(Bad { input, path: named(&path), why: why.to_owned() });
            }
        }
        bad
    }

    /// Sends an input, each member in its place.
    pub(crate) async fn send(&self, connection: &mut Connection, input: &Value) -> Answer {
        let (mut target, mut query, mut body) = (text(&self.about["uri"]).to_owned(), Vec::new(), Map::new());
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        for (name, value) in input.as_object().unwrap() {
            match self.location(name) {
                Some("uri") => target = target.replace(&format!("{{{name}}}"), &encoded(&plain(value))),
                Some(_) => {
                    let items = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
                    query.extend(items.iter().map(|item| format!("{name}={}", encoded(&plain(item)))));
                }
                None => drop(body.insert(name.clone(), value.clone())),
            }
        }
        if !query.is_empty() {
            target = format!("{target}?{}", query.join("&"));
        }
        let method = text(&self.about["method"]);
        let body = if matches!(method, "GET" | "DELETE") { String::new() } else { Value::Object(body).to_string() };
        connection.ask(method, &target, &body).await
    }
}
