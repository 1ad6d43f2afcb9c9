//! What builds leave behind, and what they can't.

use super::super::fixtures::*;
use super::super::members::Members;
use super::*;
use crate::ssm;

/// A build of the web server with these distributions in place of the configuration's own.
fn image(world: &mut World, distributions: Value) -> Resource {
    put_web(world);
    let configuration = arn("distribution-configuration/two");
    let document = &mut world.imagebuilder.get_mut(&configuration).unwrap().document;
    if !distributions.is_null() {
        document.insert("distributions", distributions);
    }
    let pipeline = put_pipeline(world, "web", json!({}));
    let arn = start_pipeline(world, &pipeline);
    world.imagebuilder.get(&arn).unwrap().clone()
}

fn amis(world: &World, image: &Resource) -> Vec<ec2::Image> {
    Distribution::of(world, image).amis
}

#[test]
fn each_region_and_account_gets_its_ami() {
    let mut world = world();
    let image = image(&mut world, Value::Null);
    let made = amis(&world, &image);
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
    assert!(made[2].launch_permissions.is_empty(), "the account has the AMI itself");
    assert_eq!(
        (far.tags.get("CreatedBy").unwrap().as_str(), far.tags.get("Role").unwrap().as_str()),
        ("EC2 Image Builder", "web")
    );
    assert_eq!(*far.tags.get("Ec2ImageBuilderArn").unwrap(), image.arn);
    assert_eq!((far.snapshots.get("/dev/xvda").unwrap().size, far.architecture.as_str()), (8, "x86_64"));
    assert_eq!(listing(&made)[2]["accountId"], "111122223333");
}

#[test]
fn without_distribution_there_is_one_ami_made_of_the_parents() {
    let mut world = world();
    let mut image = image(&mut world, Value::Null);
    put_ami(&mut world, "ami-00000000000000001", ACCOUNT, "available");
    image.document.remove("distributionConfiguration");
    image.document.get_mut("imageRecipe").unwrap()["parentImage"] = "ami-00000000000000001".into();
    let made = amis(&world, &image);
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].region.as_str(), made[0].owner.as_str()), (REGION, ACCOUNT));
    assert_eq!((made[0].snapshots.get("/dev/sda1").unwrap().size, made[0].architecture.as_str()), (12, "arm64"));
    assert_ne!(made[0].snapshots.get("/dev/sda1").unwrap().id, "snap-00000000000000001");
}

#[test]
fn containers_are_pushed_to_each_regions_repository() {
    let mut world = world();
    let mut image = image(
        &mut world,
        json!([
            {"region": REGION},
            {"region": "eu-west-1", "containerDistributionConfiguration": {
                "containerTags": ["stable"], "targetRepository": {"service": "ECR", "repositoryName": "far"},
            }},
        ]),
    );
    image.document.insert("type", "DOCKER".into());
    image.document.insert("containerRecipe", json!({"targetRepository": {"repositoryName": "base"}}));
    let distribution = Distribution::of(&world, &image);
    assert!(distribution.amis.is_empty());
    assert_eq!(
        container::images(&image, &distribution.reached),
        json!([
            {"region": REGION, "imageUris": ["123456789012.dkr.ecr.us-east-1.amazonaws.com/base:1.0.0-1"]},
            {"region": "eu-west-1", "imageUris": [
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/far:1.0.0-1",
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/far:stable",
            ]},
        ])
    );
}

/// What becomes of a build with one Region's distribution.
fn ended(more: Value) -> (World, Members) {
    let mut world = world();
    let mut distribution = json!({"region": REGION, "amiDistributionConfiguration": {}});
    for (member, value) in more.as_object().into_iter().flatten() {
        distribution[member] = value.clone();
    }
    let image = image(&mut world, json!([distribution]));
    run(&mut world);
    let document = world.imagebuilder.get(&image.arn).unwrap().document.clone();
    (world, document)
}

