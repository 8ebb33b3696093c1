//! `GET http://host/path` and its like: one request to a site, and its answer.
//!
//! hyper has read it and writes it anew: what two servers could read in two ways does not get through. Each is a connection of its own, so that an address
//! is judged and dialled for every request.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    client::conn::http1,
    header::{
        CONNECTION, EXPECT, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use url::{Position, Url};

use super::{
    Shared,
    connection::{Body, Denial},
    pass::{PassState, Way},
};
use crate::{
    Reason,
    limits::{ANSWER_TIMEOUT, MAX_HEAD_BYTES, MAX_HEADERS},
    upstream::VERDICT,
};

/// Headers of one connection, not of what passes through.
const HOP_BY_HOP: [HeaderName; 8] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, EXPECT];
const OLD_HOP_BY_HOP: [&str; 2] = ["keep-alive", "proxy-connection"];

pub(super) async fn forward(
    shared: &Shared,
    pass: &Arc<PassState>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Denial> {
    let url = place(shared, request.uri())?;
    if request.method() == Method::TRACE {
        return Err(Denial::Malformed("TRACE"));
    }
    let (host, port) = shared.egress.judge_url(&url).map_err(Denial::Refused)?;
    let slot = shared.way(pass)?;
    let request = rewritten(request, &url)?;
    let site = shared.egress.open(&host, port).await?;
    let broken = |error: hyper::Error| Denial::Unreachable(format!("the site broke off: {error}"));
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        // Sites are sloppy, and what passes is written anew.
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true)
        .handshake(TokioIo::new(site))
        .await
        .map_err(broken)?;
    let end = pass.end.clone();
    let connection = AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::select! {
            _ = connection => {}
            () = end.cancelled() => {}
        }
    }));
    let answer = timeout(ANSWER_TIMEOUT, sender.send_request(request)).await.map_err(|_| Denial::TooSlow)?;
    let (mut head, body) = answer.map_err(broken)?.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Denial::Malformed("another protocol"));
    }
    strip(&mut head.headers);
    // The site's own words about a status are for nobody.
    head.extensions.clear();
    let body = Passing { body, _slot: slot, _connection: connection };
    Ok(Response::from_parts(head, body.boxed()))
}

/// What is asked for: an absolute address, without credentials.
fn place(shared: &Shared, uri: &Uri) -> Result<Url, Denial> {
    if uri.scheme().is_none() {
        return Err(Denial::Malformed("no absolute address"));
    }
    let url = Url::parse(&uri.to_string());
    let port = uri.port_u16().unwrap_or_default();
    let odd = || Denial::Refused(shared.egress.refuse(uri.host().unwrap_or_default(), port, Reason::NotTheWeb));
    // TLS is a matter of the child's: it opens a tunnel.
    url.ok().filter(|url| url.scheme() == "http").ok_or_else(odd)
}

fn rewritten(request: Request<Incoming>, url: &Url) -> Result<Request<Incoming>, Denial> {
    let (mut head, body) = request.into_parts();
    strip(&mut head.headers);
    let path = &url[Position::BeforePath..Position::AfterQuery];
    head.uri = path.parse().map_err(|_| Denial::Malformed("a path"))?;
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    // Whatever the child wrote there: it is asked for where it was judged.
    head.headers.insert(HOST, HeaderValue::try_from(authority).map_err(|_| Denial::Malformed("a host"))?);
    head.extensions.clear();
    head.version = hyper::Version::HTTP_11;
    Ok(Request::from_parts(head, body))
}

fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    // A word of proxies: a site has none to say.
    headers.remove(VERDICT);
    for name in OLD_HOP_BY_HOP {
        headers.remove(name);
    }
}

/// An answer's body, with what it takes up here.
struct Passing {
    body: Incoming,
    _slot: Way,
    _connection: AbortOnDropHandle<()>,
}

impl HttpBody for Passing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
