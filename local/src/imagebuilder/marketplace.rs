//! AWS Marketplace and third parties: made-up products, to which every account is subscribed.

use super::lookup::{missing, resolve, text};
use super::managed::Managed;
use super::naming::{self, segment};
use super::store::{Kind, Resource, Store, latest};
use super::supply;
use crate::clock::iso_millis;
use crate::ec2;
use crate::model::error;
use crate::wire::{ApiError, Context};
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use shared::version::Version;

/// The owner of products of AWS Marketplace in ARNs.
const MARKETPLACE: &str = "aws-marketplace";

/// A component that somebody else than Amazon offers.
struct Offer {
    /// As it stands in ARNs; those of AWS Marketplace end in the product's ID.
    name: &'static str,
    publisher: &'static str,
    platform: &'static str,
    /// What AWS Marketplace calls the product; third parties' components have none.
    product_code: Option<&'static str>,
    /// With the status of each.
    versions: &'static [([u32; 3], &'static str)],
}

const OFFERS: [Offer; 4] = [
    Offer {
        name: "example-endpoint-agent-linux-prod-abcdefghijk2m",
        publisher: "Example Security",
        platform: "Linux",
        product_code: Some("0example1endpoint2linux3"),
        versions: &[([1, 0, 0], "DEPRECATED"), ([1, 2, 0], "ACTIVE"), ([1, 2, 2], "ACTIVE")],
    },
    Offer {
        name: "example-endpoint-agent-windows-prod-abcdefghijk3n",
        publisher: "Example Security",
        platform: "Windows",
        product_code: Some("0example1endpoint2windows"),
        versions: &[([1, 2, 0], "ACTIVE")],
    },
    Offer {
        name: "example-log-shipper-linux-prod-abcdefghijk4p",
        publisher: "Example Logs",
        platform: "Linux",
        product_code: Some("0example1shipper2linux3"),
        versions: &[([3, 0, 0], "DISABLED")],
    },
    Offer {
        name: "example-hardening-linux",
        publisher: "Example Benchmarks",
        platform: "Linux",
        product_code: None,
        versions: &[([2, 0, 0], "ACTIVE")],
    },
];

/// The image products: name and ID.
const IMAGES: [(&str, &str); 1] = [("Example Database Server", "prod-abcdefghijk5q")];

impl Offer {
    fn owner(&self) -> &'static str {
        if self.product_code.is_some() { MARKETPLACE } else { "third-party" }
    }

    /// Where the component's package is, which its document downloads.
    fn artifact(&self, version: Version) -> String {
        format!("s3://example-products/{}/{version}/package.zip", self.name)
    }

    /// The component's document, which only GetMarketplaceResource answers.
    fn document(&self, version: Version) -> String {
        let artifact = self.artifact(version);
        let (folder, action) = match self.platform {
            "Windows" => ("C:\\Windows\\Temp", "ExecutePowerShell"),
            _ => ("/tmp", "ExecuteBash"),
        };
        format!(
            "name: {}\nschemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n      - name: Download\n        action: \
             S3Download\n        inputs:\n          - source: {artifact}\n            destination: {folder}\n      - \
             name: Install\n        action: {action}\n        inputs:\n          commands: [install]\n",
            self.name
        )
    }
}

/// Makes the products of a Region.
pub(super) fn begin(world: &mut World, region: &str) {
    for offer in &OFFERS {
        for ([major, minor, patch], status) in offer.versions {
            let version = Version { major: *major, minor: *minor, patch: *patch };
            let base = format!("arn:aws:imagebuilder:{region}:{}:component/{}", offer.owner(), offer.name);
            let arn = format!("{base}/{version}/1");
            let mut document = json!({
                "arn": arn,
                "name": offer.name,
                "version": version.to_string(),
                "type": "BUILD",
                "platform": offer.platform,
                "state": {"status": status},
                "owner": super::sharing::owner_name(offer.owner()),
                "publisher": offer.publisher,
                "obfuscate": true,
                "encrypted": true,
                "dateCreated": iso_millis(supply::long_ago()),
                "tags": {},
            });
            if let Some(code) = offer.product_code {
                document["productCodes"] = json!([{"productCodeId": code, "productCodeType": "marketplace"}]);
            }
            supply::keep(world, Kind::Component, arn, offer.name.to_owned(), version, 1, supply::long_ago(), document);
        }
    }
    for (name, product) in IMAGES {
        let ami = make_image(world, region, name, product);
        world.ec2.images.insert((ami.region.clone(), ami.id.clone()), Box::new(ami));
    }
}

