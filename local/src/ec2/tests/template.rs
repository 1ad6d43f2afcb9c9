//! Launch templates.

use super::*;

const DATA: [(&str, &str); 6] = [
    ("LaunchTemplateData.ImageId", OWN),
    ("LaunchTemplateData.InstanceType", "m5.large"),
    ("LaunchTemplateData.BlockDeviceMapping.1.DeviceName", "/dev/xvda"),
    ("LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize", "20"),
    ("LaunchTemplateData.TagSpecification.1.ResourceType", "instance"),
    ("LaunchTemplateData.EbsOptimized", "true"),
];

fn make(world: &mut World, name: &str) -> String {
    let fields = [&[("LaunchTemplateName", name), ("VersionDescription", "first")], DATA.as_slice()].concat();
    all(&done(world, "CreateLaunchTemplate", &fields), "launchTemplateId").remove(0)
}

fn texts(body: &str, tag: &str) -> String {
    all(body, tag).join(" ")
}

#[test]
fn a_template_and_its_versions_look_as_ec2_shows_them() {
    let mut world = world();
    let id = make(&mut world, "web");
    let templates = done(&mut world, "DescribeLaunchTemplates", &[("LaunchTemplateName.1", "web")]);
    insta::assert_snapshot!(inner(&templates).replace(&id, "lt-x"), @"<launchTemplates><item><launchTemplateId>lt-x</launchTemplateId><launchTemplateName>web</launchTemplateName><createTime>2026-01-02T00:00:00Z</createTime><createdBy>arn:aws:iam::123456789012:root</createdBy><defaultVersionNumber>1</defaultVersionNumber><latestVersionNumber>1</latestVersionNumber></item></launchTemplates>");
    let versions = done(&mut world, "DescribeLaunchTemplateVersions", &[("LaunchTemplateId", &id)]);
    insta::assert_snapshot!(inner(&versions).replace(&id, "lt-x"), @"<launchTemplateVersionSet><item><launchTemplateId>lt-x</launchTemplateId><launchTemplateName>web</launchTemplateName><versionNumber>1</versionNumber><versionDescription>first</versionDescription><createTime>2026-01-02T00:00:00Z</createTime><createdBy>arn:aws:iam::123456789012:root</createdBy><defaultVersion>true</defaultVersion><launchTemplateData><blockDeviceMappingSet><item><deviceName>/dev/xvda</deviceName><ebs><volumeSize>20</volumeSize></ebs></item></blockDeviceMappingSet><ebsOptimized>true</ebsOptimized><imageId>ami-00000000000000001</imageId><instanceType>m5.large</instanceType><tagSpecificationSet><item><resourceType>instance</resourceType></item></tagSpecificationSet></launchTemplateData></item></launchTemplateVersionSet>");
}

#[test]
fn a_version_takes_over_what_its_source_says_and_it_does_not() {
    let mut world = world();
    let id = make(&mut world, "web");
    let by_id = ("LaunchTemplateId", id.as_str());
    let source = ("SourceVersion", "$Latest");
    let image = ("LaunchTemplateData.ImageId", SHARED);
    let made = done(&mut world, "CreateLaunchTemplateVersion", &[by_id, source, image]);
    assert_eq!(
        (
            texts(&made, "versionNumber"),
            texts(&made, "imageId"),
            texts(&made, "instanceType"),
            texts(&made, "volumeSize")
        ),
        ("2".into(), SHARED.into(), "m5.large".into(), "20".into())
    );
    let alone = done(&mut world, "CreateLaunchTemplateVersion", &[by_id, image]);
    assert_eq!((texts(&alone, "versionNumber"), texts(&alone, "instanceType")), ("3".into(), String::new()));
    let numbers = |world: &mut World, fields: &[(&str, &str)]| {
        texts(&done(world, "DescribeLaunchTemplateVersions", fields), "versionNumber")
    };
    assert_eq!(numbers(&mut world, &[by_id]), "3 2 1");
    assert_eq!(numbers(&mut world, &[by_id, ("MinVersion", "2")]), "3 2");
    assert_eq!(numbers(&mut world, &[by_id, ("MinVersion", "2"), ("MaxVersion", "2")]), "2");
    assert_eq!(numbers(&mut world, &[by_id, ("LaunchTemplateVersion.1", "$Default")]), "1");
    assert_eq!(
        numbers(&mut world, &[by_id, ("LaunchTemplateVersion.1", "$Latest"), ("LaunchTemplateVersion.2", "1")]),
        "3 1"
    );
    let modified = done(&mut world, "ModifyLaunchTemplate", &[by_id, ("SetDefaultVersion", "2")]);
    assert_eq!(
        (texts(&modified, "defaultVersionNumber"), texts(&modified, "latestVersionNumber")),
        ("2".into(), "3".into())
    );
    assert_eq!(numbers(&mut world, &[by_id, ("LaunchTemplateVersion.1", "$Default")]), "2");

    let first = done(&mut world, "DescribeLaunchTemplateVersions", &[by_id, ("MaxResults", "2")]);
    let token = all(&first, "nextToken").remove(0);
    assert_eq!(numbers(&mut world, &[by_id, ("MaxResults", "2"), ("NextToken", &token)]), "1");

    let deleted = done(
        &mut world,
        "DeleteLaunchTemplateVersions",
        &[by_id, ("LaunchTemplateVersion.1", "1"), ("LaunchTemplateVersion.2", "2"), ("LaunchTemplateVersion.3", "9")],
    );
    assert_eq!(texts(&all(&deleted, "successfullyDeletedLaunchTemplateVersionSet")[0], "versionNumber"), "1");
    assert_eq!(texts(&deleted, "code"), "unexpectedError launchTemplateVersionDoesNotExist");
    assert_eq!(numbers(&mut world, &[by_id]), "3 2");
    let further = done(&mut world, "CreateLaunchTemplateVersion", &[by_id, image]);
    assert_eq!(texts(&further, "versionNumber"), "4", "numbers aren't given twice");
}

