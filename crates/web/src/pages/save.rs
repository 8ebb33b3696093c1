//! `GET /save?url=&preset=` and `/save?job=`: the file itself, for whoever is signed in or has an API token; with `play=1` to be looked at while
//! it comes. `POST /save`: the form's button, which leads there.

use actix_web::{
    Error, HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{
        Method, StatusCode, Version,
        header::{
            ACCEPT, ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE,
            CONTENT_SECURITY_POLICY, ETAG, HeaderName, IF_RANGE, RANGE,
        },
    },
    web::{Data, Payload, Query},
};
use futures::stream;
use serde::Deserialize;
use sluice_domain::{AccountId, BadUrl, JobRequest, Origin, SourceUrl};
use sluice_queue::{Begun, QueueError, Save};
use sluice_store::{Scope, StoreError};
use sluice_wiring::kept;
use url::form_urlencoded::Serializer;

use super::{
    home::{Said, home},
    page,
    posted::Posted,
    save_and_send, see,
};
use crate::{
    api::{Problem, caller},
    error::PageError,
    headers::policy_with_media,
    limits::Act,
    save::{Asked, Given, NoFile, Opened, Torn, Wish, asked, disposition, give, media_type},
    state::State,
    view::{Fault, Watch},
};

/// What whoever wants to save several is told.
pub(super) const ONE_LINK: &str = "One link can be saved at a time. All of these can be sent at once.";

/// What the address says, raw.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asking {
    url: Option<String>,
    preset: Option<String>,
    job: Option<String>,
    play: Option<String>,
    as_sent: Option<String>,
}

/// `GET` and `HEAD`, for whoever comes with a session or with a token.
pub(crate) async fn get(
    request: HttpRequest,
    asking: Query<Asking>,
    state: Data<State>,
) -> Result<HttpResponse, Error> {
    if request.headers().contains_key(AUTHORIZATION) {
        return Ok(get_by_token(request, asking, state).await?);
    }
    Ok(for_browser(&request, &asking, &state).await?)
}

/// `GET` and `HEAD`, for programs.
pub(crate) async fn get_by_token(
    request: HttpRequest,
    asking: Query<Asking>,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    let (account, _) = caller(&state, &request, Scope::Send).await?;
    serve(&request, &asking, &state, (&account, Origin::Api)).await
}

async fn for_browser(request: &HttpRequest, asking: &Asking, state: &State) -> Result<HttpResponse, PageError> {
    let here = request.uri().path_and_query().map_or("/save", |here| here.as_str());
    let visitor = state.signed_in(request, here).await?;
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Another site's page may lead here, and a download needs no further click: so that it is the person who asks, there is one.
    if header("sec-fetch-site") == "cross-site" {
        let link = asking.url.as_deref().map(|url| Serializer::new(String::new()).append_pair("url", url).finish());
        return Ok(see(&link.map_or("/".to_owned(), |link| format!("/?{link}"))));
    }
    let account = &visitor.account.id;
    // Players and download managers ask for many ranges, as programs do.
    state.count(Act::Api, account).await?;
    if asking.play.as_deref() == Some("1") && header(ACCEPT.as_str()).contains("text/html") {
        let wish = wish::<PageError>(asking, state, account).await?;
        let extraction = kept(&state.store, &wish.url, wish.item).await;
        let title = extraction.map(|extraction| extraction.info.title).filter(|title| !title.trim().is_empty());
        let (address, save) = (here.to_owned(), here.replacen("play=1", "play=0", 1));
        let title = title.unwrap_or_else(|| wish.url.site().to_owned());
        let mut shown = page(StatusCode::OK, &Watch { frame: state.frame(&visitor).await, title, address, save })?;
        let policy = policy_with_media().parse().map_err(|_| PageError::Internal("a policy".to_owned()))?;
        shown.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        return Ok(shown);
    }
    serve(request, asking, state, (account, Origin::Page)).await
}

/// What is wished for: a link, or what a job of this account has.
async fn wish<E: From<NoFile> + From<QueueError> + From<StoreError>>(
    asking: &Asking,
    state: &State,
    account: &AccountId,
) -> Result<Wish, E> {
    let (play, as_sent) = (asking.play.as_deref() == Some("1"), asking.as_sent.as_deref() == Some("1"));
    if let Some(id) = &asking.job {
        let id = id.parse().map_err(|_| NoFile::Unknown)?;
        let job = state.queue.get(account, &id).await?.ok_or(NoFile::Unknown)?;
        if job.items.is_some() {
            return Err(NoFile::List.into());
        }
        return Ok(Wish { url: job.url, item: job.item, preset: job.preset, play, as_sent });
    }
    let mut preset = asking.preset.clone().filter(|preset| !preset.trim().is_empty());
    if preset.is_none() {
        preset = state.store.accounts().get(account).await?.map(|account| account.preset.to_string());
    }
    let url = asking.url.as_deref().unwrap_or_default();
    let request = JobRequest::parse(url, preset.as_deref(), None, None, Origin::Page).map_err(NoFile::Bad)?;
    Ok(Wish { url: request.url, item: None, preset: request.preset, play, as_sent })
}

