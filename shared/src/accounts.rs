//! AWS accounts: the function's own with its own credentials, every other one through a role there.

use crate::arn::Arn;
use crate::clients::Regional;
use crate::error::AwsError;
use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use futures_util::future::{BoxFuture, FutureExt, Shared};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Credentials that end sooner than this are renewed: a call that is tried again takes its time.
const MARGIN: Duration = Duration::from_secs(300);

/// The role in other accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRole {
    /// The role's name, with its path if it has one: the same in every account.
    pub name: String,
    /// What the role's trust policy asks for as `sts:ExternalId`.
    pub external_id: Option<String>,
    /// The name of the sessions, which CloudTrail shows there: 2 to 64 letters, digits and `_=,.@-`.
    pub session_name: String,
}

/// The accounts that a function works in. Assumed credentials are kept for as long as they last, over invocations, and
/// a role is never assumed twice at once.
#[derive(Debug)]
pub struct Accounts {
    config: SdkConfig,
    partition: String,
    own: String,
    role: Option<TargetRole>,
    sessions: Mutex<BTreeMap<String, Arc<Session>>>,
}

/// An account that can't be worked in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountError {
    /// It isn't the function's own, and there is no role to assume.
    #[error(
        "account {account} is out of reach: TargetRoleName is empty: expected the name of the role to assume in other \
         accounts"
    )]
    NoRole {
        /// The account.
        account: String,
    },
    /// The role can't be assumed.
    #[error("account {account} is out of reach")]
    Assume {
        /// The account.
        account: String,
        /// What STS answered to whoever asked first; the others waited for the same answer.
        source: Arc<AwsError>,
    },
}

impl AccountError {
    /// Whether the same can succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NoRole { .. } => false,
            Self::Assume { source, .. } => source.is_retryable(),
        }
    }
}

impl Accounts {
    /// `own` is the ARN of the function: its account is the one that needs no role.
    pub fn new(config: &SdkConfig, own: &Arn, role: Option<TargetRole>) -> Arc<Self> {
        let (partition, own) = (own.partition.clone(), own.account.clone());
        Arc::new(Self { config: config.clone(), partition, own, role, sessions: Mutex::default() })
    }

    /// The function's own account, 12 digits.
    pub fn own(&self) -> &str {
        &self.own
    }

    /// Makes sure that there are credentials for an account. The function's own needs none.
    ///
    /// # Errors
    /// There is no role to assume, or STS refuses it.
    pub async fn reach(&self, account: &str) -> Result<(), AccountError> {
        match self.session(account)? {
            None => Ok(()),
            Some(session) => session.credentials().await.map(drop),
        }
    }

    /// The configuration of clients in an account; credentials are asked for with each call.
    fn config(&self, account: &str) -> Result<SdkConfig, AccountError> {
        let Some(session) = self.session(account)? else { return Ok(self.config.clone()) };
        // The session keeps the credentials itself.
        let config = self.config.clone().into_builder().identity_cache(IdentityCache::no_cache());
        Ok(config.credentials_provider(SharedCredentialsProvider::new(Assumed(session))).build())
    }

    fn session(&self, account: &str) -> Result<Option<Arc<Session>>, AccountError> {
        if account == self.own {
            return Ok(None);
        }
        let role = self.role.as_ref().ok_or_else(|| AccountError::NoRole { account: account.to_owned() })?;
        // Whoever panicked with the lock left a whole map behind.
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.entry(account.to_owned()).or_insert_with(|| {
            Arc::new(Session {
                sts: aws_sdk_sts::Client::new(&self.config),
                account: account.to_owned(),
                role_arn: format!("arn:{}:iam::{account}:role/{}", self.partition, role.name),
                role: role.clone(),
                last: Mutex::default(),
            })
        });
        Ok(Some(session.clone()))
    }
}

/// Credentials that are being asked for, or that were: everybody who waits gets the same ones.
type Asked = Shared<BoxFuture<'static, Result<Credentials, AccountError>>>;

#[derive(Debug)]
struct Session {
    sts: aws_sdk_sts::Client,
    account: String,
    role_arn: String,
    role: TargetRole,
    last: Mutex<Option<Asked>>,
}

impl Session {
    async fn credentials(self: &Arc<Self>) -> Result<Credentials, AccountError> {
        let asked = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let usable = last.as_ref().filter(|asked| match asked.peek() {
                None => true,
                Some(Ok(credentials)) => lasts(credentials),
                Some(Err(_)) => false,
            });
            match usable {
                Some(asked) => asked.clone(),
                None => last.insert(self.clone().assume().boxed().shared()).clone(),
            }
        };
        asked.await
    }

    /// sts:AssumeRole, in the function's own Region: tokens of Regional endpoints are valid in every Region.
    async fn assume(self: Arc<Self>) -> Result<Credentials, AccountError> {
        let Self { sts, account, role_arn, role, .. } = &*self;
        let call = sts.assume_role().role_arn(role_arn).role_session_name(&role.session_name);
        let answer = call.set_external_id(role.external_id.clone()).send().await;
        let failed = |error| AccountError::Assume { account: account.clone(), source: Arc::new(error) };
        let answer = answer.map_err(|error| failed(AwsError::new("AssumeRole", role_arn, error)))?;
        let made = answer.credentials.and_then(|made| {
            let expires = SystemTime::try_from(made.expiration).ok()?;
            let key = Credentials::new(
                made.access_key_id,
                made.secret_access_key,
                Some(made.session_token),
                Some(expires),
                "AssumeRole",
            );
            Some(key)
        });
        made.ok_or_else(|| failed(AwsError::unreadable("AssumeRole", role_arn, "the answer lacks credentials")))
    }
}

#[expect(clippy::disallowed_methods, reason = "credentials end by the machine's time; no decision reads it")]
fn lasts(credentials: &Credentials) -> bool {
    credentials.expiry().is_none_or(|end| end > SystemTime::now() + MARGIN)
}

/// A session as the SDK asks for it.
#[derive(Debug)]
struct Assumed(Arc<Session>);

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.0.credentials().map(|made| made.map_err(CredentialsError::provider_error)))
    }
}

/// Clients of one service in every account and Region, made when first asked for.
#[derive(Debug)]
pub struct Everywhere<Client> {
    accounts: Arc<Accounts>,
    make: fn(&SdkConfig) -> Client,
    made: Mutex<BTreeMap<String, Regional<Client>>>,
}

impl<Client: Clone> Everywhere<Client> {
    /// Of a service's `Client::new`.
    pub fn new(accounts: &Arc<Accounts>, make: fn(&SdkConfig) -> Client) -> Self {
        Self { accounts: accounts.clone(), make, made: Mutex::default() }
    }

    /// The client for an account and Region, with credentials that it can use now.
    ///
    /// # Errors
    /// There is no role to assume in another account, or STS refuses it.
    pub async fn at(&self, account: &str, region: &str) -> Result<Client, AccountError> {
        self.accounts.reach(account).await?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regional) = made.get(account) {
            return Ok(regional.in_region(region));
        }
        let regional = Regional::new(&self.accounts.config(account)?, self.make);
        Ok(made.entry(account.to_owned()).or_insert(regional).in_region(region))
    }
}

#[cfg(test)]
mod tests;
