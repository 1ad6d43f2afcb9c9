//! What uses AMIs beside what DescribeImageReferences tells: launch templates whatever its depth, Auto Scaling groups and
//! launch configurations.

use super::place::Place;
use crate::plan::{At, Reference};
use shared::ec2::{
    AutoScalingGroup, DescribeAutoScalingGroups, DescribeLaunchTemplateVersions, LaunchTemplateSpecification,
    LaunchTemplateVersion,
};
use shared::error::chain;
use shared::inventory::{CallError, each};
use shared::published::Published;
use std::collections::{BTreeMap, BTreeSet};

/// What names each AMI.
pub(crate) type Users = BTreeMap<String, BTreeSet<Reference>>;

/// In the form of EC2's own words for types.
const GROUP: &str = "autoscaling:AutoScalingGroup";

/// A group may name a template that is gone: it can't launch then.
const GONE: [&str; 3] = [
    "InvalidLaunchTemplateId.NotFound",
    "InvalidLaunchTemplateId.VersionNotFound",
    "InvalidLaunchTemplateName.NotFoundException",
];

/// What was found, and what is missing.
#[derive(Debug, Default)]
pub(crate) struct Pinned {
    /// What is known to name each AMI.
    pub(super) users: Users,
    /// The first thing that couldn't be read, in words: any other AMI of the place may be in use, too.
    pub(super) missing: Option<String>,
}

impl Pinned {
    fn add(&mut self, image: &str, kind: &str, arn: String) {
        self.users.entry(image.to_owned()).or_default().insert(Reference { kind: kind.to_owned(), arn });
    }

    /// What was read, or nothing with a note.
    fn or_missing<T: Default>(&mut self, read: Result<T, CallError>) -> T {
        read.unwrap_or_else(|error| {
            self.missing.get_or_insert(chain(&error));
            T::default()
        })
    }
}

/// What names AMIs whatever the depth to which templates are searched: the default and the newest version of each launch
/// template, the versions that Auto Scaling groups are pinned to, the groups' own overrides, and launch configurations.
/// Of what a template names by a parameter, the AMI that the parameter stands for. `prefix` is the path of the families'
/// parameters.
pub(super) async fn read(place: &Place<'_>, prefix: &str) -> Pinned {
    let request = DescribeLaunchTemplateVersions {
        versions: vec!["$Default".to_owned(), "$Latest".to_owned()],
        max_results: Some(200),
        ..DescribeLaunchTemplateVersions::default()
    };
    let groups = DescribeAutoScalingGroups { max_records: Some(100), ..DescribeAutoScalingGroups::default() };
    let (versions, groups, configurations) = tokio::join!(
        place.all("DescribeLaunchTemplateVersions", async |next: Option<String>| {
            place.ec2.describe_launch_template_versions(&request, next.as_deref()).await
        }),
        place.all("DescribeAutoScalingGroups", async |next: Option<String>| {
            place.ec2.describe_auto_scaling_groups(&groups, next.as_deref()).await
        }),
        place.all("DescribeLaunchConfigurations", async |next: Option<String>| {
            place.ec2.describe_launch_configurations(&[], next.as_deref()).await
        }),
    );
    let mut found = Pinned::default();
    for configuration in found.or_missing(configurations) {
        found.add(&configuration.image_id, "autoscaling:LaunchConfiguration", configuration.launch_configuration_name);
    }
    let groups = found.or_missing(groups);
    for group in &groups {
        group.image_ids().for_each(|image| found.add(image, GROUP, group.arn.clone()));
    }
    let pins = pins(&groups);
    let pins = pins.into_iter().flat_map(|(template, versions)| {
        versions.into_iter().map(move |(number, group)| (template.clone(), number, group))
    });
    let pinned = each(pins, async |(template, number, group)| (version(place, template, number).await, group)).await;
    let mut users = Vec::new();
    for version in found.or_missing(versions) {
        let At { region, account } = &place.at;
        let id = &version.launch_template_id;
        let arn = format!("arn:{}:ec2:{region}:{account}:launch-template/{id}", place.reader.partition);
        users.push((version, "ec2:LaunchTemplate", arn));
    }
    for (version, group) in pinned {
        users.extend(found.or_missing(version).map(|version| (version, GROUP, group)));
    }
    let names = users.iter().filter_map(|(version, ..)| Alias::of(version)?.own(prefix)).collect::<BTreeSet<_>>();
    let held = each(names, async |name| (name.to_owned(), place.reader.history(&place.at, name).await)).await;
    let held = held.into_iter().collect();
    let named = each(users, async |(version, kind, arn)| (named(place, &version, &held).await, kind, arn)).await;
    for (image, kind, arn) in named {
        match image {
            Ok(Some(image)) => found.add(&image, kind, arn),
            Ok(None) => {}
            Err(why) => drop(found.missing.get_or_insert(why)),
        }
    }
    found
}

