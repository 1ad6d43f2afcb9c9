//! Who may launch an AMI: the attribute `launchPermission`.

use super::Client;
use super::form::Form;
use super::read::{Nothing, items};
use crate::error::AwsError;
use serde::{Deserialize, Deserializer, Serialize};

/// Whoever else than its owner may launch an AMI. In JSON `{"userId": "111122223333"}`, in EC2's own names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LaunchPermission {
    /// An account, by its ID.
    UserId(String),
    /// `all`: everyone.
    Group(String),
    /// The accounts of an organization, by its ARN.
    OrganizationArn(String),
    /// The accounts of an organizational unit, by its ARN.
    OrganizationalUnitArn(String),
}

impl LaunchPermission {
    fn add(form: Form, place: &str, permission: &Self) -> Form {
        let (member, value) = match permission {
            Self::UserId(value) => ("UserId", value),
            Self::Group(value) => ("Group", value),
            Self::OrganizationArn(value) => ("OrganizationArn", value),
            Self::OrganizationalUnitArn(value) => ("OrganizationalUnitArn", value),
        };
        form.with(&format!("{place}.{member}"), value)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permitted {
    #[serde(deserialize_with = "permissions")]
    launch_permission: Vec<LaunchPermission>,
}

fn permissions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<LaunchPermission>, D::Error> {
    #[derive(Deserialize)]
    struct Item {
        #[serde(rename = "$value")]
        permission: LaunchPermission,
    }
    Ok(items(deserializer)?.into_iter().map(|Item { permission }| permission).collect())
}

impl Client {
    /// DescribeImageAttribute, `launchPermission`: whom an AMI of one's own is shared with.
    ///
    /// # Errors
    /// As [`AwsError`] says; also for a kind of permission that isn't known here.
    pub async fn describe_image_attribute(&self, image_id: &str) -> Result<Vec<LaunchPermission>, AwsError> {
        let form = Form::default().with("Attribute", "launchPermission").with("ImageId", image_id);
        let permitted: Permitted = self.ec2.call("DescribeImageAttribute", image_id, form).await?;
        Ok(permitted.launch_permission)
    }

    /// ModifyImageAttribute: shares an AMI with further accounts, organizations, or everyone.
    ///
    /// # Errors
    /// As [`AwsError`] says.
    pub async fn modify_image_attribute(&self, image_id: &str, add: &[LaunchPermission]) -> Result<(), AwsError> {
        let Nothing {} = self.ec2.call("ModifyImageAttribute", image_id, sharing(image_id, add)).await?;
        Ok(())
    }
}

fn sharing(image_id: &str, add: &[LaunchPermission]) -> Form {
    Form::default().with("ImageId", image_id).each("LaunchPermission.Add", add, LaunchPermission::add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::read::answer;

    #[test]
    fn permissions_are_read() {
        let body = r#"<DescribeImageAttributeResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
   <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>
   <imageId>ami-61a54008</imageId>
   <launchPermission>
      <item>
         <group>all</group>
      </item>
      <item>
         <userId>111122223333</userId>
      </item>
      <item>
         <organizationalUnitArn>arn:aws:organizations::123456789012:ou/o-1/ou-2</organizationalUnitArn>
      </item>
   </launchPermission>
</DescribeImageAttributeResponse>"#;
        let permitted: Permitted = answer("DescribeImageAttribute", body).unwrap();
        insta::assert_json_snapshot!(permitted.launch_permission, @r#"
        [
          {
            "group": "all"
          },
          {
            "userId": "111122223333"
          },
          {
            "organizationalUnitArn": "arn:aws:organizations::123456789012:ou/o-1/ou-2"
          }
        ]
        "#);
        let none = "<DescribeImageAttributeResponse><imageId>ami-1</imageId><launchPermission/></DescribeImageAttributeResponse>";
        assert!(answer::<Permitted>("DescribeImageAttribute", none).unwrap().launch_permission.is_empty());
        for unreadable in ["<imageId>ami-1</imageId>", "<launchPermission><item><vpc>v</vpc></item></launchPermission>"]
        {
            let body = format!("<DescribeImageAttributeResponse>{unreadable}</DescribeImageAttributeResponse>");
            assert!(answer::<Permitted>("DescribeImageAttribute", &body).is_err(), "{unreadable}");
        }
    }

    #[test]
    fn permissions_are_asked_for() {
        let add = [LaunchPermission::UserId("111122223333".into()), LaunchPermission::Group("all".into())];
        let body = sharing("ami-61a54008", &add).body("ModifyImageAttribute", "2016-11-15");
        insta::assert_snapshot!(body.replace('&', "\n&"), @r#"
        Action=ModifyImageAttribute
        &Version=2016-11-15
        &ImageId=ami-61a54008
        &LaunchPermission.Add.1.UserId=111122223333
        &LaunchPermission.Add.2.Group=all
        "#);
    }
}
