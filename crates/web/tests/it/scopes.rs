//! A token may do what it was made for, and nothing else.

use serde_json::json;
use sluice_store::Scope;

use crate::house::{House, json, text};

#[tokio::test(flavor = "multi_thread")]
async fn each_call_needs_its_scope() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let id = ada.send(&house, "https://a.example/1").await;
    let job = format!("/jobs/{id}");
    let link = json!({ "url": "https://a.example/2" });
    let calls = [
        ("GET", "/jobs".to_owned(), None, Scope::Read),
        ("GET", job.clone(), None, Scope::Read),
        ("GET", format!("{job}/items"), None, Scope::Read),
        ("GET", "/events".to_owned(), None, Scope::Read),
        ("POST", "/jobs".to_owned(), Some(link.clone()), Scope::Send),
        ("POST", "/plan".to_owned(), Some(link), Scope::Send),
        ("POST", format!("{job}/pause"), None, Scope::Send),
        ("POST", format!("{job}/resume"), None, Scope::Send),
        ("POST", format!("{job}/cancel"), None, Scope::Send),
        ("POST", format!("{job}/retry"), None, Scope::Send),
        ("POST", format!("{job}/cancel"), None, Scope::Send),
        ("DELETE", job, None, Scope::Send),
    ];
    for has in [Scope::Read, Scope::Send] {
        let (token, _) = house.store.tokens().create(&ada.id, "", has).await.unwrap();
        let program = ada.with_token(&token);
        for (method, path, body, needs) in &calls {
            let answer = program.call(method, path, body.clone()).await;
            if has.covers(*needs) {
                // There may be no preview on this machine; that is no matter of the token.
                assert!(![401, 403].contains(&answer.status().as_u16()), "{has} {method} {path}: {}", answer.status());
                continue;
            }
            assert_eq!(answer.status(), 403, "{has} {method} {path}");
            let wanted = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
            assert_eq!(wanted, format!("Bearer error=\"insufficient_scope\", scope=\"{needs}\""));
            assert!(json(answer).await["detail"].as_str().unwrap().contains("This token may not do that"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_for_what_was_chosen() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for scope in Scope::EVERY {
        let page = text(ada.post("/settings/tokens", &[("name", "x"), ("scope", scope.as_str())]).await).await;
        let plain = &page[page.find("slc_").unwrap()..][..47];
        assert_eq!(house.store.tokens().verify(plain).await.unwrap(), Some((ada.id.clone(), scope)));
    }
    let page = text(ada.get("/settings").await).await;
    for may in [
        "may see your list and send links;",
        "may send links, not see your list;",
        "may see your list, change nothing;",
    ] {
        assert!(page.contains(may), "{may}: {page}");
    }
    for odd in ["", "everything"] {
        assert_eq!(ada.post("/settings/tokens", &[("name", "x"), ("scope", odd)]).await.status(), 404, "{odd:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_a_link_is_not_told_again() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let job = json(ada.call("POST", "/jobs", Some(json!({ "url": "https://u:hush@a.example/v" }))).await).await;
    assert_eq!(job["url"], "https://a.example/v");
    let page = text(ada.get(job["links"]["page"].as_str().unwrap()).await).await;
    assert!(page.contains("https://a.example/v") && !page.contains("hush"), "{page}");
}
