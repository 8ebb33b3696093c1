//! Accounts, sessions, sign-ins, API tokens, plans.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sluice_domain::{AccountId, Preset};
use sluice_store::{Account, Login, Scope, Store, StoreConfig, StoreError};

use crate::{RedisServer, config, store};

const REFRESH_TOKEN: &str = "refresh-token-in-plain";

fn id(name: &str) -> AccountId {
    format!("dbid:{name}").parse().unwrap()
}

fn account(name: &str) -> Account {
    Account {
        id: id(name),
        display_name: "Ada Lovelace".into(),
        email: "ada@example.com".into(),
        refresh_token: REFRESH_TOKEN.into(),
        scopes: vec!["files.content.write".into(), "account_info.read".into()],
        connected_at: Timestamp::from_second(1_700_000_000).unwrap(),
        disconnected: false,
        folder: "/Videos".parse().unwrap(),
        preset: Preset::P720,
    }
}

async fn with_account(redis: &RedisServer) -> Store {
    let store = store(redis).await;
    store.accounts().put(&account("a")).await.unwrap();
    store
}

#[tokio::test]
async fn an_account_comes_back_as_it_was() {
    let redis = RedisServer::start().await;
    let store = with_account(&redis).await;
    let got = store.accounts().get(&id("a")).await.unwrap().unwrap();
    let put = account("a");
    assert_eq!(got.refresh_token.expose_secret(), REFRESH_TOKEN);
    assert_eq!((got.display_name, got.email, got.scopes), (put.display_name, put.email, put.scopes));
    assert_eq!((got.connected_at, got.folder, got.preset), (put.connected_at, put.folder, put.preset));
    assert!(store.accounts().get(&id("b")).await.unwrap().is_none());
}

#[tokio::test]
async fn defaults_change_and_nothing_else() {
    let redis = RedisServer::start().await;
    let store = with_account(&redis).await;
    store.accounts().set_defaults(&id("a"), &"/Talks".parse().unwrap(), Preset::Audio).await.unwrap();
    let got = store.accounts().get(&id("a")).await.unwrap().unwrap();
    assert_eq!((got.folder.to_string(), got.preset), ("/Talks".into(), Preset::Audio));
    assert_eq!(got.refresh_token.expose_secret(), REFRESH_TOKEN);
}

#[tokio::test]
async fn a_disconnected_account_gives_no_token() {
    let redis = RedisServer::start().await;
    let store = with_account(&redis).await;
    assert!(store.accounts().refresh_token(&id("a")).await.unwrap().is_some());
    store.accounts().mark_disconnected(&id("a")).await.unwrap();
    assert!(store.accounts().refresh_token(&id("a")).await.unwrap().is_none());
    store.accounts().mark_disconnected(&id("unknown")).await.unwrap();
    assert!(store.accounts().get(&id("unknown")).await.unwrap().is_none());
}

#[tokio::test]
async fn another_key_does_not_open_the_token() {
    let redis = RedisServer::start().await;
    with_account(&redis).await;
    let other = StoreConfig { secret_key: "quite-another-secret-key".into(), ..config(&redis) };
    let got = Store::connect(other).await.unwrap().accounts().get(&id("a")).await;
    assert!(matches!(got, Err(StoreError::Sealed { .. })));
}

#[tokio::test]
async fn a_stolen_backup_opens_nothing() {
    let redis = RedisServer::start().await;
    let store = with_account(&redis).await;
    let session = store.sessions().create(&id("a")).await.unwrap();
    let (token, _) = store.tokens().create(&id("a"), "laptop", Scope::All).await.unwrap();
    let login = Login { verifier: "pkce-verifier-in-plain".into(), binding: "b".into(), return_to: "/".into() };
    store.logins().put("oauth-state-in-plain", &login).await.unwrap();

    let disk = redis.everything_on_disk().await;
    let has = |word: &str| disk.windows(word.len()).any(|window| window == word.as_bytes());
    assert!(has("Ada Lovelace"), "the search works");
    for secret in [
        REFRESH_TOKEN,
        session.expose_secret(),
        token.expose_secret(),
        "pkce-verifier-in-plain",
        "oauth-state-in-plain",
    ] {
        assert!(!has(secret), "{secret} is on disk");
    }
}

#[tokio::test]
async fn sessions_live_and_end() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let token = store.sessions().create(&id("a")).await.unwrap();
    let session = store.sessions().get(token.expose_secret()).await.unwrap().unwrap();
    assert_eq!(session.account, id("a"));
    assert_eq!(store.sessions().get(token.expose_secret()).await.unwrap().unwrap().csrf, session.csrf);
    assert!(store.sessions().get("guessed").await.unwrap().is_none());
    store.sessions().delete(&token).await.unwrap();
    assert!(store.sessions().get(token.expose_secret()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_sessions() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let mut tokens = Vec::new();
    for _ in 0..105 {
        tokens.push(store.sessions().create(&id("a")).await.unwrap());
    }
    let mut live = 0;
    for token in &tokens {
        live += usize::from(store.sessions().get(token.expose_secret()).await.unwrap().is_some());
    }
    assert_eq!(live, 100);
    assert!(store.sessions().get(tokens[104].expose_secret()).await.unwrap().is_some(), "the newest is kept");
}

#[tokio::test]
async fn a_sign_in_is_taken_once() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let login = Login { verifier: "v".into(), binding: "b".into(), return_to: "/settings".into() };
    store.logins().put("state", &login).await.unwrap();
    assert!(store.logins().take("other").await.unwrap().is_none());
    let taken = store.logins().take("state").await.unwrap().unwrap();
    assert_eq!((taken.verifier.expose_secret(), taken.return_to.as_str()), ("v", "/settings"));
    assert!(store.logins().take("state").await.unwrap().is_none());
}

