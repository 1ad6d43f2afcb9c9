//! A service of AWS that takes forms and answers in XML, called by the SDK's own runtime: signing, retries,
//! time-outs, credentials, HTTP and endpoints are the SDK's, put together as its generated clients do it.

use super::form::Form;
use super::read;
use crate::error::AwsError;
use aws_config::SdkConfig;
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions, sigv4};
use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::recursion_detection::RecursionDetectionInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_runtime::service_clock_skew::{
    DisableClockSkewCorrection, ServiceClockSkewClassifier, ServiceClockSkewInterceptor,
};
use aws_runtime::user_agent::{ApiMetadata, UserAgentInterceptor};
use aws_sdk_imagebuilder::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_smithy_runtime::client::defaults::{DefaultPluginParams, default_plugins};
use aws_smithy_runtime::client::http::connection_poisoning::ConnectionPoisoningInterceptor;
use aws_smithy_runtime::client::orchestrator::{AuthSchemeAndEndpointOrchestrationV2, invoke};
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime::client::stalled_stream_protection::StalledStreamProtectionInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::auth::{AuthSchemeOptionResolverParams, SharedAuthScheme};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::endpoint::{EndpointFuture, EndpointResolverParams, ResolveEndpoint};
use aws_smithy_runtime_api::client::interceptors::SharedInterceptor;
use aws_smithy_runtime_api::client::interceptors::context::{Error as Erased, Input, Output};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, Metadata, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::{RuntimePlugins, StaticRuntimePlugin};
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{ConfigBag, Layer};
use aws_smithy_types::endpoint::Endpoint;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_types::retry::{ErrorKind, ProvideErrorKind};
use aws_types::SigningName;
use aws_types::endpoint_config::EndpointUrl;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;

/// What tells one service from another.
#[derive(Debug)]
pub(super) struct Service {
    /// The name that AWS's configuration knows it by: `AWS_ENDPOINT_URL_EC2` is that of `EC2`.
    pub(super) id: &'static str,
    /// The name in hosts and signatures.
    pub(super) name: &'static str,
    /// The version of its API.
    pub(super) version: &'static str,
}

/// A service as one configuration calls it. Clones share their connections and their retry budget.
#[derive(Debug, Clone)]
pub(super) struct Api {
    service: &'static Service,
    region: String,
    plugins: RuntimePlugins,
}

impl Api {
    pub(super) fn new(service: &'static Service, config: &SdkConfig) -> Self {
        let region = config.region().map_or_else(|| "no Region".to_owned(), ToString::to_string);
        let defaults = DefaultPluginParams::new()
            .with_retry_partition_name(format!("{}-{region}", service.name))
            .with_behavior_version(config.behavior_version().unwrap_or_else(BehaviorVersion::latest))
            .with_is_aws_sdk(true);
        let plugins = RuntimePlugins::new()
            .with_client_plugins(default_plugins(defaults))
            .with_client_plugin(
                StaticRuntimePlugin::new()
                    .with_config(settings(service, config).freeze())
                    .with_runtime_components(given(config)),
            )
            .with_client_plugin(StaticRuntimePlugin::new().with_runtime_components(components(service, config)));
        Self { service, region, plugins }
    }

    /// Calls an operation about something (named for people) and reads its answer.
    pub(super) async fn call<Answer>(
        &self,
        operation: &'static str,
        about: impl fmt::Display,
        form: Form,
    ) -> Result<Answer, AwsError>
    where
        Answer: DeserializeOwned + fmt::Debug + Send + Sync + 'static,
    {
        let mut layer = Layer::new(operation);
        layer.store_put(SharedRequestSerializer::new(Post));
        layer.store_put(SharedResponseDeserializer::new(Reading::<Answer> { operation, answer: PhantomData }));
        layer.store_put(Metadata::new(operation, self.service.id));
        let plugin = StaticRuntimePlugin::new().with_config(layer.freeze());
        let plugins = self.plugins.clone().with_operation_plugin(plugin);
        let body = form.body(operation, self.service.version);
        match invoke(self.service.id, operation, Input::erase(body), &plugins).await {
            Ok(output) => Ok(output.downcast().expect("Reading::<Answer> answers with an Answer")),
            Err(error) => {
                let refused = |error: Erased| error.downcast::<Refused>().expect("Reading refuses with Refused");
                let error: SdkError<Refused, HttpResponse> = error.map_service_error(refused);
                Err(AwsError::new(operation, format!("{about} in {}", self.region), error))
            }
        }
    }
}

/// What the configuration says of every call.
fn settings(service: &'static Service, config: &SdkConfig) -> Layer {
    let mut layer = Layer::new(service.id);
    layer.store_put(AuthSchemeAndEndpointOrchestrationV2);
    layer.store_put(AuthSchemeOptionResolverParams::new(()));
    layer.store_put(ApiMetadata::new(service.name, env!("CARGO_PKG_VERSION")));
    layer.store_put(SigningName::from_static(service.name));
    layer.store_put(SigV4OperationSigningConfig { signing_options: SigningOptions::default(), ..Default::default() });
    layer.store_or_unset(config.region().cloned());
    layer.store_or_unset(config.region().cloned().map(SigningRegion::from));
    layer.store_or_unset(endpoint(service, config).map(EndpointUrl));
    layer.store_or_unset(config.app_name().cloned());
    layer.store_or_unset(config.disable_clock_skew_correction().map(DisableClockSkewCorrection::from));
    // What isn't said here is the SDK's default, which an absent value would take away.
    if let Some(retry) = config.retry_config() {
        layer.store_put(retry.clone());
    }
    if let Some(timeout) = config.timeout_config() {
        layer.store_put(timeout.clone());
    }
    if let Some(protection) = config.stalled_stream_protection() {
        layer.store_put(protection);
    }
    layer
}

