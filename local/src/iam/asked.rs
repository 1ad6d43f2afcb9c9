//! What a call needs to be allowed: the actions, on which resources, with which condition keys.
//!
//! As in the Service Authorization Reference,
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

use super::policy::{Keys, Resource};
use crate::imagebuilder::store::Kind;
use crate::wire::Context;
use crate::world::World;
use crate::{ec2, sns, ssm};
use serde_json::Value;

/// One action on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// `service:Action`
    pub(super) action: String,
    pub(super) resource: Resource,
    pub(super) keys: Keys,
}

/// What a call asks for; nothing for one that needs no permission.
pub(super) fn asked(world: &World, context: &Context, service: &str, operation: &str, input: &Value) -> Vec<Asked> {
    let call = Call { world, context, service, operation, input, via: None };
    match service {
        "imagebuilder" => call.image_builder(),
        "ssm" => call.ssm(),
        "sns" => call.sns(),
        "sts" => call.sts(),
        "events" => call.events(),
        "ec2" => call.ec2(),
        "autoscaling" if operation.starts_with("Describe") => vec![call.on(Resource::Everything)],
        "sqs" => vec![call.on(call.queue())],
        _ => vec![call.on(Resource::Any)],
    }
}

/// What DescribeImageReferences calls container recipes.
const CONTAINER_RECIPE: &str = "imagebuilder:ContainerRecipe";

/// Image Builder's actions that know no resources.
const LISTS: [&str; 11] = [
    "ListComponents",
    "ListContainerRecipes",
    "ListDistributionConfigurations",
    "ListImagePipelines",
    "ListImageRecipes",
    "ListImages",
    "ListInfrastructureConfigurations",
    "ListLifecyclePolicies",
    "ListMarketplaceResources",
    "ListWaitingWorkflowSteps",
    "ListWorkflows",
];

#[derive(Clone, Copy)]
struct Call<'a> {
    world: &'a World,
    context: &'a Context,
    service: &'a str,
    operation: &'a str,
    input: &'a Value,
    /// The service that makes it in the caller's name, if one does.
    via: Option<&'static str>,
}