#[tokio::test]
async fn api_tokens_are_verified_listed_and_revoked() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let (plain, token) = store.tokens().create(&id("a"), " my laptop ", Scope::All).await.unwrap();
    let plain = plain.expose_secret();
    assert!(plain.starts_with("slc_") && token.name == "my laptop");
    assert_eq!(store.tokens().list(&id("a")).await.unwrap(), std::slice::from_ref(&token));

    assert_eq!(store.tokens().verify(plain).await.unwrap(), Some((id("a"), Scope::All)));
    assert!(store.tokens().list(&id("a")).await.unwrap()[0].last_used.is_some());
    assert_eq!(store.tokens().verify("slc_guessed").await.unwrap(), None);
    assert_eq!(store.tokens().verify("").await.unwrap(), None);

    store.tokens().revoke(&id("b"), &token.id).await.unwrap();
    assert!(store.tokens().verify(plain).await.unwrap().is_some(), "another account cannot revoke it");
    store.tokens().revoke(&id("a"), &token.id).await.unwrap();
    assert_eq!(store.tokens().verify(plain).await.unwrap(), None);
    assert!(store.tokens().list(&id("a")).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_may_do_what_it_was_made_for() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    for scope in Scope::EVERY {
        let (plain, token) = store.tokens().create(&id("a"), "", scope).await.unwrap();
        assert_eq!(token.scope, scope);
        assert_eq!(store.tokens().verify(plain.expose_secret()).await.unwrap(), Some((id("a"), scope)));
    }
    let listed: Vec<_> = store.tokens().list(&id("a")).await.unwrap().iter().map(|token| token.scope).collect();
    assert_eq!(listed.len(), 3);
    // One that is older than scopes are may do what it could before.
    let (plain, _) = store.tokens().create(&id("b"), "", Scope::Read).await.unwrap();
    let key: Vec<String> = redis.ask(redis::cmd("HVALS").arg("{test}:account:dbid:b:tokens")).await.unwrap();
    redis.ask::<()>(redis::cmd("HDEL").arg(format!("{{test}}:token:{}", key[0])).arg("scope")).await.unwrap();
    assert_eq!(store.tokens().verify(plain.expose_secret()).await.unwrap(), Some((id("b"), Scope::All)));
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_tokens() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    for _ in 0..50 {
        store.tokens().create(&id("a"), "", Scope::All).await.unwrap();
    }
    assert!(matches!(
        store.tokens().create(&id("a"), "", Scope::All).await,
        Err(StoreError::TooManyTokens { limit: 50 })
    ));
    assert!(store.tokens().create(&id("b"), "", Scope::All).await.is_ok());
}

#[tokio::test]
async fn to_forget_an_account_is_to_forget_its_keys() {
    let redis = RedisServer::start().await;
    let store = with_account(&redis).await;
    let session = store.sessions().create(&id("a")).await.unwrap();
    let (token, _) = store.tokens().create(&id("a"), "laptop", Scope::All).await.unwrap();
    let others = store.sessions().create(&id("b")).await.unwrap();
    store.accounts().forget(&id("a")).await.unwrap();
    assert!(store.accounts().get(&id("a")).await.unwrap().is_none());
    assert!(store.sessions().get(session.expose_secret()).await.unwrap().is_none());
    assert!(store.tokens().verify(token.expose_secret()).await.unwrap().is_none());
    assert!(store.sessions().get(others.expose_secret()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_pause_only_grows() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    assert_eq!(store.accounts().paused_for(&id("a")).await.unwrap(), None);
    store.accounts().set_pause(&id("a"), Duration::from_secs(60)).await.unwrap();
    store.accounts().set_pause(&id("a"), Duration::from_secs(5)).await.unwrap();
    assert!(store.accounts().paused_for(&id("a")).await.unwrap().unwrap() > Duration::from_secs(50));
    store.accounts().set_pause(&id("a"), Duration::from_secs(600)).await.unwrap();
    assert!(store.accounts().paused_for(&id("a")).await.unwrap().unwrap() > Duration::from_secs(500));
}

#[tokio::test]
async fn plans_are_kept_unless_huge() {
    let redis = RedisServer::start().await;
    let store = store(&redis).await;
    let url = "https://site.example/watch?v=1".parse().unwrap();
    let ttl = Duration::from_secs(60);
    store.plans().put(&url, None, "{}", ttl).await.unwrap();
    assert_eq!(store.plans().get(&url, None).await.unwrap().as_deref(), Some("{}"));
    let other = "https://site.example/watch?v=2".parse().unwrap();
    store.plans().put(&other, None, &"x".repeat(3 * 1024 * 1024), ttl).await.unwrap();
    assert_eq!(store.plans().get(&other, None).await.unwrap(), None);
}
