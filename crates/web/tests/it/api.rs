//! The API as programs see it.

use serde_json::json;
use sluice_domain::JobState;

use crate::house::{House, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_through_the_api() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let body = json!({ "url": "https://site.example/complete?title=Sintel", "preset": "720p", "folder": "/Videos", "idempotency_key": "k-1" });
    let answer = ada.call("POST", "/jobs", Some(body.clone())).await;
    assert_eq!(answer.status(), 202);
    let place = answer.headers()["location"].to_str().unwrap().to_owned();
    let job = json(answer).await;
    assert_eq!(place, format!("/api/v1/jobs/{}", job["id"].as_str().unwrap()));
    assert_eq!(
        json(ada.call("POST", "/jobs", Some(body)).await).await["id"],
        job["id"],
        "the same key is the same job"
    );
    let other = json!({ "url": "https://site.example/other", "idempotency_key": "k-1" });
    assert_eq!(ada.call("POST", "/jobs", Some(other)).await.status(), 409, "another link is not taken for done");

    let id = job["id"].as_str().unwrap().parse().unwrap();
    house.until(&ada, &id, JobState::Completed).await;
    let job = json(ada.call("GET", &format!("/jobs/{id}"), None).await).await;
    for (field, want) in [
        ("state", json!("completed")),
        ("percent", json!(100)),
        ("title", json!("Sintel")),
        ("preset", json!("720p")),
        ("folder", json!("/Videos")),
        ("dropbox_path", json!("/Videos/A clip.mp4")),
        ("size", json!(96_000_000)),
        ("route", json!("spool")),
        ("error", json!(null)),
        ("message", json!("Landed in your Dropbox")),
    ] {
        assert_eq!(job[field], want, "{field}");
    }

    let description = json(house.stranger().call("GET", "/openapi.json", None).await).await;
    let told: Vec<_> = job.as_object().unwrap().keys().collect();
    let promised: Vec<_> =
        description["components"]["schemas"]["Job"]["properties"].as_object().unwrap().keys().collect();
    assert_eq!(told, promised, "the description tells the truth");

    assert_eq!(ada.call("POST", &format!("/jobs/{id}/retry"), None).await.status(), 409);
    assert_eq!(ada.call("DELETE", &format!("/jobs/{id}"), None).await.status(), 204);
    assert_eq!(ada.call("DELETE", &format!("/jobs/{id}"), None).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promised_address_is_there() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let description = json(ada.call("GET", "/openapi.json", None).await).await;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys().filter(|method| *method != "parameters") {
            if path == "/events" {
                continue;
            }
            let id = "0".repeat(32);
            let answer = ada.call(&method.to_uppercase(), &path.replace("{id}", &id), None).await;
            let status = answer.status().as_u16();
            assert_ne!(status, 405, "{method} {path}");
            if status >= 400 {
                // Not the answer to an unknown address: that one names no job, this one does.
                assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_told_as_the_standard_says() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let long = "x".repeat(300);
    for (method, path, body, status, field) in [
        ("POST", "/jobs", Some(json!({ "url": "ftp://a.example" })), 422, json!("url")),
        ("POST", "/jobs", Some(json!({ "url": "https://a.example", "preset": "gif" })), 422, json!("preset")),
        ("POST", "/jobs", Some(json!({ "url": "https://a.example", "folder": "/a/../b" })), 422, json!("folder")),
        (
            "POST",
            "/jobs",
            Some(json!({ "url": "https://a.example", "idempotency_key": long })),
            422,
            json!("idempotency_key"),
        ),
        ("POST", "/jobs", Some(json!({ "url": "https://a.example", "quality": "best" })), 400, json!(null)),
        ("POST", "/jobs", Some(json!({})), 400, json!(null)),
        ("GET", "/jobs?state=happy", None, 400, json!(null)),
        ("GET", "/jobs?before=x", None, 400, json!(null)),
        ("GET", "/jobs?limit=many", None, 400, json!(null)),
        ("GET", "/jobs?limit=0", None, 400, json!(null)),
        ("GET", "/jobs?limit=101", None, 400, json!(null)),
        ("GET", "/jobs/nonsense", None, 404, json!(null)),
        ("GET", "/nowhere", None, 404, json!(null)),
        ("PUT", "/jobs", None, 405, json!(null)),
    ] {
        let answer = ada.call(method, path, body).await;
        assert_eq!(answer.status(), status, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
        let problem = json(answer).await;
        assert_eq!((&problem["status"], &problem["field"]), (&json!(status), &field), "{method} {path}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
    }
    let answer = ada.call("TRACE", "/jobs", None).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "GET, POST"));
    let answer = house.stranger().call("GET", "/jobs", None).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_pages_and_states() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for number in 0..5 {
        ada.send(&house, &format!("https://a.example/{number}")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/jobs?limit=2&state=queued".to_owned();
    loop {
        let page = json(ada.call("GET", &path, None).await).await;
        seen.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["url"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => path = format!("/jobs?limit=2&state=queued&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen, [4, 3, 2, 1, 0].map(|number| format!("https://a.example/{number}")));
    assert_eq!(json(ada.call("GET", "/jobs?state=failed", None).await).await["jobs"], json!([]));
}
