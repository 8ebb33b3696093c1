//! `/settings`: defaults, API tokens, the connection.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path, Payload, Query},
};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sluice_domain::{Folder, Preset};
use sluice_store::{Scope, StoreError};

use super::{page, see};
use crate::{
    error::PageError,
    state::State,
    view::{SettingsPage, TokenLine, preset_choices, since},
    visitor::Visitor,
};

const HERE: &str = "/settings";

/// What just happened, if anything.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Said {
    said: Option<String>,
}

/// `GET /settings`.
pub(crate) async fn get(
    request: HttpRequest,
    said: Query<Said>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let visitor = state.signed_in(&request, HERE).await?;
    let mut settings = settings(&state, &visitor).await?;
    if said.said.is_some() {
        settings.frame.notice = Some("Saved.".to_owned());
    }
    page(StatusCode::OK, &settings)
}

/// `POST /settings`: the defaults.
pub(crate) async fn post(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (visitor, fields) = state.form(&request, payload, HERE).await?;
    let preset = fields.get("preset").parse::<Preset>().map_err(|bad| bad.to_string());
    let folder = fields.get("folder").parse::<Folder>().map_err(|bad| bad.to_string());
    match (folder, preset) {
        (Ok(folder), Ok(preset)) => {
            state.store.accounts().set_defaults(&visitor.account.id, &folder, preset).await?;
            Ok(see("/settings?said=saved"))
        }
        (Err(message), _) | (_, Err(message)) => {
            let typed = fields.get("folder").to_owned();
            let settings = SettingsPage { fault: Some(message), folder: typed, ..settings(&state, &visitor).await? };
            page(StatusCode::UNPROCESSABLE_ENTITY, &settings)
        }
    }
}

/// `POST /settings/tokens`: a new token, shown in this one answer and never again.
pub(crate) async fn make_token(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (visitor, fields) = state.form(&request, payload, HERE).await?;
    let scope = fields.get("scope").parse().map_err(|_| PageError::NotFound)?;
    let name = match fields.get("name").trim() {
        "" => "unnamed",
        name => name,
    };
    let made = state.store.tokens().create(&visitor.account.id, name, scope).await;
    let mut settings = settings(&state, &visitor).await?;
    match made {
        Ok((plain, _)) => settings.fresh_token = Some(plain.expose_secret().to_owned()),
        Err(StoreError::TooManyTokens { limit }) => {
            settings.frame.notice = Some(format!("There are {limit} tokens already. Revoke one first."));
        }
        Err(error) => return Err(error.into()),
    }
    page(StatusCode::OK, &settings)
}

/// `POST /settings/tokens/{id}/revoke`.
pub(crate) async fn revoke_token(
    request: HttpRequest,
    id: Path<String>,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (visitor, _) = state.form(&request, payload, HERE).await?;
    state.store.tokens().revoke(&visitor.account.id, &id).await?;
    Ok(see(HERE))
}

async fn settings(state: &State, visitor: &Visitor) -> Result<SettingsPage, PageError> {
    let account = &visitor.account;
    let now = Timestamp::now();
    let tokens = state.store.tokens().list(&account.id).await?.into_iter().map(|token| TokenLine {
        id: token.id,
        name: token.name,
        may: may(token.scope),
        made: since(token.created_at, now),
        used: token.last_used.map(|used| since(used, now)),
    });
    let scopes = Scope::EVERY.into_iter().map(|scope| (scope.as_str(), may(scope)));
    Ok(SettingsPage {
        frame: state.frame(visitor).await,
        csrf: visitor.session.csrf.clone(),
        folder: account.folder.to_string(),
        presets: preset_choices(account.preset),
        fault: None,
        fresh_token: None,
        scopes: scopes.collect(),
        tokens: tokens.collect(),
        display_name: account.display_name.clone(),
        email: account.email.clone(),
    })
}

/// What a token may do, in words.
fn may(scope: Scope) -> &'static str {
    match scope {
        Scope::All => "see your list and send links",
        Scope::Send => "send links, not see your list",
        Scope::Read => "see your list, change nothing",
    }
}
