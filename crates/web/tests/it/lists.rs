//! Lists: one row among the downloads, a page of their own with all items, pauses for the whole, and history.

use serde_json::{Value, json};
use sluice_domain::{Job, JobId, JobState};
use sluice_queue::RecentsQuery;

use crate::{
    ears::Ears,
    house::{House, Person, json, text},
};

async fn items(house: &House, person: &Person, list: &JobId) -> Vec<Job> {
    let query = RecentsQuery { limit: 100, ..RecentsQuery::default() };
    house.queue.items(&person.id, list, query).await.unwrap().items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_one_row_and_a_page_of_items() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let link = "https://site.example/list?title=Talks&items=complete,slow,removed&announced=5000&cut=3";
    let list = ada.send(&house, link).await;
    house.until(&ada, &list, JobState::Collecting).await;
    let parts = items(&house, &ada, &list).await;
    house.until(&ada, &parts[0].id, JobState::Completed).await;
    house.until(&ada, &parts[2].id, JobState::Failed).await;

    let home = text(ada.get("/").await).await;
    for part in ["Collecting", "1\u{a0}of\u{a0}3\u{a0}arrived", "1\u{a0}did\u{a0}not\u{a0}arrive", "2 of 3</span>"] {
        assert!(home.contains(part), "the list lacks {part}");
    }
    assert!(home.contains("The first 3 of 5,000: this server takes 3 at once."));
    assert!(!home.contains("Part 1") && home.matches("<li class=\"job").count() == 1, "items are not among them");

    let page = text(ada.get(&format!("/jobs/{list}")).await).await;
    let places: Vec<_> = ["Part 1", "Part 2", "Part 3"].map(|part| page.find(part).expect("each item is there")).into();
    assert!(places.is_sorted(), "in the order of the list");
    assert!(page.contains("1 to 3 of 3") && page.contains("The site says that this was taken down."));
    let item = text(ada.get(&format!("/jobs/{}", parts[1].id)).await).await;
    assert!(item.contains(&format!("href=\"/jobs/{list}\"")), "an item leads to its list");

    ada.post(&format!("/jobs/{}/cancel", parts[1].id), &[]).await;
    house.until(&ada, &list, JobState::Failed).await;
    let home = text(ada.get("/").await).await;
    assert!(home.contains("1 of 3 items did not arrive. Retry sends those once more."), "{home}");
    ada.post(&format!("/jobs/{list}/retry"), &[]).await;
    house.until(&ada, &list, JobState::Collecting).await;
    ada.post(&format!("/jobs/{list}/cancel"), &[]).await;
    assert_eq!(house.until(&ada, &list, JobState::Cancelled).await.items.unwrap().completed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_has_pages_here_and_in_the_api() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let words = ["wait"; 120].join(",");
    let list = ada.send(&house, &format!("https://site.example/list?title=Talks&items={words}&open=1")).await;
    // One slot: the list keeps it, and all items wait.
    house.work_with(1);
    let whole = |job: &Job| job.items.is_some_and(|items| items.found == 120);
    house.until_is(&ada, &list, "all items are there", whole).await;

    let page = text(ada.get(&format!("/jobs/{list}")).await).await;
    assert!(page.contains("Reading the list") && page.contains("1 to 50 of 120 found so far"));
    assert!(page.contains("Waiting for its turn") && page.contains("Waiting: 49 of yours are ahead"));
    let next = page.split("id=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    let page = text(ada.get(&next).await).await;
    assert!(page.contains("51 to 100 of 120 found so far") && page.contains("Part 51<") && !page.contains("Part 50<"));

    let mut seen: Vec<Value> = Vec::new();
    let mut path = format!("/jobs/{list}/items?limit=50");
    loop {
        let told = json(ada.call("GET", &path, None).await).await;
        seen.extend(told["jobs"].as_array().unwrap().iter().cloned());
        let Some(next) = told["next"].as_str() else { break };
        path = format!("/jobs/{list}/items?limit=50&after={next}");
    }
    let titles: Vec<_> = seen.iter().map(|job| job["title"].as_str().unwrap().to_owned()).collect();
    assert_eq!(titles, (1..=120).map(|number| format!("Part {number}")).collect::<Vec<_>>());
    assert!(seen.iter().all(|job| job["parent"] == list.as_str() && job.get("attempts").is_none()));
    assert_eq!((&seen[7]["position"], &seen[7]["wait_seconds"]), (&json!(8), &json!(null)));
    let told = json(ada.call("GET", "/jobs", None).await).await;
    assert_eq!(told["jobs"].as_array().unwrap().len(), 1, "only the list: {told}");
    assert_eq!((&told["jobs"][0]["items"]["found"], &told["jobs"][0]["parent"]), (&json!(120), &json!(null)));
    assert_eq!(ada.call("GET", &format!("/jobs/{list}/items?after=x"), None).await.status(), 400);
    ada.call("POST", &format!("/jobs/{list}/cancel"), None).await;
    house.until(&ada, &list, JobState::Cancelled).await;
    assert!(items(&house, &ada, &list).await.iter().all(|item| item.state == JobState::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_hears_what_it_shows() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let list = ada.send(&house, "https://site.example/list?title=Talks&items=slow,slow").await;
    house.until(&ada, &list, JobState::Collecting).await;
    let parts = items(&house, &ada, &list).await;
    let mut home = Ears::of(&ada, "/events").await;
    let mut page = Ears::of(&ada, &format!("/events?job={list}")).await;
    let mut own = Ears::of(&ada, &format!("/events?job={}", parts[0].id)).await;
    let (_, all) = page.next().await.unwrap();
    assert_eq!(all["rows"].as_array().unwrap().len(), 1);
    assert_eq!((all["items"]["rows"].as_array().unwrap().len(), &all["items"]["range"]), (2, &json!("1 to 2 of 2")));
    for part in &parts {
        ada.post(&format!("/jobs/{}/cancel", part.id), &[]).await;
    }
    // The downloads hear of the list and never of an item.
    loop {
        let (event, data) = home.next().await.unwrap();
        if event == "job" {
            assert_eq!(data["id"], list.as_str(), "{data}");
            if data["job"]["state"] == "cancelled" {
                break;
            }
        }
        assert!(!data.to_string().contains("Part 1"), "{event}: {data}");
    }
    // The list's page hears of both, an item's page of itself.
    let mut cancelled = Vec::new();
    while cancelled.len() < 3 {
        let (event, data) = page.next().await.unwrap();
        let id = data["id"].as_str().unwrap_or_default().to_owned();
        if event == "job" && data["job"]["state"] == "cancelled" && !cancelled.contains(&id) {
            cancelled.push(id);
        }
    }
    loop {
        let (event, data) = own.next().await.unwrap();
        if event == "job" {
            assert_eq!(data["id"], parts[0].id.as_str());
            if data["job"]["state"] == "cancelled" {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_open_before_the_list_was_read_gets_its_items() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let list = ada.send(&house, "https://site.example/list?title=Talks&items=slow,slow,slow").await;
    let mut page = Ears::of(&ada, &format!("/events?job={list}")).await;
    assert!(page.next().await.unwrap().1.get("items").is_none());
    house.work();
    loop {
        let (event, data) = page.next().await.unwrap();
        if event == "list" && data["items"]["rows"].as_array().is_some_and(|rows| rows.len() == 3) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_or_runs_can_be_put_aside() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let single = ada.send(&house, "https://site.example/slow?title=Sintel").await;
    house.until(&ada, &single, JobState::Running).await;
    assert_eq!(ada.post(&format!("/jobs/{single}/pause"), &[]).await.status(), 303);
    house.until(&ada, &single, JobState::Paused).await;
    let home = text(ada.get("/").await).await;
    assert!(home.contains("Paused by you") && home.contains(">Resume<") && !home.contains(">Pause<"), "{home}");

    let list = ada.send(&house, "https://site.example/list?title=Talks&items=slow,slow").await;
    house.until(&ada, &list, JobState::Collecting).await;
    let told = json(ada.call("POST", &format!("/jobs/{list}/pause"), None).await).await;
    assert_eq!(told["state"], "paused");
    for part in items(&house, &ada, &list).await {
        house.until(&ada, &part.id, JobState::Paused).await;
    }
    for id in [&single, &list] {
        assert_eq!(ada.call("POST", &format!("/jobs/{id}/resume"), None).await.status(), 200);
    }
    house.until(&ada, &single, JobState::Running).await;
    house.until(&ada, &list, JobState::Collecting).await;
    for part in items(&house, &ada, &list).await {
        house.until(&ada, &part.id, JobState::Running).await;
    }
    // Whoever leaves takes all of it along.
    ada.post(&format!("/jobs/{single}/pause"), &[]).await;
    house.until(&ada, &single, JobState::Paused).await;
    ada.post("/settings/disconnect", &[]).await;
    for id in [&single, &list] {
        house.until(&ada, id, JobState::Cancelled).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attempt_is_told() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let id = ada.send(&house, "https://site.example/busy?title=Podcast").await;
    house.until(&ada, &id, JobState::Retrying).await;
    let page = text(ada.get(&format!("/jobs/{id}")).await).await;
    for part in ["Attempts", "Failed; to be tried again", "The site turned us away or was out of order."] {
        assert!(page.contains(part), "the page lacks {part}");
    }
    let told = json(ada.call("GET", &format!("/jobs/{id}"), None).await).await;
    let attempt = &told["attempts"][0];
    assert_eq!(
        (&attempt["number"], &attempt["end"], &attempt["kind"]),
        (&json!(1), &json!("retry"), &json!("site_busy"))
    );
    assert!(attempt["started_at"].is_string() && attempt["ended_at"].is_string() && attempt["worker"].is_string());
    let description = json(ada.call("GET", "/openapi.json", None).await).await;
    let schemas = &description["components"]["schemas"];
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(attempt), names(&schemas["Attempt"]["properties"]), "the description tells the truth");
    let list = ada.send(&house, "https://site.example/list?items=complete").await;
    house.until(&ada, &list, JobState::Completed).await;
    let told = json(ada.call("GET", &format!("/jobs/{list}"), None).await).await;
    assert_eq!(names(&told["items"]), names(&schemas["Items"]["properties"]), "the description tells the truth");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_by_the_operator_is_said() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    house.queue.operator().pause(None).await.unwrap();
    let id = ada.send(&house, "https://site.example/slow").await;
    assert!(text(ada.get("/").await).await.contains("Paused by whoever runs this server."));
    let told = json(ada.call("GET", &format!("/jobs/{id}"), None).await).await;
    assert_eq!((&told["position"], &told["wait_seconds"]), (&json!(1), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_sees_or_stops_a_list() {
    let house = House::new().await;
    house.work();
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    let list = ada.send(&house, "https://site.example/list?title=Talks&items=slow,slow").await;
    house.until(&ada, &list, JobState::Collecting).await;
    let parts = items(&house, &ada, &list).await;
    for id in [&list, &parts[0].id] {
        for path in [format!("/jobs/{id}"), format!("/events?job={id}")] {
            assert_eq!(ben.get(&path).await.status(), 404, "{path}");
        }
        for verb in ["pause", "resume", "cancel", "retry"] {
            assert_eq!(ben.post(&format!("/jobs/{id}/{verb}"), &[]).await.status(), 404, "{verb}");
            assert_eq!(ben.call("POST", &format!("/jobs/{id}/{verb}"), None).await.status(), 404, "{verb}");
        }
        assert_eq!(ben.call("GET", &format!("/jobs/{id}/items"), None).await.status(), 404);
    }
    // A form of another site neither.
    for verb in ["pause", "resume"] {
        let answer = ada.post_plainly(&format!("/jobs/{list}/{verb}"), &[("csrf", &ben.csrf)]).await;
        assert_eq!(answer.status(), 403, "{verb}");
    }
    for part in &parts {
        house.until(&ada, &part.id, JobState::Running).await;
    }
}
