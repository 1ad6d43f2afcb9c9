//! Parameters that Parameter Store refuses, and invocations that were given up.

use super::*;

#[tokio::test]
async fn a_refused_parameter_and_the_dead_letters_that_follow_are_told_once_each() {
    for seed in [761, 762] {
        let running = world(seed, &[]).await;
        let local = &running.local;
        let arn = start(local, "web");
        while !local.world().imagebuilder.has_ended(&arn) {
            let due = local.world().next_due().unwrap();
            local.run_until(due, &mut |_| {}).await;
        }
        // Before the notification arrives, somebody deregisters the AMI: Parameter Store doesn't take it.
        let ami = {
            let world = local.world();
            let mut own = world.ec2.images.values().filter(|image| image.owner == "123456789012");
            own.find(|image| image.region == DEFAULT_REGION && image.state == "available").unwrap().id.clone()
        };
        noise(local, seed, &[]);
        call(&mut local.world(), "ec2", DEFAULT_REGION, "DeregisterImage", json!({"ImageId": ami}));
        settle(local).await;
        let told = text(local);
        assert!(told.contains("Unable to Describe Resource") && told.contains(&ami), "{told}");
        assert!(!local.world().lambda.dead_letters.is_empty(), "publishing was given up");

        sweep(local).await;
        sweep(local).await;
        let told = reports(local);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("given up"), "{told:?}");

        // Somebody looks, and empties the queue; the next build is published as it should be.
        built(local, "web").await;
        let queue = local.world().lambda.dead_letters[0].target_arn.rsplit(':').next().unwrap().to_owned();
        let url = format!("https://sqs.{DEFAULT_REGION}.amazonaws.com/123456789012/{queue}");
        call(&mut local.world(), "sqs", DEFAULT_REGION, "PurgeQueue", json!({"QueueUrl": url}));
        sweep(local).await;
        sweep(local).await;
        let told = reports(local);
        assert_eq!(told.len(), 4, "{told:?}");
        for words in ["the dead-letter queue is empty", "the parameters hold the right AMIs"] {
            assert!(told[2..].iter().any(|subject| subject.contains(words)), "{told:?}");
        }
        assert_untroubled(local);
        running.local.shut_down().await;
    }
}
