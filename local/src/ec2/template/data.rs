//! `LaunchTemplateData`: what a request says, under the names of the answer.

use crate::ec2::invalid_value;
use crate::wire::ApiError;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// `RequestLaunchTemplateData` of EC2's service model: every member with its name in requests after `=` and in
/// answers after `>`, where those aren't the same but for their first letter. `?` marks booleans, `#` integers,
/// `{}` structures, `[]` lists.
const MEMBERS: &str = "
KernelId EbsOptimized? IamInstanceProfile{Arn Name}
BlockDeviceMappings=BlockDeviceMapping>blockDeviceMappingSet[DeviceName VirtualName Ebs{Encrypted? DeleteOnTermination?
Iops# KmsKeyId SnapshotId VolumeSize# VolumeType Throughput# VolumeInitializationRate# EbsCardIndex#} NoDevice]
NetworkInterfaces=NetworkInterface>networkInterfaceSet[AssociateCarrierIpAddress? AssociatePublicIpAddress?
DeleteOnTermination? Description DeviceIndex# Groups=SecurityGroupId>groupSet[] InterfaceType Ipv6AddressCount#
Ipv6Addresses>ipv6AddressesSet[Ipv6Address] NetworkInterfaceId PrivateIpAddress
PrivateIpAddresses>privateIpAddressesSet[Primary? PrivateIpAddress] SecondaryPrivateIpAddressCount# SubnetId
NetworkCardIndex# Ipv4Prefixes=Ipv4Prefix>ipv4PrefixSet[Ipv4Prefix] Ipv4PrefixCount#
Ipv6Prefixes=Ipv6Prefix>ipv6PrefixSet[Ipv6Prefix] Ipv6PrefixCount# PrimaryIpv6? EnaSrdSpecification{EnaSrdEnabled?
EnaSrdUdpSpecification{EnaSrdUdpEnabled?}} ConnectionTrackingSpecification{TcpEstablishedTimeout# UdpStreamTimeout#
UdpTimeout#} EnaQueueCount#] ImageId InstanceType KeyName
Monitoring{Enabled? MetricCategoryIds=MetricCategoryId>metricCategoryIdSet[]}
Placement{AvailabilityZone AvailabilityZoneId Affinity GroupName HostId Tenancy SpreadDomain HostResourceGroupArn
PartitionNumber# GroupId} RamDiskId DisableApiTermination? InstanceInitiatedShutdownBehavior UserData
TagSpecifications=TagSpecification>tagSpecificationSet[ResourceType Tags=Tag>tagSet[Key Value]]
ElasticGpuSpecifications=ElasticGpuSpecification>elasticGpuSpecificationSet[Type]
ElasticInferenceAccelerators=ElasticInferenceAccelerator>elasticInferenceAcceleratorSet[Type Count#]
SecurityGroupIds=SecurityGroupId>securityGroupIdSet[] SecurityGroups=SecurityGroup>securityGroupSet[]
InstanceMarketOptions{MarketType SpotOptions{MaxPrice SpotInstanceType BlockDurationMinutes# ValidUntil
InstanceInterruptionBehavior}} CreditSpecification{CpuCredits} CpuOptions{CoreCount# ThreadsPerCore# AmdSevSnp
NestedVirtualization} CapacityReservationSpecification{CapacityReservationPreference
CapacityReservationTarget{CapacityReservationId CapacityReservationResourceGroupArn}}
LicenseSpecifications=LicenseSpecification>licenseSet[LicenseConfigurationArn] HibernationOptions{Configured?}
MetadataOptions{HttpTokens HttpPutResponseHopLimit# HttpEndpoint HttpProtocolIpv6 InstanceMetadataTags}
EnclaveOptions{Enabled?} InstanceRequirements{VCpuCount{Min# Max#} MemoryMiB{Min# Max#}
CpuManufacturers=CpuManufacturer>cpuManufacturerSet[] MemoryGiBPerVCpu{Min Max}
ExcludedInstanceTypes=ExcludedInstanceType>excludedInstanceTypeSet[]
InstanceGenerations=InstanceGeneration>instanceGenerationSet[] SpotMaxPricePercentageOverLowestPrice#
OnDemandMaxPricePercentageOverLowestPrice# BareMetal BurstablePerformance RequireHibernateSupport?
NetworkInterfaceCount{Min# Max#} LocalStorage LocalStorageTypes=LocalStorageType>localStorageTypeSet[]
TotalLocalStorageGB{Min Max} BaselineEbsBandwidthMbps{Min# Max#}
AcceleratorTypes=AcceleratorType>acceleratorTypeSet[] AcceleratorCount{Min# Max#}
AcceleratorManufacturers=AcceleratorManufacturer>acceleratorManufacturerSet[]
AcceleratorNames=AcceleratorName>acceleratorNameSet[] AcceleratorTotalMemoryMiB{Min# Max#}
NetworkBandwidthGbps{Min Max} AllowedInstanceTypes=AllowedInstanceType>allowedInstanceTypeSet[]
MaxSpotPriceAsPercentageOfOptimalOnDemandPrice# BaselinePerformanceFactors{Cpu{References=Reference>referenceSet[
InstanceFamily]}} RequireEncryptionInTransit?} PrivateDnsNameOptions{HostnameType EnableResourceNameDnsARecord?
EnableResourceNameDnsAAAARecord?} MaintenanceOptions{AutoRecovery} DisableApiStop? Operator{Principal}
NetworkPerformanceOptions{BandwidthWeighting}
SecondaryInterfaces=SecondaryInterface>secondaryInterfaceSet[DeleteOnTermination? DeviceIndex#
PrivateIpAddresses=PrivateIpAddress>privateIpAddressesSet[PrivateIpAddress] PrivateIpAddressCount# SecondarySubnetId
InterfaceType NetworkCardIndex#]";

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| fields(&mut MEMBERS.chars().peekable()));

/// A member with its names.
struct Field {
    /// In the model, and so in CloudFormation.
    member: String,
    /// In requests.
    asked: String,
    /// In answers.
    shown: String,
    kind: Kind,
}

enum Kind {
    Text,
    Flag,
    Number,
    Structure(Vec<Field>),
    /// Of structures, or of texts if it has no fields.
    List(Vec<Field>),
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// The members up to the end or the closing bracket, which is taken.
fn fields(letters: &mut Letters<'_>) -> Vec<Field> {
    let mut found = Vec::new();
    loop {
        while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
        if letters.next_if(|letter| "]}".contains(*letter)).is_some() || letters.peek().is_none() {
            return found;
        }
        found.push(field(letters));
    }
}

fn field(letters: &mut Letters<'_>) -> Field {
    let member = word(letters);
    let asked = if letters.next_if_eq(&'=').is_some() { word(letters) } else { member.clone() };
    let shown = if letters.next_if_eq(&'>').is_some() { word(letters) } else { lower_first(&asked) };
    let kind = match letters.next_if(|letter| "?#{[".contains(*letter)) {
        Some('?') => Kind::Flag,
        Some('#') => Kind::Number,
        Some('{') => Kind::Structure(fields(letters)),
        Some(_) => Kind::List(fields(letters)),
        None => Kind::Text,
    };
    Field { member, asked, shown, kind }
}

fn word(letters: &mut Letters<'_>) -> String {
    std::iter::from_fn(|| letters.next_if(char::is_ascii_alphanumeric)).collect()
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// The data of a request under the names of the answer.
///
/// # Errors
/// `UnknownParameter` for a member that the service model lacks, `InvalidParameterValue` for a value of another type.
pub(super) fn shown(data: &Value) -> Result<Value, ApiError> {
    structure(data, &FIELDS, "LaunchTemplateData", |field| (&field.asked, &field.shown))
}

/// The data of a template of CloudFormation under the names of requests.
///
/// # Errors
/// As for a request.
pub(crate) fn asked(data: &Value) -> Result<Value, ApiError> {
    structure(data, &FIELDS, "LaunchTemplateData", |field| (&field.member, &field.asked))
}

type Names = fn(&Field) -> (&String, &String);

fn structure(data: &Value, fields: &[Field], path: &str, names: Names) -> Result<Value, ApiError> {
    let Some(members) = data.as_object() else { return Err(invalid_value(format!("{path} must be a structure."))) };
    let mut named = Map::new();
    for (name, value) in members {
        let field = fields.iter().find(|field| names(field).0 == name);
        let field = field.ok_or_else(|| {
            ApiError::bad("UnknownParameter", format!("The parameter {path}.{name} is not recognized"))
        })?;
        named.insert(names(field).1.clone(), translated(value, &field.kind, &format!("{path}.{name}"), names)?);
    }
    Ok(Value::Object(named))
}

fn translated(value: &Value, kind: &Kind, path: &str, names: Names) -> Result<Value, ApiError> {
    let invalid = || invalid_value(format!("Value for parameter {path} is invalid."));
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    };
    match kind {
        Kind::Structure(fields) => structure(value, fields, path, names),
        Kind::List(fields) => {
            let items = value.as_array().ok_or_else(invalid)?;
            let item = |item| match fields.as_slice() {
                [] => translated(item, &Kind::Text, path, names),
                fields => structure(item, fields, path, names),
            };
            items.iter().map(item).collect()
        }
        Kind::Text => text.map(Value::String).ok_or_else(invalid),
        Kind::Flag => {
            text.filter(|text| ["true", "false"].contains(&text.as_str())).map(Value::String).ok_or_else(invalid)
        }
        Kind::Number => text.filter(|text| text.parse::<i64>().is_ok()).map(Value::String).ok_or_else(invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn data_goes_from_cloudformation_over_the_request_into_the_answer() {
        let given = json!({
            "ImageId": "resolve:ssm:/golden/web:prod",
            "EbsOptimized": true,
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20}}],
            "SecurityGroupIds": ["sg-1"],
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "team", "Value": "web"}]}],
        });
        let request = asked(&given).unwrap();
        assert_eq!(request["BlockDeviceMapping"][0]["Ebs"], json!({"VolumeSize": "20"}));
        assert_eq!(
            shown(&request).unwrap(),
            json!({
                "imageId": "resolve:ssm:/golden/web:prod",
                "ebsOptimized": "true",
                "blockDeviceMappingSet": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "20"}}],
                "securityGroupIdSet": ["sg-1"],
                "tagSpecificationSet": [{"resourceType": "instance", "tagSet": [{"key": "team", "value": "web"}]}],
            })
        );
    }

    #[test]
    fn what_the_model_lacks_or_types_otherwise_is_refused() {
        let table = [
            (json!({"Colour": "red"}), "UnknownParameter"),
            (json!({"Placement": {"Colour": "red"}}), "UnknownParameter"),
            (json!({"EbsOptimized": "yes"}), "InvalidParameterValue"),
            (json!({"BlockDeviceMapping": [{"Ebs": {"Iops": "many"}}]}), "InvalidParameterValue"),
            (json!({"SecurityGroupId": "sg-1"}), "InvalidParameterValue"),
            (json!("x"), "InvalidParameterValue"),
        ];
        for (data, code) in table {
            assert_eq!(shown(&data).unwrap_err().code, code, "{data}");
        }
    }

    #[test]
    fn every_structure_has_members() {
        fn check(fields: &[Field]) {
            for field in fields {
                assert!(!field.member.is_empty() && !field.asked.is_empty() && !field.shown.is_empty());
                match &field.kind {
                    Kind::Structure(inner) => {
                        assert!(!inner.is_empty(), "{}", field.member);
                        check(inner);
                    }
                    Kind::List(inner) => check(inner),
                    Kind::Text | Kind::Flag | Kind::Number => {}
                }
            }
        }
        check(&FIELDS);
        assert_eq!(FIELDS.len(), 34);
    }
}
