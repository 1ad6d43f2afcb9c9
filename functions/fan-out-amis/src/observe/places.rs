//! What Parameter Store and EC2 are asked, place by place.

use super::Reader;
use crate::plan::{AmiState, Place, Trouble};
use aws_sdk_ssm::types::ParameterHistory;
use shared::ec2::DescribeImages;
use shared::published::Published;
use std::time::Duration;

/// Versions of a page, the most that there can be.
const PAGE: i32 = 50;

/// How often an AMI is looked at that is still being made, and how long apart: ten seconds in all.
const LOOKS: u32 = 10;
const APART: Duration = Duration::from_secs(1);

/// ssm:GetParameterHistory: every version that Parameter Store keeps, oldest first; none for a parameter that
/// doesn't exist.
pub(crate) async fn history(reader: Reader<'_>, place: &Place, parameter: &str) -> Result<Vec<Published>, Trouble> {
    let client = reader.clients.ssm(place).await?;
    let call = async |token| {
        let call = client.get_parameter_history().name(parameter).max_results(PAGE).set_next_token(token);
        call.send().await.map(|answer| (answer.parameters, answer.next_token))
    };
    let versions = reader.calls.list("GetParameterHistory", &format!("{parameter} in {place}"), call).await;
    let mut versions: Vec<_> = match versions {
        Ok(versions) => versions.into_iter().map(published).collect(),
        Err(error) if error.code() == Some("ParameterNotFound") => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    versions.sort_by_key(|published| published.version);
    Ok(versions)
}

fn published(version: ParameterHistory) -> Published {
    Published {
        version: version.version,
        build: version.description.as_ref().and_then(|description| description.parse().ok()),
        value: version.value.unwrap_or_default(),
        labels: version.labels.unwrap_or_default().into_iter().collect(),
        description: version.description,
        modified: version.last_modified_date,
    }
}

/// ec2:DescribeImages: the state of an AMI. One that is being made is waited for, a while.
pub(super) async fn ami_state(reader: Reader<'_>, place: &Place, ami: &str) -> Result<AmiState, Trouble> {
    let client = reader.clients.ec2(place).await?;
    let request = DescribeImages {
        image_ids: vec![ami.to_owned()],
        include_deprecated: true,
        include_disabled: true,
        ..DescribeImages::default()
    };
    let resource = format!("{ami} in {place}");
    let mut looks = 0;
    loop {
        let call = async || client.describe_images(&request, None).await;
        let answer = match reader.calls.ask("DescribeImages", &resource, call).await {
            Ok(page) => page.items.into_iter().find(|image| image.image_id == ami),
            // Of an AMI that was deregistered, or never was there.
            Err(error) if error.code().is_some_and(|code| code.starts_with("InvalidAMIID.")) => None,
            Err(error) => return Err(error.into()),
        };
        looks += 1;
        match answer {
            None => return Ok(AmiState::Gone),
            Some(image) if image.state != "pending" || looks == LOOKS => return Ok(AmiState::Is(image.state)),
            Some(_) => tokio::time::sleep(APART).await,
        }
    }
}
