//! Parameter Store, call by call.

use super::*;
use crate::clock::Time;
use crate::draw::Seed;
use crate::journal::Kind;
use crate::wire::Caller;
use chrono::TimeDelta;

const ACCOUNT: &str = "123456789012";
const AMI: &str = "ami-0123456789abcdef0";

fn world() -> World {
    World::new(Seed(7), "2026-01-01T00:00:00Z".parse::<Time>().unwrap())
}

fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, ApiError> {
    let context = Context {
        caller: Caller::service(ACCOUNT, "test"),
        region: "us-east-1".to_owned(),
        request_id: "r".to_owned(),
    };
    call(world, &context, operation, input)
}

fn code(result: Result<Value, ApiError>) -> String {
    result.unwrap_err().code
}

fn put(world: &mut World, name: &str, value: &str) -> i64 {
    let input = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
    ask(world, "PutParameter", input).unwrap()["Version"].as_i64().unwrap()
}

fn get(world: &mut World, name: &str) -> Value {
    ask(world, "GetParameter", json!({"Name": name})).unwrap()["Parameter"].clone()
}

fn add_image(world: &mut World, id: &str, state: &str) {
    let image = crate::ec2::Image {
        id: id.to_owned(),
        region: "us-east-1".to_owned(),
        owner: ACCOUNT.to_owned(),
        name: "web".to_owned(),
        description: None,
        windows: false,
        architecture: "x86_64".to_owned(),
        state: state.to_owned(),
        created: world.now,
        tags: Default::default(),
        snapshots: Default::default(),
        source: None,
        launch_permissions: Vec::new(),
        deprecation_time: None,
        last_launched: None,
        deregistration_protection: false,
    };
    world.ec2.images.insert((image.region.clone(), image.id.clone()), Box::new(image));
}

fn settle(world: &mut World) {
    let until = world.now + TimeDelta::seconds(10);
    while world.step(until).is_some() {}
}

fn put_image(world: &mut World, value: &str) -> i64 {
    let input = json!({
        "Name": "/golden-images/web", "Value": value, "Type": "String", "Overwrite": true, "DataType": "aws:ec2:image"
    });
    ask(world, "PutParameter", input).unwrap()["Version"].as_i64().unwrap()
}

#[test]
fn an_image_exists_only_once_it_is_validated() {
    let mut world = world();
    add_image(&mut world, AMI, "available");
    assert_eq!(put_image(&mut world, AMI), 1);
    assert_eq!(code(ask(&mut world, "GetParameter", json!({"Name": "/golden-images/web"}))), "ParameterNotFound");
    let due = world.next_due().unwrap() - world.now;
    assert!((1..=5).contains(&due.num_seconds()), "{due}");
    settle(&mut world);
    let parameter = get(&mut world, "/golden-images/web");
    assert_eq!((&parameter["Value"], &parameter["DataType"]), (&json!(AMI), &json!("aws:ec2:image")));
    assert_eq!(published(&world)[0].version, 1);
}

#[test]
fn a_refused_image_leaves_the_former_version_and_its_number_is_never_given_again() {
    let mut world = world();
    add_image(&mut world, AMI, "available");
    add_image(&mut world, "ami-0000000000000000a", "pending");
    assert_eq!(put_image(&mut world, AMI), 1);
    settle(&mut world);
    assert_eq!(put_image(&mut world, "ami-0000000000000000a"), 2);
    assert_eq!(put_image(&mut world, "no AMI at all"), 3);
    settle(&mut world);
    assert_eq!(get(&mut world, "/golden-images/web")["Version"], 1);
    let refused: Vec<_> = world
        .journal
        .entries()
        .iter()
        .filter(|entry| entry.kind == Kind::ParameterValidated && entry.detail.contains("refused"))
        .collect();
    assert_eq!(refused.len(), 2);
    assert_eq!(put_image(&mut world, AMI), 4);
    settle(&mut world);
    assert_eq!(get(&mut world, "/golden-images/web")["Version"], 4);
}

#[test]
fn a_deleted_parameter_is_not_made_by_a_late_validation() {
    let mut world = world();
    add_image(&mut world, AMI, "available");
    put_image(&mut world, AMI);
    settle(&mut world);
    put_image(&mut world, AMI);
    ask(&mut world, "DeleteParameter", json!({"Name": "/golden-images/web"})).unwrap();
    settle(&mut world);
    assert!(published(&world).is_empty());
}

