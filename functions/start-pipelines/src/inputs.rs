//! What a build was made of, and what a recipe's next build would be made of.

use crate::plan::{Facts, Known, Recipe};
use shared::arn::VersionedArn;
use std::fmt;

/// What a build is made of: everything that makes one build of a pipeline differ from the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// The recipe's ARN without wildcards. A recipe never changes, so its ARN stands for all that it holds.
    pub recipe: String,
    /// The parent: an image build version, an AMI ID, or what else the build names.
    pub parent: String,
    /// The components' build versions, in the recipe's order.
    pub components: Vec<String>,
}

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

impl Inputs {
    /// What a recipe's build would be made of now.
    pub(crate) fn now(facts: &Facts, recipe: &Recipe) -> Result<Self, Missing> {
        let stands_for = |reference: &String| match facts.resolved.get(reference) {
            Some(Known::Is(resolved)) => Ok(resolved.to.clone()),
            Some(Known::Gone(why)) => Err(Missing::Gone { reference: reference.clone(), why: why.clone() }),
            Some(Known::Unread(why)) => Err(Missing::Unread { reference: reference.clone(), why: why.clone() }),
            None if moves(reference) => {
                Err(Missing::Unread { reference: reference.clone(), why: "it wasn't asked for".to_owned() })
            }
            None => Ok(reference.clone()),
        };
        Ok(Self {
            recipe: recipe.arn.arn.to_string(),
            parent: stands_for(&recipe.parent)?,
            components: recipe.components.iter().map(stands_for).collect::<Result<_, _>>()?,
        })
    }

    /// How a build on these inputs would differ from one on `then`. A parent that neither an ARN nor a parameter names
    /// (an AMI ID, a container image of a registry, a product of AWS Marketplace) changes with the recipe alone.
    pub(crate) fn since(&self, then: &Self, recipe: &Recipe) -> Difference {
        let mut changes = Vec::new();
        if self.recipe != then.recipe {
            changes.push(Change::Recipe { now: self.recipe.clone() });
        }
        let own = &recipe.arn.arn.account;
        // A build's document that has the reference itself tells nothing: only another recipe is a change for sure.
        if changes.is_empty() {
            let unresolved = |then: &String, reference: &String, now: &String| then == reference && then != now;
            let parent = unresolved(&then.parent, &recipe.parent, &self.parent).then_some(&then.parent);
            let mut rest = then.components.iter().zip(&recipe.components).zip(&self.components);
            let component = rest.find(|((then, reference), now)| unresolved(then, reference, now));
            if let Some(reference) = parent.or(component.map(|((then, _), _)| then)) {
                return Difference::Unknown(reference.clone());
            }
        }
        if moves(&recipe.parent) && !same(&then.parent, &self.parent, own) {
            changes.push(Change::Parent { now: self.parent.clone() });
        }
        for now in &self.components {
            if !then.components.iter().any(|then| same(then, now, own)) {
                changes.push(Change::Component { now: now.clone() });
            }
        }
        for old in &then.components {
            if !self.components.iter().any(|now| same(old, now, own) || alike(old, now)) {
                changes.push(Change::Without { then: old.clone() });
            }
        }
        let in_order = then.components.len() == self.components.len()
            && then.components.iter().zip(&self.components).all(|(then, now)| same(then, now, own));
        if changes.is_empty() && !in_order {
            changes.push(Change::Order);
        }
        if changes.is_empty() { Difference::None } else { Difference::Changes(changes) }
    }
}

/// Whether what a reference stands for is somebody's to say: an image or component of Image Builder, or a parameter.
fn moves(reference: &str) -> bool {
    reference.starts_with("arn:") || reference.starts_with("ssm:")
}

/// Whether both name the same thing. Amazon's and others' managed resources go by `aws` in one place and by the
/// number of the owner's account in another.
pub(crate) fn same(one: &str, other: &str, own_account: &str) -> bool {
    if one == other {
        return true;
    }
    let (Ok(mut one), Ok(other)) = (one.parse::<VersionedArn>(), other.parse::<VersionedArn>()) else { return false };
    let accounts = [&one.arn.account, &other.arn.account];
    let managed = accounts.into_iter().any(|account| !account.bytes().all(|byte| byte.is_ascii_digit()));
    if managed && !accounts.contains(&&own_account.to_owned()) {
        one.arn.account.clone_from(&other.arn.account);
    }
    one == other
}

/// Whether both are versions of the same component.
fn alike(one: &str, other: &str) -> bool {
    let name = |text: &str| text.parse::<VersionedArn>().ok().map(|arn| (arn.kind, arn.name));
    name(one).is_some() && name(one) == name(other)
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