/// The histories of parameters, by name.
type Held = BTreeMap<String, Result<Vec<Published>, String>>;

/// The AMI that a version of a launch template names. None if it names none, so that whoever launches does, or names what
/// can't be launched or isn't the account's.
///
/// # Errors
/// Which AMI it is isn't known: which template that is, and why.
async fn named(place: &Place<'_>, version: &LaunchTemplateVersion, held: &Held) -> Result<Option<String>, String> {
    let Some(alias) = Alias::of(version) else { return Ok(version.launch_template_data.image_id.clone()) };
    let (id, number) = (&version.launch_template_id, version.version_number);
    let unknown = |why: &str| format!("which AMI version {number} of the launch template {id} names by {alias}: {why}");
    match held.get(alias.name) {
        _ if alias.name.starts_with("/aws/service/") => Ok(None),
        Some(Ok(history)) => Ok(alias.held(history).map(|published| published.value.clone())),
        Some(Err(why)) => Err(unknown(why)),
        // Somebody else's parameter. EC2 reads it in the caller's name, and fails if it can't.
        None => {
            let request = DescribeLaunchTemplateVersions {
                launch_template_id: Some(id.clone()),
                versions: vec![number.to_string()],
                resolve_alias: true,
                ..DescribeLaunchTemplateVersions::default()
            };
            let read = one(place, &request).await.map_err(|error| unknown(&chain(&error)))?;
            let image = read.and_then(|version| version.launch_template_data.image_id);
            match image.filter(|image| image.starts_with("ami-")) {
                Some(image) => Ok(Some(image)),
                None => Err(unknown("EC2 doesn't tell")),
            }
        }
    }
}

/// One version of a launch template; none if it is gone.
async fn version(
    place: &Place<'_>,
    (template, by_id): (String, bool),
    number: String,
) -> Result<Option<LaunchTemplateVersion>, CallError> {
    let request = DescribeLaunchTemplateVersions {
        launch_template_id: by_id.then(|| template.clone()),
        launch_template_name: (!by_id).then_some(template),
        versions: vec![number],
        ..DescribeLaunchTemplateVersions::default()
    };
    match one(place, &request).await {
        Err(error) if error.code().is_some_and(|code| GONE.contains(&code)) => Ok(None),
        read => read,
    }
}

async fn one(
    place: &Place<'_>,
    request: &DescribeLaunchTemplateVersions,
) -> Result<Option<LaunchTemplateVersion>, CallError> {
    let page = async |next: Option<String>| place.ec2.describe_launch_template_versions(request, next.as_deref()).await;
    Ok(place.all("DescribeLaunchTemplateVersions", page).await?.pop())
}

/// What stands for an AMI in a launch template: `resolve:ssm:NAME`, `…:VERSION` or `…:LABEL`,
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html#use-an-ssm-parameter-instead-of-an-ami-id>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Alias<'a> {
    /// The parameter's name or ARN.
    name: &'a str,
    /// The version's number or label; none for the newest.
    which: Option<&'a str>,
}

impl<'a> Alias<'a> {
    fn of(version: &'a LaunchTemplateVersion) -> Option<Self> {
        let text = version.launch_template_data.image_id.as_deref()?.strip_prefix("resolve:ssm:")?;
        // Colons of an ARN come before its last part.
        let end = text.find(":parameter/").map_or(0, |start| start + ":parameter/".len());
        Some(match text[end..].split_once(':') {
            Some((name, which)) => Self { name: &text[..end + name.len()], which: Some(which) },
            None => Self { name: text, which: None },
        })
    }

