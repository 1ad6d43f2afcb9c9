//! Permissions one by one, in the words of the templates: what a policy grants, and what a declaration asks for.

use crate::actions;
use goldsmith_local::stack::statements_of_sam_policy;
use serde_json::{Value, json};
use shared::permissions::Permission;
use std::collections::BTreeSet;
use std::fmt;

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Grant {
    pub(crate) action: String,
    /// As `Fn::Sub` would take it: `${X}` for a reference, `${X.Y}` for an attribute.
    pub(crate) on: String,
    /// The condition as JSON with the keys and values in order, `{}` for none.
    pub(crate) when: String,
    /// The template's condition, or nothing.
    pub(crate) given: String,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.on)?;
        if self.when != "{}" {
            write!(f, " when {}", self.when)?;
        }
        if !self.given.is_empty() {
            write!(f, " given {}", self.given)?;
        }
        Ok(())
    }
}

impl Grant {
    /// What a permission stands for: each action on each resource.
    pub(crate) fn declared(permission: &Permission) -> Vec<Self> {
        let when = match permission.when {
            Some(limit) => json!({limit.operator: {limit.key: limit.values}}),
            None => Value::Null,
        };
        let (when, given) = (canonical(&when), permission.given.unwrap_or_default());
        let pairs = permission.actions.iter().flat_map(|action| permission.on.iter().map(move |on| (action, on)));
        let grant = |(action, on): (&&str, &&str)| Self {
            action: (*action).to_owned(),
            on: (*on).to_owned(),
            when: when.clone(),
            given: given.to_owned(),
        };
        pairs.map(grant).collect()
    }

    /// All that a managed policy grants.
    pub(crate) fn managed(arn: &str) -> Self {
        let none = String::new();
        Self { action: "the managed policy".to_owned(), on: arn.to_owned(), when: canonical(&Value::Null), given: none }
    }
}

/// A statement of a policy.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) actions: Vec<String>,
    pub(crate) on: Vec<String>,
    pub(crate) when: String,
    pub(crate) given: String,
}

impl Statement {
    /// Each action on each resource of a kind that it knows; an action on another kind grants nothing.
    pub(crate) fn grants(&self) -> Vec<Grant> {
        let pairs = self.actions.iter().flat_map(|action| self.on.iter().map(move |on| (action, on)));
        let told = pairs.filter(|(action, on)| {
            let knows_another = self.on.iter().any(|other| actions::fits(action, other));
            actions::fits(action, on) || !knows_another
        });
        let grant = |(action, on): (&String, &String)| Grant {
            action: action.clone(),
            on: on.clone(),
            when: self.when.clone(),
            given: self.given.clone(),
        };
        told.map(grant).collect()
    }
}

/// The policies of a role.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    pub(crate) statements: Vec<Statement>,
    managed: Vec<String>,
    /// What can't be compared, in words.
    pub(crate) faults: Vec<String>,
}

impl Policies {
    /// Those of a role of a template: of one that SAM implies, a function's.
    pub(crate) fn of(template: &Value, role: &str) -> Self {
        let properties = &template["Resources"][role]["Properties"];
        let mut policies = Self::default();
        for policy in items(&properties["Policies"]).chain(items(&properties["SamPolicies"])) {
            policies.add(policy, "");
        }
        for arn in items(&properties["ManagedPolicyArns"]) {
            policies.managed.extend(words(arn));
        }
        // Every function's role has it, by which Lambda writes its logs.
        policies.managed.retain(|arn| arn != "AWSLambdaBasicExecutionRole");
        policies
    }

    /// All that is granted.
    pub(crate) fn granted(&self) -> BTreeSet<Grant> {
        let managed = self.managed.iter().map(|arn| Grant::managed(arn));
        self.statements.iter().flat_map(Statement::grants).chain(managed).collect()
    }

