use super::*;
use crate::draw::Seed;
use crate::wire::Caller;
use chrono::TimeDelta;

const ARN: &str = "arn:aws:sqs:us-east-1:123456789012:dead";

fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, String> {
    let caller = Caller::service("123456789012", "test");
    let context = Context { caller, region: "us-east-1".to_owned(), request_id: "r".to_owned() };
    call(world, &context, operation, &input).map_err(|error| error.code)
}

#[test]
fn dead_letters_are_counted_while_they_are_kept() {
    let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
    make(&mut world, ARN, [("MessageRetentionPeriod".to_owned(), "1209600".to_owned())].into_iter(), BTreeMap::new());
    let url = ask(&mut world, "GetQueueUrl", json!({"QueueName": "dead"})).unwrap()["QueueUrl"].clone();
    assert_eq!(url, "https://sqs.us-east-1.amazonaws.com/123456789012/dead");
    assert_eq!(ask(&mut world, "ListQueues", json!({"QueueNamePrefix": "de"})).unwrap(), json!({"QueueUrls": [url]}));
    assert_eq!(ask(&mut world, "ListQueues", json!({"QueueNamePrefix": "x"})).unwrap(), json!({}));
    assert!(deliver(&mut world, ARN, "{}".to_owned(), &Map::new()));
    assert!(!deliver(&mut world, &format!("{ARN}-other"), "{}".to_owned(), &Map::new()), "there is no such queue");
    let depth = |world: &mut World| {
        let input = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages", "QueueArn"]});
        ask(world, "GetQueueAttributes", input).unwrap()["Attributes"].clone()
    };
    assert_eq!(depth(&mut world), json!({"ApproximateNumberOfMessages": "1", "QueueArn": ARN}));
    world.now += TimeDelta::days(15);
    assert_eq!(depth(&mut world)["ApproximateNumberOfMessages"], "0");
}

#[test]
fn a_queue_has_tags_and_is_purged() {
    let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
    make(&mut world, ARN, std::iter::empty(), BTreeMap::from([("team".to_owned(), "platform".to_owned())]));
    let url = "https://sqs.us-east-1.amazonaws.com/123456789012/dead";
    let on = |mut input: Value| {
        input["QueueUrl"] = url.into();
        input
    };
    ask(&mut world, "TagQueue", on(json!({"Tags": {"told": "yes"}}))).unwrap();
    let listed = ask(&mut world, "ListQueueTags", on(json!({}))).unwrap();
    assert_eq!(listed, json!({"Tags": {"team": "platform", "told": "yes"}}));
    let long = on(json!({"Tags": {"told": "x".repeat(257)}}));
    assert_eq!(ask(&mut world, "TagQueue", long), Err("InvalidParameterValue".to_owned()));
    ask(&mut world, "UntagQueue", on(json!({"TagKeys": ["team", "told"]}))).unwrap();
    assert_eq!(ask(&mut world, "ListQueueTags", on(json!({}))).unwrap(), json!({}));
    deliver(&mut world, ARN, String::new(), &Map::new());
    ask(&mut world, "PurgeQueue", on(json!({}))).unwrap();
    world.now += TimeDelta::seconds(1);
    let depth = |world: &mut World| {
        let input = on(json!({"AttributeNames": ["ApproximateNumberOfMessages"]}));
        ask(world, "GetQueueAttributes", input).unwrap()["Attributes"]["ApproximateNumberOfMessages"].clone()
    };
    assert_eq!(depth(&mut world), "0");
    deliver(&mut world, ARN, String::new(), &Map::new());
    assert_eq!(depth(&mut world), "1");
}

#[test]
fn what_is_not_there_is_said() {
    let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
    for (operation, input, code) in [
        ("GetQueueUrl", json!({"QueueName": "none"}), "com.amazonaws.sqs#QueueDoesNotExist"),
        ("GetQueueUrl", json!({}), "MissingParameter"),
        (
            "GetQueueAttributes",
            json!({"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/none"}),
            "com.amazonaws.sqs#QueueDoesNotExist",
        ),
        ("SendMessage", json!({}), "NotImplementedException"),
        ("ListQueues", json!({"MaxResults": 1}), "NotImplementedException"),
    ] {
        assert_eq!(ask(&mut world, operation, input), Err(code.to_owned()), "{operation}");
    }
}

#[test]
fn a_message_is_hidden_while_somebody_works_on_it_and_gone_once_it_is_deleted() {
    let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
    let url = ask(&mut world, "CreateQueue", json!({"QueueName": "heard"})).unwrap()["QueueUrl"].clone();
    let attributes = json!({"family": {"Type": "String", "Value": "web"}, "kind": {"Type": "String", "Value": "x"}});
    let arn = "arn:aws:sqs:us-east-1:123456789012:heard";
    deliver(&mut world, arn, "hello".to_owned(), attributes.as_object().unwrap());
    let receive = |world: &mut World| {
        let input =
            json!({"QueueUrl": url, "AttributeNames": ["ApproximateReceiveCount"], "MessageAttributeNames": ["fam*"]});
        ask(world, "ReceiveMessage", input).unwrap()["Messages"][0].clone()
    };
    let first = receive(&mut world);
    assert_eq!((&first["Body"], &first["MD5OfBody"]), (&json!("hello"), &json!("5d41402abc4b2a76b9719d911017c592")));
    assert_eq!(first["MessageAttributes"], json!({"family": {"DataType": "String", "StringValue": "web"}}));
    assert_eq!(receive(&mut world), Value::Null, "hidden for 30 seconds");
    let depth = json!({"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessagesNotVisible"]});
    let depth = ask(&mut world, "GetQueueAttributes", depth).unwrap()["Attributes"].clone();
    assert_eq!(depth, json!({"ApproximateNumberOfMessagesNotVisible": "1"}));
    world.now += TimeDelta::seconds(30);
    let second = receive(&mut world);
    assert_eq!(second["Attributes"], json!({"ApproximateReceiveCount": "2"}));
    ask(&mut world, "DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": first["ReceiptHandle"]})).unwrap();
    world.now += TimeDelta::seconds(30);
    assert_eq!(receive(&mut world), Value::Null);
    ask(&mut world, "DeleteQueue", json!({"QueueUrl": url})).unwrap();
    assert_eq!(
        ask(&mut world, "ReceiveMessage", json!({"QueueUrl": url})),
        Err("com.amazonaws.sqs#QueueDoesNotExist".to_owned())
    );
}

#[test]
fn a_queue_is_made_once() {
    let mut world = World::new(Seed(1), "2026-01-01T00:00:00Z".parse().unwrap());
    let hidden = |seconds: &str| json!({"QueueName": "heard", "Attributes": {"VisibilityTimeout": seconds}});
    let made = ask(&mut world, "CreateQueue", hidden("60"));
    assert_eq!(ask(&mut world, "CreateQueue", hidden("60")), made);
    assert_eq!(ask(&mut world, "CreateQueue", hidden("61")), Err("QueueNameExists".to_owned()));
    assert_eq!(ask(&mut world, "CreateQueue", json!({"QueueName": "a b"})), Err("InvalidParameterValue".to_owned()));
}