    /// The name, if it is a family's parameter.
    fn own(self, prefix: &str) -> Option<&'a str> {
        self.name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')).then_some(self.name)
    }

    /// The version that it stands for; none if there is none, so that nothing can be launched.
    fn held(self, history: &[Published]) -> Option<&Published> {
        match self.which {
            None => history.iter().max_by_key(|it| it.version),
            Some(which) => history.iter().find(|it| it.version.to_string() == which || it.labels.contains(which)),
        }
    }
}

impl std::fmt::Display for Alias<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "resolve:ssm:{}", self.name)?;
        self.which.map_or(Ok(()), |which| write!(f, ":{which}"))
    }
}

/// Which versions of which templates, by ID or name, groups are pinned to by number, each with one of those groups. From
/// what their instances were launched is no matter: instances are references themselves.
fn pins(groups: &[AutoScalingGroup]) -> BTreeMap<(String, bool), BTreeMap<String, String>> {
    let mut pins: BTreeMap<(String, bool), BTreeMap<String, String>> = BTreeMap::new();
    for group in groups {
        for LaunchTemplateSpecification { launch_template_id: id, launch_template_name: name, version } in
            group.launch_templates()
        {
            let template = id.clone().map(|id| (id, true)).or_else(|| name.clone().map(|name| (name, false)));
            let number = version.clone().filter(|version| version.bytes().all(|byte| byte.is_ascii_digit()));
            if let (Some(template), Some(number)) = (template, number) {
                pins.entry(template).or_default().insert(number, group.arn.clone());
            }
        }
    }
    pins
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ec2::LaunchTemplateData;

    fn template(image: &str) -> LaunchTemplateVersion {
        LaunchTemplateVersion {
            launch_template_id: "lt-1".to_owned(),
            launch_template_name: "web".to_owned(),
            version_number: 1,
            default_version: true,
            create_time: None,
            launch_template_data: LaunchTemplateData { image_id: Some(image.to_owned()) },
        }
    }

    #[test]
    fn a_parameter_stands_for_the_ami_of_its_version() {
        let published = |version, label: &str| Published {
            version,
            build: None,
            value: format!("ami-{version}"),
            labels: [label.to_owned()].into(),
            description: None,
            modified: None,
        };
        let history = [published(3, "canary"), published(2, "prod")];
        for (image, name, held) in [
            ("resolve:ssm:/golden-images/web", "/golden-images/web", Some("ami-3")),
            ("resolve:ssm:/golden-images/web:2", "/golden-images/web", Some("ami-2")),
            ("resolve:ssm:/golden-images/web:prod", "/golden-images/web", Some("ami-2")),
            ("resolve:ssm:/golden-images/web:1", "/golden-images/web", None),
            ("resolve:ssm:/golden-images/web:gone", "/golden-images/web", None),
        ] {
            let version = template(image);
            let alias = Alias::of(&version).unwrap();
            assert_eq!(alias.own("/golden-images"), Some(name), "{image}");
            assert_eq!(alias.held(&history).map(|it| it.value.as_str()), held, "{image}");
            assert_eq!(alias.to_string(), image);
        }
    }

    #[test]
    fn other_parameters_are_told_apart() {
        assert_eq!(Alias::of(&template("ami-1")), None);
        for (image, name) in [
            ("resolve:ssm:/golden-images-old/web:1", "/golden-images-old/web"),
            ("resolve:ssm:web-ami", "web-ami"),
            (
                "resolve:ssm:arn:aws:ssm:us-east-1:111122223333:parameter/golden-images/web:3",
                "arn:aws:ssm:us-east-1:111122223333:parameter/golden-images/web",
            ),
        ] {
            let version = template(image);
            let alias = Alias::of(&version).unwrap();
            assert_eq!((alias.name, alias.own("/golden-images")), (name, None), "{image}");
        }
    }
}
