//! `POST /preview`: the form again, with what is behind its link. `GET /preview/picture`: the picture of that, by way of this server.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::ACCEPT},
    web::{Data, Payload, Query},
};
use askama::Template as _;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;
use sluice_domain::{AccountId, BadUrl, SourceUrl};
use url::form_urlencoded::byte_serialize;

use super::{
    home::{Said, home},
    page,
    picture::shown,
    posted::Posted,
};
use crate::{
    error::PageError,
    preview::{Asker, Seen},
    state::State,
    view::{Fault, Form, Preview, PreviewPart},
    visitor::Visitor,
};

/// What the sealed word in a picture's address is for.
const PURPOSE: &str = "preview picture";
/// How long a picture can be had under its address.
const PICTURE_LASTS: SignedDuration = SignedDuration::from_hours(1);
/// The longest address of a picture that is handed out, in bytes: it comes back in an address.
const MAX_ADDRESS_BYTES: usize = 4 * 1024;

/// The handler. The script asks for the changed part of the form alone.
pub(crate) async fn post(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (posted, visitor) = Posted::read(&state, &request, payload).await?;
    let looked = look(&state, &visitor, &posted).await;
    if request.headers().get(ACCEPT).is_some_and(|accept| accept == "application/json") {
        // Half a link is no news to whoever is typing it.
        let Ok(preview) = looked else { return Ok(HttpResponse::UnprocessableEntity().finish()) };
        let form = Form::new(String::new(), String::new(), posted.typed, None).showing(preview);
        return Ok(HttpResponse::Ok().json(json!({ "html": PreviewPart { form }.render()? })));
    }
    let (status, said) = match looked {
        Ok(preview) => (StatusCode::OK, Said { preview: Some(preview), ..Said::default() }),
        Err(bad) => {
            let fault = Some(Fault { field: "url", message: bad.to_string() });
            (StatusCode::UNPROCESSABLE_ENTITY, Said { fault, ..Said::default() })
        }
    };
    let home = home(&state, &visitor, posted.typed.clone(), posted.key.clone(), said, None).await;
    page(status, &home.map_err(|error| posted.keep(error))?)
}

async fn look(state: &State, visitor: &Visitor, posted: &Posted) -> Result<Preview, BadUrl> {
    let link = match posted.lines()[..] {
        [] => return Err(BadUrl::Empty),
        [link] => link,
        _ => return Ok(Preview::note(&"A preview shows one link. All of these can be sent at once.")),
    };
    let url: SourceUrl = link.parse()?;
    let chosen = posted.typed.preset.parse().unwrap_or(visitor.account.preset);
    Ok(match state.preview(&visitor.account, &url, chosen, Asker::Page).await {
        Ok(seen) => Preview::of(&url, &seen, picture(state, &visitor.account.id, &seen)),
        Err(error) => Preview::note(&error),
    })
}

/// Where this person, and nobody else, gets the picture for a while: anybody's own address would make this server an open proxy.
fn picture(state: &State, account: &AccountId, seen: &Seen) -> Option<String> {
    let address = seen.thumbnail.as_deref().filter(|address| address.len() <= MAX_ADDRESS_BYTES)?;
    let until = Timestamp::now().checked_add(PICTURE_LASTS).ok()?.as_second();
    let sealed = state.store.seal(PURPOSE, account, &format!("{until} {address}").into()).ok()?;
    Some(format!("/preview/picture?of={}", byte_serialize(sealed.as_bytes()).collect::<String>()))
}

/// What the address says.
#[derive(Debug, Deserialize)]
pub(crate) struct Of {
    of: String,
}

/// The handler. Answers without a page: nobody looks at this address by itself.
pub(crate) async fn get_picture(
    request: HttpRequest,
    query: Query<Of>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let Some(visitor) = state.visitor(&request).await? else { return Ok(HttpResponse::NotFound().finish()) };
    let opened = state.store.unseal(PURPOSE, &visitor.account.id, &query.of).ok();
    let address = opened.as_ref().and_then(|opened| {
        let (until, address) = opened.expose_secret().split_once(' ')?;
        (until.parse::<i64>().ok()? > Timestamp::now().as_second()).then_some(address)
    });
    Ok(match address {
        Some(address) => shown(state.thumbnails.fetch(address).await),
        None => HttpResponse::NotFound().finish(),
    })
}
