//! DescribeImageReferences and the usage reports.

use super::*;
use serde_json::json;

/// What names [`OWN`]: an instance, two launch templates (one in an older version), and a parameter.
fn used() -> World {
    let mut world = world();
    done(&mut world, "RunInstances", &[("ImageId", OWN), ("MinCount", "1"), ("MaxCount", "1")]);
    for name in ["new", "old"] {
        let fields = [("LaunchTemplateName", name), ("LaunchTemplateData.ImageId", OWN)];
        done(&mut world, "CreateLaunchTemplate", &fields);
    }
    let other = [("LaunchTemplateName", "old"), ("LaunchTemplateData.ImageId", SHARED)];
    done(&mut world, "CreateLaunchTemplateVersion", &other);
    let caller = crate::wire::Caller::service("123456789012", "test");
    let context = Context { caller, region: "us-east-1".into(), request_id: "r".into() };
    let put = json!({"Name": "/golden/web", "Value": OWN, "Type": "String"});
    dispatch::call(&mut world, &context, "ssm", "PutParameter", put).unwrap();
    let recipe = json!({
        "name": "web", "semanticVersion": "1.0.0", "parentImage": OWN, "clientToken": "t",
        "components": [{"componentArn": "arn:aws:imagebuilder:us-east-1:aws:component/update-linux/x.x.x"}],
    });
    dispatch::call(&mut world, &context, "imagebuilder", "CreateImageRecipe", recipe).unwrap();
    world
}

fn types(world: &mut World, fields: &[(&str, &str)]) -> Vec<String> {
    all(&done(world, "DescribeImageReferences", &[&[("ImageId.1", OWN)], fields].concat()), "resourceType")
}

#[test]
fn every_kind_of_use_is_found() {
    let mut world = used();
    let every = [("IncludeAllResourceTypes", "true")];
    let expected =
        ["ec2:Instance", "ec2:LaunchTemplate", "ec2:LaunchTemplate", "imagebuilder:ImageRecipe", "ssm:Parameter"];
    assert_eq!(types(&mut world, &every), expected);
    let body = done(
        &mut world,
        "DescribeImageReferences",
        &[("ImageId.1", OWN), ("ResourceType.1.ResourceType", "ssm:Parameter")],
    );
    insta::assert_snapshot!(inner(&body), @"<imageReferenceSet><item><imageId>ami-00000000000000001</imageId><resourceType>ssm:Parameter</resourceType><arn>arn:aws:ssm:us-east-1:123456789012:parameter/golden/web</arn></item></imageReferenceSet>");
    let first = done(&mut world, "DescribeImageReferences", &[("ImageId.1", OWN), every[0], ("MaxResults", "5")]);
    assert_eq!((all(&first, "arn").len(), all(&first, "nextToken").len()), (5, 0));
    let nothing = done(&mut world, "DescribeImageReferences", &[("ImageId.1", PUBLIC), every[0]]);
    assert_eq!(all(&nothing, "arn").len(), 0);
}

#[test]
fn options_say_which_states_and_versions_count() {
    let mut world = used();
    let option = |kind: &'static str, name: &'static str, value: &'static str| {
        [
            ("ResourceType.1.ResourceType", kind),
            ("ResourceType.1.ResourceTypeOption.1.OptionName", name),
            ("ResourceType.1.ResourceTypeOption.1.OptionValue.1", value),
        ]
    };
    assert_eq!(types(&mut world, &option("ec2:LaunchTemplate", "version-depth", "1")).len(), 1);
    assert_eq!(types(&mut world, &option("ec2:LaunchTemplate", "version-depth", "2")).len(), 2);
    assert_eq!(types(&mut world, &option("ec2:Instance", "state-name", "running")).len(), 0);
    assert_eq!(types(&mut world, &option("ec2:Instance", "state-name", "pending")).len(), 1);
    let overridden = [&option("ec2:LaunchTemplate", "version-depth", "1")[..], &[("IncludeAllResourceTypes", "true")]];
    assert_eq!(types(&mut world, &overridden.concat()).len(), 4);
}

#[test]
fn wrong_questions_are_refused() {
    let own = ("ImageId.1", OWN);
    let kind = "ResourceType.1.ResourceType";
    let option = "ResourceType.1.ResourceTypeOption.1.OptionName";
    let value = "ResourceType.1.ResourceTypeOption.1.OptionValue.1";
    let table: [(&[(&str, &str)], &str); 8] = [
        (&[("IncludeAllResourceTypes", "true")], "MissingParameter"),
        (&[own], "MissingParameter"),
        (&[("ImageId.1", "x"), ("IncludeAllResourceTypes", "true")], "InvalidAMIID.Malformed"),
        (&[own, (kind, "ec2:Vpc")], "InvalidParameterValue"),
        (&[own, (kind, "ssm:Parameter"), (option, "version-depth"), (value, "1")], "InvalidParameterValue"),
        (&[own, (kind, "ec2:LaunchTemplate"), (option, "version-depth"), (value, "0")], "InvalidParameterValue"),
        (&[own, ("IncludeAllResourceTypes", "true"), ("MaxResults", "4")], "InvalidParameterValue"),
        (&[own, ("IncludeAllResourceTypes", "true"), ("Filter.1.Name", "x")], "UnsupportedOperation"),
    ];
    let mut world = world();
    for (fields, code) in table {
        assert_eq!(refused(&mut world, "DescribeImageReferences", fields), code, "{fields:?}");
    }
    let names: Vec<String> = (1..=11).map(|n| format!("ImageId.{n}")).collect();
    let mut eleven: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), OWN)).collect();
    eleven.push(("IncludeAllResourceTypes", "true"));
    assert_eq!(refused(&mut world, "DescribeImageReferences", &eleven), "InvalidParameterValue");
}

