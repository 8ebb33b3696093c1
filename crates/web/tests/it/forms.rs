//! Forms: one line, one job; what is wrong is said beside the field; no form of another site does anything.

use sluice_domain::{JobState, Preset};
use sluice_queue::RecentsQuery;
use sluice_store::Scope;

use crate::house::{House, Person, location, text};

async fn links(house: &House, person: &Person) -> Vec<String> {
    let query = RecentsQuery { limit: 100, ..RecentsQuery::default() };
    house.queue.recents(&person.id, query).await.unwrap().items.iter().map(|job| job.url.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_makes_jobs_once() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let form =
        [("url", "https://a.example/1\r\nhttps://a.example/2\r\n"), ("preset", "720p"), ("key", &"a".repeat(32))];
    for _ in 0..2 {
        let sent = ada.post("/jobs", &form).await;
        assert_eq!((sent.status().as_u16(), location(&sent)), (303, "/"));
    }
    assert_eq!(links(&house, &ada).await, ["https://a.example/2", "https://a.example/1"]);
    let page = text(ada.get("/").await).await;
    assert!(page.contains("a.example/2") && page.contains("Waiting: no worker is up."));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_keeps_what_was_typed() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for (url, folder, says) in [
        ("", "/", "Paste a link first."),
        ("hello <b>", "/", "That does not look like a link."),
        ("ftp://a.example/x", "/", "not ftp: links."),
        ("javascript:alert(1)", "/", "not javascript: links."),
        ("https://a.example/\nnope", "/", "Line 2: That does not look like a link."),
        ("https://a.example/", "/a:b", "Dropbox does not accept the folder name"),
    ] {
        let answer = ada.post("/jobs", &[("url", url), ("folder", folder), ("preset", "480p")]).await;
        assert_eq!(answer.status(), 422, "{url}");
        let page = text(answer).await;
        assert!(page.contains(says), "{url}: no {says:?}");
        assert!(page.contains("aria-invalid=\"true\""));
        assert!(page.contains(&format!("value=\"{folder}\"")), "the folder is kept");
        assert!(page.contains("value=\"480p\" checked"), "the quality is kept");
        assert!(!page.contains("<b>") && (url.contains('<') || page.contains(url)), "the text is kept, as text");
    }
    assert_eq!(links(&house, &ada).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_too_much() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let answer = ada.post("/jobs", &[("url", &"https://a.example/\n".repeat(600_000))]).await;
    assert_eq!(answer.status(), 413);
    assert!(text(answer).await.contains("That is too much text."));
    let answer = ada.call("POST", "/jobs", Some(serde_json::json!({ "url": "x".repeat(10_000_000) }))).await;
    assert_eq!(answer.status(), 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_does_nothing() {
    let house = House::new().await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    let id = ada.send(&house, "https://a.example/1").await;
    let job = format!("/jobs/{id}");
    for path in [
        "/jobs",
        &format!("{job}/cancel"),
        &format!("{job}/delete"),
        "/settings",
        "/settings/tokens",
        "/settings/disconnect",
        "/logout",
    ] {
        for csrf in ["", "wrong", &ben.csrf] {
            let answer = ada.post_plainly(path, &[("url", "https://a.example/2"), ("csrf", csrf)]).await;
            assert_eq!(answer.status(), 403, "{path} with {csrf:?}");
        }
    }
    assert_eq!(links(&house, &ada).await, ["https://a.example/1"]);
    assert_eq!(ada.get("/settings").await.status(), 200, "still signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_does_not_lose_the_link() {
    let house = House::new().await;
    let answer = house.stranger().post("/jobs", &[("url", "https://a.example/1")]).await;
    assert_eq!(
        (answer.status().as_u16(), location(&answer)),
        (303, "/?next=%2F%3Furl%3Dhttps%253A%252F%252Fa.example%252F1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_button_forms_do_what_they_say() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let id = ada.send(&house, "https://site.example/slow").await;
    house.until(&ada, &id, JobState::Running).await;
    let path = |verb: &str| format!("/jobs/{id}/{verb}");
    assert_eq!(ada.post(&path("cancel"), &[]).await.status(), 303);
    house.until(&ada, &id, JobState::Cancelled).await;
    assert_eq!(ada.post(&path("retry"), &[]).await.status(), 303);
    house.until(&ada, &id, JobState::Running).await;
    // It runs: nothing to delete, and nothing to complain about.
    assert_eq!(ada.post(&path("delete"), &[]).await.status(), 303);
    ada.post(&path("cancel"), &[]).await;
    house.until(&ada, &id, JobState::Cancelled).await;
    assert_eq!(ada.post(&path("delete"), &[]).await.status(), 303);
    assert_eq!(ada.get(&format!("/jobs/{id}")).await.status(), 404);
    assert_eq!(ada.post(&path("cancel"), &[]).await.status(), 404);
    assert_eq!(ada.post(&path("explode"), &[]).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_kept() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let saved = ada.post("/settings", &[("folder", "Videos/Talks"), ("preset", "iphone")]).await;
    assert_eq!(location(&saved), "/settings?said=saved");
    let page = text(ada.get("/").await).await;
    assert!(page.contains("value=\"/Videos/Talks\"") && page.contains("value=\"iphone\" checked"));
    assert_eq!(ada.post("/settings", &[("folder", "/.."), ("preset", "best")]).await.status(), 422);

    let page = text(ada.post("/settings/tokens", &[("name", "my laptop"), ("scope", "all")]).await).await;
    let plain = &page[page.find("slc_").expect("the token is shown")..][..47];
    assert_eq!(house.store.tokens().verify(plain).await.unwrap(), Some((ada.id.clone(), Scope::All)));
    assert!(!text(ada.get("/settings").await).await.contains(plain), "shown only once");
    for token in house.store.tokens().list(&ada.id).await.unwrap() {
        ada.post(&format!("/settings/tokens/{}/revoke", token.id), &[]).await;
    }
    assert_eq!(house.store.tokens().verify(plain).await.unwrap(), None);
    assert_eq!(house.store.accounts().get(&ada.id).await.unwrap().unwrap().preset, Preset::Iphone);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ways_out() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let out = ada.post("/logout", &[]).await;
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(ada.get("/settings").await.status(), 303, "the old cookie opens nothing");

    let ada = house.sign_in("ada").await;
    let id = ada.send(&house, "https://a.example/1").await;
    let out = ada.post("/settings/disconnect", &[]).await;
    // No Dropbox answers here, and the page says so.
    assert_eq!(location(&out), "/?said=half-disconnected");
    assert!(house.store.accounts().get(&ada.id).await.unwrap().is_none());
    assert_eq!(house.queue.get(&ada.id, &id).await.unwrap().unwrap().state, JobState::Cancelled);
    assert_eq!(ada.call("GET", "/jobs", None).await.status(), 401);
}