impl Call<'_> {
    fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member)?.as_str().filter(|text| !text.is_empty())
    }

    fn on(&self, resource: Resource) -> Asked {
        self.to(self.operation, resource)
    }

    fn to(&self, action: &str, resource: Resource) -> Asked {
        Asked { action: format!("{}:{action}", self.service), resource, keys: self.keys() }
    }

    /// The keys that every request has.
    fn keys(&self) -> Keys {
        let tags = self.input.get("tags").and_then(Value::as_object).into_iter().flatten();
        let tags: Vec<(&str, &str)> = tags.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect();
        let removed = self.input.get("tagKeys").and_then(Value::as_array).into_iter().flatten();
        let removed = removed.filter_map(Value::as_str);
        let keys = Keys::default()
            .with("aws:RequestedRegion", [self.context.region.as_str()])
            .with("aws:SecureTransport", ["true"])
            .with("aws:RequestTag/", [])
            .with("aws:TagKeys", tags.iter().map(|(key, _)| *key).chain(removed));
        let keys = match self.via {
            None => keys.with("aws:CalledVia", []).with("aws:ViaAWSService", ["false"]),
            Some(service) => keys.with("aws:CalledVia", [service]).with("aws:ViaAWSService", ["true"]),
        };
        tags.into_iter().fold(keys, |keys, (key, value)| keys.with(&format!("aws:RequestTag/{key}"), [value]))
    }

    /// What a service does in the caller's name to answer the call.
    fn via(&self, service: &'static str, action: &str, resource: Resource) -> Asked {
        let keys = Self { via: Some(service), ..*self }.keys();
        Asked { action: action.to_owned(), resource, keys }
    }

    fn arn(&self, service: &str, rest: &str) -> Resource {
        let (region, account) = (&self.context.region, self.context.account());
        Resource::Of(format!("arn:aws:{service}:{region}:{account}:{rest}"))
    }

    fn image_builder(&self) -> Vec<Asked> {
        let one = |resource| vec![self.tagged(self.on(resource))];
        let own = |rest: String| self.arn("imagebuilder", &rest);
        let id = |member: &str, segment: &str| {
            self.text(member).map_or(Resource::Everything, |id| own(format!("{segment}/{id}")))
        };
        let named = |member: &str| self.text(member).map_or(Resource::Everything, |arn| Resource::Of(arn.to_owned()));
        let mut asked = match self.operation {
            operation if LISTS.contains(&operation) => one(Resource::Everything),
            "GetWorkflowExecution" | "ListWorkflowStepExecutions" => {
                one(id("workflowExecutionId", "workflow-execution"))
            }
            "GetWorkflowStepExecution" => one(id("stepExecutionId", "workflow-step-execution")),
            "SendWorkflowStepAction" => vec![
                self.on(id("stepExecutionId", "workflow-step-execution")),
                self.tagged(self.on(named("imageBuildVersionArn"))),
            ],
            "GetLifecycleExecution" | "CancelLifecycleExecution" | "ListLifecycleExecutionResources" => {
                one(id("lifecycleExecutionId", "lifecycle-execution"))
            }
            "ListImageBuildVersions" => one(self.all_builds("imageVersionArn")),
            "ListComponentBuildVersions" => one(self.all_builds("componentVersionArn")),
            "ListWorkflowBuildVersions" => one(self.all_builds("workflowVersionArn")),
            "UpdateImagePipeline" => one(named("imagePipelineArn")),
            "UpdateDistributionConfiguration" => one(named("distributionConfigurationArn")),
            "UpdateInfrastructureConfiguration" => one(named("infrastructureConfigurationArn")),
            "UpdateLifecyclePolicy" => one(named("lifecyclePolicyArn")),
            // What is made has its ARN only afterwards.
            operation if ["Create", "Import", "Distribute"].iter().any(|verb| operation.starts_with(verb)) => {
                one(Resource::Any)
            }
            _ => {
                let members = self.input.as_object().into_iter().flatten();
                let mut arns = members.filter(|(name, _)| name.ends_with("Arn"));
                one(arns
                    .find_map(|(name, _)| self.text(name))
                    .map_or(Resource::Everything, |arn| Resource::Of(arn.to_owned())))
            }
        };
        // Whoever gives the new image tags has to be allowed to.
        let tags = self.input.get("tags").and_then(Value::as_object).is_some_and(|tags| !tags.is_empty());
        if tags && self.operation == "StartImagePipelineExecution" {
            asked.push(self.to("TagResource", Resource::Any));
        }
        // <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2imagebuilder.html>, dependent
        // actions.
        if self.operation == "ListImageScanFindings" {
            let action = "inspector2:ListFindings".to_owned();
            asked.push(Asked { action, resource: Resource::Everything, keys: self.keys() });
        }
        if let Some(role) = self.text("executionRole") {
            let role = match role.starts_with("arn:") {
                true => role.to_owned(),
                false => format!("arn:aws:iam::{}:role/{role}", self.context.account()),
            };
            let keys = self.keys().with("iam:PassedToService", ["imagebuilder.amazonaws.com"]);
            let keys = keys.with("iam:AssociatedResourceArn", []);
            asked.push(Asked { action: "iam:PassRole".to_owned(), resource: Resource::Of(role), keys });
        }
        asked
    }

    fn all_builds(&self, member: &str) -> Resource {
        self.text(member).map_or(Resource::Everything, |version| Resource::Of(format!("{version}/*")))
    }

    /// With the tags of the resource of Image Builder that it is about.
    fn tagged(&self, mut asked: Asked) -> Asked {
        asked.keys = asked.keys.with("aws:ResourceTag/", []);
        if let Resource::Of(arn) = &asked.resource {
            let tags = self.world.imagebuilder.get(arn).and_then(|found| found.document.get("tags").cloned());
            for (key, value) in tags.as_ref().and_then(Value::as_object).into_iter().flatten() {
                asked.keys = asked.keys.with(&format!("aws:ResourceTag/{key}"), value.as_str());
            }
        }
        asked
    }

    fn ssm(&self) -> Vec<Asked> {
        let tags = self.operation.ends_with("TagsToResource")
            || ["RemoveTagsFromResource", "ListTagsForResource"].contains(&self.operation);
        let mut names: Vec<&str> = match self.operation {
            "DescribeParameters" => return vec![self.on(Resource::Everything)],
            "GetParametersByPath" => self.text("Path").into_iter().collect(),
            _ if tags => self.text("ResourceId").into_iter().collect(),
            _ => self.text("Name").into_iter().collect(),
        };
        names.extend(self.input.get("Names").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str));
        let flag = |member: &str| self.input.get(member).and_then(Value::as_bool).unwrap_or_default().to_string();
        let mut asked: Vec<Asked> = names.iter().map(|name| self.on(self.parameter(name))).collect();
        for asked in &mut asked {
            let keys = std::mem::take(&mut asked.keys);
            asked.keys = keys
                .with("ssm:Overwrite", [flag("Overwrite").as_str()])
                .with("ssm:Recursive", [flag("Recursive").as_str()])
                .with("ssm:Policies", []);
        }
        // Parameter Store looks at the image with the writer's permissions:
        // <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html>
        if self.operation == "PutParameter" && self.text("DataType") == Some("aws:ec2:image") {
            let action = "ec2:DescribeImages".to_owned();
            let keys = self.keys().with("ec2:Region", [self.context.region.as_str()]);
            asked.push(Asked { action, resource: Resource::Everything, keys });
        }
        asked
    }

    /// By its name or ARN; a selector isn't part of it. What AWS publishes belongs to no account.
    fn parameter(&self, name: &str) -> Resource {
        if name.starts_with("arn:") {
            return Resource::Of(name.to_owned());
        }
        let name = name.split(':').next().unwrap_or(name).trim_matches('/');
        match name.starts_with("aws/") {
            true => Resource::Of(format!("arn:aws:ssm:{}::parameter/{name}", self.context.region)),
            false => self.arn("ssm", &format!("parameter/{name}")),
        }
    }

    fn sns(&self) -> Vec<Asked> {
        let topic = match self.operation {
            "CreateTopic" => self.text("Name").map(|name| self.arn("sns", name)),
            "ListTopics" | "ListSubscriptions" => Some(Resource::Everything),
            _ => self.text("TopicArn").or(self.text("TargetArn")).map(|arn| Resource::Of(arn.to_owned())),
        };
        let mut asked = vec![self.on(topic.unwrap_or(Resource::Any))];
        if self.operation.starts_with("Publish") {
            asked.extend(self.encryption());
        }
        asked
    }

    /// A topic with a key of its owner's is written to with that key, in the publisher's name:
    /// <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>.
    fn encryption(&self) -> Vec<Asked> {
        let topic = self.text("TopicArn").or(self.text("TargetArn")).unwrap_or_default();
        let Some(key) = sns::key(self.world, topic) else { return Vec::new() };
        let service = format!("sns.{}.amazonaws.com", self.context.region);
        let actions = ["kms:GenerateDataKey", "kms:Decrypt"].into_iter();
        let asked = actions.map(|action| self.via("sns.amazonaws.com", action, Resource::Of(key.to_owned())));
        asked.map(|one| Asked { keys: one.keys.with("kms:ViaService", [service.as_str()]), ..one }).collect()
    }

    fn sts(&self) -> Vec<Asked> {
        let Some(role) = self.text("RoleArn") else {
            // Anybody may ask who he is.
            return Vec::new();
        };
        let mut asked = self.on(Resource::Of(role.to_owned()));
        asked.keys = asked
            .keys
            .with("sts:ExternalId", self.text("ExternalId"))
            .with("sts:RoleSessionName", self.text("RoleSessionName"));
        vec![asked]
    }

    fn events(&self) -> Vec<Asked> {
        if self.operation != "PutEvents" {
            return vec![self.on(Resource::Any)];
        }
        let entries = self.input.get("Entries").and_then(Value::as_array).into_iter().flatten();
        let one = |entry: &Value| {
            let text = |member: &str| entry.get(member).and_then(Value::as_str);
            let bus = text("EventBusName").filter(|bus| !bus.is_empty()).unwrap_or("default");
            let mut asked = self.on(match bus.starts_with("arn:") {
                true => Resource::Of(bus.to_owned()),
                false => self.arn("events", &format!("event-bus/{bus}")),
            });
            asked.keys =
                asked.keys.with("events:source", text("Source")).with("events:detail-type", text("DetailType"));
            asked
        };
        entries.map(one).collect()
    }

    fn ec2(&self) -> Vec<Asked> {
        let region = |mut asked: Asked| {
            asked.keys = asked.keys.with("ec2:Region", [self.context.region.as_str()]);
            asked
        };
        let report = || {
            Resource::Of(format!("arn:aws:ec2:{}:{}:image-usage-report/*", self.context.region, self.context.account()))
        };
        let asked = match self.operation {
            "DescribeImageAttribute" | "ModifyImageAttribute" => self.image().into_iter().collect(),
            "CreateImageUsageReport" => self.image().into_iter().chain([self.on(report())]).collect(),
            "DeleteImageUsageReport" => vec![self.on(report())],
            "DescribeImageReferences" => self.references(),
            "DescribeLaunchTemplateVersions" => {
                let parameters = self.parameters_of_templates().into_iter();
                let resolved =
                    parameters.map(|name| self.via("ec2.amazonaws.com", "ssm:GetParameters", self.parameter(name)));
                std::iter::once(self.on(Resource::Everything)).chain(resolved).collect()
            }
            operation if operation.starts_with("Describe") => vec![self.on(Resource::Everything)],
            _ => vec![self.on(Resource::Any)],
        };
        asked.into_iter().map(region).collect()
    }

    /// What is looked through is read in the caller's name, as in
    /// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEC2ImageReferencesAccessPolicy.html>.
    fn references(&self) -> Vec<Asked> {
        let everything = self.flag("IncludeAllResourceTypes");
        let types = self.input.get("ResourceType").and_then(Value::as_array).into_iter().flatten();
        let types: Vec<&str> = types.filter_map(|one| one.get("ResourceType")?.as_str()).collect();
        let (account, region) = (self.context.account(), &self.context.region);
        let via = |action: &str, resource| self.via("ec2-images.amazonaws.com", action, resource);
        let list = |action: &str| via(action, Resource::Everything);
        let mut asked = vec![self.on(Resource::Everything)];
        for kind in
            ["ec2:Instance", "ec2:LaunchTemplate", "ssm:Parameter", "imagebuilder:ImageRecipe", CONTAINER_RECIPE]
        {
            match kind {
                _ if !everything && !types.contains(&kind) => {}
                "ec2:Instance" => asked.push(list("ec2:DescribeInstances")),
                "ec2:LaunchTemplate" => {
                    asked.push(list("ec2:DescribeLaunchTemplates"));
                    asked.push(list("ec2:DescribeLaunchTemplateVersions"));
                }
                "ssm:Parameter" => {
                    asked.push(list("ssm:DescribeParameters"));
                    let here = ssm::published(self.world).into_iter();
                    let here = here.filter(|it| it.account == account && it.region == *region);
                    asked.extend(here.map(|it| via("ssm:GetParameters", self.parameter(&it.name))));
                }
                "imagebuilder:ImageRecipe" => asked.push(list("imagebuilder:ListImageRecipes")),
                _ => {
                    asked.push(list("imagebuilder:ListContainerRecipes"));
                    let own = self.world.imagebuilder.owned(Kind::ContainerRecipe, region, account);
                    let get = |arn: &str| via("imagebuilder:GetContainerRecipe", Resource::Of(arn.to_owned()));
                    asked.extend(own.map(|recipe| get(&recipe.arn)));
                }
            }
        }
        asked
    }

    fn flag(&self, member: &str) -> bool {
        self.text(member) == Some("true") || self.input.get(member) == Some(&Value::Bool(true))
    }

    /// The parameters that the versions asked for name, if the AMIs in them are to be told.
    fn parameters_of_templates(&self) -> Vec<&str> {
        if !self.flag("ResolveAlias") {
            return Vec::new();
        }
        let (id, name) = (self.text("LaunchTemplateId"), self.text("LaunchTemplateName"));
        let wanted = self.input.get("LaunchTemplateVersion").and_then(Value::as_array).into_iter().flatten();
        let wanted: Vec<&str> = wanted.filter_map(Value::as_str).collect();
        let templates = self.world.ec2.templates.of(&self.context.region).filter(|template| {
            template.owner == self.context.account()
                && id.is_none_or(|id| template.id == id)
                && name.is_none_or(|name| template.name == name)
        });
        let versions = templates.flat_map(|template| match wanted.as_slice() {
            [] => template.versions.iter().collect::<Vec<_>>(),
            wanted => wanted.iter().filter_map(|version| template.version(version)).collect(),
        });
        versions.filter_map(|version| version.data.get("imageId")?.as_str()?.strip_prefix("resolve:ssm:")).collect()
    }

    fn image(&self) -> Option<Asked> {
        let (id, region) = (self.text("ImageId")?, &self.context.region);
        let mut asked = self.on(Resource::Of(format!("arn:aws:ec2:{region}::image/{id}")));
        let mut keys = std::mem::take(&mut asked.keys)
            .with("ec2:ImageID", [id])
            .with("ec2:Attribute", self.text("Attribute"))
            .with("aws:ResourceTag/", [])
            .with("ec2:ResourceTag/", []);
        if let Some(image) = ec2::visible(self.world, self.context.account(), region, id) {
            keys = keys.with("ec2:Owner", [image.owner.as_str()]);
            for (key, value) in image.tags.iter() {
                keys = keys.with(&format!("aws:ResourceTag/{key}"), [value.as_str()]);
                keys = keys.with(&format!("ec2:ResourceTag/{key}"), [value.as_str()]);
            }
        }
        asked.keys = keys;
        Some(asked)
    }

    /// `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`
    fn queue(&self) -> Resource {
        let Some(url) = self.text("QueueUrl") else {
            let named = self.text("QueueName").map(|name| self.arn("sqs", name));
            return named.unwrap_or(Resource::Everything);
        };
        let mut parts = url.rsplit('/');
        let (name, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        Resource::Of(format!("arn:aws:sqs:{}:{account}:{name}", self.context.region))
    }
}