#[test]
fn what_cannot_be_done_after_the_amis_fails_the_build_at_its_last_status() {
    for (more, step, account, part) in [
        (
            json!({"launchTemplateConfigurations": [{"launchTemplateId": "lt-0123456789abcdef0"}]}),
            "UPDATE_LAUNCH_TEMPLATES",
            ACCOUNT,
            "with template ID lt-0123456789abcdef0, does not exist",
        ),
        (
            json!({"launchTemplateConfigurations": [
                {"launchTemplateId": "lt-0123456789abcdef0", "accountId": "111122223333"},
            ]}),
            "UPDATE_LAUNCH_TEMPLATES",
            "111122223333",
            "does not exist",
        ),
        (
            json!({"fastLaunchConfigurations": [{"enabled": true}]}),
            "UPDATE_FAST_LAUNCH_CONFIGURATIONS",
            ACCOUNT,
            "Windows AMIs only",
        ),
        (
            json!({"ssmParameterConfigurations": [{"parameterName": "/aws/mine"}]}),
            "PUT_SSM_PARAMETERS",
            ACCOUNT,
            "reserved parameter name",
        ),
        (
            json!({"ssmParameterConfigurations": [{"parameterName": "/web", "amiAccountId": "111122223333"}]}),
            "PUT_SSM_PARAMETERS",
            "111122223333",
            "isn't a target account",
        ),
        (
            json!({
                "amiDistributionConfiguration": {"kmsKeyId": "alias/images"},
                "s3ExportConfiguration": {"roleName": "vmimport", "diskImageFormat": "VHD", "s3Bucket": "disks"},
            }),
            "EXPORT_AMI",
            ACCOUNT,
            "encrypted",
        ),
    ] {
        let (world, document) = ended(more);
        let context = &document["state"]["failureContext"];
        assert_eq!((&document["state"]["status"], &context["imageStatus"]), (&json!("FAILED"), &json!("INTEGRATING")));
        let failure = &context["distributionFailure"]["regionFailures"][0];
        assert_eq!(failure["imageConfigurationStep"], step);
        assert_eq!((&failure["region"], &failure["status"]), (&json!(REGION), &json!("FAILED")));
        assert_eq!(failure["targetAccountId"], account);
        assert!(failure["errorMessage"].as_str().unwrap().contains(part), "{failure}");
        assert!(document["state"]["reason"].as_str().unwrap().contains(part));
        let ami = document["outputResources"]["amis"][0]["image"].as_str().unwrap();
        assert!(ec2::visible(&world, ACCOUNT, REGION, ami).is_some(), "a failed build keeps its AMIs");
        assert!(world.imagebuilder.outputs.exports.is_empty());
    }
}

#[test]
fn a_region_out_of_reach_fails_the_build_and_the_others_keep_their_amis() {
    let mut world = world();
    let parameters = json!([{"parameterName": "/web"}]);
    let image = image(
        &mut world,
        json!([
            {"region": REGION, "ssmParameterConfigurations": parameters},
            {"region": "mars-north-1", "amiDistributionConfiguration": {"targetAccountIds": ["111122223333"]}},
        ]),
    );
    run(&mut world);
    let document = &world.imagebuilder.get(&image.arn).unwrap().document;
    let context = &document["state"]["failureContext"];
    assert_eq!(context["imageStatus"], "DISTRIBUTING");
    let failures = context["distributionFailure"]["regionFailures"].as_array().unwrap();
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (&failures[0]["region"], &failures[0]["targetAccountId"]),
        (&json!("mars-north-1"), &json!("111122223333"))
    );
    assert!(failures[0].get("imageConfigurationStep").is_none());
    let amis = document["outputResources"]["amis"].as_array().unwrap();
    assert_eq!((amis.len(), &amis[0]["region"]), (1, &json!(REGION)));
    assert!(ssm::published(&world).is_empty(), "INTEGRATING never began");
}