#[test]
fn templates_are_found_by_the_image_of_their_versions() {
    let mut world = world();
    let (web, api) = (make(&mut world, "web"), make(&mut world, "api"));
    let image = ("LaunchTemplateData.ImageId", SHARED);
    done(&mut world, "CreateLaunchTemplateVersion", &[("LaunchTemplateName", "api"), image]);
    let found = |world: &mut World, version: &str, image: &str| {
        let fields = [("LaunchTemplateVersion.1", version), ("Filter.1.Name", "image-id"), ("Filter.1.Value.1", image)];
        all(&done(world, "DescribeLaunchTemplateVersions", &fields), "launchTemplateId")
    };
    assert_eq!(found(&mut world, "$Latest", OWN), std::slice::from_ref(&web));
    assert_eq!(found(&mut world, "$Latest", SHARED), std::slice::from_ref(&api));
    let mut both = vec![web, api];
    both.sort();
    assert_eq!(found(&mut world, "$Default", OWN), both);
}

#[test]
fn an_alias_is_kept_as_given_and_resolved_when_asked_for() {
    let mut world = world();
    let caller = crate::wire::Caller::service("123456789012", "test");
    let context = Context { caller, region: "us-east-1".into(), request_id: "r".into() };
    let put = |world: &mut World, value: &str| {
        let input = serde_json::json!({"Name": "/golden/web", "Value": value, "Type": "String", "Overwrite": true});
        dispatch::call(world, &context, "ssm", "PutParameter", input).unwrap();
    };
    put(&mut world, OWN);
    let image = ("LaunchTemplateData.ImageId", "resolve:ssm:/golden/web");
    done(&mut world, "CreateLaunchTemplate", &[("LaunchTemplateName", "web"), image]);
    put(&mut world, SHARED);
    let shown = |world: &mut World, fields: &[(&str, &str)]| {
        let fields = [&[("LaunchTemplateName", "web")], fields].concat();
        texts(&done(world, "DescribeLaunchTemplateVersions", &fields), "imageId")
    };
    assert_eq!(shown(&mut world, &[]), "resolve:ssm:/golden/web");
    assert_eq!(shown(&mut world, &[("ResolveAlias", "true")]), SHARED);
    let first = ("LaunchTemplateData.ImageId", "resolve:ssm:/golden/web:1");
    done(&mut world, "CreateLaunchTemplateVersion", &[("LaunchTemplateName", "web"), first]);
    let latest = [("ResolveAlias", "true"), ("LaunchTemplateVersion.1", "$Latest")];
    assert_eq!(shown(&mut world, &latest), OWN);
    let nothing = ("LaunchTemplateData.ImageId", "resolve:ssm:/nothing");
    done(&mut world, "CreateLaunchTemplateVersion", &[("LaunchTemplateName", "web"), nothing]);
    let fields = [&[("LaunchTemplateName", "web")], latest.as_slice()].concat();
    assert_eq!(refused(&mut world, "DescribeLaunchTemplateVersions", &fields), "InvalidParameterValue");
}

#[test]
fn a_distribution_makes_a_version_on_the_ground_of_the_default_one() {
    let mut world = world();
    let id = make(&mut world, "web");
    for (account, set_default, number) in
        [("123456789012", false, 1), ("111122223333", true, 1), ("123456789012", true, 3)]
    {
        on(
            &mut world,
            Event::LaunchTemplateVersion {
                account: account.to_owned(),
                region: "us-east-1".to_owned(),
                launch_template_id: id.clone(),
                image_id: SHARED.to_owned(),
                set_default,
                description: "built".to_owned(),
            },
        );
        assert_eq!(launch_template(&world, "123456789012", "us-east-1", "web").unwrap().default_version, number);
    }
    let body = done(
        &mut world,
        "DescribeLaunchTemplateVersions",
        &[("LaunchTemplateId", &id), ("LaunchTemplateVersion.1", "$Default")],
    );
    assert_eq!((texts(&body, "imageId"), texts(&body, "instanceType")), (SHARED.into(), "m5.large".into()));
    assert_eq!(texts(&body, "versionDescription"), "built");
}

