//! Requests as forms: `ImageId.1=ami-…&Filter.1.Name=state&Filter.1.Value.1=available`.

use aws_smithy_query::QueryValueWriter;

/// The members of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Form(String);

impl Form {
    /// A member with a value.
    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Self {
        QueryValueWriter::new(&mut self.0, name.into()).string(&value.to_string());
        self
    }

    /// A member that may be absent.
    pub(super) fn maybe(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A flag: absent unless set.
    pub(super) fn flag(self, name: &str, set: bool) -> Self {
        self.maybe(name, set.then_some("true"))
    }

    /// A list of values, numbered from 1: `ImageId.1`. Nothing at all of an empty list, which AWS takes for none.
    pub(super) fn list<Value: ToString>(self, name: &str, values: impl IntoIterator<Item = Value>) -> Self {
        let numbered = values.into_iter().zip(1..);
        numbered.fold(self, |form, (value, number): (_, u32)| form.with(&format!("{name}.{number}"), value))
    }

    /// A list of structures, numbered from 1: the function adds the members of one below its name,
    /// `Filter.1` for instance.
    pub(super) fn each<Item>(
        self,
        name: &str,
        items: impl IntoIterator<Item = Item>,
        add: impl Fn(Self, &str, Item) -> Self,
    ) -> Self {
        let numbered = items.into_iter().zip(1..);
        numbered.fold(self, |form, (item, number): (_, u32)| add(form, &format!("{name}.{number}"), item))
    }

    /// The body of a request.
    pub(super) fn body(&self, operation: &str, version: &str) -> String {
        format!("Action={operation}&Version={version}{}", self.0)
    }
}
