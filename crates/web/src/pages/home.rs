//! `GET /`: the form and the recent downloads; for a stranger, what this is.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;
use sluice_queue::Cursor;
use url::form_urlencoded::Serializer;

use super::{page, random_word, rows};
use crate::{
    error::PageError,
    place::safe_return,
    state::State,
    view::{Duplicates, Fault, Form, Frame, Home, Preview, Typed, Welcome},
    visitor::Visitor,
};

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    /// A link to put into the field: from a bookmarklet, a phone's share sheet, or kept across a sign-in.
    url: Option<String>,
    /// Where in the list to begin.
    before: Option<String>,
    /// Where to go after signing in.
    next: Option<String>,
    /// What just happened.
    said: Option<String>,
}

/// The handler.
pub(crate) async fn get(
    request: HttpRequest,
    query: web::Query<Query>,
    state: web::Data<State>,
) -> Result<HttpResponse, PageError> {
    let Some(visitor) = state.visitor(&request).await? else { return page(StatusCode::OK, &welcome(&state, &query)) };
    if let Some(next) = &query.next {
        return Ok(super::see(safe_return(next)));
    }
    let typed = Typed {
        text: query.url.clone().unwrap_or_default(),
        preset: visitor.account.preset.to_string(),
        folder: visitor.account.folder.to_string(),
    };
    let home = home(
        &state,
        &visitor,
        typed,
        random_word(),
        Said::default(),
        query.before.as_deref().and_then(|before| before.parse().ok()),
    )
    .await?;
    page(StatusCode::OK, &home)
}

/// What the page says about a form that was just posted.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// What was wrong with it.
    pub(crate) fault: Option<Fault>,
    /// What the person has already.
    pub(crate) had: Option<Duplicates>,
    /// What is behind the link in it.
    pub(crate) preview: Option<Preview>,
}

/// The page with this form.
pub(crate) async fn home(
    state: &State,
    visitor: &Visitor,
    typed: Typed,
    key: String,
    said: Said,
    before: Option<Cursor>,
) -> Result<Home, PageError> {
    let (account, csrf) = (&visitor.account.id, &visitor.session.csrf);
    let jobs = rows::recents(state, account, before).await?;
    let rows = rows::rows(state, account, csrf, &jobs.items).await?;
    let form = Form { had: said.had.is_some(), ..Form::new(csrf.clone(), key, typed, said.fault) };
    Ok(Home {
        frame: state.frame(visitor).await,
        form: match said.preview {
            Some(preview) => form.showing(preview),
            None => form,
        },
        had: said.had,
        rows,
        events: before.map_or("/events".to_owned(), |before| format!("/events?before={before}")),
        first: before.is_none(),
        older: jobs.next.map(|next| format!("/?before={next}")),
    })
}

fn welcome(state: &State, query: &Query) -> Welcome {
    let mut next = query.next.as_deref().map_or("/", safe_return).to_owned();
    if let Some(url) = &query.url {
        next = format!("/?{}", Serializer::new(String::new()).append_pair("url", url).finish());
    }
    let login = match next.as_str() {
        "/" => "/login".to_owned(),
        next => format!("/login?{}", Serializer::new(String::new()).append_pair("next", next).finish()),
    };
    let notice = match query.said.as_deref() {
        Some("disconnected") => Some("Your Dropbox is disconnected, and Sluice has forgotten its keys."),
        Some("half-disconnected") => Some(
            "Sluice has forgotten the keys of your Dropbox, but Dropbox could not be told. To be thorough, remove Sluice there under Settings, Connected apps.",
        ),
        Some("signed-out") => Some("You are signed out. What is under way goes on."),
        _ => None,
    };
    Welcome { frame: Frame::new(state.practice_folder.clone()).saying(notice), login }
}
