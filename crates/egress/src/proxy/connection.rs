//! One connection: its requests, one after another.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    ext::ReasonPhrase,
    header::{CONTENT_TYPE, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    time::sleep,
};

use super::{Shared, forward, pass::PassState, tunnel};
use crate::{
    Refusal, Unreachable,
    limits::{HEAD_TIMEOUT, MAX_HEAD_BYTES, MAX_HEADERS},
};

/// A body that passes through, or a few words of ours.
pub(super) type Body = BoxBody<Bytes, hyper::Error>;

/// What an answer to a child's request says when it is none.
#[derive(Debug)]
pub(super) enum Denial {
    NoPass,
    TooMany,
    Malformed(&'static str),
    Refused(Refusal),
    Unreachable(String),
    TooSlow,
}

/// Takes connections for ever.
pub(super) async fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    while let Ok(slot) = shared.slots.clone().acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: give the others time to close some.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        // A socket that is gone already says so when it is used.
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let _ended = shared.end.run_until_cancelled(Box::pin(serve(&shared, stream))).await;
            drop(slot);
        });
    }
}

pub(super) async fn serve(shared: &Arc<Shared>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = service_fn(|request| answer(shared.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "A child's connection ended early");
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
    let pass = match pass(&shared, request.headers()) {
        Some(pass) => pass,
        None => return Ok(Denial::NoPass.response()),
    };
    let done = if request.method() == Method::CONNECT {
        tunnel::open(&shared, &pass, request).await
    } else {
        forward::forward(&shared, &pass, request).await
    };
    Ok(done.unwrap_or_else(|denial| {
        if let Denial::Refused(refusal) = &denial {
            pass.refused(refusal.clone());
        }
        denial.response()
    }))
}

fn pass(shared: &Shared, headers: &HeaderMap) -> Option<Arc<PassState>> {
    shared.passes.of(headers.get(PROXY_AUTHORIZATION)?.to_str().ok()?)
}

impl From<Unreachable> for Denial {
    fn from(error: Unreachable) -> Self {
        match error {
            Unreachable::Refused(refusal) => Self::Refused(refusal),
            other => Self::Unreachable(other.to_string()),
        }
    }
}

impl Denial {
    fn response(self) -> Response<Body> {
        let (status, said) = match self {
            Self::NoPass => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, "no pass".to_owned()),
            Self::TooMany => (StatusCode::SERVICE_UNAVAILABLE, "too many connections".to_owned()),
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, why.to_owned()),
            Self::Refused(refusal) => (StatusCode::FORBIDDEN, refusal.to_string()),
            Self::Unreachable(why) => (StatusCode::BAD_GATEWAY, why),
            Self::TooSlow => (StatusCode::GATEWAY_TIMEOUT, "the site timed out".to_owned()),
        };
        let mut response = Response::new(words(said.clone()));
        *response.status_mut() = status;
        // What a child tells of a tunnel that failed is this phrase and nothing else.
        if let Ok(phrase) = ReasonPhrase::try_from(said.into_bytes()) {
            response.extensions_mut().insert(phrase);
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            response.headers_mut().insert(PROXY_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"sluice\""));
        }
        response
    }
}

/// A few words as a body.
pub(super) fn words(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never: Infallible| match never {}).boxed()
}
