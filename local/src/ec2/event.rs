//! What is posted for EC2, and what comes of it.

use super::{Image, fast_launch, instance, licence, make, retire, tags, template, usage};
use crate::clock::Time;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What other services cause in EC2.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// An AMI is registered, by Image Builder.
    Register(Box<Image>),
    /// An AMI that CopyImage or RegisterImage left `pending` becomes `available`.
    Settle {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
    },
    /// An AMI counts as deprecated from a time on, or no more.
    Deprecate {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// `None` cancels it.
        at: Option<Time>,
    },
    /// An AMI gets a tag, or loses it.
    Tag {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// The tag's key.
        key: String,
        /// `None` takes the tag away.
        value: Option<String>,
    },
    /// An AMI is disabled: nobody can launch it, and it is shared with nobody.
    Disable {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
    },
    /// A disabled AMI is available again; its shares don't come back.
    Enable {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
    },
    /// An AMI is deregistered.
    Deregister {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// Whether its snapshots are deleted too, as far as no other AMI needs them.
        snapshots: bool,
    },
    /// A launch template gets a new version, which differs from its default version in the AMI.
    LaunchTemplateVersion {
        /// The template's owner.
        account: String,
        /// The Region.
        region: String,
        /// `lt-` and 17 hex digits.
        launch_template_id: String,
        /// The AMI, of the same Region.
        image_id: String,
        /// Whether the new version becomes the default one.
        set_default: bool,
        /// At most 255 characters.
        description: String,
    },
    /// Fast launch of a Windows AMI is enabled or disabled.
    FastLaunch {
        /// Who asks for it: the AMI's owner, or one whom it is shared with.
        account: String,
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// Whether it is enabled.
        enabled: bool,
        /// How many instances are launched at a time to make snapshots.
        max_parallel_launches: Option<u32>,
        /// How many snapshots are kept in stock.
        snapshot_target: Option<u32>,
        /// `launchTemplateId` or `launchTemplateName`, and `launchTemplateVersion`.
        launch_template: Option<Value>,
    },
    /// A change of fast launch is over.
    FastLaunchSettled {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// When the change began.
        since: Time,
    },
    /// Instances are launched, by a schedule.
    Run {
        /// In whose name.
        account: String,
        /// The Region.
        region: String,
        /// The call's input, in the names of the API.
        input: Value,
    },
    /// An instance comes to its next state.
    InstanceMoved {
        /// The Region.
        region: String,
        /// The instance.
        instance_id: String,
        /// When the state before began: another one means that it went elsewhere meanwhile.
        since: Time,
    },
    /// A launch is seen in the AMI's last launched time.
    LaunchSeen {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// When the launch was.
        at: Time,
    },
    /// A usage report is done.
    UsageReported {
        /// The Region.
        region: String,
        /// The report.
        report_id: String,
    },
    /// A usage report's days are over.
    UsageExpired {
        /// The Region.
        region: String,
        /// The report.
        report_id: String,
    },
    /// An AMI is associated with license configurations, beside those that it has.
    Licences {
        /// The Region.
        region: String,
        /// The AMI.
        image_id: String,
        /// The license configurations.
        arns: Vec<String>,
    },
}

/// Handles what was posted for EC2.
pub fn on(world: &mut World, event: Event) {
    match event {
        Event::Register(image) => make::on_register(world, image),
        Event::Settle { region, image_id } => make::on_settle(world, &region, &image_id),
        Event::Deprecate { region, image_id, at } => retire::on_deprecate(world, &region, &image_id, at),
        Event::Tag { region, image_id, key, value } => tags::on_tag(world, &region, &image_id, key, value),
        Event::Disable { region, image_id } => retire::on_disable(world, &region, &image_id),
        Event::Enable { region, image_id } => retire::on_enable(world, &region, &image_id),
        Event::Deregister { region, image_id, snapshots } => {
            retire::on_deregister(world, &region, &image_id, snapshots)
        }
        Event::LaunchTemplateVersion { account, region, launch_template_id, image_id, set_default, description } => {
            let asked = template::NewVersion { image_id, set_default, description };
            template::on_version(world, &account, &region, &launch_template_id, asked)
        }
        Event::FastLaunch {
            account,
            region,
            image_id,
            enabled,
            max_parallel_launches,
            snapshot_target,
            launch_template,
        } => {
            let asked = fast_launch::Asked { max_parallel_launches, snapshot_target, launch_template };
            fast_launch::on_fast_launch(world, &account, &region, &image_id, enabled.then_some(asked))
        }
        Event::FastLaunchSettled { region, image_id, since } => {
            fast_launch::on_settled(world, &region, &image_id, since);
        }
        Event::Run { account, region, input } => instance::on_run(world, account, region, &input),
        Event::InstanceMoved { region, instance_id, since } => instance::on_moved(world, &region, &instance_id, since),
        Event::LaunchSeen { region, image_id, at } => instance::on_seen(world, &region, &image_id, at),
        Event::UsageReported { region, report_id } => usage::on_reported(world, &region, &report_id),
        Event::UsageExpired { region, report_id } => {
            world.ec2.usage_reports.remove(&region, &report_id);
        }
        Event::Licences { region, image_id, arns } => licence::on_licences(world, &region, &image_id, arns),
    }
}
