//! From a request to a response.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, header, response};
use hyper::body::Incoming;

use super::{
    Announce, Content, Hold, Resource,
    body::{Body, Flow, short},
    range::{Asked, asked, end_of},
    resource::Kind,
    shelf::Shelf,
    visits::{Ending, Entry, Visit},
    wire::Wire,
};

/// Answers one request from what is published.
pub(super) async fn answer(
    shelf: &Arc<Shelf>,
    wire: Wire,
    scheme: &str,
    request: &Request<Incoming>,
) -> http::Result<Response<Body>> {
    let (method, headers, path) = (request.method(), request.headers(), request.uri().path());
    let entry = shelf.visits.enter(visit(method, headers, path));
    let is_get = method == Method::GET;
    if !is_get && method != Method::HEAD {
        return refused(&entry, StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
    }
    let (delivery, bar) = if is_get {
        shelf.for_get(path, end_of(text_of(headers, &header::RANGE).as_deref()))
    } else {
        (shelf.for_head(path), None)
    };
    if let Some(bar) = bar.as_ref().filter(|bar| bar.at == Hold::Answer && !bar.is_open()) {
        bar.pass().await;
    }
    if let Some(status) = delivery.status {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = refused(&entry, status, status.canonical_reason().unwrap_or("refused"))?;
        if let Some(seconds) = delivery.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        return Ok(response);
    }
    let link = delivery.link_bytes.and_then(|_| Some(request.uri().path_and_query()?.as_str().to_owned()));
    if let (Some(most), Some(link)) = (delivery.link_bytes, &link)
        && shelf.spend(link, 0) >= most
    {
        return refused(&entry, StatusCode::FORBIDDEN, "this address has expired");
    }
    tokio::time::sleep(shelf.line().round_trip).await;
    let flow = |content: Content, entry| Flow {
        rest: 0..content.len(),
        content,
        delivery,
        bar,
        entry,
        wire,
        shelf: shelf.clone(),
        link,
    };
    match shelf.resource(path).map(|Resource { kind }| kind) {
        None => refused(&entry, StatusCode::NOT_FOUND, "nothing here"),
        Some(Kind::Redirect { target }) => {
            entry.answered(302);
            entry.complete();
            Response::builder().status(302).header(header::LOCATION, target).body(short(Bytes::new()))
        }
        Some(Kind::Text { mime, text }) => {
            let host = text_of(headers, &header::HOST).unwrap_or_default();
            let mut text = text.replace("{base}", &format!("{scheme}://{host}"));
            if let Some(secure) = shelf.secure.get() {
                text = text.replace("{secure}", &format!("https://{secure}"));
            }
            if text.contains("{fresh}") {
                text = text.replace("{fresh}", &shelf.fresh().to_string());
            }
            whole(method, Response::builder().header(header::CONTENT_TYPE, mime), flow(Content::new(text), entry))
        }
        Some(Kind::File { mime, content }) => {
            file(headers, method, Response::builder().header(header::CONTENT_TYPE, mime), flow(content, entry))
        }
    }
}

/// A file: in ranges if it is served honestly.
fn file(
    headers: &HeaderMap,
    method: &Method,
    response: response::Builder,
    mut flow: Flow,
) -> http::Result<Response<Body>> {
    if flow.delivery.announce != Announce::Honest {
        return whole(method, response, flow);
    }
    let (etag, length) = (flow.content.etag(), flow.content.len());
    let unchanged = text_of(headers, &header::IF_RANGE).is_none_or(|seen| seen == etag);
    let range = text_of(headers, &header::RANGE).filter(|_| unchanged);
    let response = response.header(header::ACCEPT_RANGES, "bytes").header(header::ETAG, etag);
    match asked(range.as_deref(), length) {
        Asked::All => whole(method, response, flow),
        Asked::Beyond => {
            flow.entry.answered(416);
            flow.entry.complete();
            let range = format!("bytes */{length}");
            response.status(416).header(header::CONTENT_RANGE, range).body(short(Bytes::new()))
        }
        Asked::Part(part) => {
            flow.entry.answered(206);
            flow.rest = part.clone();
            response
                .status(206)
                .header(header::CONTENT_LENGTH, part.end - part.start)
                .header(header::CONTENT_RANGE, format!("bytes {}-{}/{length}", part.start, part.end - 1))
                .body(flow.body(method))
        }
    }
}

/// The whole content with the length that the delivery wants to be told.
fn whole(method: &Method, mut response: response::Builder, flow: Flow) -> http::Result<Response<Body>> {
    let announced = match flow.delivery.announce {
        Announce::Honest => Some(flow.content.len()),
        Announce::Claim(length) => Some(length),
        Announce::ClaimInHead(length) => (method == Method::HEAD).then_some(length),
        Announce::Nothing => None,
    };
    if let Some(length) = announced {
        response = response.header(header::CONTENT_LENGTH, length);
    }
    flow.entry.answered(200);
    response.body(flow.body(method))
}

fn refused(entry: &Entry, status: StatusCode, text: &'static str) -> http::Result<Response<Body>> {
    entry.answered(status.as_u16());
    entry.complete();
    Response::builder().status(status).header(header::CONTENT_TYPE, "text/plain").body(short(text))
}

fn visit(method: &Method, headers: &HeaderMap, path: &str) -> Visit {
    Visit {
        method: method.to_string(),
        path: path.to_owned(),
        range: text_of(headers, &header::RANGE),
        referer: text_of(headers, &header::REFERER),
        user_agent: text_of(headers, &header::USER_AGENT),
        status: 0,
        sent_bytes: 0,
        ending: Ending::Open,
    }
}

fn text_of(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
