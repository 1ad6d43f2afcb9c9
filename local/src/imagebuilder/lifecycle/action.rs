//! What is done to an image, and with what.

use serde::{Deserialize, Serialize};

/// What is done to an image. The order is that in which a policy's rules are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Action {
    /// It is restored.
    Available,
    /// It becomes DEPRECATED.
    Deprecate,
    /// It becomes DISABLED.
    Disable,
    /// It goes.
    Delete,
}

impl Action {
    /// What leads to a status that can be asked for.
    pub(super) fn to_status(status: &str) -> Option<Self> {
        [Self::Available, Self::Deprecate, Self::Disable, Self::Delete]
            .into_iter()
            .find(|action| action.status() == status)
    }

    /// The status that it leads to.
    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Deprecate => "DEPRECATED",
            Self::Disable => "DISABLED",
            Self::Delete => "DELETED",
        }
    }

    /// As the API spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Deprecate => "DEPRECATE",
            Self::Disable => "DISABLE",
            Self::Delete => "DELETE",
        }
    }
}

/// What of an image's outputs an action is done to as well.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Include {
    /// The AMIs.
    pub(super) amis: bool,
    /// The snapshots of the AMIs that are deregistered.
    pub(super) snapshots: bool,
    /// The container images.
    pub(super) containers: bool,
}

impl Include {
    /// Whether it is anything at all.
    pub(super) fn any(self) -> bool {
        self.amis || self.snapshots || self.containers
    }
}
