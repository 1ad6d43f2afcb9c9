//! What a build leaves behind: AMIs by Region and account, or container images.

use super::resolve;
use super::store::Resource;
use crate::clock::Time;
use crate::draw::Seed;
use crate::ec2;
use crate::world::World;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Members of a distribution that have no effect locally.
const WITHOUT_EFFECT: [&str; 5] = [
    "fastLaunchConfigurations",
    "launchTemplateConfigurations",
    "licenseConfigurationArns",
    "s3ExportConfiguration",
    "ssmParameterConfigurations",
];

/// What an image's document asks for that the local AWS doesn't do, by the members' names.
pub(crate) fn without_effect(image: &Map<String, Value>) -> Vec<&'static str> {
    let distributions = distributions(image);
    let mut found: Vec<_> = WITHOUT_EFFECT
        .into_iter()
        .filter(|member| distributions.iter().any(|distribution| !is_empty(&distribution[*member])))
        .collect();
    if image.get("imageScanningConfiguration").is_some_and(|it| it["imageScanningEnabled"] == true) {
        found.push("imageScanningConfiguration");
    }
    found
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn distributions(image: &Map<String, Value>) -> Vec<Value> {
    let list = image.get("distributionConfiguration").and_then(|it| it["distributions"].as_array());
    list.cloned().unwrap_or_default()
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The AMIs of a build of an account: one for each Region and target account of its distribution
/// configuration, or one in its own Region.
pub(crate) fn amis(world: &World, image: &Resource, account: &str) -> Vec<ec2::Image> {
    let mut distributions = distributions(&image.document.to_map());
    if distributions.is_empty() {
        distributions.push(json!({"region": image.region}));
    }
    let parent = parent_ami(world, image);
    let mut amis = Vec::new();
    for distribution in &distributions {
        let region = distribution["region"].as_str().unwrap_or(&image.region);
        let ami = &distribution["amiDistributionConfiguration"];
        let mut accounts = strings(&ami["targetAccountIds"]);
        if accounts.is_empty() {
            accounts.push(account.to_owned());
        }
        amis.extend(accounts.iter().map(|target| of_target(world, image, parent, region, target, ami)));
    }
    amis
}

/// `outputResources.amis` of these AMIs.
pub(crate) fn listing(amis: &[ec2::Image]) -> Value {
    let entry = |ami: &ec2::Image| {
        let mut entry = json!({"region": ami.region, "image": ami.id, "name": ami.name});
        if let Some(description) = &ami.description {
            entry["description"] = description.as_str().into();
        }
        entry["accountId"] = ami.owner.as_str().into();
        entry
    };
    amis.iter().map(entry).collect()
}

/// The ID of a build's AMI in a Region and account.
pub(crate) fn ami_id(seed: Seed, image_arn: &str, region: &str, account: &str) -> String {
    format!("ami-{}", seed.hex(&["ami", image_arn, region, account], 17))
}

fn of_target(
    world: &World,
    image: &Resource,
    parent: Option<&ec2::Image>,
    region: &str,
    account: &str,
    ami: &Value,
) -> ec2::Image {
    let seed = world.seed;
    let recipe = image.document.get("imageRecipe").unwrap_or(&Value::Null);
    let stamp = stamp(world, image);
    let build = image.build.unwrap_or_default().to_string();
    let values = [("imagebuilder:buildDate", stamp.as_str()), ("imagebuilder:buildVersion", build.as_str())];
    let mut tags = BTreeMap::from([
        ("CreatedBy".to_owned(), "EC2 Image Builder".to_owned()),
        ("Ec2ImageBuilderArn".to_owned(), image.arn.clone()),
    ]);
    for source in [&recipe["amiTags"], &ami["amiTags"]] {
        let pairs = source.as_object().into_iter().flatten();
        tags.extend(pairs.map(|(key, value)| (key.clone(), render(value.as_str().unwrap_or_default(), &values))));
    }
    let windows = image.text("platform") == Some("Windows");
    let permission = &ami["launchPermission"];
    let launch_permissions = [
        ("UserId", "userIds"),
        ("Group", "userGroups"),
        ("OrganizationArn", "organizationArns"),
        ("OrganizationalUnitArn", "organizationalUnitArns"),
    ]
    .into_iter()
    .flat_map(|(kind, member)| strings(&permission[member]).into_iter().map(move |value| (kind.to_owned(), value)))
    .collect();
    let snapshot = |device: String, (size, encrypted): (u32, bool)| {
        let id = format!("snap-{}", seed.hex(&["snapshot", &image.arn, region, account, &device], 17));
        (device, ec2::Snapshot { id, size, encrypted: encrypted || ami["kmsKeyId"].is_string() })
    };
    let description = ami["description"].as_str().or(recipe["description"].as_str());
    ec2::Image {
        id: ami_id(seed, &image.arn, region, account),
        region: region.to_owned(),
        owner: account.to_owned(),
        name: match ami["name"].as_str() {
            Some(template) => render(template, &values),
            None => format!("{} {stamp}", image.text("name").unwrap_or(&image.segment)),
        },
        description: description.map(|text| render(text, &values)),
        windows,
        architecture: architecture(image, parent),
        state: "available".to_owned(),
        created: world.now,
        tags,
        snapshots: devices(recipe, parent, windows).into_iter().map(|(device, size)| snapshot(device, size)).collect(),
        source: None,
        launch_permissions,
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    }
}

/// The parent's AMI in the Region of the build, if the local EC2 knows it.
fn parent_ami<'a>(world: &'a World, image: &Resource) -> Option<&'a ec2::Image> {
    let parent = image.document.get("imageRecipe")?["parentImage"].as_str()?;
    let id = match world.imagebuilder.get(parent) {
        Some(parent) => resolve::ami_in(parent, &image.region).next()?,
        None => parent,
    };
    world.ec2.images.get(&(image.region.clone(), id.to_owned()))
}

