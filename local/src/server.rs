//! The one port: HTTP in, the services' answers out.

use crate::driver::Local;
use crate::wire::{Request, Response};
use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::HeaderValue;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The largest body of a request, in bytes: what API Gateway, which stands in front of Image Builder, takes.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
const LARGEST: usize = 10 * 1024 * 1024;

/// Listens on loopback; port 0 takes a free one.
///
/// # Errors
/// When the port is taken.
pub(crate) async fn bind(port: u16) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| format!("port {port} of 127.0.0.1: expected a free port (--port 0 takes one)"))?;
    let address = listener.local_addr().context("the address that was bound")?;
    Ok((listener, address))
}

/// Answers connections until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, local: Arc<Local>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // A connection that broke before it was accepted is the client's affair; without a pause, one
            // that can't be had for want of file descriptors would leave no time to close others.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let local = local.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let local = local.clone();
                async move { respond(&local, request).await }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                // Clients keep idle connections, and some fail a request on one that was closed under them.
                .header_read_timeout(None)
                .serve_connection(TokioIo::new(stream), service);
            // An error here means that the client hung up.
            let _ = connection.await;
        });
    }
}

/// An error means that the connection is dropped without an answer.
async fn respond(local: &Arc<Local>, request: hyper::Request<Incoming>) -> io::Result<hyper::Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    // What functions answer has a limit of its own.
    let limit = if head.uri.path().starts_with("/_runtime/") { usize::MAX } else { LARGEST };
    // A length that is announced is believed before anything is sent.
    if body.size_hint().lower() > limit as u64 {
        return Ok(too_large());
    }
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
        Err(_) => return Ok(plain(400, "the body broke off")),
    };
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    };
    let Some(Response { status, headers, body }) = local.answer(&request).await else {
        return Err(io::Error::new(io::ErrorKind::ConnectionReset, "a fault says that this is unreachable"));
    };
    let mut response = hyper::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(body)).unwrap_or_else(|_| plain(500, "an answer with an illegal header")))
}

fn too_large() -> hyper::Response<Full<Bytes>> {
    let mut refusal = plain(413, r#"{"message":"Request Too Long"}"#);
    let headers = refusal.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-amzn-errortype", HeaderValue::from_static("RequestEntityTooLargeException"));
    refusal
}

fn plain(status: u16, text: &'static str) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response
}