    fn add(&mut self, policy: &Value, given: &str) {
        if let Some((condition, then)) = granted_if(policy) {
            return self.add(then, condition);
        }
        let document = policy.get("PolicyDocument").unwrap_or(policy);
        if let Some(statements) = document.get("Statement") {
            items(statements).for_each(|statement| self.state(statement, given));
            return;
        }
        if policy.is_string() {
            return self.managed.extend(words(policy));
        }
        let named = policy.as_object().and_then(|policy| policy.iter().next());
        let place = ["${AWS::Partition}", "${AWS::Region}", "${AWS::AccountId}"];
        let statements = named.and_then(|(name, arguments)| {
            let arguments = arguments.as_object()?.iter().map(|(name, value)| (name.clone(), json!(words(value)[0])));
            statements_of_sam_policy(place, name, &arguments.collect())
        });
        match statements {
            Some(statements) => items(&statements).for_each(|statement| self.state(statement, given)),
            None => self.faults.push(format!("not a policy that is known here: {policy}")),
        }
    }

    fn state(&mut self, statement: &Value, given: &str) {
        if let Some((condition, then)) = granted_if(statement) {
            return self.state(then, condition);
        }
        let known = ["Action", "Condition", "Effect", "Resource", "Sid"];
        let strange = statement.as_object().unwrap().keys().find(|key| !known.contains(&key.as_str()));
        if statement["Effect"] != "Allow" || strange.is_some() {
            self.faults.push(format!("not a statement that can be compared: {statement}"));
        }
        let texts = |member: &str| items(&statement[member]).flat_map(words).collect::<Vec<_>>();
        let stated = Statement {
            actions: texts("Action"),
            on: texts("Resource"),
            when: canonical(&statement["Condition"]),
            given: given.to_owned(),
        };
        for on in stated.on.iter().filter(|on| !stated.actions.iter().any(|action| actions::fits(action, on))) {
            self.faults.push(format!("no action of {} is about {on}", statement["Sid"]));
        }
        self.statements.push(stated);
    }
}

/// The condition of `Fn::If` and what holds then, if nothing holds otherwise.
fn granted_if(value: &Value) -> Option<(&str, &Value)> {
    let [condition, then, otherwise] = value.get("Fn::If")?.as_array()?.as_slice() else { return None };
    (otherwise["Ref"] == "AWS::NoValue").then_some((condition.as_str()?, then))
}

/// A list's items; what isn't one is a list of one, and what isn't there of none.
pub(crate) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    let list = value.as_array().map(Vec::as_slice);
    list.unwrap_or_else(|| if value.is_null() { &[] } else { std::slice::from_ref(value) }).iter()
}

/// A value in the words of `Fn::Sub`; of `Fn::If`, both.
pub(crate) fn words(value: &Value) -> Vec<String> {
    let one = |text: String| vec![text];
    if let Some(text) = value.as_str() {
        return one(text.to_owned());
    }
    let call = value.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
    match call.map(|(function, argument)| (function.as_str(), argument, argument.as_array().map(Vec::as_slice))) {
        Some(("Ref", name, _)) if name == "AWS::NoValue" => Vec::new(),
        Some(("Ref", name, _)) => one(format!("${{{}}}", name.as_str().unwrap())),
        Some(("Fn::Sub", text, None)) => one(text.as_str().unwrap().to_owned()),
        Some(("Fn::GetAtt", _, Some([name, attribute]))) => {
            one(format!("${{{}.{}}}", name.as_str().unwrap(), attribute.as_str().unwrap()))
        }
        Some(("Fn::GetAtt", name, None)) => one(format!("${{{}}}", name.as_str().unwrap())),
        Some(("Fn::If", _, Some([_, then, otherwise]))) => [words(then), words(otherwise)].concat(),
        _ => one(value.to_string()),
    }
}

/// A policy's condition with everything in order.
fn canonical(condition: &Value) -> String {
    let mut ordered = serde_json::Map::new();
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let values: BTreeSet<String> = items(values).flat_map(words).collect();
            ordered.entry(operator.clone()).or_insert_with(|| json!({}))[key] = json!(values);
        }
    }
    Value::Object(ordered).to_string()
}
