//! The site's control calls over HTTP, for scripts and for a site in another process: the same as the handle offers in Rust.
//!
//! - `POST /control/delivery {"path": "/watch/sample", "delivery": {"cut_at": 1000, "times": 1}}`
//! - `POST /control/hold {"path": "/files/clip.mp4", "byte": 1000}`; without `byte`, before the answer
//! - `POST /control/open {"path": "/files/clip.mp4"}`
//! - `GET /control/visits`

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::Deserialize;

use super::{
    Delivery, Hold,
    body::{Body, short},
    gate::Bar,
    shelf::Shelf,
};

/// Longest order.
const ORDER: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    path: String,
    #[serde(default)]
    delivery: Delivery,
    byte: Option<u64>,
}

/// Carries out the call `name`.
pub(super) async fn control(shelf: &Shelf, name: &str, request: Request<Incoming>) -> http::Result<Response<Body>> {
    if request.method() == Method::GET && name == "visits" {
        let visits = serde_json::to_string(&shelf.visits.all()).unwrap_or_default();
        return Response::builder().header(header::CONTENT_TYPE, "application/json").body(short(visits));
    }
    let order = match Limited::new(request.into_body(), ORDER).collect().await {
        Ok(body) => serde_json::from_slice::<Order>(&body.to_bytes()).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let done = order.and_then(|order| carry_out(shelf, name, order));
    let (status, text) = match done {
        Ok(()) => (StatusCode::OK, "done\n".to_owned()),
        Err(why) => (StatusCode::BAD_REQUEST, format!("{why}\n")),
    };
    Response::builder().status(status).body(short(text))
}

fn carry_out(shelf: &Shelf, name: &str, Order { path, delivery, byte }: Order) -> Result<(), String> {
    match name {
        "delivery" => shelf.deliver(&path, delivery),
        "hold" => shelf.hold(&path, Bar::new(byte.map_or(Hold::Answer, Hold::Byte))),
        "open" => shelf.open(&path),
        _ => return Err(format!("there is no control call {name}")),
    }
    Ok(())
}
