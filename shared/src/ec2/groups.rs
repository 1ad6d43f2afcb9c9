//! Auto Scaling groups, and the launch templates and configurations that they launch from.

use super::form::Form;
use super::read::{Listing, Page, items};
use super::{Client, Filter};
use crate::error::AwsError;
use serde::Deserialize;

/// Which groups to describe; all of the account's in the Region unless narrowed.
#[derive(Debug, Clone, Default)]
pub struct DescribeAutoScalingGroups {
    /// By name, at most 50. Those that aren't there are left out.
    pub auto_scaling_group_names: Vec<String>,
    /// By tags: `tag-key`, `tag-value`, `tag:NAME`.
    pub filters: Vec<Filter>,
    /// The most groups of one page: 1 to 100; 50 unless told.
    pub max_records: Option<u16>,
}

/// A group: from what it launches, and what its instances were launched from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AutoScalingGroup {
    /// Its name.
    pub auto_scaling_group_name: String,
    /// Its ARN.
    #[serde(rename = "AutoScalingGroupARN")]
    pub arn: String,
    /// The launch configuration that it launches from, by name.
    pub launch_configuration_name: Option<String>,
    /// The launch template that it launches from.
    pub launch_template: Option<LaunchTemplateSpecification>,
    /// Several instance types in the place of one launch template.
    pub mixed_instances_policy: Option<MixedInstancesPolicy>,
    /// Its instances.
    #[serde(default, deserialize_with = "items")]
    pub instances: Vec<GroupInstance>,
}

/// A version of a launch template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LaunchTemplateSpecification {
    /// `lt-` and 17 hex digits.
    pub launch_template_id: Option<String>,
    /// Its name.
    pub launch_template_name: Option<String>,
    /// A number, `$Latest`, or `$Default`, which none means too.
    pub version: Option<String>,
}

/// Several instance types.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MixedInstancesPolicy {
    /// What all of them launch from, unless overridden.
    pub launch_template: Option<MixedTemplate>,
}

/// What a mixed group launches from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MixedTemplate {
    /// The launch template.
    pub launch_template_specification: Option<LaunchTemplateSpecification>,
    /// What some instance types do otherwise.
    #[serde(default, deserialize_with = "items")]
    pub overrides: Vec<Override>,
}

/// What an instance type does otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Override {
    /// The launch template in the place of the policy's.
    pub launch_template_specification: Option<LaunchTemplateSpecification>,
    /// The AMI in the place of the template's.
    pub image_id: Option<String>,
}

/// An instance of a group.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GroupInstance {
    /// `i-` and 17 hex digits.
    pub instance_id: String,
    /// The launch template that it was launched from.
    pub launch_template: Option<LaunchTemplateSpecification>,
    /// The launch configuration that it was launched from.
    pub launch_configuration_name: Option<String>,
}

/// A launch configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LaunchConfiguration {
    /// Its name.
    pub launch_configuration_name: String,
    /// The AMI that it launches.
    pub image_id: String,
}

impl AutoScalingGroup {
    /// Every version of a launch template that the group may launch from. Its instances aren't asked.
    pub fn launch_templates(&self) -> impl Iterator<Item = &LaunchTemplateSpecification> {
        let mixed = self.mixed_instances_policy.iter().filter_map(|policy| policy.launch_template.as_ref());
        let of_mixed = mixed.flat_map(|mixed| {
            let overrides = mixed.overrides.iter().filter_map(|one| one.launch_template_specification.as_ref());
            mixed.launch_template_specification.iter().chain(overrides)
        });
        self.launch_template.iter().chain(of_mixed)
    }

    /// The AMIs that it names itself, in the place of a template's.
    pub fn image_ids(&self) -> impl Iterator<Item = &str> {
        let mixed = self.mixed_instances_policy.iter().filter_map(|policy| policy.launch_template.as_ref());
        mixed.flat_map(|mixed| &mixed.overrides).filter_map(|one| one.image_id.as_deref())
    }
}