/// What the configuration brings with it.
fn given(config: &SdkConfig) -> RuntimeComponentsBuilder {
    let mut given = RuntimeComponentsBuilder::new("configuration");
    given.set_http_client(config.http_client());
    given.set_sleep_impl(config.sleep_impl());
    given.set_time_source(Some(config.time_source().unwrap_or_default()));
    given.set_identity_cache(config.identity_cache());
    if let Some(provider) = config.credentials_provider() {
        given.set_identity_resolver(sigv4::SCHEME_ID, provider);
    }
    given
}

/// What every generated client is made of.
fn components(service: &'static Service, config: &SdkConfig) -> RuntimeComponentsBuilder {
    RuntimeComponentsBuilder::new(service.id)
        .with_auth_scheme(SharedAuthScheme::new(sigv4::SigV4AuthScheme::new()))
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![sigv4::SCHEME_ID])))
        .with_endpoint_resolver(Some(Endpoints::new(service, config)))
        .with_interceptor(SharedInterceptor::permanent(ConnectionPoisoningInterceptor::new()))
        .with_interceptor(SharedInterceptor::permanent(StalledStreamProtectionInterceptor::default()))
        .with_interceptor(SharedInterceptor::permanent(RecursionDetectionInterceptor::new()))
        .with_interceptor(ServiceClockSkewInterceptor::new())
        .with_interceptor(RequestInfoInterceptor::new())
        .with_interceptor(UserAgentInterceptor::new())
        .with_interceptor(InvocationIdInterceptor::new())
        .with_retry_classifier(HttpStatusCodeClassifier::default())
        .with_retry_classifier(TransientErrorClassifier::<Refused>::new())
        .with_retry_classifier(AwsErrorCodeClassifier::<Refused>::default())
        .with_retry_classifier(ServiceClockSkewClassifier::<Refused>::new())
}

/// The endpoint that the configuration names: the service's own before that of all services, and before both the
/// one that the program itself set.
fn endpoint(service: &'static Service, config: &SdkConfig) -> Option<String> {
    let of_all = || config.endpoint_url().map(str::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return of_all();
    }
    let key = ServiceConfigKey::builder().service_id(service.id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
    let own = |key| config.service_config().and_then(|environment| environment.load_config(key));
    key.build().ok().and_then(own).or_else(of_all)
}

/// Where a service answers: where the configuration says, else where Image Builder's endpoint rules say with
/// the service's name in the place of Image Builder's. They know all partitions, and FIPS and dual-stack hosts.
#[derive(Debug)]
struct Endpoints {
    service: &'static Service,
    url: Option<String>,
    rules: DefaultResolver,
    params: Params,
}

impl Endpoints {
    fn new(service: &'static Service, config: &SdkConfig) -> Self {
        let params = Params::builder()
            .set_region(config.region().map(ToString::to_string))
            .set_use_fips(config.use_fips())
            .set_use_dual_stack(config.use_dual_stack())
            .build()
            .expect("none of the parameters is required");
        Self { service, url: endpoint(service, config), rules: DefaultResolver::new(), params }
    }
}

impl ResolveEndpoint for Endpoints {
    fn resolve_endpoint<'a>(&'a self, _: &'a EndpointResolverParams) -> EndpointFuture<'a> {
        if let Some(url) = &self.url {
            return EndpointFuture::ready(Ok(Endpoint::builder().url(url.clone()).build()));
        }
        EndpointFuture::new(async {
            let endpoint = self.rules.resolve_endpoint(&self.params).await?;
            let url = endpoint.url().replacen("imagebuilder", self.service.name, 1);
            Ok(Endpoint::builder().url(url).build())
        })
    }
}

/// Makes the request of a body.
#[derive(Debug)]
struct Post;

impl SerializeRequest for Post {
    fn serialize_input(&self, input: Input, config: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        // The runtime wants parameters there when it resolves the endpoint; [`Endpoints`] has its own.
        config.interceptor_state().store_put(EndpointResolverParams::new(()));
        let body = input.downcast::<String>().expect("a form's body is text");
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_method("POST")?;
        request.set_uri("/")?;
        request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = SdkBody::from(body);
        Ok(request)
    }
}

/// Reads the response of an operation.
struct Reading<Answer> {
    operation: &'static str,
    answer: PhantomData<fn() -> Answer>,
}

impl<Answer> fmt::Debug for Reading<Answer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reading {}", self.operation)
    }
}

impl<Answer: DeserializeOwned + fmt::Debug + Send + Sync + 'static> DeserializeResponse for Reading<Answer> {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Erased>> {
        let body = str::from_utf8(response.body().bytes().expect("the runtime has read the body"));
        if response.status().is_success() {
            // As an error of the response it is tried again: every call here can be repeated.
            let body = body.map_err(|error| OrchestratorError::response(error.into()))?;
            let answer = read::answer::<Answer>(self.operation, body);
            return answer.map(Output::erase).map_err(|error| OrchestratorError::response(error.into()));
        }
        // A refusal that can't be read, a proxy's for instance, is one without a code: its status remains.
        let refused = Refused(read::refusal(body.unwrap_or_default()));
        Err(OrchestratorError::operation(Erased::erase(refused)))
    }
}

/// A refusal of the service.
#[derive(Debug)]
struct Refused(ErrorMetadata);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ProvideErrorMetadata for Refused {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

impl ProvideErrorKind for Refused {
    fn retryable_error_kind(&self) -> Option<ErrorKind> {
        None
    }

    fn code(&self) -> Option<&str> {
        self.0.code()
    }
}

#[cfg(test)]
mod tests;
