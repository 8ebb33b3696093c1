//! Signing in and out, through the emulator's consent page.

use std::collections::HashMap;

use rand::{SeedableRng, rngs::StdRng};
use reqwest::{Client, Method, redirect::Policy};
use serde_json::json;
use sluice_domain::FailureKind;
use sluice_dropbox::Pkce;
use url::Url;

use crate::world::{ACCOUNT, Way, World};

const REDIRECT: &str = "http://127.0.0.1:1/oauth/callback";

/// Presses "Allow" and returns the code.
async fn allow(world: &World, page: &Url) -> String {
    let browser = Client::builder().no_proxy().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
    let mut question = browser.get(page.clone()).send().await.unwrap();
    let mut html = String::new();
    while let Some(piece) = question.chunk().await.unwrap() {
        html.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let ticket = html.split("name=\"ticket\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let form = HashMap::from([("ticket", ticket), ("account", world.account.id().as_str()), ("decision", "allow")]);
    let answer = browser.post(page.clone()).form(&form).send().await.unwrap();
    let location = answer.headers().get("location").unwrap_or_else(|| panic!("{answer:?}")).to_str().unwrap();
    let query: HashMap<_, _> = Url::parse(location).unwrap().query_pairs().into_owned().collect();
    assert_eq!(query["state"], "the state");
    query["code"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_becomes_a_connection_once() {
    let world = World::new(Way::Plain).await;
    let pkce = Pkce::new(&mut StdRng::seed_from_u64(7));
    let code = allow(&world, &world.dropbox.authorize_url("the state", &pkce, REDIRECT)).await;
    let grant = world.dropbox.exchange(&code, &pkce.verifier, REDIRECT).await.unwrap();
    assert_eq!(&grant.account, world.account.id());
    assert_eq!(grant.scopes, sluice_dropbox::SCOPES.split(' ').collect::<Vec<_>>());
    let client = world.dropbox.account(&grant.account, grant.refresh_token);
    client.profile().await.unwrap();
    assert_eq!(world.statuses("oauth2/token").await, [200], "the first access token comes with the code");
    let again = world.dropbox.exchange(&code, &pkce.verifier, REDIRECT).await.unwrap_err();
    assert_eq!(again.kind, FailureKind::DropboxDisconnected);
    assert_eq!(again.message(), "Dropbox did not complete the sign-in. Sign in again.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_of_no_use_without_its_verifier() {
    let world = World::new(Way::Plain).await;
    let mut rng = StdRng::seed_from_u64(7);
    let (ours, other) = (Pkce::new(&mut rng), Pkce::new(&mut rng));
    let code = allow(&world, &world.dropbox.authorize_url("the state", &ours, REDIRECT)).await;
    assert!(world.dropbox.exchange(&code, &other.verifier, REDIRECT).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnecting_is_final_and_may_be_repeated() {
    let world = World::new(Way::Plain).await;
    world.fault(json!({"route": "auth/token/revoke", "fault": {"kind": "lose_response"}})).await;
    world.account.revoke().await.unwrap();
    world.account.revoke().await.unwrap();
    assert_eq!(world.account.space().await.unwrap_err().kind, FailureKind::DropboxDisconnected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_connection_is_told() {
    let world = World::new(Way::Tls).await;
    world.account.space().await.unwrap();
    world.control(Method::POST, "tokens/revoke", Some(json!({"account": ACCOUNT}))).await;
    let failure = world.account.space().await.unwrap_err();
    assert!(failure.kind == FailureKind::DropboxDisconnected && !failure.is_transient());
    assert!(!format!("{failure:?}").contains("Bearer"));
}
