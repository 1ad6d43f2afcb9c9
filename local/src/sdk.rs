//! The local AWS in process, as the HTTP client of the AWS SDK for Rust: the same answers as over the port,
//! with no socket between.

use crate::driver::Local;
use crate::wire::Request;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// An HTTP client that asks a local AWS, whatever the host of the request.
#[derive(Clone)]
pub struct InProcess(Arc<Local>);

impl InProcess {
    /// Of a local AWS.
    pub fn new(local: Arc<Local>) -> Self {
        Self(local)
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InProcess").field(&self.0.url()).finish()
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let local = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = read(&request).map_err(|error| ConnectorError::user(error.into()))?;
            let Some(answer) = local.answer(&request).await else {
                return Err(ConnectorError::io(
                    "the connection was dropped: a fault says that it is unreachable".into(),
                ));
            };
            let status = answer.status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
            let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
            for (name, value) in answer.headers {
                response.headers_mut().insert(name, value);
            }
            Ok(response)
        })
    }
}

fn read(request: &HttpRequest) -> Result<Request, &'static str> {
    let body = request.body().bytes().ok_or("a body that streams: expected one in memory")?;
    let target = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
    let target = target.find(['/', '?']).map_or("/", |start| &target[start..]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Request {
        method: request.method().to_owned(),
        path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        query: query.to_owned(),
        headers: request.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
        body: Bytes::copy_from_slice(body),
    })
}
