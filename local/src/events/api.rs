//! The calls on rules, and the way to all calls.

use super::members::{Members, invalid, too_many};
use super::{Rule, bus, fire, put_events, put_targets};
use crate::pattern::Pattern;
use crate::schedule::Expression;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Rules that a bus can have.
const MOST_RULES: usize = 300;

/// One call.
pub(super) fn call(world: &mut World, context: &Context, operation: &str, input: &Value) -> Result<Value, ApiError> {
    let input = Members(input);
    match operation {
        "PutRule" => put_rule(world, context, input),
        "DescribeRule" => describe_rule(world, context, input),
        "ListRules" => list_rules(world, context, input),
        "DeleteRule" => delete_rule(world, context, input),
        "EnableRule" => set_state(world, context, input, "ENABLED"),
        "DisableRule" => set_state(world, context, input, "DISABLED"),
        "PutTargets" => put_targets::put_targets(world, context, input),
        "RemoveTargets" => put_targets::remove_targets(world, context, input),
        "ListTargetsByRule" => list_targets_by_rule(world, context, input),
        "ListRuleNamesByTarget" => list_rule_names_by_target(world, context, input),
        "TestEventPattern" => test_event_pattern(input),
        "CreateEventBus" => bus::create(world, context, input),
        "DescribeEventBus" => bus::describe(world, context, input),
        "ListEventBuses" => bus::list(world, context, input),
        "DeleteEventBus" => bus::delete(world, context, input),
        "PutEvents" => put_events::put_events(world, context, input),
        "TagResource" => tag_resource(world, input),
        "UntagResource" => untag_resource(world, input),
        "ListTagsForResource" => list_tags_for_resource(world, input),
        _ => {
            let message = format!("{operation} is not supported by the local EventBridge");
            Err(ApiError::bad("UnknownOperationException", message))
        }
    }
}

fn arn_of(bus: &str, name: &str, context: &Context) -> String {
    let bus = if bus == bus::DEFAULT { String::new() } else { format!("{bus}/") };
    format!("arn:aws:events:{}:{}:rule/{bus}{name}", context.region, context.account())
}

fn no_rule(name: &str, bus: &str) -> ApiError {
    let message = format!("Rule {name} does not exist on EventBus {bus}.");
    ApiError::bad("ResourceNotFoundException", message)
}

/// The rule whose name `member` holds.
pub(super) fn rule_mut<'w>(
    world: &'w mut World,
    context: &Context,
    input: Members<'_>,
    member: &str,
) -> Result<&'w mut Rule, ApiError> {
    let bus = bus::of_input(world, context, input)?;
    let name = input.name(member)?;
    world.events.rules.get_mut(&arn_of(&bus, name, context)).ok_or_else(|| no_rule(name, &bus))
}

/// The rules on a bus of the caller's account and Region with their names, in the order of those.
fn rules_of<'w>(world: &'w World, context: &Context, bus: &str) -> impl Iterator<Item = (String, &'w Rule)> {
    let (prefix, bus) = (arn_of(bus, "", context), bus.to_owned());
    let rules = world.events.rules.range(prefix.clone()..).take_while(move |(arn, _)| arn.starts_with(&prefix));
    // The ARNs of other buses' rules begin like those of the default one's.
    rules.filter(move |(_, rule)| rule.bus == bus).map(|(_, rule)| (rule.name.clone(), rule))
}

fn read_pattern(text: &str) -> Result<Pattern, ApiError> {
    let read = serde_json::from_str::<Value>(text).map_err(|error| error.to_string());
    read.and_then(|value| Pattern::parse(&value)).map_err(|reason| {
        ApiError::bad("InvalidEventPatternException", format!("Event pattern is not valid. Reason: {reason}"))
    })
}