async fn serve<E: From<NoFile> + From<QueueError> + From<StoreError>>(
    request: &HttpRequest,
    asking: &Asking,
    state: &State,
    (account, origin): (&AccountId, Origin),
) -> Result<HttpResponse, E> {
    let wish = wish::<E>(asking, state, account).await?;
    let opened = state.open(account, &wish, None).await?;
    let total = opened.total();
    if total.is_none() && request.version() < Version::HTTP_11 {
        return Err(NoFile::OldHttp.into());
    }
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let asked = match (&opened.etag, total) {
        (Some(etag), Some(total)) if request.method() == Method::GET => {
            asked(header(RANGE), header(IF_RANGE), etag, total)
        }
        _ => Asked::Whole,
    };
    let (status, from, to) = match &asked {
        Asked::Whole => (StatusCode::OK, 0, None),
        Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part.start, Some(part.end)),
        Asked::Beyond => (StatusCode::RANGE_NOT_SATISFIABLE, 0, None),
    };
    let mut answer = headed(status, &opened, wish.play);
    match (&asked, total) {
        (Asked::Part(part), Some(total)) => {
            answer.insert_header((CONTENT_RANGE, format!("bytes {}-{}/{total}", part.start, part.end - 1)));
        }
        (Asked::Beyond, Some(total)) => {
            answer.insert_header((CONTENT_RANGE, format!("bytes */{total}")));
            return Ok(answer.finish());
        }
        _ => {}
    }
    if request.method() == Method::HEAD {
        return Ok(match total {
            Some(total) => answer.body(SizedStream::new(total, stream::empty::<Result<_, Torn>>())),
            None => answer.streaming(stream::empty::<Result<_, Torn>>()),
        });
    }
    let save = record(&wish, &opened, origin);
    let part = match state.queue.save(account, &save, from == 0).await? {
        Begun::Part(part) => part,
        Begun::Full { limit } => return Err(NoFile::Full { limit }.into()),
        Begun::Barred => return Err(NoFile::Barred.into()),
    };
    let given = Given { part, from, to, idle: state.saves.idle, stop: state.stop.clone() };
    let giving = give(opened, given).await.map_err(NoFile::Failed)?;
    Ok(match to.or(total) {
        Some(end) => answer.body(SizedStream::new(end - from, giving)),
        None => answer.streaming(giving),
    })
}

/// The head of an answer that has this file, or a part of it.
pub(super) fn headed(status: StatusCode, opened: &Opened, play: bool) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    let name = &opened.fetched.file_name;
    answer
        .content_type(media_type(name))
        .insert_header((CONTENT_DISPOSITION, disposition(play, name)))
        .insert_header((ACCEPT_RANGES, if opened.etag.is_some() { "bytes" } else { "none" }))
        .insert_header((CACHE_CONTROL, "private, no-store, no-transform"))
        // No proxy's buffer may come between.
        .insert_header(("x-accel-buffering", "no"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"));
    if let Some(etag) = &opened.etag {
        answer.insert_header((ETAG, etag.clone()));
    }
    answer
}

/// What goes on record of a file for a device.
pub(super) fn record(wish: &Wish, opened: &Opened, origin: Origin) -> Save {
    let known_by = match &opened.etag {
        Some(etag) => etag.clone(),
        None => format!("{} {:?} {}", wish.url, wish.item, wish.play),
    };
    Save {
        url: wish.url.clone(),
        item: wish.item,
        preset: wish.preset,
        origin,
        described: opened.described.clone(),
        route: opened.fetched.route,
        length: opened.fetched.source.length(),
        known_by,
    }
}

/// `POST`: the form, as it was filled in for sending. One link at a time.
pub(crate) async fn post(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (posted, visitor) = Posted::read(&state, &request, payload).await?;
    if posted.fields.get("send") == "1" {
        return save_and_send::by_form(&request, &state, &posted, &visitor).await;
    }
    let link = match posted.lines()[..] {
        [] => Err(BadUrl::Empty.to_string()),
        [link] => link.parse::<SourceUrl>().map_err(|bad| bad.to_string()),
        _ => Err(ONE_LINK.to_owned()),
    };
    match link {
        Ok(url) => {
            let mut query = Serializer::new(String::new());
            query.append_pair("url", url.as_str()).append_pair("preset", &posted.typed.preset);
            if posted.fields.get("play") == "1" {
                query.append_pair("play", "1");
            }
            Ok(see(&format!("/save?{}", query.finish())))
        }
        Err(message) => {
            let said = Said { fault: Some(Fault { field: "url", message }), ..Said::default() };
            let home = home(&state, &visitor, posted.typed.clone(), posted.key.clone(), said, None).await;
            page(StatusCode::UNPROCESSABLE_ENTITY, &home.map_err(|error| posted.keep(error))?)
        }
    }
}