fn architecture(image: &Resource, parent: Option<&ec2::Image>) -> String {
    let of_name = || {
        let parent = image.document.get("imageRecipe").and_then(|recipe| recipe["parentImage"].as_str());
        if parent.unwrap_or_default().contains("arm64") { "arm64" } else { "x86_64" }.to_owned()
    };
    parent.map_or_else(of_name, |ami| ami.architecture.clone())
}

/// Device → GiB and whether it is encrypted: the parent's devices, changed by the recipe's mappings.
fn devices(recipe: &Value, parent: Option<&ec2::Image>, windows: bool) -> BTreeMap<String, (u32, bool)> {
    let (root, size) = if windows { ("/dev/sda1", 30) } else { ("/dev/xvda", 8) };
    let mut devices = match parent {
        Some(ami) => ami.snapshots.iter().map(|(device, snap)| (device.clone(), (snap.size, snap.encrypted))).collect(),
        None => BTreeMap::from([(root.to_owned(), (size, false))]),
    };
    for mapping in recipe["blockDeviceMappings"].as_array().into_iter().flatten() {
        let Some(device) = mapping["deviceName"].as_str() else { continue };
        if mapping["noDevice"].is_string() {
            devices.remove(device);
        } else if let Some(ebs) = mapping["ebs"].as_object() {
            let slot = devices.entry(device.to_owned()).or_insert((size, false));
            let wanted = ebs.get("volumeSize").and_then(Value::as_u64).and_then(|size| u32::try_from(size).ok());
            slot.0 = wanted.unwrap_or(slot.0);
            slot.1 |= ebs.get("encrypted") == Some(&Value::Bool(true));
        }
    }
    devices
}

/// `outputResources.containers` of a build of an account.
pub(crate) fn containers(image: &Resource, account: &str) -> Value {
    let recipe = image.document.get("containerRecipe").unwrap_or(&Value::Null);
    let mut distributions = distributions(&image.document.to_map());
    if distributions.is_empty() {
        distributions.push(json!({"region": image.region}));
    }
    let version = image.text("version").unwrap_or_default().replace('/', "-");
    let container = |distribution: &Value| {
        let region = distribution["region"].as_str().unwrap_or(&image.region);
        let configuration = &distribution["containerDistributionConfiguration"];
        let repository = [&configuration["targetRepository"], &recipe["targetRepository"]]
            .into_iter()
            .find_map(|target| target["repositoryName"].as_str())
            .unwrap_or(&image.segment);
        let mut tags = vec![version.clone()];
        tags.extend(strings(&configuration["containerTags"]));
        let uris: Vec<_> =
            tags.iter().map(|tag| format!("{account}.dkr.ecr.{region}.amazonaws.com/{repository}:{tag}")).collect();
        json!({"region": region, "imageUris": uris})
    };
    distributions.iter().map(container).collect()
}

/// The build's date in names, `2026-03-02T00-12-08.103Z`: half a minute at most after the build was asked for.
fn stamp(world: &World, image: &Resource) -> String {
    let at: Time = image.created + world.span_millis(&["build date", &image.arn], 0, 36_000);
    at.format("%Y-%m-%dT%H-%M-%S%.3fZ").to_string()
}