/// Keeps the image of an image product and answers its AMI.
fn make_image(world: &mut World, region: &str, name: &str, product: &str) -> ec2::Image {
    let version = Version { major: 1, minor: 0, patch: 0 };
    let managed = Managed {
        name: name.to_owned(),
        platform: "Linux",
        os: "Amazon Linux 2023".to_owned(),
        architecture: "x86_64",
        container: None,
    };
    let ami = supply::ami(world, &managed, region, version, 1, supply::long_ago());
    let segment = image_segment(name, product);
    let arn = format!("{}/{version}/1", naming::arn(Kind::Image, region, MARKETPLACE, &segment));
    let document = json!({
        "arn": arn,
        "type": "AMI",
        "name": name,
        "version": format!("{version}/1"),
        "platform": managed.platform,
        "osVersion": managed.os,
        "state": {"status": "AVAILABLE"},
        "dateCreated": iso_millis(supply::long_ago()),
        "outputResources": {"amis": [{"region": region, "image": ami.id, "name": ami.name, "accountId": ami.owner}]},
        "imageSource": "AWS_MARKETPLACE",
        "tags": {},
    });
    supply::keep(world, Kind::Image, arn, segment, version, 1, supply::long_ago(), document);
    ami
}

fn image_segment(name: &str, product: &str) -> String {
    format!("{}-{product}", segment(name))
}

/// The newest image of an image product in a Region, by the product's ID, `prod-…`.
pub(super) fn image_of<'a>(store: &'a Store, region: &str, product: &str) -> Option<&'a Resource> {
    let (name, product) = IMAGES.iter().find(|(_, id)| *id == product)?;
    let any = "x.x.x".parse().ok()?;
    latest(store, Kind::Image, region, MARKETPLACE, &image_segment(name, product), &any, |_| true)
}

/// GetMarketplaceResource: the document of a component, encoded, or the address of the package that it downloads.
/// Its model has one code for what a call gets wrong.
pub(super) fn get_marketplace_resource(world: &mut World, context: &Context, input: &Value) -> Result<Value, ApiError> {
    let wrong = |message: String| error("InvalidRequestException", message);
    let arn = text(input, "resourceArn");
    let component = match resolve(&world.imagebuilder, context, Kind::Component, arn) {
        Some(component) => component,
        // What is there and no component has no such resources either.
        None if world.imagebuilder.get(arn).is_none_or(|other| other.kind == Kind::Component) => {
            return Err(missing(arn));
        }
        None => return Err(wrong(format!("The resource '{arn}' is no component of AWS Marketplace."))),
    };
    let offer = OFFERS.iter().find(|offer| component.owner == MARKETPLACE && offer.name == component.segment);
    let (Some(offer), Some(version)) = (offer, component.version) else {
        return Err(wrong(format!("The resource '{arn}' is no component of AWS Marketplace.")));
    };
    if component.status() == "DISABLED" {
        return Err(error("ForbiddenException", format!("The component '{}' is disabled.", component.arn)));
    }
    let location = input.get("resourceLocation").and_then(Value::as_str);
    let mut answer = Map::from_iter([("resourceArn".to_owned(), json!(component.arn))]);
    match (text(input, "resourceType"), location) {
        ("COMPONENT_DATA", None) => {
            answer.insert("data".to_owned(), STANDARD.encode(offer.document(version)).into());
        }
        ("COMPONENT_DATA", Some(_)) => {
            return Err(wrong("resourceLocation is for the resource type COMPONENT_ARTIFACT.".to_owned()));
        }
        (_, None) => {
            return Err(wrong("The resource type COMPONENT_ARTIFACT requires resourceLocation.".to_owned()));
        }
        (_, Some(location)) => {
            let path = location.strip_prefix("s3://").and_then(|path| path.split_once('/'));
            let Some((bucket, key)) = path.filter(|_| location == offer.artifact(version)) else {
                return Err(wrong(format!("The component '{}' has no artifact at '{location}'.", component.arn)));
            };
            let key_of = ["artifact", context.account(), location];
            let signature = world.seed.hex(&key_of, 32);
            let date = world.now.format("%Y%m%dT%H%M%SZ");
            let url = format!(
                "https://{bucket}.s3.us-east-1.amazonaws.com/{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date={date}\
                 &X-Amz-Expires=3600&X-Amz-Signature={signature}"
            );
            answer.insert("url".to_owned(), url.into());
        }
    }
    Ok(answer.into())
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    #[test]
    fn every_offer_has_a_document_that_downloads_its_artifact_and_fits_the_answer() {
        for offer in &OFFERS {
            let version = Version { major: 1, minor: 0, patch: 0 };
            let text = offer.document(version);
            document::read(&text).unwrap();
            assert!(text.contains(&offer.artifact(version)));
            assert!(STANDARD.encode(&text).len() <= 1024, "{}", offer.name);
        }
    }
}
