//! The live list: complete at once, true all along, over when the session is.

use sluice_domain::JobState;

use crate::{ears::Ears, house::House};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_to_its_end() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let old = ada.send(&house, "https://site.example/removed").await;
    house.until(&ada, &old, JobState::Failed).await;

    let mut ears = Ears::of(&ada, "/events").await;
    let (event, data) = ears.next().await.unwrap();
    assert_eq!((event.as_str(), data["rows"][0]["id"].as_str().unwrap()), ("list", old.as_str()));

    let id = ada.send(&house, "https://site.example/complete?title=Sintel").await;
    let mut percent = 0;
    loop {
        let (event, data) = ears.next().await.unwrap();
        // The subscription's own first word may repeat the list.
        if event != "job" || data["id"] != id.as_str() {
            continue;
        }
        let html = data["html"].as_str().unwrap();
        assert!(html.starts_with("<li class=\"job") && html.contains(&format!("id=\"job-{id}\"")));
        let now = data["job"]["percent"].as_u64().unwrap_or(percent);
        assert!(now >= percent && (now < 100 || data["job"]["state"] == "completed"), "{percent} then {now}");
        percent = now;
        if data["job"]["state"] == "completed" {
            assert!(html.contains("data-announce=\"Sintel is in your Dropbox.\""));
            break;
        }
    }
    ada.post(&format!("/jobs/{id}/delete"), &[]).await;
    loop {
        let (event, data) = ears.next().await.unwrap();
        if event == "deleted" {
            assert_eq!(data["id"], id.as_str());
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_job_can_be_followed_alone() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let id = ada.send(&house, "https://a.example/1").await;
    let mut ears = Ears::of(&ada, &format!("/events?job={id}")).await;
    assert_eq!(ears.next().await.unwrap().1["rows"].as_array().unwrap().len(), 1);
    ada.send(&house, "https://a.example/2").await;
    ada.post(&format!("/jobs/{id}/cancel"), &[]).await;
    loop {
        let (event, data) = ears.next().await.unwrap();
        assert!(!data.to_string().contains("a.example/2"), "{event}: {data}");
        if event == "job" && data["job"]["state"] == "cancelled" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_it() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let mut ears = Ears::of(&ada, "/events").await;
    ears.next().await.unwrap();
    ada.post("/logout", &[]).await;
    // The next event, or the next heartbeat, finds the session gone.
    let mut last = String::new();
    while let Some((event, _)) = ears.next().await {
        last = event;
    }
    assert_eq!(last, "bye");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_it_at_once() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let mut ears = Ears::of(&ada, "/events").await;
    ears.next().await.unwrap();
    house.stop.cancel();
    while ears.next().await.is_some() {}
}