/// Replaces `{{ name }}`, with or without the spaces; what it doesn't know stays.
fn render(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, inside, after)) = rest
        .split_once("{{")
        .and_then(|(before, tail)| tail.split_once("}}").map(|(name, after)| (before, name, after)))
    {
        text.push_str(before);
        match values.iter().find(|(name, _)| *name == inside.trim()) {
            Some((_, value)) => text.push_str(value),
            None => text.push_str(&["{{", inside, "}}"].concat()),
        }
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn templates_are_filled_in() {
        let values = [("imagebuilder:buildDate", "D"), ("imagebuilder:buildVersion", "3")];
        for (template, text) in [
            ("web {{ imagebuilder:buildDate }}", "web D"),
            ("{{imagebuilder:buildVersion}}-{{imagebuilder:buildDate}}!", "3-D!"),
            ("{{ssm:x}} {{ imagebuilder:buildDate", "{{ssm:x}} {{ imagebuilder:buildDate"),
            ("plain", "plain"),
        ] {
            assert_eq!(render(template, &values), text);
        }
    }

    #[test]
    fn mappings_change_the_parents_devices() {
        let sizes = |mappings: Value, windows: bool| devices(&json!({"blockDeviceMappings": mappings}), None, windows);
        assert_eq!(sizes(json!([]), false), BTreeMap::from([("/dev/xvda".into(), (8, false))]));
        assert_eq!(sizes(json!([]), true), BTreeMap::from([("/dev/sda1".into(), (30, false))]));
        let mappings = json!([
            {"deviceName": "/dev/xvda", "ebs": {"volumeSize": 20, "encrypted": true}},
            {"deviceName": "/dev/sdb", "ebs": {}},
            {"deviceName": "/dev/sdc", "virtualName": "ephemeral0"},
        ]);
        assert_eq!(
            sizes(mappings, false),
            BTreeMap::from([("/dev/xvda".into(), (20, true)), ("/dev/sdb".into(), (8, false))])
        );
        assert!(sizes(json!([{"deviceName": "/dev/xvda", "noDevice": ""}]), false).is_empty());
    }

    fn built(distribution: bool) -> (World, Resource) {
        let mut world = world();
        put_web(&mut world);
        let member = if distribution { "distributionConfigurationArn" } else { "unused" };
        let mut input = json!({
            "imageRecipeArn": arn("image-recipe/web-server/1.0.0"),
            "infrastructureConfigurationArn": arn("infrastructure-configuration/builders"),
        });
        input[member] = arn("distribution-configuration/two").into();
        let answer = super::super::image::create_image(&mut world, &context(), &input).unwrap();
        let image = world.imagebuilder.get(answer["imageBuildVersionArn"].as_str().unwrap()).unwrap().clone();
        (world, image)
    }

    #[test]
    fn each_region_and_account_gets_its_ami() {
        let (world, image) = built(true);
        let made = amis(&world, &image, ACCOUNT);
        let targets: Vec<_> = made.iter().map(|ami| (ami.region.as_str(), ami.owner.as_str())).collect();
        assert_eq!(targets, [(REGION, ACCOUNT), ("eu-west-1", ACCOUNT), ("eu-west-1", "111122223333")]);
        let ids: std::collections::BTreeSet<_> = made.iter().map(|ami| &ami.id).collect();
        assert!(ids.len() == 3 && ids.iter().all(|id| id.len() == 21 && id.starts_with("ami-")));
        assert!(made[0].name.starts_with("Web Server 2026-03-02T00-12-") && made[0].name.ends_with('Z'));
        assert_eq!(made[0].description.as_deref(), Some("Serves"));
        let far = &made[1];
        assert_eq!(far.name, made[0].name.replace("Web Server", "web"));
        assert_eq!(far.description.as_deref(), Some("For Europe"));
        assert_eq!(far.launch_permissions, [("UserId".to_owned(), "111122223333".to_owned())]);
        assert_eq!((far.tags["CreatedBy"].as_str(), far.tags["Role"].as_str()), ("EC2 Image Builder", "web"));
        assert_eq!(far.tags["Ec2ImageBuilderArn"], image.arn);
        assert_eq!((far.snapshots["/dev/xvda"].size, far.architecture.as_str()), (8, "x86_64"));
        assert_eq!(listing(&made)[2]["accountId"], "111122223333");
    }

    #[test]
    fn without_distribution_there_is_one_ami_made_of_the_parents() {
        let (mut world, mut image) = built(false);
        put_ami(&mut world, "ami-00000000000000001", ACCOUNT, "available");
        image.document.get_mut("imageRecipe").unwrap()["parentImage"] = "ami-00000000000000001".into();
        let made = amis(&world, &image, ACCOUNT);
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].region.as_str(), made[0].owner.as_str()), (REGION, ACCOUNT));
        assert_eq!((made[0].snapshots["/dev/sda1"].size, made[0].architecture.as_str()), (12, "arm64"));
        assert_ne!(made[0].snapshots["/dev/sda1"].id, "snap-00000000000000001");
    }

    #[test]
    fn containers_are_pushed_to_each_regions_repository() {
        let (_, mut image) = built(false);
        image.document.insert("containerRecipe", json!({"targetRepository": {"repositoryName": "base"}}));
        image.document.insert(
            "distributionConfiguration",
            json!({"distributions": [
                {"region": REGION},
                {"region": "eu-west-1", "containerDistributionConfiguration": {
                    "containerTags": ["stable"], "targetRepository": {"service": "ECR", "repositoryName": "far"},
                }},
            ]}),
        );
        assert_eq!(
            containers(&image, ACCOUNT),
            json!([
                {"region": REGION, "imageUris": ["123456789012.dkr.ecr.us-east-1.amazonaws.com/base:1.0.0-1"]},
                {"region": "eu-west-1", "imageUris": [
                    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/far:1.0.0-1",
                    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/far:stable",
                ]},
            ])
        );
    }
}
