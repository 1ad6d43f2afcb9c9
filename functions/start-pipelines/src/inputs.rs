//! What a build was made of, and what a recipe's next build would be made of.

use crate::plan::{Facts, Known, Recipe};
use shared::arn::short;
pub use shared::inputs::Inputs;
use shared::inputs::{alike, same};
use std::fmt;

/// A reference that a build can't be made of, or that nothing is known of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It stands for nothing: a build would fail.
    Gone {
        /// As the recipe has it.
        reference: String,
        /// The service's words.
        why: String,
    },
    /// It couldn't be read.
    Unread {
        /// As the recipe has it.
        reference: String,
        /// The error.
        why: String,
    },
}

/// How a recipe's next build would differ from an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Not at all.
    None,
    /// In these.
    Changes(Vec<Change>),
    /// The earlier one names only this, not what it stood for.
    Unknown(String),
}

/// One thing that a recipe's next build would be made of in another way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The pipeline has another recipe or another version of it.
    Recipe {
        /// The new one.
        now: String,
    },
    /// The parent is another one.
    Parent {
        /// The new one.
        now: String,
    },
    /// A component is new, or has another version or build.
    Component {
        /// The new one.
        now: String,
    },
    /// A component isn't used any more.
    Without {
        /// The old one.
        then: String,
    },
    /// The same components stand in another order.
    Order,
}

/// What a recipe's build would be made of now.
pub(crate) fn now(facts: &Facts, recipe: &Recipe) -> Result<Inputs, Missing> {
    let stands_for = |reference: &String| match facts.resolved.get(reference) {
        Some(Known::Is(resolved)) => Ok(resolved.to.clone()),
        Some(Known::Gone(why)) => Err(Missing::Gone { reference: reference.clone(), why: why.clone() }),
        Some(Known::Unread(why)) => Err(Missing::Unread { reference: reference.clone(), why: why.clone() }),
        None if moves(reference) => {
            Err(Missing::Unread { reference: reference.clone(), why: "it wasn't asked for".to_owned() })
        }
        None => Ok(reference.clone()),
    };
    Ok(Inputs {
        recipe: recipe.arn.arn.to_string(),
        parent: stands_for(&recipe.parent)?,
        components: recipe.components.iter().map(stands_for).collect::<Result<_, _>>()?,
    })
}

/// How a build on the inputs `now` would differ from one on `then`. A parent that neither an ARN nor a parameter names
/// (an AMI ID, a container image of a registry, a product of AWS Marketplace) changes with the recipe alone.
pub(crate) fn since(now: &Inputs, then: &Inputs, recipe: &Recipe) -> Difference {
    let mut changes = Vec::new();
    if now.recipe != then.recipe {
        changes.push(Change::Recipe { now: now.recipe.clone() });
    }
    let own = &recipe.arn.arn.account;
    // A build's document that has the reference itself tells nothing: only another recipe is a change for sure.
    if changes.is_empty() {
        let unresolved = |then: &String, reference: &String, now: &String| then == reference && then != now;
        let parent = unresolved(&then.parent, &recipe.parent, &now.parent).then_some(&then.parent);
        let mut rest = then.components.iter().zip(&recipe.components).zip(&now.components);
        let component = rest.find(|((then, reference), now)| unresolved(then, reference, now));
        if let Some(reference) = parent.or(component.map(|((then, _), _)| then)) {
            return Difference::Unknown(reference.clone());
        }
    }
    if moves(&recipe.parent) && !same(&then.parent, &now.parent, own) {
        changes.push(Change::Parent { now: now.parent.clone() });
    }
    for component in &now.components {
        if !then.components.iter().any(|then| same(then, component, own)) {
            changes.push(Change::Component { now: component.clone() });
        }
    }
    for old in &then.components {
        if !now.components.iter().any(|now| same(old, now, own) || alike(old, now)) {
            changes.push(Change::Without { then: old.clone() });
        }
    }
    let in_order = then.components.len() == now.components.len()
        && then.components.iter().zip(&now.components).all(|(then, now)| same(then, now, own));
    if changes.is_empty() && !in_order {
        changes.push(Change::Order);
    }
    if changes.is_empty() { Difference::None } else { Difference::Changes(changes) }
}

/// Whether what a reference stands for is somebody's to say: an image or component of Image Builder, or a parameter.
fn moves(reference: &str) -> bool {
    reference.starts_with("arn:") || reference.starts_with("ssm:")
}

impl Change {
    /// With names and versions alone: `parent base 1.0.0/4`.
    pub(crate) fn in_short(&self) -> String {
        match self {
            Self::Recipe { now } => format!("recipe {}", short(now)),
            Self::Parent { now } => format!("parent {}", short(now)),
            Self::Component { now } => format!("component {}", short(now)),
            Self::Without { then } => format!("without component {}", short(then)),
            Self::Order => "components in another order".to_owned(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recipe { now } => write!(f, "the recipe became {now}"),
            Self::Parent { now } => write!(f, "the parent became {now}"),
            Self::Component { now } => write!(f, "a component became {now}"),
            Self::Without { then } => write!(f, "the component {then} was left out"),
            Self::Order => f.write_str("the components' order changed"),
        }
    }
}

#[cfg(test)]
mod tests;
