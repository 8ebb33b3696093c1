//! Who asks too often is told so, and how long to wait; everybody else notices nothing. Counted for all web servers together.

use reqwest::{Response, StatusCode};
use serde_json::json;
use sluice_store::Scope;

use crate::house::{House, json, text};

/// Of each: two in an hour, so that no clock plays a part.
const TWO: &str = "[limits]\nsign_in_rate = '2/h'\nform_rate = '2/h'\npreview_rate = '2/h'\napi_rate = '2/h'\n";

/// 429, with a wait of up to half an hour.
fn too_often(answer: &Response) {
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1700..=1800).contains(&wait), "{wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_one_person() {
    let house = House::with(TWO).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    for number in 0..2 {
        ada.send(&house, &format!("https://a.example/{number}")).await;
    }
    let answer = ada.post("/jobs", &[("url", "https://a.example/precious"), ("key", &"b".repeat(32))]).await;
    too_often(&answer);
    let page = text(answer).await;
    for part in ["Not so fast.", "Go on in 30 minutes.", "https://a.example/precious", &"b".repeat(32)] {
        assert!(page.contains(part), "the page lacks {part}: {page}");
    }
    too_often(&ada.post("/settings/tokens", &[("name", "x"), ("scope", "all")]).await);
    // Other sessions of hers, and other web servers, are no way around it.
    too_often(&house.sign_in("ada").await.post("/settings", &[("folder", "/"), ("preset", "best")]).await);
    assert_eq!(ada.get("/").await.status(), 200, "looking is free");
    ben.send(&house, "https://a.example/1").await;
    assert_eq!(ada.post("/logout", &[]).await.status(), 303, "the way out is open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_form_uses_nothing_up() {
    let house = House::with(TWO).await;
    let ada = house.sign_in("ada").await;
    for _ in 0..3 {
        let answer =
            ada.post_as("/jobs", &[("url", "https://a.example/1")], &[("origin", "https://evil.example")]).await;
        assert_eq!(answer.status(), 403);
    }
    ada.send(&house, "https://a.example/1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_at_links_by_page_and_api_together() {
    let house = House::with(TWO).await;
    let ada = house.sign_in("ada").await;
    let link = "https://a.example/1";
    assert_eq!(ada.post("/preview", &[("url", link)]).await.status(), 200);
    ada.call("POST", "/plan", Some(json!({ "url": link }))).await;
    too_often(&ada.post("/preview", &[("url", link)]).await);
    let answer = ada.call("POST", "/plan", Some(json!({ "url": link }))).await;
    too_often(&answer);
    let problem = json(answer).await;
    assert_eq!((&problem["status"], &problem["title"]), (&json!(429), &json!("Too Many Requests")));
    ada.send(&house, link).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_one_person_and_wrong_tokens_of_one_address() {
    let house = House::with(TWO).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    for _ in 0..2 {
        assert_eq!(ada.call("GET", "/jobs", None).await.status(), 200);
    }
    too_often(&ada.call("GET", "/jobs", None).await);
    // Another token of hers is no way around it.
    let (other, _) = house.store.tokens().create(&ada.id, "other", Scope::Read).await.unwrap();
    too_often(&ada.with_token(&other).call("GET", "/jobs", None).await);
    let guess = house.stranger().with_token(&"slc_guessed".into());
    for _ in 0..2 {
        assert_eq!(guess.call("GET", "/jobs", None).await.status(), 401);
    }
    too_often(&guess.call("GET", "/jobs", None).await);
    too_often(&house.stranger().get("/login").await);
    assert_eq!(ben.call("GET", "/jobs", None).await.status(), 200, "a good token is not the address's matter");
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_of_one_address_as_trusted_proxies_tell_it() {
    let house = House::with(TWO).await;
    let stranger = house.stranger();
    let from = async |house: &House, address: &str| {
        house.stranger().get_as("/login", &[("x-forwarded-for", address)]).await.status().as_u16()
    };
    assert_eq!(stranger.get("/login").await.status(), 303);
    assert_eq!(stranger.get("/oauth/callback?state=x&code=y").await.status(), 400);
    too_often(&stranger.get("/oauth/callback?state=x&code=y").await);
    let page = text(stranger.get("/login").await).await;
    assert!(page.contains("Not so fast.") && page.contains("</html>"), "{page}");
    assert_eq!(from(&house, "203.0.113.9").await, 429, "anybody can write that header");

    let house = House::with(&format!("[server]\nbind = '127.0.0.1:0'\ntrusted_proxies = ['127.0.0.0/8']\n{TWO}")).await;
    for (address, want) in [
        ("203.0.113.9", [303, 303, 429]),
        ("203.0.113.10", [303, 303, 429]),
        // What the client wrote stands before what the proxy saw.
        ("198.51.100.7, 203.0.113.9", [429; 3]),
        ("2001:db8:1:2::1", [303, 303, 429]),
        ("2001:db8:1:2:ffff::2", [429; 3]),
        ("2001:db8:1:3::1", [303, 303, 429]),
    ] {
        for want in want {
            assert_eq!(from(&house, address).await, want, "{address}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_nobody_is_let_past() {
    let mut house = House::with(TWO).await;
    house.crash_redis();
    let answer = house.stranger().get("/login").await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
}
