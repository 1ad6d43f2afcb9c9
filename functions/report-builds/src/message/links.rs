//! Addresses in the console, of the partition and Region that a thing is in. A partition whose console isn't known has
//! none.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a part of an address.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A console in one Region.
pub(super) struct Console<'a> {
    pub(super) partition: &'a str,
    pub(super) region: &'a str,
}

impl Console<'_> {
    fn address(&self, rest: &str) -> Option<String> {
        let domain = match self.partition {
            "aws" => "console.aws.amazon.com",
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            _ => return None,
        };
        Some(format!("https://{}.{domain}/{rest}", self.region))
    }

    pub(super) fn image(&self, arn: &str) -> Option<String> {
        self.address(&format!("imagebuilder/home?region={}#/images/{}/details", self.region, encoded(arn)))
    }

    /// Other than an image's, a pipeline's ARN stands there as it is.
    pub(super) fn pipeline(&self, arn: &str) -> Option<String> {
        self.address(&format!("imagebuilder/home?region={}#/pipelines/{arn}", self.region))
    }

    /// The console's own encoding: percent signs as `$25`.
    pub(super) fn log(&self, group: &str, stream: &str) -> Option<String> {
        let twice = |text: &str| encoded(&encoded(text)).replace('%', "$");
        let (group, stream) = (twice(group), twice(stream));
        let region = self.region;
        self.address(&format!(
            "cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}/log-events/{stream}"
        ))
    }

    pub(super) fn bucket(&self, bucket: &str, prefix: &str) -> Option<String> {
        self.address(&format!("s3/buckets/{bucket}?region={}&prefix={}", self.region, encoded(prefix)))
    }

    pub(super) fn ami(&self, ami: &str) -> Option<String> {
        self.address(&format!("ec2/home?region={}#ImageDetails:imageId={ami}", self.region))
    }

    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let name = name.trim_start_matches('/');
        self.address(&format!("systems-manager/parameters/{name}/description?region={}", self.region))
    }

    pub(super) fn queues(&self) -> Option<String> {
        self.address(&format!("sqs/v3/home?region={}#/queues", self.region))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_goes_to_the_console_of_partition_and_region() {
        let console = |partition, region| Console { partition, region };
        for (link, expected) in [
            (
                console("aws", "eu-west-1").image("arn:aws:imagebuilder:eu-west-1:123456789012:image/web/1.0.0/3"),
                Some(
                    "https://eu-west-1.console.aws.amazon.com/imagebuilder/home?region=eu-west-1#/images/arn%3Aaws%3Aimagebuilder%3Aeu-west-1%3A123456789012%3Aimage%2Fweb%2F1.0.0%2F3/details",
                ),
            ),
            (
                console("aws", "eu-west-1").pipeline("arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/web"),
                Some(
                    "https://eu-west-1.console.aws.amazon.com/imagebuilder/home?region=eu-west-1#/pipelines/arn:aws:imagebuilder:eu-west-1:123456789012:image-pipeline/web",
                ),
            ),
            (
                console("aws", "eu-west-1").bucket("logs", "web server/2.0.1"),
                Some(
                    "https://eu-west-1.console.aws.amazon.com/s3/buckets/logs?region=eu-west-1&prefix=web%20server%2F2.0.1",
                ),
            ),
            (
                console("aws", "eu-west-1").log("/aws/imagebuilder/web", "1.0.0/3"),
                Some(
                    "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Fimagebuilder$252Fweb/log-events/1.0.0$252F3",
                ),
            ),
            (
                console("aws-cn", "cn-north-1").ami("ami-1"),
                Some("https://cn-north-1.console.amazonaws.cn/ec2/home?region=cn-north-1#ImageDetails:imageId=ami-1"),
            ),
            (
                console("aws-us-gov", "us-gov-west-1").parameter("/golden-images/web"),
                Some(
                    "https://us-gov-west-1.console.amazonaws-us-gov.com/systems-manager/parameters/golden-images/web/description?region=us-gov-west-1",
                ),
            ),
            (console("aws-iso", "us-iso-east-1").queues(), None),
        ] {
            assert_eq!(link.as_deref(), expected);
        }
    }
}
