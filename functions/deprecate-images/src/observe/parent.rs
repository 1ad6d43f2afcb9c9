//! What images are made of, by what recipes and builds name as their parents.

use super::read::Reader;
use super::time;
use crate::plan::{At, Parent};
use chrono::{DateTime, Utc};
use shared::arn::{Arn, ImageBuildArn, VersionedArn};
use shared::published::Published;

/// What a recipe or a build names, if it is told by the name alone; of a parameter, its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// It is this.
    Parent(Parent),
    /// What the parameter held then.
    Parameter(String),
}

/// Reads a `parentImage`. Images of others aren't ours to retire, and neither is what AWS publishes.
pub(super) fn named(text: &str, account: &str, region: &str) -> Named {
    let outside = || Named::Parent(Parent::Outside(text.to_owned()));
    if text.starts_with("ami-") {
        return Named::Parent(Parent::Ami(text.to_owned()));
    }
    if let Some(parameter) = text.strip_prefix("ssm:") {
        // Of an ARN, `arn:…:parameter/name`, the name is wanted; a version or label behind a colon can't be read back.
        let name = parameter.split_once(":parameter").map_or(parameter, |(_, name)| name);
        let ours = !name.starts_with("/aws/");
        return if ours { Named::Parameter(name.to_owned()) } else { outside() };
    }
    let Ok(arn) = text.parse::<Arn>() else { return outside() };
    if arn.service != "imagebuilder" || arn.account != account || arn.region != region {
        return outside();
    }
    if let Ok(build) = text.parse::<ImageBuildArn>() {
        return Named::Parent(Parent::Build(build));
    }
    match text.parse::<VersionedArn>() {
        Ok(arn) if arn.kind == "image" => Named::Parent(Parent::Selects(text.to_owned())),
        _ => Named::Parent(Parent::Unknown(format!("{text} isn't the ARN of an image"))),
    }
}

/// What a parameter held at a time, or holds now.
pub(super) async fn held(reader: &Reader<'_>, parameter: &str, at: Option<DateTime<Utc>>) -> Parent {
    let home = At { region: reader.region.to_owned(), account: reader.account.to_owned() };
    let history = match reader.history(&home, parameter).await {
        Ok(history) => history,
        Err(why) => return Parent::Unknown(why),
    };
    let written = |version: &&Published| match (at, version.modified.as_ref().and_then(time)) {
        (None, _) => true,
        (Some(at), Some(modified)) => modified <= at,
        (Some(_), None) => false,
    };
    match history.iter().filter(written).max_by_key(|version| version.version) {
        Some(version) if version.value.starts_with("ami-") => Parent::Ami(version.value.clone()),
        Some(_) => Parent::Unknown(format!("the parameter {parameter} holds no AMI ID")),
        None => Parent::Unknown(format!("what the parameter {parameter} held isn't in its history")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_parents_name_is_told_apart() {
        let of = |text: &str| named(text, "123456789012", "us-east-1");
        let own = |rest: &str| format!("arn:aws:imagebuilder:us-east-1:123456789012:{rest}");
        let build = own("image/base/1.0.0/3");
        assert_eq!(of(&build), Named::Parent(Parent::Build(build.parse().unwrap())));
        let pattern = own("image/base/x.x.x");
        assert_eq!(of(&pattern), Named::Parent(Parent::Selects(pattern.clone())));
        assert_eq!(of("ami-0123"), Named::Parent(Parent::Ami("ami-0123".to_owned())));
        assert_eq!(of("ssm:/golden-images/base"), Named::Parameter("/golden-images/base".to_owned()));
        let by_arn = "ssm:arn:aws:ssm:us-east-1:123456789012:parameter/golden-images/base";
        assert_eq!(of(by_arn), Named::Parameter("/golden-images/base".to_owned()));
        for outside in [
            "arn:aws:imagebuilder:us-east-1:aws:image/amazon-linux-2023-x86/x.x.x",
            "arn:aws:imagebuilder:us-east-1:111122223333:image/theirs/1.0.0/1",
            "arn:aws:imagebuilder:eu-west-1:123456789012:image/base/x.x.x",
            "ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
            "amazonlinux:2023",
            "prod-abcdefghijklm",
        ] {
            assert_eq!(of(outside), Named::Parent(Parent::Outside(outside.to_owned())), "{outside}");
        }
        assert!(matches!(of(&own("component/base/1.0.0")), Named::Parent(Parent::Unknown(_))));
    }
}
