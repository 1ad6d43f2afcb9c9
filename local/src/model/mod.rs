//! The engine that is driven by the service model as data: routing, names, types, limits, error codes, pages
//! and filters come from `model.json`, so that handlers hold semantics only.

mod filter;
mod page;
mod schema;
mod validate;
mod wire;

pub(crate) use page::{Listing, after, page};
#[cfg(test)]
pub(crate) use schema::operations;
pub(crate) use schema::{Kind, Operation, operation, shape};
pub use validate::validate;
pub(crate) use validate::{accepted, conforms, projected, reduce};
pub use wire::{decode, encode};

use crate::wire::ApiError;

/// A failure with the HTTP status that the model gives its code; codes outside the model are the caller's fault, 400.
pub(crate) fn error(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(schema::status(code), code, message)
}

/// The refusal of one parameter's value, in the words that the service was seen to use.
pub(crate) fn bad_value(parameter: &str, details: impl std::fmt::Display) -> ApiError {
    error(
        "InvalidParameterValueException",
        format!("The value supplied for parameter '{parameter}' is not valid. {details}"),
    )
}
