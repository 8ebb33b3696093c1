//! One connection: its requests, one after another.

use std::{convert::Infallible, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    ext::ReasonPhrase,
    header::{CONTENT_TYPE, HeaderValue, PROXY_AUTHENTICATE},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    time::sleep,
};

use super::{Shared, forward, own, tunnel};
use crate::{
    Refusal, Unreachable,
    limits::{HEAD_TIMEOUT, MAX_HEAD_BYTES, MAX_HEADERS},
    upstream::{UNKNOWN, UNREACHABLE, VERDICT},
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
    /// The name has no address.
    Unknown(String),
    Unreachable(String),
    TooSlow,
}

/// Takes connections for ever.
pub(super) async fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    while let Ok(slot) = shared.slots.clone().acquire_owned().await {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, most likely: give the others time to close some.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        // A socket that is gone already says so when it is used.
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        shared.tasks.clone().spawn(async move {
            let _ended = shared.end.run_until_cancelled(Box::pin(serve(&shared, Some(peer.ip()), stream))).await;
            drop(slot);
        });
    }
}

pub(super) async fn serve(
    shared: &Arc<Shared>,
    peer: Option<IpAddr>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) {
    let service = service_fn(|request| answer(shared.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shared.closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection to the proxy ended early");
    }
}

async fn answer(
    shared: Arc<Shared>,
    peer: Option<IpAddr>,
    request: Request<Incoming>,
) -> Result<Response<Body>, hyper::Error> {
    let pass = match shared.door.admits(peer, request.headers()) {
        Some(pass) => pass,
        None => return Ok(Denial::NoPass.response()),
    };
    if let Some(answer) = own::answer(&shared, &request).await {
        return Ok(answer);
    }
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

impl From<Unreachable> for Denial {
    fn from(error: Unreachable) -> Self {
        match error {
            Unreachable::Refused(refusal) => Self::Refused(refusal),
            Unreachable::Unknown(_) => Self::Unknown(error.to_string()),
            other @ Unreachable::Silent(_) => Self::Unreachable(other.to_string()),
        }
    }
}

impl Denial {
    pub(super) fn response(self) -> Response<Body> {
        let verdict = match &self {
            Self::Refused(refusal) => refusal.reason.as_str(),
            Self::Unknown(_) => UNKNOWN,
            Self::NoPass | Self::TooMany | Self::Malformed(_) | Self::Unreachable(_) | Self::TooSlow => UNREACHABLE,
        };
        let (status, said) = match self {
            Self::NoPass => (StatusCode::PROXY_AUTHENTICATION_REQUIRED, "no pass".to_owned()),
            Self::TooMany => (StatusCode::SERVICE_UNAVAILABLE, "too many connections".to_owned()),
            Self::Malformed(why) => (StatusCode::BAD_REQUEST, why.to_owned()),
            Self::Refused(refusal) => (StatusCode::FORBIDDEN, refusal.to_string()),
            Self::Unknown(why) | Self::Unreachable(why) => (StatusCode::BAD_GATEWAY, why),
            Self::TooSlow => (StatusCode::GATEWAY_TIMEOUT, "the site timed out".to_owned()),
        };
        let mut response = Response::new(words(said.clone()));
        *response.status_mut() = status;
        // What a child tells of a tunnel that failed is this phrase and nothing else.
        if let Ok(phrase) = ReasonPhrase::try_from(said.into_bytes()) {
            response.extensions_mut().insert(phrase);
        }
        response.headers_mut().insert(VERDICT, HeaderValue::from_static(verdict));
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
