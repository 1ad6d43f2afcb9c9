//! What a build is made of, and when two names stand for the same thing.

use crate::arn::VersionedArn;

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

/// Whether both name the same thing. Amazon's and others' managed resources go by `aws` in one place and by the
/// number of the owner's account in another.
pub fn same(one: &str, other: &str, own_account: &str) -> bool {
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

/// Whether both are versions of the same resource, such as a component.
pub fn alike(one: &str, other: &str) -> bool {
    let name = |text: &str| text.parse::<VersionedArn>().ok().map(|arn| (arn.kind, arn.name));
    name(one).is_some() && name(one) == name(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_one_component_are_alike() {
        let arn = |rest: &str| format!("arn:aws:imagebuilder:us-east-1:123456789012:{rest}");
        for (one, other, expected) in [
            (arn("component/agent/1.0.0/1"), arn("component/agent/1.2.0/1"), true),
            (arn("component/agent/1.0.0/1"), arn("component/agent/x.x.x"), true),
            (arn("component/agent/1.0.0/1"), arn("component/other/1.0.0/1"), false),
            (arn("component/agent/1.0.0/1"), arn("image/agent/1.0.0/1"), false),
            ("ami-1".to_owned(), "ami-1".to_owned(), false),
        ] {
            assert_eq!(alike(&one, &other), expected, "{one} {other}");
        }
    }
}
