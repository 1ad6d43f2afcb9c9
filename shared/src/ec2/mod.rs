//! A slim client of EC2 and Auto Scaling, for what the functions ask of them: typed calls on the SDK's own
//! runtime. The SDK's client of EC2 takes a quarter of an hour to compile.
//!
//! Every call that lists answers one [`Page`]; [`all`] reads them to the end. A call that fails keeps the
//! service's code; throttled calls were retried before, as the configuration says.

mod form;
mod groups;
mod images;
mod permissions;
mod read;
mod runtime;
mod snapshots;
mod templates;
mod usage;

pub use groups::{
    AutoScalingGroup, DescribeAutoScalingGroups, GroupInstance, LaunchConfiguration, LaunchTemplateSpecification,
    MixedInstancesPolicy, MixedTemplate, Override,
};
pub use images::{BlockDevice, DescribeImages, Ebs, Image};
pub use permissions::LaunchPermission;
pub use read::Page;
pub use snapshots::{DescribeSnapshots, Snapshot};
pub use templates::{
    DescribeLaunchTemplateVersions, DescribeLaunchTemplates, LaunchTemplate, LaunchTemplateData, LaunchTemplateVersion,
};
pub use usage::{
    CreateImageUsageReport, DescribeImageReferences, DescribeImageUsageReports, ImageReference, ImageUsageReport,
    ImageUsageReportEntry, ImageUsageResourceType,
};

use crate::error::{AwsError, Failure};
use aws_config::SdkConfig;
use form::Form;
use runtime::{Api, Service};

const EC2: Service = Service { id: "EC2", name: "ec2", version: "2016-11-15" };
const AUTO_SCALING: Service = Service { id: "Auto Scaling", name: "autoscaling", version: "2011-01-01" };

/// A client of EC2 and Auto Scaling in the Region and with the credentials of a configuration.
#[derive(Debug, Clone)]
pub struct Client {
    ec2: Api,
    auto_scaling: Api,
}

impl Client {
    /// Of a configuration, like the clients of the SDK.
    pub fn new(config: &SdkConfig) -> Self {
        Self { ec2: Api::new(&EC2, config), auto_scaling: Api::new(&AUTO_SCALING, config) }
    }
}

/// What items have to be like to be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Such as `state` or `tag:Name`.
    pub name: String,
    /// One of them; `*` and `?` are wildcards.
    pub values: Vec<String>,
}

impl Filter {
    /// Of a name and values.
    pub fn new<Value: Into<String>>(name: impl Into<String>, values: impl IntoIterator<Item = Value>) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }

    fn add(form: Form, place: &str, filter: &Self) -> Form {
        form.with(&format!("{place}.Name"), &filter.name).list(&format!("{place}.Value"), &filter.values)
    }
}

/// All items of a listing: `all(async |next| client.describe_images(&request, next.as_deref()).await)`.
///
/// # Errors
/// Of the first page that can't be read, and of a listing that never ends: half a list is none.
pub async fn all<Item>(
    read: impl AsyncFn(Option<String>) -> Result<Page<Item>, AwsError>,
) -> Result<Vec<Item>, AwsError> {
    let mut page = read(None).await?;
    let mut items = page.items;
    while let Some(next) = page.next {
        page = read(Some(next.clone())).await?;
        items.append(&mut page.items);
        if page.next.as_ref() == Some(&next) {
            let source = "the same page token came twice".into();
            return Err(AwsError { operation: "paging", resource: next, failure: Failure::Unanswered(source) });
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listing_is_read_to_its_end_or_not_at_all() {
        let pages = |next: [Option<&'static str>; 3]| {
            let read = async move |token: Option<String>| {
                let place: usize = token.map_or(0, |token| token.parse().unwrap());
                Ok(Page { items: vec![place], next: next[place].map(str::to_owned) })
            };
            async move { all(read).await }
        };
        assert_eq!(pages([Some("1"), Some("2"), None]).await.unwrap(), [0, 1, 2]);
        assert_eq!(pages([None, None, None]).await.unwrap(), [0]);
        let endless = pages([Some("1"), Some("1"), None]).await.unwrap_err();
        assert_eq!(crate::error::chain(&endless), "paging of 1: no answer: the same page token came twice");
        let failing = all(async |token: Option<String>| match token {
            None => Ok(Page { items: vec![0], next: Some("1".to_owned()) }),
            Some(resource) => Err(AwsError { operation: "Op", resource, failure: Failure::Unanswered("cut".into()) }),
        });
        assert!(failing.await.is_err());
    }
}
