//! Two people: neither sees, touches or hears the other's jobs, even with the id in hand.

use futures::StreamExt as _;

use crate::house::{House, json, text};

#[tokio::test(flavor = "multi_thread")]
async fn neither_sees_the_other() {
    let house = House::new().await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    let id = ada.send(&house, "https://a.example/secret").await;

    assert!(!text(ben.get("/").await).await.contains("secret"));
    for path in [format!("/jobs/{id}"), format!("/jobs/{id}/thumbnail"), format!("/events?job={id}")] {
        assert_eq!(ben.get(&path).await.status(), 404, "{path}");
    }
    for verb in ["cancel", "retry", "delete"] {
        assert_eq!(ben.post(&format!("/jobs/{id}/{verb}"), &[]).await.status(), 404, "{verb}");
    }
    assert_eq!(json(ben.call("GET", "/jobs", None).await).await["jobs"], serde_json::json!([]));
    for (method, path) in [
        ("GET", format!("/jobs/{id}")),
        ("DELETE", format!("/jobs/{id}")),
        ("POST", format!("/jobs/{id}/cancel")),
        ("POST", format!("/jobs/{id}/retry")),
    ] {
        assert_eq!(ben.call(method, &path, None).await.status(), 404, "{method} {path}");
    }
    assert_eq!(json(ada.call("GET", &format!("/jobs/{id}"), None).await).await["state"], "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_hears_the_other() {
    let house = House::new().await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    let page = ben.get("/events").await;
    let api = ben.call("GET", "/events", None).await;
    ada.send(&house, "https://a.example/secret").await;
    ben.send(&house, "https://b.example/own").await;
    for stream in [page, api] {
        let mut heard = String::new();
        let mut chunks = stream.bytes_stream();
        while !heard.contains("b.example") {
            heard.push_str(&String::from_utf8_lossy(&chunks.next().await.unwrap().unwrap()));
        }
        assert!(!heard.contains("secret"), "{heard}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_struck_off_the_list_is_out() {
    let house = House::with("[access]\naccounts = ['dbid:ada']").await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    assert_eq!(
        (ada.get("/settings").await.status(), ben.get("/settings").await.status()),
        (200.try_into().unwrap(), 303.try_into().unwrap())
    );
    assert_eq!(ben.call("GET", "/jobs", None).await.status(), 401);
}