#[derive(Debug, Deserialize)]
#[serde(bound = "Item: Deserialize<'de>")]
struct Answer<Item> {
    #[serde(alias = "DescribeAutoScalingGroupsResult", alias = "DescribeLaunchConfigurationsResult")]
    result: Listing<Item>,
}

impl Client {
    /// Auto Scaling groups, a page at a time.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_auto_scaling_groups(
        &self,
        request: &DescribeAutoScalingGroups,
        next: Option<&str>,
    ) -> Result<Page<AutoScalingGroup>, AwsError> {
        let answer: Answer<AutoScalingGroup> =
            self.auto_scaling.call("DescribeAutoScalingGroups", "Auto Scaling groups", groups(request, next)).await?;
        Ok(answer.result.into())
    }

    /// Launch configurations, a page of at most 100 at a time: all of them, or those of the names that are there,
    /// at most 50. EC2's image references don't tell of them.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn describe_launch_configurations(
        &self,
        names: &[String],
        next: Option<&str>,
    ) -> Result<Page<LaunchConfiguration>, AwsError> {
        let form = configurations(names, next);
        let answer: Answer<LaunchConfiguration> =
            self.auto_scaling.call("DescribeLaunchConfigurations", "launch configurations", form).await?;
        Ok(answer.result.into())
    }
}

fn groups(request: &DescribeAutoScalingGroups, next: Option<&str>) -> Form {
    Form::default()
        .list("AutoScalingGroupNames.member", &request.auto_scaling_group_names)
        .each("Filters.member", &request.filters, |form, place, filter| {
            form.with(&format!("{place}.Name"), &filter.name).list(&format!("{place}.Values.member"), &filter.values)
        })
        .maybe("MaxRecords", request.max_records)
        .maybe("NextToken", next)
}