/// PutRule: makes a rule, or replaces all of it but its targets and tags.
fn put_rule(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let bus = bus::of_input(world, context, input)?;
    let name = input.name("Name")?;
    let pattern = match input.short("EventPattern", 4096)?.filter(|text| !text.is_empty()) {
        Some(text) => Some((text.to_owned(), read_pattern(text)?)),
        None => None,
    };
    let schedule = match input.short("ScheduleExpression", 256)?.filter(|text| !text.is_empty()) {
        Some(text) => {
            let read = Expression::parse(text).ok().filter(|expression| !expression.is_one_time());
            let read = read.ok_or_else(|| invalid("Parameter ScheduleExpression is not valid."))?;
            Some((text.to_owned(), read))
        }
        None => None,
    };
    if schedule.is_some() && bus != bus::DEFAULT {
        return Err(invalid("ScheduleExpression is supported only on the default event bus."));
    }
    if pattern.is_none() && schedule.is_none() {
        return Err(invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."));
    }
    let state = input.text("State")?.unwrap_or("ENABLED");
    if !matches!(state, "ENABLED" | "DISABLED" | "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") {
        return Err(invalid(format!(
            "1 validation error detected: Value '{state}' at 'state' failed to satisfy constraint: Member must satisfy \
             enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]"
        )));
    }
    let arn = arn_of(&bus, name, context);
    let old = world.events.rules.get(&arn);
    if old.is_none() && rules_of(world, context, &bus).count() >= MOST_RULES {
        return Err(too_many());
    }
    let same_schedule = |old: &&Rule| old.schedule == schedule;
    let anchor = old.filter(same_schedule).map_or(world.now, |old| old.anchor);
    let mut rule = Rule {
        name: name.to_owned(),
        bus,
        arn: arn.clone(),
        account: context.account().to_owned(),
        region: context.region.clone(),
        description: input.short("Description", 512)?.map(str::to_owned),
        role_arn: input.short("RoleArn", 1600)?.map(str::to_owned),
        state: state.to_owned(),
        pattern,
        schedule,
        anchor,
        generation: 0,
        targets: Vec::new(),
        tags: input.tags()?,
    };
    if let Some(old) = world.events.rules.remove(&arn) {
        rule.targets = old.targets;
        rule.tags = old.tags;
    }
    world.events.rules.insert(arn.clone(), rule);
    fire::reschedule(world, &arn);
    Ok(json!({"RuleArn": arn}))
}

/// A rule as ListRules shows it.
fn document(rule: &Rule) -> Map<String, Value> {
    let members = [
        ("Name", Some(&rule.name)),
        ("Arn", Some(&rule.arn)),
        ("EventPattern", rule.pattern.as_ref().map(|(text, _)| text)),
        ("State", Some(&rule.state)),
        ("Description", rule.description.as_ref()),
        ("ScheduleExpression", rule.schedule.as_ref().map(|(text, _)| text)),
        ("RoleArn", rule.role_arn.as_ref()),
        ("EventBusName", Some(&rule.bus)),
    ]
    .map(|(name, value)| Some((name.to_owned(), json!(value?))));
    members.into_iter().flatten().collect()
}

fn describe_rule(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let rule = rule_mut(world, context, input, "Name")?;
    let mut answer = document(rule);
    answer.insert("CreatedBy".to_owned(), json!(rule.account));
    Ok(Value::Object(answer))
}

fn answer<T: Into<Value>>(member: &str, page: Vec<T>, next: Option<String>) -> Value {
    let mut answer = json!({member: page.into_iter().map(Into::into).collect::<Vec<Value>>()});
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    answer
}

fn list_rules(world: &World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let bus = bus::of_input(world, context, input)?;
    let prefix = input.text("NamePrefix")?.unwrap_or_default();
    let rules = rules_of(world, context, &bus).filter(|(name, _)| name.starts_with(prefix));
    let (page, next) = input.page(rules.map(|(name, rule)| (name, document(rule))))?;
    Ok(answer("Rules", page, next))
}

fn list_targets_by_rule(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let rule = rule_mut(world, context, input, "Rule")?;
    let mut targets: Vec<_> = rule.targets.iter().map(|target| (target.id.clone(), target.document.clone())).collect();
    targets.sort_by(|a, b| a.0.cmp(&b.0));
    let (page, next) = input.page(targets.into_iter())?;
    Ok(answer("Targets", page, next))
}

fn list_rule_names_by_target(world: &World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let bus = bus::of_input(world, context, input)?;
    let target = input.required("TargetArn")?;
    let rules = rules_of(world, context, &bus).filter(|(_, rule)| rule.targets.iter().any(|one| one.arn == target));
    let (page, next) = input.page(rules.map(|(name, _)| (name.clone(), name)))?;
    Ok(answer("RuleNames", page, next))
}

/// DeleteRule: one that doesn't exist is deleted already.
fn delete_rule(world: &mut World, context: &Context, input: Members<'_>) -> Result<Value, ApiError> {
    let bus = bus::of_input(world, context, input)?;
    let arn = arn_of(&bus, input.name("Name")?, context);
    if world.events.rules.get(&arn).is_some_and(|rule| !rule.targets.is_empty()) {
        return Err(invalid("Rule can't be deleted since it has targets."));
    }
    world.events.rules.remove(&arn);
    Ok(json!({}))
}

fn set_state(world: &mut World, context: &Context, input: Members<'_>, state: &str) -> Result<Value, ApiError> {
    let rule = rule_mut(world, context, input, "Name")?;
    if rule.state != state {
        state.clone_into(&mut rule.state);
        let arn = rule.arn.clone();
        fire::reschedule(world, &arn);
    }
    Ok(json!({}))
}

/// TestEventPattern: the event needs the envelope of a real one.
fn test_event_pattern(input: Members<'_>) -> Result<Value, ApiError> {
    let pattern = read_pattern(input.required("EventPattern")?)?;
    let envelope = ["id", "account", "source", "time", "region", "resources", "detail-type"];
    let event = serde_json::from_str::<Value>(input.required("Event")?)
        .ok()
        .filter(|event| envelope.iter().all(|name| event.get(name).is_some()))
        .ok_or_else(|| invalid("Parameter Event is not valid."))?;
    Ok(json!({"Result": pattern.matches(&event)}))
}

/// The tags of a rule or a bus.
fn tagged<'w>(world: &'w mut World, input: Members<'_>) -> Result<&'w mut BTreeMap<String, String>, ApiError> {
    let arn = input.required("ResourceARN")?;
    if let Some(bus) = world.events.buses.get_mut(arn) {
        return Ok(&mut bus.tags);
    }
    let rule = world.events.rules.get_mut(arn).map(|rule| &mut rule.tags);
    rule.ok_or_else(|| no_rule(arn.rsplit_once('/').map_or(arn, |(_, name)| name), bus::DEFAULT))
}

fn tag_resource(world: &mut World, input: Members<'_>) -> Result<Value, ApiError> {
    input.list("Tags", 0, 50)?;
    let tags = input.tags()?;
    tagged(world, input)?.extend(tags);
    Ok(json!({}))
}

fn untag_resource(world: &mut World, input: Members<'_>) -> Result<Value, ApiError> {
    let keys = input.texts("TagKeys", 0, 50)?;
    tagged(world, input)?.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

fn list_tags_for_resource(world: &mut World, input: Members<'_>) -> Result<Value, ApiError> {
    let tags = tagged(world, input)?.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
    Ok(json!({"Tags": tags.collect::<Vec<_>>()}))
}