#[test]
fn names_and_values_follow_the_rules() {
    let long = "x".repeat(4097);
    let deep = "/a".repeat(16);
    let table = [
        (json!({"Name": "/aws/x", "Value": "v", "Type": "String"}), "AccessDeniedException"),
        (json!({"Name": "awsome", "Value": "v", "Type": "String"}), "ValidationException"),
        (json!({"Name": "/ssm/x", "Value": "v", "Type": "String"}), "ValidationException"),
        (json!({"Name": "a/b", "Value": "v", "Type": "String"}), "ValidationException"),
        (json!({"Name": "a b", "Value": "v", "Type": "String"}), "ValidationException"),
        (json!({"Name": deep, "Value": "v", "Type": "String"}), "HierarchyLevelLimitExceededException"),
        (json!({"Name": "x", "Value": "v"}), "ValidationException"),
        (json!({"Name": "x", "Value": "v", "Type": "Text"}), "ValidationException"),
        (json!({"Name": "x", "Value": long, "Type": "String"}), "ValidationException"),
        (
            json!({"Name": "x", "Value": "v", "Type": "String", "AllowedPattern": "\\d+"}),
            "ParameterPatternMismatchException",
        ),
        (json!({"Name": "x", "Value": "v", "Type": "String", "AllowedPattern": "("}), "InvalidAllowedPatternException"),
        (
            json!({"Name": "x", "Value": "v", "Type": "SecureString", "DataType": "aws:ec2:image"}),
            "ValidationException",
        ),
        (json!({"Name": "x", "Value": "v", "Type": "String", "DataType": "number"}), "ValidationException"),
        (json!({"Name": "x", "Value": "v", "Type": "String", "Policies": "[]"}), "ValidationException"),
        (
            json!({"Name": "x", "Value": "v", "Type": "String", "Overwrite": true, "Tags": [{"Key": "a", "Value": "b"}]}),
            "ValidationException",
        ),
    ];
    for (input, expected) in table {
        assert_eq!(code(ask(&mut world(), "PutParameter", input.clone())), expected, "{input}");
    }
}

#[test]
fn what_exists_is_overwritten_only_on_request() {
    let mut world = world();
    put(&mut world, "x", "1");
    let again = json!({"Name": "x", "Value": "2", "Type": "String"});
    assert_eq!(code(ask(&mut world, "PutParameter", again)), "ParameterAlreadyExists");
    let other = json!({"Name": "x", "Value": "2", "Type": "StringList", "Overwrite": true});
    assert_eq!(code(ask(&mut world, "PutParameter", other)), "HierarchyTypeMismatchException");
    assert_eq!(put(&mut world, "x", "2"), 2);
}

#[test]
fn a_parameter_is_found_by_name_version_label_and_arn() {
    let mut world = world();
    put(&mut world, "/a/b", "1");
    put(&mut world, "/a/b", "2");
    put(&mut world, "plain", "3");
    ask(&mut world, "LabelParameterVersion", json!({"Name": "/a/b", "ParameterVersion": 1, "Labels": ["prod"]}))
        .unwrap();
    let arn = format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter");
    let table = [
        ("/a/b".to_owned(), "2"),
        ("/a/b:1".to_owned(), "1"),
        ("/a/b:prod".to_owned(), "1"),
        (format!("{arn}/a/b"), "2"),
        (format!("{arn}/a/b:1"), "1"),
        (format!("{arn}/plain"), "3"),
    ];
    for (name, value) in table {
        assert_eq!(get(&mut world, &name)["Value"], value, "{name}");
    }
    assert_eq!(get(&mut world, "/a/b:prod")["Selector"], ":prod");
    assert_eq!(code(ask(&mut world, "GetParameter", json!({"Name": "/a/b:9"}))), "ParameterVersionNotFound");
    let both = ask(&mut world, "GetParameters", json!({"Names": ["plain", "none"]})).unwrap();
    assert_eq!((both["Parameters"].as_array().unwrap().len(), &both["InvalidParameters"]), (1, &json!(["none"])));
}

#[test]
fn a_label_moves_and_bad_ones_are_told() {
    let mut world = world();
    put(&mut world, "x", "1");
    put(&mut world, "x", "2");
    let label = |world: &mut World, version: i64, labels: Value| {
        ask(world, "LabelParameterVersion", json!({"Name": "x", "ParameterVersion": version, "Labels": labels}))
            .unwrap()
    };
    label(&mut world, 1, json!(["prod"]));
    label(&mut world, 2, json!(["prod"]));
    assert_eq!(get(&mut world, "x:prod")["Version"], 2);
    let answer = label(&mut world, 1, json!(["ok", "1st", "awsome", "a b"]));
    assert_eq!(answer, json!({"InvalidLabels": ["1st", "a b", "awsome"], "ParameterVersion": 1}));
    let many: Vec<_> = (0..10).map(|n| format!("l{n}")).collect();
    let over = ask(&mut world, "LabelParameterVersion", json!({"Name": "x", "ParameterVersion": 1, "Labels": many}));
    assert_eq!(code(over), "ParameterVersionLabelLimitExceeded");
}

