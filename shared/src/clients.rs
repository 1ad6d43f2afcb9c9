//! The SDK's configuration, made once per process, and clients per Region.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Attempts of a call, the first included.
const ATTEMPTS: u32 = 5;

/// The configuration of this process: Region, credentials and `AWS_ENDPOINT_URL` from the environment, one pool
/// of connections for all clients. A call is tried five times, ten seconds each, forty in all.
pub async fn config() -> SdkConfig {
    let https = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(OnFirstUse(https))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(3))
                .operation_attempt_timeout(Duration::from_secs(10))
                .operation_timeout(Duration::from_secs(40))
                .build(),
        )
        .load()
        .await
}

/// The HTTP client, without its check at the time when clients are built: the check reads the system's root
/// certificates, which costs more than the rest of a cold start. So they are read with the first call.
#[derive(Debug)]
struct OnFirstUse(SharedHttpClient);

impl HttpClient for OnFirstUse {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// Clients of one service, one per Region, made when first asked for.
#[derive(Debug)]
pub struct Regional<Client> {
    config: SdkConfig,
    make: fn(&SdkConfig) -> Client,
    made: Mutex<BTreeMap<String, Client>>,
}

impl<Client: Clone> Regional<Client> {
    /// Of a service's `Client::new`.
    pub fn new(config: &SdkConfig, make: fn(&SdkConfig) -> Client) -> Self {
        Self { config: config.clone(), make, made: Mutex::default() }
    }

    /// The client for a Region.
    pub fn in_region(&self, region: &str) -> Client {
        // Whoever panicked with the lock left a whole map behind.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(region.to_owned())
            .or_insert_with(|| {
                let config = self.config.clone().into_builder().region(Region::new(region.to_owned())).build();
                (self.make)(&config)
            })
            .clone()
    }
}