fn configurations(names: &[String], next: Option<&str>) -> Form {
    let form = Form::default().list("LaunchConfigurationNames.member", names);
    form.with("MaxRecords", 100).maybe("NextToken", next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::read::answer;

    #[test]
    fn groups_are_asked_for() {
        let request = DescribeAutoScalingGroups {
            auto_scaling_group_names: vec!["web".into(), "batch jobs".into()],
            filters: vec![Filter::new("tag:team", ["a", "b"])],
            max_records: Some(100),
        };
        let body = groups(&request, Some("next")).body("DescribeAutoScalingGroups", "2011-01-01");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=DescribeAutoScalingGroups
        &Version=2011-01-01
        &AutoScalingGroupNames.member.1=web
        &AutoScalingGroupNames.member.2=batch%20jobs
        &Filters.member.1.Name=tag%3Ateam
        &Filters.member.1.Values.member.1=a
        &Filters.member.1.Values.member.2=b
        &MaxRecords=100
        &NextToken=next
        "#);
        let body = configurations(&["old".into()], None).body("DescribeLaunchConfigurations", "2011-01-01");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=DescribeLaunchConfigurations
        &Version=2011-01-01
        &LaunchConfigurationNames.member.1=old
        &MaxRecords=100
        "#);
    }

    #[test]
    fn groups_are_read() {
        let body = r#"<DescribeAutoScalingGroupsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
  <DescribeAutoScalingGroupsResult>
    <AutoScalingGroups>
      <member>
        <AutoScalingGroupARN>arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:ca86:autoScalingGroupName/web</AutoScalingGroupARN>
        <AutoScalingGroupName>web</AutoScalingGroupName>
        <AvailabilityZones><member>us-east-1b</member><member>us-east-1a</member></AvailabilityZones>
        <CreatedTime>2026-02-02T23:41:52.480Z</CreatedTime>
        <DesiredCapacity>1</DesiredCapacity>
        <EnabledMetrics/>
        <Instances>
          <member>
            <InstanceId>i-1234567890abcdef0</InstanceId>
            <LaunchTemplate>
              <LaunchTemplateId>lt-0a20c965061f64abc</LaunchTemplateId>
              <LaunchTemplateName>web</LaunchTemplateName>
              <Version>3</Version>
            </LaunchTemplate>
            <LifecycleState>InService</LifecycleState>
          </member>
        </Instances>
        <LaunchTemplate>
          <LaunchTemplateId>lt-0a20c965061f64abc</LaunchTemplateId>
          <LaunchTemplateName>web</LaunchTemplateName>
          <Version>$Latest</Version>
        </LaunchTemplate>
        <MaxSize>10</MaxSize>
        <MinSize>0</MinSize>
      </member>
      <member>
        <AutoScalingGroupARN>arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:ca87:autoScalingGroupName/batch</AutoScalingGroupARN>
        <AutoScalingGroupName>batch</AutoScalingGroupName>
        <Instances/>
        <MixedInstancesPolicy>
          <InstancesDistribution><OnDemandBaseCapacity>0</OnDemandBaseCapacity></InstancesDistribution>
          <LaunchTemplate>
            <LaunchTemplateSpecification>
              <LaunchTemplateId>lt-0b20c965061f64abc</LaunchTemplateId>
              <Version>7</Version>
            </LaunchTemplateSpecification>
            <Overrides>
              <member><InstanceType>c6i.large</InstanceType></member>
              <member>
                <InstanceType>c7g.large</InstanceType>
                <LaunchTemplateSpecification>
                  <LaunchTemplateName>arm</LaunchTemplateName>
                  <Version>$Default</Version>
                </LaunchTemplateSpecification>
              </member>
              <member>
                <InstanceType>c8g.large</InstanceType>
                <ImageId>ami-0abcdef1234567890</ImageId>
              </member>
            </Overrides>
          </LaunchTemplate>
        </MixedInstancesPolicy>
      </member>
      <member>
        <AutoScalingGroupARN>arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:ca88:autoScalingGroupName/old</AutoScalingGroupARN>
        <AutoScalingGroupName>old</AutoScalingGroupName>
        <LaunchConfigurationName>old-3</LaunchConfigurationName>
      </member>
    </AutoScalingGroups>
    <NextToken>further</NextToken>
  </DescribeAutoScalingGroupsResult>
  <ResponseMetadata>
    <RequestId>7c6e177f-f082-11e1-ac58-3714bEXAMPLE</RequestId>
  </ResponseMetadata>
</DescribeAutoScalingGroupsResponse>"#;
        let page: Page<AutoScalingGroup> =
            answer::<Answer<AutoScalingGroup>>("DescribeAutoScalingGroups", body).unwrap().result.into();
        assert_eq!(page.next.as_deref(), Some("further"));
        let of_each: Vec<_> = page.items.iter().map(|group| group.launch_templates().collect::<Vec<_>>()).collect();
        insta::assert_debug_snapshot!(of_each);
        assert_eq!(page.items[1].image_ids().collect::<Vec<_>>(), ["ami-0abcdef1234567890"]);
        assert_eq!(page.items[2].launch_configuration_name.as_deref(), Some("old-3"));
        insta::assert_debug_snapshot!(page.items[0]);
    }

    #[test]
    fn launch_configurations_are_read() {
        let body = r#"<DescribeLaunchConfigurationsResponse xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">
  <DescribeLaunchConfigurationsResult>
    <LaunchConfigurations>
      <member>
        <ImageId>ami-0abcdef1234567890</ImageId>
        <LaunchConfigurationName>old-3</LaunchConfigurationName>
      </member>
    </LaunchConfigurations>
  </DescribeLaunchConfigurationsResult>
</DescribeLaunchConfigurationsResponse>"#;
        let answer: Answer<LaunchConfiguration> = answer("DescribeLaunchConfigurations", body).unwrap();
        insta::assert_debug_snapshot!(Page::from(answer.result));
    }
}