#[test]
fn a_hundred_versions_are_kept_unless_a_label_holds_the_oldest() {
    let mut world = world();
    for n in 1..=101 {
        assert_eq!(put(&mut world, "x", &n.to_string()), n);
    }
    let first = ask(&mut world, "GetParameterHistory", json!({"Name": "x"})).unwrap();
    assert_eq!((first["Parameters"].as_array().unwrap().len(), &first["Parameters"][0]["Version"]), (50, &json!(2)));
    let token = &first["NextToken"];
    let second = ask(&mut world, "GetParameterHistory", json!({"Name": "x", "NextToken": token})).unwrap();
    assert_eq!(second["Parameters"][49]["Version"], 101);
    assert!(second.get("NextToken").is_none());
    ask(&mut world, "LabelParameterVersion", json!({"Name": "x", "ParameterVersion": 2, "Labels": ["hold"]})).unwrap();
    let over = json!({"Name": "x", "Value": "v", "Overwrite": true});
    assert_eq!(code(ask(&mut world, "PutParameter", over)), "ParameterMaxVersionLimitExceeded");
}

#[test]
fn parameters_are_listed_by_path_and_filter() {
    let mut world = world();
    for name in ["/a/1", "/a/2", "/a/b/3", "/ab", "top"] {
        put(&mut world, name, "v");
    }
    let names = |answer: &Value| -> Vec<String> {
        answer["Parameters"].as_array().unwrap().iter().map(|p| p["Name"].as_str().unwrap().to_owned()).collect()
    };
    let by_path = |world: &mut World, input: Value| ask(world, "GetParametersByPath", input).unwrap();
    assert_eq!(names(&by_path(&mut world, json!({"Path": "/a"}))), ["/a/1", "/a/2"]);
    assert_eq!(names(&by_path(&mut world, json!({"Path": "/a/", "Recursive": true}))), ["/a/1", "/a/2", "/a/b/3"]);
    let first = by_path(&mut world, json!({"Path": "/a", "Recursive": true, "MaxResults": 2}));
    let token = first["NextToken"].clone();
    assert_eq!(names(&by_path(&mut world, json!({"Path": "/a", "Recursive": true, "NextToken": token}))), ["/a/b/3"]);
    let table = [
        (json!([{"Key": "Name", "Option": "BeginsWith", "Values": ["/a/"]}]), vec!["/a/1", "/a/2", "/a/b/3"]),
        (json!([{"Key": "Name", "Values": ["top", "/ab"]}]), vec!["/ab", "top"]),
        (json!([{"Key": "Name", "Option": "Contains", "Values": ["b"]}]), vec!["/a/b/3", "/ab"]),
        (json!([{"Key": "Path", "Option": "Recursive", "Values": ["/a"]}]), vec!["/a/1", "/a/2", "/a/b/3"]),
        (json!([{"Key": "Path", "Values": ["/a/b"]}]), vec!["/a/b/3"]),
        (json!([{"Key": "DataType", "Values": ["aws:ec2:image"]}]), vec![]),
    ];
    for (filters, expected) in table {
        let answer = ask(&mut world, "DescribeParameters", json!({"ParameterFilters": filters})).unwrap();
        assert_eq!(names(&answer), expected, "{filters}");
    }
    let bad = json!({"ParameterFilters": [{"Key": "Label", "Values": ["x"]}]});
    assert_eq!(code(ask(&mut world, "DescribeParameters", bad)), "InvalidFilterKey");
}

#[test]
fn tags_come_and_go() {
    let mut world = world();
    put(&mut world, "x", "1");
    let on = |rest: Value| {
        let mut input = json!({"ResourceType": "Parameter", "ResourceId": "x"});
        input.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        input
    };
    let tags = json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]});
    ask(&mut world, "AddTagsToResource", on(tags)).unwrap();
    ask(&mut world, "RemoveTagsFromResource", on(json!({"TagKeys": ["a"]}))).unwrap();
    let list = ask(&mut world, "ListTagsForResource", on(json!({}))).unwrap();
    assert_eq!(list, json!({"TagList": [{"Key": "b", "Value": "2"}]}));
}

#[test]
fn a_secure_value_shows_only_when_asked_for() {
    let mut world = world();
    let input = json!({"Name": "x", "Value": "secret", "Type": "SecureString"});
    ask(&mut world, "PutParameter", input).unwrap();
    assert_ne!(get(&mut world, "x")["Value"], "secret");
    let clear = ask(&mut world, "GetParameter", json!({"Name": "x", "WithDecryption": true})).unwrap();
    assert_eq!(clear["Parameter"]["Value"], "secret");
    assert!(world.journal.entries().iter().all(|entry| !entry.detail.contains("secret")));
}
