//! Makes a stack's resources, each after those that it names, by calls of the services' own APIs.

use super::check::check;
use super::error::{Fault, Refusal, StackErrors, collect};
use super::evaluate::{Made, Scope, text};
use super::order::{dependencies, order, references};
use super::rules::rules;
use super::template::Template;
use super::tree::{Entry, Node};
use super::types::{self, Naming};
use super::{auto_scaling, dynamic, function, iam, imagebuilder, launch_template, messaging, triggers, values};
use crate::draw::Seed;
use crate::journal::Kind;
use crate::wire::{Caller, Context};
use crate::world::{DEFAULT_ACCOUNT, World};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A stack on its way: deployment waits for the builds that the template asks for.
#[derive(Debug)]
pub struct Deployment {
    template: Template,
    stack_name: String,
    given: BTreeMap<String, String>,
    account: String,
    region: String,
    /// Parameters and pseudo parameters; empty until the deployment has begun.
    values: BTreeMap<String, Value>,
    /// The parameters whose values were made up.
    made_up: BTreeSet<String>,
    made: BTreeMap<String, Made>,
    /// What is still to be made, in order.
    todo: Vec<String>,
    /// Builds in flight: logical ID → image.
    building: BTreeMap<String, String>,
    failed: BTreeSet<String>,
    faults: Vec<Fault>,
    created: Vec<(String, String)>,
    properties: BTreeMap<String, Value>,
}

/// How far a deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Everything is made.
    Done(Summary),
    /// A build must end first: call [`Deployment::advance`] again when it has.
    Waiting {
        /// The build to wait for.
        image_arn: String,
    },
}

/// What a deployment made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The stack.
    pub stack_name: String,
    /// Logical ID and type of every resource, in the order in which they were made.
    pub created: Vec<(String, String)>,
    /// By logical ID: what the resources' properties came to, the functions of the template evaluated.
    pub properties: BTreeMap<String, Value>,
    /// The types that play no part locally, with how many there are of each: `AWS::S3::Bucket (2)`.
    pub no_part: Vec<String>,
    /// The outputs, lists and maps as JSON.
    pub outputs: BTreeMap<String, String>,
}

/// What came of one resource.
enum Outcome {
    Made(Made),
    Building(String),
}

