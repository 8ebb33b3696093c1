//! `GET /login` and `GET /oauth/callback`: Dropbox's own sign-in (authorization code with PKCE).
//!
//! The `state` is random, used once, good for ten minutes, and bound to the browser by a cookie, so that nobody can be signed in to
//! another person's account by a link that was sent to them.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::LOCATION,
    web::{Data, Query},
};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sluice_domain::{Failure, FailureKind, Folder, Preset};
use sluice_dropbox::{Grant, Pkce, Profile};
use sluice_store::{Account, Login};

use url::form_urlencoded::Serializer;

use super::random_word;
use crate::{
    cookies::Name,
    error::{PageError, SignInFault},
    limits::Act,
    place::safe_return,
    state::State,
    visitor::same,
};

/// How long a person waits for Dropbox at the most.
const PATIENCE: Duration = Duration::from_secs(20);

/// What `/login` is told.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wish {
    /// Where to go afterwards.
    next: Option<String>,
    /// Set when the browser was sent to the public address already: behind a proxy that names another host, once is enough.
    moved: Option<String>,
}

/// `GET /login`: off to Dropbox's consent page.
pub(crate) async fn login(
    request: HttpRequest,
    wish: Query<Wish>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let next = wish.next.as_deref().map_or("/", safe_return);
    if wish.moved.is_none() && state.place.is_elsewhere(&request) {
        let query = Serializer::new(String::new()).append_pair("next", next).append_pair("moved", "1").finish();
        let to = format!("{}/login?{query}", state.place.public_url);
        return Ok(HttpResponse::TemporaryRedirect().insert_header((LOCATION, to)).finish());
    }
    state.count_address(Act::SignIn, &request).await?;
    let (word, binding) = (random_word(), random_word());
    let pkce = Pkce::new(&mut rand::rng());
    let return_to = next.to_owned();
    let consent = state.dropbox.authorize_url(&word, &pkce, &state.place.redirect_uri());
    state.store.logins().put(&word, &Login { verifier: pkce.verifier, binding: hash(&binding), return_to }).await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((LOCATION, consent.as_str()))
        .cookie(Name::Login.set(binding, state.place.secure))
        .finish())
}

/// What Dropbox sends the browser back with.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// `GET /oauth/callback`: back from the consent page.
pub(crate) async fn callback(
    request: HttpRequest,
    answer: Query<Answer>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let expired = || PageError::SignIn(SignInFault::Expired);
    let secure = state.place.secure;
    state.count_address(Act::SignIn, &request).await?;
    let word = answer.state.as_deref().filter(|word| !word.is_empty()).ok_or_else(expired)?;
    let login = state.store.logins().take(word).await?.ok_or_else(expired)?;
    let binding = Name::Login.read(&request, secure).ok_or_else(expired)?;
    if !same(&hash(&binding), &login.binding) {
        return Err(expired());
    }
    match (answer.error.as_deref(), answer.code.as_deref()) {
        (Some("access_denied"), _) => Err(PageError::SignIn(SignInFault::Denied)),
        (Some(other), _) => {
            tracing::warn!(reason = ?other.chars().take(100).collect::<String>(), "Dropbox's consent page reports an error");
            Err(PageError::SignIn(SignInFault::Dropbox(FailureKind::DropboxRefused)))
        }
        (None, None) => Err(expired()),
        (None, Some(code)) => {
            let account = connect(&state, code, &login).await?;
            // Whoever was signed in with this browser before, if anybody, no longer is: a session never outlives its sign-in.
            if let Some(before) = Name::Session.read(&request, secure).filter(|token| !token.is_empty()) {
                state.store.sessions().delete(&before.into()).await?;
            }
            let token = state.store.sessions().create(&account.id).await?;
            tracing::info!(account.id = %account.id, "Signed in");
            Ok(HttpResponse::SeeOther()
                .insert_header((LOCATION, login.return_to))
                .cookie(Name::Session.set(token.expose_secret().to_owned(), secure))
                .cookie(Name::Login.clear(secure))
                .finish())
        }
    }
}

/// Trades the code for the connection and puts the account on record.
async fn connect(state: &State, code: &str, login: &Login) -> Result<Account, PageError> {
    let redirect_uri = state.place.redirect_uri();
    let grant = in_time(state.dropbox.exchange(code, &login.verifier, &redirect_uri)).await?;
    let client = state.dropbox.account(&grant.account, grant.refresh_token.clone());
    if !state.access.admits(&grant.account) {
        // What was granted is given back at once; if that fails, the person can do it at Dropbox.
        let _told = in_time(client.revoke()).await;
        let account = grant.account.to_string();
        tracing::info!(account.id = account, "Not on the list of access.accounts");
        return Err(PageError::SignIn(SignInFault::NotInvited { account }));
    }
    let profile = in_time(client.profile()).await?;
    let known = state.store.accounts().get(&grant.account).await?;
    let account = account(grant, profile, known, Timestamp::now());
    state.store.accounts().put(&account).await?;
    Ok(account)
}

/// Who comes back keeps their folder and quality.
fn account(grant: Grant, profile: Profile, known: Option<Account>, now: Timestamp) -> Account {
    let (folder, preset) = known.map_or((Folder::default(), Preset::default()), |known| (known.folder, known.preset));
    Account {
        id: grant.account,
        display_name: profile.display_name,
        email: profile.email,
        refresh_token: grant.refresh_token,
        scopes: grant.scopes,
        connected_at: now,
        disconnected: false,
        folder,
        preset,
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Failure>>) -> Result<T, PageError> {
    let failure = match tokio::time::timeout(PATIENCE, call).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::new(FailureKind::TimedOut, "no answer in time"),
    };
    tracing::warn!(failure.kind = %failure.kind, failure.detail = %failure.detail, "Dropbox did not complete a sign-in");
    Err(PageError::SignIn(SignInFault::Dropbox(failure.kind)))
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
