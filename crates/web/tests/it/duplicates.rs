//! Links that the person has already: said plainly, not sent twice, sent again when asked or when the file is gone.

use serde_json::json;
use sluice_domain::{Job, JobState};
use sluice_dropbox::content_hash;
use sluice_queue::RecentsQuery;

use crate::{
    dropbox::Dropbox,
    house::{House, Person, json, text},
};

const LINK: &str = "https://site.example/complete?title=Sintel";

async fn jobs(house: &House, person: &Person) -> Vec<Job> {
    house.queue.recents(&person.id, RecentsQuery { limit: 100, ..RecentsQuery::default() }).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_landed_is_not_sent_twice() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let id = ada.send(&house, LINK).await;
    house.until(&ada, &id, JobState::Completed).await;
    // No Dropbox answers here: what it cannot tell is taken to be there.
    let both = format!("{LINK}\nhttps://site.example/slow?title=New");
    let answer = ada.post("/jobs", &[("url", &both), ("preset", "best")]).await;
    assert_eq!(answer.status(), 200);
    let page = text(answer).await;
    for part in [
        "You already have this: /Videos/A clip.mp4",
        &format!("<a href=\"/jobs/{id}\">Sintel</a>"),
        "name=\"force\" value=\"1\"",
        "Send again",
        "aria-describedby=\"known\"",
        "The other link is on its way.",
    ] {
        assert!(page.contains(part), "the page lacks {part}");
    }
    assert_eq!(jobs(&house, &ada).await.len(), 2, "the new one is sent, the known one is not");

    let again = [("url", LINK), ("preset", "best"), ("force", "1"), ("key", &"c".repeat(32))];
    for _ in 0..2 {
        assert_eq!(ada.post("/jobs", &again).await.status(), 303);
    }
    let all = jobs(&house, &ada).await;
    assert!(all.len() == 3 && all[0].force, "sent again, once: {all:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_on_its_way_is_not_sent_twice() {
    let house = House::new().await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    let id = ada.send(&house, LINK).await;
    let page = text(ada.post("/jobs", &[("url", LINK)]).await).await;
    assert!(page.contains("This is on its way already.") && !page.contains("You already have this"), "{page}");
    // The same in another quality, and another person's, are others.
    assert_eq!(ada.post("/jobs", &[("url", LINK), ("preset", "audio")]).await.status(), 303);
    assert_eq!(ben.post("/jobs", &[("url", LINK)]).await.status(), 303);
    ada.post(&format!("/jobs/{id}/pause"), &[]).await;
    let page = text(ada.post("/jobs", &[("url", LINK)]).await).await;
    assert!(page.contains("You paused this. Resume it, and it arrives."));
    let two = "https://a.example/1\nhttps://a.example/1";
    assert_eq!(ada.post("/jobs", &[("url", two)]).await.status(), 303, "twice in one paste is one, without a word");
    assert_eq!(jobs(&house, &ada).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_is_sent_again_without_a_question() {
    let dropbox = Dropbox::start().await;
    let house = House::beside(&dropbox).await;
    house.work();
    let ada = house.connect(&dropbox).await;
    let content = b"the film";
    dropbox.put("/Videos/film.mp4", content);
    let hash = content_hash(content);
    let link = format!("https://site.example/landed?path=/Videos/film.mp4&size={}&hash={hash}", content.len());
    let id = ada.send(&house, &link).await;
    house.until(&ada, &id, JobState::Completed).await;

    let there = ada.post("/jobs", &[("url", &link)]).await;
    assert!(text(there).await.contains("You already have this: /Videos/film.mp4"));
    let there = ada.call("POST", "/jobs", Some(json!({ "url": link }))).await;
    assert_eq!(there.status(), 200);

    std::fs::remove_file(dropbox.file("/Videos/film.mp4")).unwrap();
    assert_eq!(ada.post("/jobs", &[("url", &link)]).await.status(), 303, "sent, and nothing asked");
    let newest = jobs(&house, &ada).await.swap_remove(0);
    assert!(newest.force && newest.id != id);
    house.until(&ada, &newest.id, JobState::Completed).await;

    let gone = ada.call("POST", "/jobs", Some(json!({ "url": link }))).await;
    assert_eq!(gone.status(), 202);
    // Something else of that name is not that file.
    dropbox.put("/Videos/film.mp4", b"another film");
    let newest = jobs(&house, &ada).await.swap_remove(0);
    house.until(&ada, &newest.id, JobState::Completed).await;
    assert_eq!(ada.post("/jobs", &[("url", &link)]).await.status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_tells_a_duplicate_and_can_be_forced() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let first = json(ada.call("POST", "/jobs", Some(json!({ "url": LINK }))).await).await;
    assert_eq!((&first["force"], first.get("duplicate")), (&json!(false), None));
    let again = ada.call("POST", "/jobs", Some(json!({ "url": LINK, "idempotency_key": "k" }))).await;
    assert_eq!(again.status(), 200);
    assert_eq!(again.headers()["location"].to_str().unwrap(), first["links"]["self"]);
    let again = json(again).await;
    assert_eq!((&again["id"], &again["duplicate"]), (&first["id"], &json!(true)));
    let forced = json!({ "url": LINK, "idempotency_key": "k", "force": true });
    let forced = ada.call("POST", "/jobs", Some(forced)).await;
    assert_eq!(forced.status(), 202);
    let forced = json(forced).await;
    assert!(forced["id"] != first["id"] && forced["force"] == true, "{forced}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_out_late_leads_to_the_other() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let first = ada.send(&house, "https://site.example/same?by=one+address").await;
    house.until(&ada, &first, JobState::Completed).await;
    let second = ada.send(&house, "https://site.example/same?by=another").await;
    house.until(&ada, &second, JobState::Refused).await;
    let page = text(ada.get(&format!("/jobs/{second}")).await).await;
    for part in ["You already have this: /Videos/A clip.mp4.", &format!("href=\"/jobs/{first}\""), "Send again"] {
        assert!(page.contains(part), "the page lacks {part}");
    }
    let told = json(ada.call("GET", &format!("/jobs/{second}"), None).await).await;
    assert_eq!((&told["duplicate_of"], &told["error"]["kind"]), (&json!(first.as_str()), &json!("duplicate")));
    ada.post(&format!("/jobs/{second}/retry"), &[]).await;
    assert!(house.until(&ada, &second, JobState::Completed).await.force);
}
