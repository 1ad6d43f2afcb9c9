//! One call: its parameters, what it may name, and its pages.

use super::{Image, check_id, invalid_value, missing, no_image, visible};
use crate::journal::Kind;
use crate::wire::{ApiError, Context};
use crate::world::World;
use serde_json::Value;

/// One call with what surrounds it.
pub(super) struct Call<'a> {
    pub(super) world: &'a mut World,
    pub(super) context: &'a Context,
    pub(super) input: &'a Value,
}

impl<'a> Call<'a> {
    /// Refuses parameters that the local EC2 would otherwise pass over.
    pub(super) fn only(&self, parameters: &[&str]) -> Result<(), ApiError> {
        let given = self.input.as_object().into_iter().flat_map(|input| input.keys());
        match given.into_iter().find(|name| *name != "DryRun" && !parameters.contains(&name.as_str())) {
            Some(name) => Err(ApiError::bad(
                "UnsupportedOperation",
                format!("The parameter {name} is not supported by the local EC2."),
            )),
            None => Ok(()),
        }
    }

    pub(super) fn text(&self, parameter: &str) -> Option<&'a str> {
        self.input.get(parameter).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, parameter: &str) -> Result<&'a str, ApiError> {
        self.text(parameter).ok_or_else(|| missing(parameter))
    }

    pub(super) fn flag(&self, parameter: &str) -> bool {
        self.text(parameter) == Some("true")
    }

    pub(super) fn items(&self, parameter: &str) -> &'a [Value] {
        self.input.get(parameter).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn texts(&self, parameter: &str) -> Vec<&'a str> {
        self.items(parameter).iter().filter_map(Value::as_str).collect()
    }

    /// An AMI of this Region that the caller sees.
    pub(super) fn image(&self, id: &str) -> Result<&Image, ApiError> {
        check_id(id)?;
        visible(self.world, self.context.account(), &self.context.region, id).ok_or_else(|| no_image(&[id]))
    }

    /// The caller's own AMI of this Region that the input names.
    pub(super) fn own_image(&mut self) -> Result<&mut Image, ApiError> {
        let id = self.required("ImageId")?;
        if self.image(id)?.owner != self.context.account() {
            return Err(ApiError::new(403, "AuthFailure", format!("Not authorized for image:{id}")));
        }
        let key = (self.context.region.clone(), id.to_owned());
        self.world.ec2.images.get_mut(&key).map(Box::as_mut).ok_or_else(|| no_image(&[id]))
    }

    /// What a call of the same operation with the same client token made.
    pub(super) fn made_before(&self, operation: &str) -> Option<String> {
        self.world.ec2.tokens.get(&self.token_key(operation)?).cloned()
    }

    /// Keeps what this call made under its client token, if it has one.
    pub(super) fn remember(&mut self, operation: &str, id: &str) {
        if let Some(key) = self.token_key(operation) {
            self.world.ec2.tokens.insert(key, id.to_owned());
        }
    }

    fn token_key(&self, operation: &str) -> Option<String> {
        let token = self.text("ClientToken")?;
        Some(format!("{} {} {operation} {token}", self.context.account(), self.context.region))
    }

    /// An ID with a prefix for the n-th thing of a name.
    pub(super) fn fresh_id(&mut self, prefix: &str, name: &str) -> String {
        let key = format!("{prefix} {} {} {name}", self.context.account(), self.context.region);
        let nth = self.world.count(&key).to_string();
        format!("{prefix}-{}", self.world.seed.hex(&[&key, &nth], 17))
    }

    /// Records a change of an AMI by this call.
    pub(super) fn record(&mut self, image_id: &str, detail: String) {
        let invocation = self.context.caller.invocation.as_deref();
        self.world.record_for(invocation, Kind::ImageChanged, image_id, Some(&self.context.region), detail);
    }

    /// Refuses an ID that hasn't its prefix and 8 or 17 hex digits.
    pub(super) fn check_ids(ids: &[&str], prefix: &str, code: &str) -> Result<(), ApiError> {
        let malformed = |id: &&&str| {
            let digits = id.strip_prefix(prefix).and_then(|id| id.strip_prefix('-')).unwrap_or_default();
            ![8, 17].contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match ids.iter().find(malformed) {
            Some(id) => Err(ApiError::bad(code, format!("Invalid id: \"{id}\" (expecting \"{prefix}-...\")"))),
            None => Ok(()),
        }
    }

    /// A page of items in the order of their keys, with the token of the next page.
    pub(super) fn page<'b>(
        &self,
        items: impl Iterator<Item = (&'b str, Value)>,
    ) -> Result<(Vec<Value>, Option<String>), ApiError> {
        let most = match self.text("MaxResults") {
            None => usize::MAX,
            Some(text) => text.parse().ok().filter(|most| (1..=1000).contains(most)).ok_or_else(|| {
                invalid_value(format!(
                    "Value ( {text} ) for parameter maxResults is invalid. Expecting a value from 1 to 1000."
                ))
            })?,
        };
        let after = self.text("NextToken").unwrap_or_default();
        let mut items = items.filter(|(key, _)| *key > after).peekable();
        let (mut page, mut last) = (Vec::new(), None);
        for (key, item) in items.by_ref().take(most) {
            page.push(item);
            last = Some(key.to_owned());
        }
        Ok((page, last.filter(|_| items.peek().is_some())))
    }
}
