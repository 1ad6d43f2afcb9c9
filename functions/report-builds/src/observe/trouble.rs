//! What couldn't be read.

use crate::facts::Known;
use serde::Serialize;
use shared::accounts::AccountError;
use shared::error::chain;
use shared::inventory::CallError;

/// Something that couldn't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{error}")]
pub struct Trouble {
    /// The error with its causes.
    pub error: String,
    /// Whether trying again later can help.
    pub retryable: bool,
    /// Whether something that has to be told may be hidden by it: then the invocation fails.
    #[serde(skip)]
    pub essential: bool,
}

impl Trouble {
    /// Of something that reports do without if it is refused for good.
    pub(crate) fn of(error: &CallError) -> Self {
        let retryable = error.is_retryable();
        Self { error: chain(error), retryable, essential: retryable }
    }

    /// Of something that nothing can be told without.
    pub(crate) fn essential(error: &CallError) -> Self {
        Self { essential: true, ..Self::of(error) }
    }

    /// What is known of something that was asked for; an error is noted.
    pub(crate) fn known<T>(answer: Result<T, CallError>, unread: &mut Vec<Self>) -> Known<T> {
        match answer {
            Ok(value) => Known::Is(value),
            Err(error) => {
                let trouble = Self::of(&error);
                unread.push(trouble.clone());
                Known::Unread(trouble.error)
            }
        }
    }
}

impl From<AccountError> for Trouble {
    fn from(error: AccountError) -> Self {
        let retryable = error.is_retryable();
        Self { error: chain(&error), retryable, essential: retryable }
    }
}