#[test]
fn exports_are_on_record_and_go_with_the_image() {
    for (prefix, begins) in [(None, "export-ami-"), (Some("vm"), "vm/export-ami-"), (Some("vm/"), "vm/export-ami-")] {
        let mut export = json!({"roleName": "vmimport", "diskImageFormat": "VMDK", "s3Bucket": "disks"});
        if let Some(prefix) = prefix {
            export["s3Prefix"] = prefix.into();
        }
        let (mut world, document) = ended(json!({"s3ExportConfiguration": export}));
        let arn = document["arn"].as_str().unwrap();
        let [export] = &world.imagebuilder.outputs.exports[arn][..] else { panic!("one export") };
        assert!(export.key.starts_with(begins) && export.key.ends_with(".vmdk"), "{}", export.key);
        assert_eq!((export.bucket.as_str(), export.role_name.as_str()), ("disks", "vmimport"));
        assert_eq!(export.image_id, document["outputResources"]["amis"][0]["image"]);
        let told = world.journal.entries().iter().find(|entry| entry.kind == Kind::Exported).unwrap();
        assert!(told.detail.ends_with(&format!("exported to s3://disks/{}", export.key)), "{}", told.detail);
        let input = json!({"imageBuildVersionArn": arn});
        super::super::image::delete_image(&mut world, &context(), &input).unwrap();
        assert!(world.imagebuilder.outputs.exports.is_empty());
    }
}

#[test]
fn parameters_hold_the_ami_when_the_build_is_available() {
    let (world, document) = ended(json!({"ssmParameterConfigurations": [
        {"parameterName": "/web/ami", "dataType": "aws:ec2:image"}, {"parameterName": "web-text"},
    ]}));
    assert_eq!(document["state"]["status"], "AVAILABLE");
    let ami = document["outputResources"]["amis"][0]["image"].as_str().unwrap();
    let put: Vec<_> = ssm::published(&world).into_iter().map(|it| (it.name, it.value, it.data_type)).collect();
    let expected = |name: &str, kind: &str| (name.to_owned(), ami.to_owned(), kind.to_owned());
    assert_eq!(put, [expected("/web/ami", "aws:ec2:image"), expected("web-text", "text")]);
    let at = |kind: Kind, part: &str| {
        let entries = world.journal.entries().iter();
        entries.filter(|entry| entry.kind == kind && entry.detail.contains(part)).map(|entry| entry.at).max().unwrap()
    };
    assert!(at(Kind::ImageState, "INTEGRATING") < at(Kind::ParameterWritten, ""));
    assert!(at(Kind::ParameterValidated, "valid") < at(Kind::ImageState, "AVAILABLE"));
}

#[test]
fn a_second_try_does_again_only_what_failed() {
    let mut world = world();
    let data = json!({"InstanceType": "t3.micro"});
    let input = json!({"LaunchTemplateName": "fleet", "LaunchTemplateData": data});
    let template = ec2::call(&mut world, &context(), "CreateLaunchTemplate", input).unwrap();
    let id = template["launchTemplate"]["launchTemplateId"].as_str().unwrap();
    let distribution = json!({
        "region": REGION,
        "launchTemplateConfigurations": [{"launchTemplateId": id}],
        "s3ExportConfiguration": {"roleName": "vmimport", "diskImageFormat": "RAW", "s3Bucket": "disks"},
        "ssmParameterConfigurations": [{"parameterName": "/web"}],
    });
    let image = image(&mut world, json!([distribution]));
    let secret = json!({"Name": "/web", "Value": "secret", "Type": "SecureString"});
    ssm::call(&mut world, &context(), "PutParameter", secret).unwrap();
    run(&mut world);
    let status = |world: &World| world.imagebuilder.get(&image.arn).unwrap().status().to_owned();
    let made = |world: &World| {
        let template = ec2::launch_template(world, ACCOUNT, REGION, id).unwrap();
        let own = world.ec2.images.values().filter(|ami| ami.owner == ACCOUNT).count();
        (own, template.versions.len(), world.imagebuilder.outputs.exports[&image.arn].len())
    };
    assert_eq!(status(&world), "FAILED");
    let before = made(&world);
    assert_eq!(before, (1, 2, 1));
    ssm::call(&mut world, &context(), "DeleteParameter", json!({"Name": "/web"})).unwrap();
    let document = &mut world.imagebuilder.get_mut(&image.arn).unwrap().document;
    document.insert("state", json!({"status": "DISTRIBUTING"}));
    deliver(&mut world, &image.arn);
    run(&mut world);
    assert_eq!(made(&world), before);
    assert_eq!(ssm::published(&world).len(), 1);
}