#[test]
fn a_report_tells_of_other_accounts_use() {
    let mut world = used();
    done(&mut world, "ModifyImageAttribute", &[("ImageId", OWN), ("LaunchPermission.Add.1.UserId", "111122223333")]);
    let key = key_of(&mut world, "111122223333");
    let run = [("Action", "RunInstances"), ("ImageId", OWN), ("MinCount", "2"), ("MaxCount", "2")];
    assert_eq!(ask_as(&mut world, &key, "us-east-1", &run).0, 200);
    let asked = [
        ("ImageId", OWN),
        ("ResourceType.1.ResourceType", "ec2:Instance"),
        ("ResourceType.2.ResourceType", "ec2:LaunchTemplate"),
        ("ClientToken", "once"),
    ];
    let id = all(&done(&mut world, "CreateImageUsageReport", &asked), "reportId").remove(0);
    assert_eq!(all(&done(&mut world, "CreateImageUsageReport", &asked), "reportId"), std::slice::from_ref(&id));
    let by_id = [("ReportId.1", id.as_str())];
    let report = done(&mut world, "DescribeImageUsageReports", &by_id);
    insta::assert_snapshot!(inner(&report).replace(&id, "amiur-x"), @"<imageUsageReportSet><item><imageId>ami-00000000000000001</imageId><reportId>amiur-x</reportId><resourceTypeSet><item><resourceType>ec2:Instance</resourceType></item><item><resourceType>ec2:LaunchTemplate</resourceType><resourceTypeOptionSet><item><optionName>version-depth</optionName><optionValueSet><item>20</item></optionValueSet></item></resourceTypeOptionSet></item></resourceTypeSet><state>pending</state><creationTime>2026-01-02T00:00:00.000Z</creationTime><expirationTime>2026-02-01T00:00:00.000Z</expirationTime></item></imageUsageReportSet>");
    assert_eq!(all(&done(&mut world, "DescribeImageUsageReportEntries", &by_id), "item").len(), 0);
    pass(&mut world, TimeDelta::hours(1));
    let reports = done(&mut world, "DescribeImageUsageReports", &[("ImageId.1", OWN)]);
    assert_eq!(all(&reports, "state"), ["available"]);
    let entries = done(&mut world, "DescribeImageUsageReportEntries", &[("ImageId.1", OWN)]);
    insta::assert_snapshot!(inner(&entries).replace(&id, "amiur-x"), @"<imageUsageReportEntrySet><item><resourceType>ec2:Instance</resourceType><reportId>amiur-x</reportId><usageCount>2</usageCount><accountId>111122223333</accountId><imageId>ami-00000000000000001</imageId><reportCreationTime>2026-01-02T00:00:00.000Z</reportCreationTime></item></imageUsageReportEntrySet>");
    pass(&mut world, TimeDelta::days(30));
    assert_eq!(refused(&mut world, "DescribeImageUsageReports", &by_id), "InvalidImageUsageReportId.NotFound");
}

#[test]
fn a_report_counts_the_accounts_that_it_names_and_can_be_deleted() {
    let mut world = used();
    let image = ("ImageId", OWN);
    let kind = ("ResourceType.1.ResourceType", "ec2:Instance");
    let table: [(&[(&str, &str)], &str); 4] = [
        (&[image], "MissingParameter"),
        (&[("ImageId", SHARED), kind], "AuthFailure"),
        (&[image, ("ResourceType.1.ResourceType", "ssm:Parameter")], "InvalidParameterValue"),
        (&[image, kind, ("AccountId.1", "me")], "InvalidParameterValue"),
    ];
    for (fields, code) in table {
        assert_eq!(refused(&mut world, "CreateImageUsageReport", fields), code, "{fields:?}");
    }
    let named = [image, kind, ("AccountId.1", "111122223333")];
    let id = all(&done(&mut world, "CreateImageUsageReport", &named), "reportId").remove(0);
    let report = done(&mut world, "DescribeImageUsageReports", &[]);
    assert_eq!(all(&report, "accountIdSet"), ["<item>111122223333</item>"]);
    done(&mut world, "DeleteImageUsageReport", &[("ReportId", &id)]);
    assert_eq!(
        refused(&mut world, "DeleteImageUsageReport", &[("ReportId", &id)]),
        "InvalidImageUsageReportId.NotFound"
    );
    pass(&mut world, TimeDelta::hours(1));
    assert_eq!(all(&done(&mut world, "DescribeImageUsageReports", &[]), "reportId").len(), 0);
}
