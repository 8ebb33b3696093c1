//! What a gateway answers itself: that it lives, its figures, and whether a place may be visited.
//!
//! A request to a proxy names a host; these name none, so no link can lead to them through it. They name nobody who asked, and nothing that was asked for.

use hyper::{Method, Request, Response, StatusCode, body::Incoming};

use super::{
    Shared,
    connection::{Body, Denial, words},
};
use crate::{
    Reason,
    egress::host,
    upstream::{HEALTH, JUDGE},
};

const FIGURES: &str = "/metrics";

/// The answer, to what is no proxy's business.
pub(super) async fn answer(shared: &Shared, request: &Request<Incoming>) -> Option<Response<Body>> {
    let figures = shared.figures.as_ref()?;
    let uri = request.uri();
    if request.method() != Method::GET || uri.authority().is_some() {
        return None;
    }
    Some(match uri.path() {
        HEALTH => Response::new(words("alive\n")),
        FIGURES => Response::new(words(figures())),
        JUDGE => judge(shared, uri.query().unwrap_or_default()).await,
        _ => {
            let mut response = Response::new(words(format!("this is a proxy, and has {HEALTH} and {FIGURES}\n")));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
    })
}

async fn judge(shared: &Shared, query: &str) -> Response<Body> {
    let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let value = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
    let Some((text, port)) = value("host").zip(value("port").and_then(|port| port.parse().ok())) else {
        return Denial::Malformed("a host and a port").response();
    };
    let judged = match host(text) {
        Some(host) => shared.egress.judge_place(&host, port).await,
        None => Err(shared.egress.refuse(text, port, Reason::NotTheWeb)),
    };
    judged.map_or_else(|refusal| Denial::Refused(refusal).response(), |()| Response::new(words("it may be visited\n")))
}