impl Deployment {
    /// Checks a template for everything that shows before anything is made.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn new(
        template: Template,
        stack_name: impl Into<String>,
        parameters: BTreeMap<String, String>,
        account: impl Into<String>,
        region: impl Into<String>,
    ) -> Result<Self, StackErrors> {
        let mut faults = check(&template);
        let todo = order(&template).unwrap_or_else(|fault| {
            faults.push(fault);
            Vec::new()
        });
        if !faults.is_empty() {
            return Err(collect(&template.file, faults));
        }
        Ok(Self {
            template,
            stack_name: stack_name.into(),
            given: parameters,
            account: account.into(),
            region: region.into(),
            values: BTreeMap::new(),
            made_up: BTreeSet::new(),
            made: BTreeMap::new(),
            todo,
            building: BTreeMap::new(),
            failed: BTreeSet::new(),
            faults: Vec::new(),
            created: Vec::new(),
            properties: BTreeMap::new(),
        })
    }

    /// Makes all that can be made now. What a failed resource doesn't touch is made nevertheless, so that one run
    /// tells everything that is wrong.
    ///
    /// # Errors
    /// What the services refused, with the place in the template.
    pub fn advance(&mut self, world: &mut World) -> Result<Progress, StackErrors> {
        if self.values.is_empty() {
            self.begin(world).map_err(|faults| collect(&self.template.file, faults))?;
        }
        self.settle_builds(world);
        for logical in std::mem::take(&mut self.todo) {
            let waits = self.waits_for(&logical);
            if waits.iter().any(|name| self.failed.contains(name)) {
                self.failed.insert(logical);
            } else if waits.iter().all(|name| self.made.contains_key(name)) {
                self.make(world, logical);
            } else {
                self.todo.push(logical);
            }
        }
        if !self.faults.is_empty() {
            return Err(collect(&self.template.file, std::mem::take(&mut self.faults)));
        }
        if let Some(image_arn) = self.building.values().next() {
            return Ok(Progress::Waiting { image_arn: image_arn.clone() });
        }
        let outputs = self.outputs(world).map_err(|faults| collect(&self.template.file, faults))?;
        let summary = self.summary(outputs);
        let detail = match summary.no_part.as_slice() {
            [] => format!("{} resources", summary.created.len()),
            types => format!("{} resources; these play no part locally: {}", summary.created.len(), types.join(", ")),
        };
        for (why, resources) in self.no_effect() {
            world.record(
                Kind::Warning,
                &self.stack_name,
                Some(&self.region),
                format!("{}: {why}", resources.join(", ")),
            );
        }
        world.record(Kind::Deployed, &self.stack_name, Some(&self.region), detail);
        world.stacks.deployed.insert(self.key(), self.fingerprint());
        Ok(Progress::Done(summary))
    }

    /// What tells stacks apart: `REGION/NAME`, and in front of that the account if it isn't the default one.
    pub fn key(&self) -> String {
        let account = if self.account == DEFAULT_ACCOUNT { String::new() } else { format!("{}/", self.account) };
        format!("{account}{}/{}", self.region, self.stack_name)
    }

    /// The same for the same template with the same given parameters.
    pub fn fingerprint(&self) -> String {
        Seed(0).hex(&[&format!("{:?}", self.template.root), &format!("{:?}", self.given)], 32)
    }

    fn context(&self, world: &mut World) -> Context {
        let caller = Caller::service(&self.account, "cloudformation.amazonaws.com");
        Context { caller, region: self.region.clone(), request_id: world.fresh_uuid("cloudformation request") }
    }

    /// Finds the parameters' values, checks the rules, and leaves out what its condition excludes.
    fn begin(&mut self, world: &mut World) -> Result<(), Vec<Fault>> {
        let context = self.context(world);
        let values = values::values(world, &context, &self.template, &self.stack_name, &self.given)?;
        (self.values, self.made_up) = (values.by_name, values.made_up);
        let scope = self.scope(world);
        let mut faults = rules(&scope);
        let mut kept = Vec::new();
        for logical in &self.todo {
            let Some(entry) = self.template.resource(logical) else { continue };
            let condition = entry.value.get("Condition").and_then(|node| Some((node.as_text()?, node.line)));
            match condition.map_or(Ok(true), |(name, line)| scope.condition(name, line)) {
                Ok(true) => kept.push(logical.clone()),
                Ok(false) => {}
                Err(fault) => faults.push(fault),
            }
        }
        self.todo = kept;
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Where exports are known: the stack's account and Region.
    fn exported_to(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    fn scope<'a>(&'a self, world: &'a World) -> Scope<'a> {
        static NONE: BTreeMap<String, Value> = BTreeMap::new();
        let exports = world.stacks.exports.get(&self.exported_to()).unwrap_or(&NONE);
        Scope { template: &self.template, values: &self.values, resources: &self.made, exports }
    }

    /// The resources that one waits for, without those that its conditions leave out.
    fn waits_for(&self, logical: &str) -> Vec<String> {
        let Some(entry) = self.template.resource(logical) else { return Vec::new() };
        let here = |name: &String| {
            self.made.contains_key(name)
                || self.failed.contains(name)
                || self.building.contains_key(name)
                || self.todo.contains(name)
        };
        dependencies(&self.template, &entry.value).into_iter().filter(here).collect()
    }

    fn settle_builds(&mut self, world: &World) {
        for (logical, arn) in std::mem::take(&mut self.building) {
            match imagebuilder::build(world, &self.region, &arn) {
                imagebuilder::Build::Running => {
                    self.building.insert(logical, arn);
                }
                imagebuilder::Build::Done(made) => {
                    self.made.insert(logical, made);
                }
                imagebuilder::Build::Failed(why) => {
                    let line = self.template.resource(&logical).map_or(1, |entry| entry.line);
                    self.faults.push(Fault::new(line, format!("{logical}: {why}")));
                    self.failed.insert(logical);
                }
            }
        }
    }

    fn make(&mut self, world: &mut World, logical: String) {
        let Some(entry) = self.template.resource(&logical).cloned() else { return };
        let kind = entry.value.get_text("Type").unwrap_or_default().to_owned();
        match self.properties(world, &entry).and_then(|properties| {
            let refused =
                |refusals: Vec<Refusal>| refusals.iter().map(|one| placed(&entry, &kind, one)).collect::<Vec<_>>();
            let outcome = self.create(world, &entry, &kind, &properties).map_err(refused);
            self.properties.insert(logical.clone(), properties);
            outcome
        }) {
            Ok(outcome) => {
                match outcome {
                    Outcome::Made(made) => drop(self.made.insert(logical.clone(), made)),
                    Outcome::Building(arn) => drop(self.building.insert(logical.clone(), arn)),
                }
                self.created.push((logical, kind));
            }
            Err(mut faults) => {
                if let Some(hint) = self.hint(&entry) {
                    faults.iter_mut().for_each(|fault| fault.message.push_str(&hint));
                }
                self.faults.extend(faults);
                self.failed.insert(logical);
            }
        }
    }

    /// A refusal may be the fault of a value that nobody gave.
    fn hint(&self, entry: &Entry) -> Option<String> {
        let found: BTreeSet<_> = references(&entry.value)
            .into_iter()
            .map(|one| one.name)
            .filter(|name| self.made_up.contains(name))
            .collect();
        let names: Vec<_> = found.into_iter().collect();
        let [first, ..] = names.as_slice() else { return None };
        Some(format!(
            " (made up, since no value is given: {}; give yours with --parameter {first}=VALUE)",
            names.join(", ")
        ))
    }

    /// The resources that would act on AWS but have no effect here, by the reason, each with its place.
    fn no_effect(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut found: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (logical, kind) in &self.created {
            let Some(why) = types::known(kind).ok().and_then(types::Type::no_effect) else { continue };
            let line = self.template.resource(logical).map_or(1, |entry| entry.line);
            found.entry(why).or_default().push(format!("{}:{line}: {logical} ({kind})", self.template.file.display()));
        }
        found
    }

    fn properties(&self, world: &mut World, entry: &Entry) -> Result<Value, Vec<Fault>> {
        let mut properties = match entry.value.get("Properties") {
            Some(node) => self.scope(world).value(node).map_err(|fault| vec![fault])?.unwrap_or_default(),
            None => Value::Null,
        };
        if properties.is_null() {
            properties = json!({});
        }
        let context = self.context(world);
        dynamic::resolve(world, &context, &mut properties).map_err(|why| vec![Fault::new(entry.line, why)])?;
        Ok(properties)
    }

    fn create(
        &self,
        world: &mut World,
        entry: &Entry,
        kind: &str,
        properties: &Value,
    ) -> Result<Outcome, Vec<Refusal>> {
        let context = self.context(world);
        let of = types::known(kind).map_err(|why| vec![Refusal::new(why)])?;
        if of.no_effect().is_some() {
            imagebuilder::check(kind, properties)?;
        } else if let Some(made) = imagebuilder::make(world, &context, kind, properties) {
            let made = made?;
            return Ok(match (kind, made.reference.as_str()) {
                ("AWS::ImageBuilder::Image", Some(arn)) => Outcome::Building(arn.to_owned()),
                _ => Outcome::Made(made),
            });
        }
        let naming = Naming {
            seed: world.seed,
            account: &self.account,
            region: &self.region,
            stack: &self.stack_name,
            logical: &entry.key,
            properties,
        };
        let mut made = types::made_up(of, naming);
        let context = &context;
        match kind {
            "AWS::Serverless::Function" | "AWS::Lambda::Function" => {
                let place = function::Place {
                    kind,
                    stack: &self.stack_name,
                    logical: &entry.key,
                    folder: &self.template.folder,
                    at: format!("{}:{}", self.template.file.display(), entry.line),
                };
                function::function(world, context, &place, &made, properties)?;
            }
            "AWS::Lambda::EventInvokeConfig" => {
                let name = properties.get("FunctionName").and_then(text).unwrap_or_default();
                function::invoke_config(world, &name, properties)?;
            }
            "AWS::SNS::Topic" => messaging::topic(world, context, &made, properties)?,
            "AWS::SNS::Subscription" => {
                if let Some(arn) = messaging::subscription(world, context, properties)? {
                    made = Made { attributes: [("Arn".to_owned(), arn.clone())].into(), reference: arn };
                }
            }
            "AWS::AutoScaling::AutoScalingGroup" => {
                let name = naming.physical_name("AutoScalingGroupName");
                made = auto_scaling::group(world, context, &name, properties)?;
            }
            "AWS::AutoScaling::LaunchConfiguration" => {
                let name = naming.physical_name("LaunchConfigurationName");
                made = auto_scaling::configuration(world, context, &name, properties)?;
            }
            "AWS::EC2::LaunchTemplate" => {
                made = launch_template::make(world, context, &naming.physical_name("LaunchTemplateName"), properties)?
            }
            "AWS::SQS::Queue" => messaging::queue(world, &made, properties),
            "AWS::SSM::Parameter" => messaging::parameter(world, context, &made, properties)?,
            "AWS::Events::Rule" => {
                triggers::rule(world, context, made.reference.as_str().unwrap_or_default(), properties)?;
            }
            "AWS::Scheduler::Schedule" => {
                triggers::schedule(world, context, made.reference.as_str().unwrap_or_default(), properties)?;
            }
            "AWS::Events::EventBus" => triggers::bus(world, context, &naming.physical_name("Name"), properties)?,
            "AWS::IAM::Role" => iam::role(world, context, &entry.key, &made, properties)?,
            "AWS::IAM::ManagedPolicy" | "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => {
                iam::policy(world, &self.account, kind, &made, properties)?;
            }
            _ => {}
        }
        Ok(Outcome::Made(made))
    }

    /// Evaluates the outputs and makes the exports known.
    fn outputs(&self, world: &mut World) -> Result<BTreeMap<String, String>, Vec<Fault>> {
        let mut outputs = BTreeMap::new();
        let mut exports: BTreeMap<String, Value> = BTreeMap::new();
        let mut faults = Vec::new();
        let place = self.exported_to();
        let known = world.stacks.exports.get(&place);
        for entry in self.template.section("Outputs") {
            match self.output(&self.scope(world), entry) {
                Ok(None) => {}
                Ok(Some((value, export))) => {
                    outputs.insert(entry.key.clone(), text(&value).unwrap_or_else(|| value.to_string()));
                    let Some(name) = export else { continue };
                    if known.is_some_and(|known| known.contains_key(&name)) || exports.contains_key(&name) {
                        faults.push(Fault::new(entry.line, format!("an export named {name:?} exists already")));
                    }
                    exports.insert(name, value);
                }
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        world.stacks.exports.entry(place).or_default().extend(exports);
        Ok(outputs)
    }

    /// An output's value, and the name that it is exported under; `None` if its condition doesn't hold.
    fn output(&self, scope: &Scope<'_>, entry: &Entry) -> Result<Option<(Value, Option<String>)>, Fault> {
        if let Some(node) = entry.value.get("Condition")
            && !scope.condition(node.as_text().unwrap_or_default(), node.line)?
        {
            return Ok(None);
        }
        let Some(node) = entry.value.get("Value") else { return Ok(None) };
        let value = scope.present(node)?;
        let export = entry.value.get("Export").and_then(|export| export.get("Name"));
        Ok(Some((value, export.map(|name| scope.string(name)).transpose()?)))
    }

    fn summary(&self, outputs: BTreeMap<String, String>) -> Summary {
        let mut resting: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, kind) in &self.created {
            if types::known(kind).is_ok_and(types::Type::rests) {
                *resting.entry(kind).or_default() += 1;
            }
        }
        Summary {
            stack_name: self.stack_name.clone(),
            created: self.created.clone(),
            properties: self.properties.clone(),
            no_part: resting.into_iter().map(|(kind, count)| format!("{kind} ({count})")).collect(),
            outputs,
        }
    }
}

/// A refusal with the line of the property that it is about, or else of the resource.
fn placed(entry: &Entry, kind: &str, refusal: &Refusal) -> Fault {
    let property = refusal.property.as_deref().and_then(|path| path.split('.').next());
    let properties = entry.value.get("Properties").map(Node::entries).unwrap_or_default();
    let found = properties.iter().find(|one| Some(one.key.as_str()) == property);
    Fault::new(found.map_or(entry.line, |one| one.line), format!("{} ({kind}): {}", entry.key, refusal.message))
}