#[test]
fn a_token_makes_once_and_another_account_sees_nothing() {
    let mut world = world();
    let fields = [&[("LaunchTemplateName", "web"), ("ClientToken", "once")], DATA.as_slice()].concat();
    let once = all(&done(&mut world, "CreateLaunchTemplate", &fields), "launchTemplateId");
    assert_eq!(all(&done(&mut world, "CreateLaunchTemplate", &fields), "launchTemplateId"), once);
    let version = [("LaunchTemplateName", "web"), ("ClientToken", "again"), DATA[0]];
    assert_eq!(texts(&done(&mut world, "CreateLaunchTemplateVersion", &version), "versionNumber"), "2");
    assert_eq!(texts(&done(&mut world, "CreateLaunchTemplateVersion", &version), "versionNumber"), "2");
    let key = key_of(&mut world, "111122223333");
    let (_, body) = ask_as(&mut world, &key, "us-east-1", &[("Action", "DescribeLaunchTemplates")]);
    assert_eq!(all(&body, "launchTemplateId"), Vec::<String>::new());
    let gone = done(&mut world, "DeleteLaunchTemplate", &[("LaunchTemplateName", "web")]);
    assert_eq!(all(&gone, "launchTemplateId"), once);
    assert_eq!(all(&done(&mut world, "DescribeLaunchTemplates", &[]), "launchTemplateId"), Vec::<String>::new());
}

#[test]
fn what_is_wrong_with_templates_is_told() {
    let image = DATA[0];
    let web = ("LaunchTemplateName", "web");
    let nothing = ("LaunchTemplateId", "lt-00000000000000000");
    let table: [Refused<'_>; 18] = [
        ("CreateLaunchTemplate", &[web, image], "InvalidLaunchTemplateName.AlreadyExistsException"),
        (
            "CreateLaunchTemplate",
            &[("LaunchTemplateName", "a b"), image],
            "InvalidLaunchTemplateName.MalformedException",
        ),
        ("CreateLaunchTemplate", &[("LaunchTemplateName", "new")], "MissingParameter"),
        (
            "CreateLaunchTemplate",
            &[("LaunchTemplateName", "new"), ("LaunchTemplateData.Colour", "red")],
            "UnknownParameter",
        ),
        (
            "CreateLaunchTemplate",
            &[("LaunchTemplateName", "new"), ("LaunchTemplateData.EbsOptimized", "yes")],
            "InvalidParameterValue",
        ),
        (
            "CreateLaunchTemplate",
            &[("LaunchTemplateName", "new"), image, ("Operator.Principal", "x")],
            "UnsupportedOperation",
        ),
        ("CreateLaunchTemplateVersion", &[image], "MissingParameter"),
        (
            "CreateLaunchTemplateVersion",
            &[web, image, ("SourceVersion", "7")],
            "InvalidLaunchTemplateId.VersionNotFound",
        ),
        ("CreateLaunchTemplateVersion", &[nothing, image], "InvalidLaunchTemplateId.NotFound"),
        ("ModifyLaunchTemplate", &[web, ("SetDefaultVersion", "7")], "InvalidLaunchTemplateId.VersionNotFound"),
        ("ModifyLaunchTemplate", &[web, nothing, ("SetDefaultVersion", "1")], "InvalidParameterCombination"),
        ("DescribeLaunchTemplates", &[("LaunchTemplateName.1", "no")], "InvalidLaunchTemplateName.NotFoundException"),
        ("DescribeLaunchTemplates", &[("LaunchTemplateId.1", "lt-1")], "InvalidLaunchTemplateId.Malformed"),
        ("DescribeLaunchTemplateVersions", &[], "MissingParameter"),
        ("DescribeLaunchTemplateVersions", &[("LaunchTemplateVersion.1", "1")], "InvalidParameterValue"),
        (
            "DescribeLaunchTemplateVersions",
            &[web, ("LaunchTemplateVersion.1", "1"), ("MinVersion", "1")],
            "InvalidParameterCombination",
        ),
        ("DeleteLaunchTemplateVersions", &[web], "InvalidParameterValue"),
        ("DeleteLaunchTemplate", &[nothing], "InvalidLaunchTemplateId.NotFound"),
    ];
    let mut world = world();
    make(&mut world, "web");
    for (action, fields, code) in table {
        assert_eq!(refused(&mut world, action, fields), code, "{action} {fields:?}");
    }
}
