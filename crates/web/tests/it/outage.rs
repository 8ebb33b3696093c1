//! Redis is away: said plainly, nothing lost, nothing pretended.

use crate::house::{House, json, text};

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_keeps_what_was_typed() {
    let mut house = House::new().await;
    let ada = house.sign_in("ada").await;
    assert_eq!(ada.get("/readyz").await.status(), 200);
    assert!(text(ada.get("/metrics").await).await.contains("sluice_jobs{state=\"queued\"} 0\n"));
    house.crash_redis();

    let answer = ada
        .post("/jobs", &[("url", "https://a.example/precious"), ("folder", "/Videos"), ("key", &"b".repeat(32))])
        .await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let page = text(answer).await;
    for part in ["Nothing was lost", "https://a.example/precious", "value=\"/Videos\"", &ada.csrf, &"b".repeat(32)] {
        assert!(page.contains(part), "the page lacks {part}");
    }
    for path in ["/", "/settings"] {
        let answer = ada.get(path).await;
        assert_eq!(answer.status(), 503);
        assert!(text(answer).await.contains("Nothing was lost"));
    }
    let answer = ada.call("GET", "/jobs", None).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(json(answer).await["status"], 503);

    assert_eq!(ada.get("/healthz").await.status(), 200, "this process is well");
    assert_eq!(ada.get("/readyz").await.status(), 503);
    let metrics = text(ada.get("/metrics").await).await;
    assert!(metrics.contains("sluice_redis_up 0\n") && !metrics.contains("sluice_jobs{"));
}
