//! What the calls of a running invocation cost in simulated time.
//!
//! A function calls several Regions side by side, and its calls arrive in any order. So each call's time is
//! counted along its own lane, the calls that an invocation makes of one service in one Region of one account: within
//! a lane they come one after the other, and what a call sees doesn't depend on what arrived beside it.

use crate::clock::Time;
use crate::wire::{Context, Request};
use crate::world::World;
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// An invocation that runs.
#[derive(Debug)]
pub(crate) struct Running {
    started: Time,
    /// By service, Region and account: the time that the calls there have taken.
    lanes: BTreeMap<(String, String, String), TimeDelta>,
    /// How often each call was made, the same call to the letter.
    made: BTreeMap<u64, i32>,
}

/// An invocation starts now.
pub(crate) fn begin(world: &mut World, invocation: &str) {
    let running = Running { started: world.now, lanes: BTreeMap::new(), made: BTreeMap::new() };
    world.running.insert(invocation.to_owned(), running);
}

/// Lets the time pass that a call of a running invocation costs, `more` included, and returns when the call is
/// answered. A call that is made again to the letter is a poll or a retry: the pause in front of it counts, and grows.
pub(crate) fn charge(
    world: &mut World,
    context: &Context,
    service: &str,
    request: &Request,
    more: TimeDelta,
) -> Option<Time> {
    let invocation = context.caller.invocation.as_deref()?;
    let body = String::from_utf8_lossy(&request.body);
    let target = request.header("x-amz-target").unwrap_or_default();
    let key = [invocation, service, &context.region, context.account(), &request.path, &request.query, target, &body];
    let (seed, call) = (world.seed, world.seed.draw(&key));
    let running = world.running.get_mut(invocation)?;
    let made = running.made.entry(call).or_default();
    let pause = TimeDelta::seconds(2) * *made;
    let latency = seed.span(
        &["latency", &call.to_string(), &made.to_string()],
        TimeDelta::milliseconds(8),
        TimeDelta::milliseconds(60),
    );
    *made += 1;
    let lane =
        running.lanes.entry((service.to_owned(), context.region.clone(), context.account().to_owned())).or_default();
    *lane += latency + pause + more;
    let at = running.started + *lane;
    world.pass(at.max(world.now));
    Some(at)
}
