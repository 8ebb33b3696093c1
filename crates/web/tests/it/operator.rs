//! The operator's page: nobody else's business, and each button has its effect in the queue.

use std::time::Duration;

use sluice_domain::{FailureKind, JobState};
use sluice_queue::{AccountLoad, Overview};

use crate::house::{House, PATIENCE, Person, location, text};

const ADA_OPERATES: &str = "[access]\noperators = ['dbid:ada']";

async fn seen(house: &House) -> Overview {
    house.queue.operator().overview().await.unwrap()
}

async fn load(house: &House, person: &Person) -> Option<AccountLoad> {
    seen(house).await.accounts.into_iter().find(|load| load.account == person.id)
}

/// Waits until the queue looks like that.
async fn until(house: &House, what: &str, is: impl Fn(&Overview) -> bool) -> Overview {
    let wait = async {
        loop {
            let seen = seen(house).await;
            if is(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Posts as the form does, and expects to be led back to the page.
async fn act(operator: &Person, act: &str, fields: &[(&str, &str)]) -> String {
    let answer = operator.post(&format!("/operator/{act}"), fields).await;
    assert_eq!(answer.status(), 303, "{act}: {}", text(answer).await);
    location(&answer).to_owned()
}

async fn shown(operator: &Person) -> String {
    let answer = operator.get("/operator").await;
    assert_eq!(answer.status(), 200);
    text(answer).await
}

const POSTS: [(&str, &[(&str, &str)]); 5] = [
    ("pause", &[("of", "all")]),
    ("resume", &[("of", "all")]),
    ("weigh", &[("of", "dbid:ben"), ("weight", "4")]),
    ("retry", &[("kind", "removed")]),
    ("cancel", &[("of", "all")]),
];
const LOOKS: [&str; 4] = ["/operator", "/operator/cancel?of=all", "/operator/cancel", "/operator/live.js"];

#[tokio::test(flavor = "multi_thread")]
async fn for_everybody_else_there_is_no_such_page() {
    let house = House::with(ADA_OPERATES).await;
    let (ben, stranger) = (house.sign_in("ben").await, house.stranger());
    ben.send(&house, "https://a.example/1").await;
    let nowhere = text(ben.get("/nowhere").await).await;
    for path in LOOKS {
        let answer = ben.get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(text(answer).await, nowhere, "{path} looks like a page that never was");
        let answer = stranger.get(path).await;
        assert_eq!((answer.status().as_u16(), location(&answer)), (303, "/?next=%2Foperator"), "{path}");
    }
    for (act, fields) in POSTS {
        assert_eq!(ben.post(&format!("/operator/{act}"), fields).await.status(), 404, "{act}");
        assert_eq!(
            stranger.post(&format!("/operator/{act}"), fields).await.status(),
            303,
            "{act} leads to the sign-in"
        );
    }
    let seen = seen(&house).await;
    assert_eq!((seen.paused, seen.depth.queued, seen.accounts[0].weight), (false, 1, 1), "nothing was done");
    assert!(!text(ben.get("/").await).await.contains("/operator"), "and nothing leads there");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_operators_it_is_not_there_at_all() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for person in [&ada, &house.stranger()] {
        for path in LOOKS {
            assert_eq!(person.get(path).await.status(), 404, "{path}");
        }
        for (act, fields) in POSTS {
            assert_eq!(person.post(&format!("/operator/{act}"), fields).await.status(), 404, "{act}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_steers_nothing() {
    let house = House::with(ADA_OPERATES).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    ben.send(&house, "https://a.example/1").await;
    for (act, fields) in POSTS {
        for csrf in ["", "wrong", &ben.csrf] {
            let fields = [fields, &[("csrf", csrf)]].concat();
            assert_eq!(
                ada.post_plainly(&format!("/operator/{act}"), &fields).await.status(),
                403,
                "{act} with {csrf:?}"
            );
        }
    }
    let seen = seen(&house).await;
    assert_eq!((seen.paused, seen.depth.queued, seen.accounts[0].weight), (false, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_said_is_not_done() {
    let house = House::with(ADA_OPERATES).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    ben.send(&house, "https://a.example/1").await;
    for (act, fields, want) in [
        // A field that got lost does not mean everybody.
        ("pause", &[][..], 404),
        ("cancel", &[("of", "")], 404),
        ("cancel", &[("of", "ben")], 404),
        ("weigh", &[("of", "all"), ("weight", "2")], 404),
        ("weigh", &[("of", "dbid:ben"), ("weight", "17")], 409),
        ("weigh", &[("of", "dbid:ben"), ("weight", "0")], 409),
        ("weigh", &[("of", "dbid:ben"), ("weight", "much")], 409),
        ("retry", &[("kind", "everything")], 404),
        ("explode", &[("of", "all")], 404),
    ] {
        assert_eq!(ada.post(&format!("/operator/{act}"), fields).await.status(), want, "{act} {fields:?}");
    }
    for path in ["/operator/pause", "/operator/cancel?of=ben", "/operator/explode"] {
        assert_eq!(ada.get(path).await.status(), 404, "{path}");
    }
    let seen = seen(&house).await;
    assert_eq!((seen.paused, seen.depth.queued, seen.accounts[0].weight), (false, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_queue_is_paused_and_goes_on() {
    let house = House::with(ADA_OPERATES).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    house.work();
    until(&house, "a worker is up", |seen| seen.workers.len() == 1).await;
    let page = shown(&ada).await;
    assert!(page.contains("At work.") && page.contains("0 of 20 slots busy") && page.contains("heartbeat"), "{page}");

    assert_eq!(act(&ada, "pause", &[("of", "all")]).await, "/operator?said=paused");
    let id = ben.send(&house, "https://site.example/complete").await;
    assert_eq!((seen(&house).await.paused, seen(&house).await.depth.queued), (true, 1));
    let page = shown(&ada).await;
    assert!(page.contains("Paused.") && page.contains("Resume the queue"), "{page}");

    act(&ada, "resume", &[("of", "all")]).await;
    house.until(&ben, &id, JobState::Completed).await;
    assert!(!seen(&house).await.paused);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_account_is_paused_weighed_and_goes_on() {
    let house = House::with(ADA_OPERATES).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    house.work();
    let back = act(&ada, "pause", &[("of", "dbid:ben")]).await;
    assert_eq!(back, "/operator?said=paused#of-dbid:ben");
    let held = ben.send(&house, "https://site.example/complete?title=Keynote").await;
    let own = ada.send(&house, "https://site.example/complete").await;
    house.until(&ada, &own, JobState::Completed).await;
    let of_ben = load(&house, &ben).await.unwrap();
    assert_eq!((of_ben.paused, of_ben.waiting), (true, 1), "the others go on meanwhile");

    assert_eq!(act(&ada, "weigh", &[("of", "dbid:ben"), ("weight", "4")]).await, "/operator?said=weighed#of-dbid:ben");
    assert_eq!(load(&house, &ben).await.unwrap().weight, 4);
    let page = shown(&ada).await;
    for part in
        ["<strong>ben</strong>", "dbid:ben", "paused", "<option selected>4<", "1 waiting", "Oldest waiting", "for "]
    {
        assert!(page.contains(part), "{part:?} is missing: {page}");
    }
    for secret in ["site.example", "Keynote", "ben@example.com"] {
        assert!(!page.contains(secret), "an operator does not see what people fetch: {secret}");
    }

    act(&ada, "resume", &[("of", "dbid:ben")]).await;
    house.until(&ben, &held, JobState::Completed).await;
    act(&ada, "weigh", &[("of", "dbid:ben"), ("weight", "1")]).await;
    assert_eq!(load(&house, &ben).await, None, "nothing is special about it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_kind_are_retried() {
    let house = House::with(ADA_OPERATES).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    house.work();
    let mut failed = Vec::new();
    for number in 0..3 {
        failed.push(ben.send(&house, &format!("https://site.example/removed?n={number}")).await);
    }
    let refused = ada.send(&house, "https://site.example/large").await;
    for id in &failed {
        house.until(&ben, id, JobState::Failed).await;
    }
    house.until(&ada, &refused, JobState::Refused).await;
    let page = shown(&ada).await;
    for part in [
        FailureKind::Removed.user_message(),
        "<code>removed</code> · 3 jobs",
        "Retry all 3",
        "<code>too_large</code> · 1 job<",
    ] {
        assert!(page.contains(part), "{part:?} is missing: {page}");
    }

    // Nobody takes them meanwhile, so what was moved can be seen.
    act(&ada, "pause", &[("of", "all")]).await;
    let back = act(&ada, "retry", &[("kind", "removed")]).await;
    assert_eq!(back, "/operator?said=retried&jobs=3");
    assert!(text(ada.get(&back).await).await.contains("Sent once more: 3 jobs."));
    assert_eq!((seen(&house).await.depth.queued, seen(&house).await.failures), (3, vec![(FailureKind::TooLarge, 1)]));
    act(&ada, "resume", &[("of", "all")]).await;
    until(&house, "they failed again", |seen| seen.failures.contains(&(FailureKind::Removed, 3))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_cancelled_after_a_question() {
    let house = House::with(ADA_OPERATES).await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    let own = ada.send(&house, "https://a.example/own").await;
    let mut waiting = Vec::new();
    for number in 0..60 {
        waiting.push(ben.send(&house, &format!("https://a.example/{number}")).await);
    }
    assert!(shown(&ada).await.contains("href=\"/operator/cancel?of=dbid:ben\""));
    let question = text(ada.get("/operator/cancel?of=dbid:ben").await).await;
    assert!(question.contains("Cancel 60 waiting jobs of ben?") && question.contains("Keep them"), "{question}");
    assert_eq!(seen(&house).await.depth.queued, 61, "to ask is to do nothing");
    let back = act(&ada, "cancel", &[("of", "dbid:ben")]).await;
    assert_eq!(back, "/operator?said=cancelled&jobs=60#of-dbid:ben");
    for id in &waiting {
        assert_eq!(house.queue.get(&ben.id, id).await.unwrap().unwrap().state, JobState::Cancelled);
    }
    assert_eq!(house.queue.get(&ada.id, &own).await.unwrap().unwrap().state, JobState::Queued);

    assert!(text(ada.get("/operator/cancel?of=all").await).await.contains("Cancel 1 waiting job of everybody?"));
    act(&ada, "cancel", &[("of", "all")]).await;
    assert_eq!(seen(&house).await.depth.queued, 0);
    assert!(text(ada.get("/operator/cancel?of=all").await).await.contains("Nothing is waiting."));
    assert_eq!(act(&ada, "cancel", &[("of", "all")]).await, "/operator?said=cancelled&jobs=0");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_guarded_and_its_script_is_its_own() {
    let house = House::with(ADA_OPERATES).await;
    let ada = house.sign_in("ada").await;
    assert!(text(ada.get("/").await).await.contains("<a href=\"/operator\">Operator</a>"));
    let page = shown(&ada).await;
    for part in ["No worker is up.", "http-equiv=\"refresh\"", "None on record."] {
        assert!(page.contains(part), "{part:?} is missing: {page}");
    }
    for inline in ["<style", " style=\"", " onclick", " onload", "<script>"] {
        assert!(!page.contains(inline), "it has {inline}");
    }
    let script = page.split('"').find(|part| part.starts_with("/operator/live.js?")).unwrap();
    let answer = ada.get(script).await;
    assert_eq!(answer.headers()["cache-control"], "private, max-age=31536000, immutable");
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/javascript"));
    assert!(text(answer).await.contains("data-part"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_measured_too() {
    let house = House::with(ADA_OPERATES).await;
    let ben = house.sign_in("ben").await;
    house.work();
    let failed = ben.send(&house, "https://site.example/removed").await;
    house.until(&ben, &failed, JobState::Failed).await;
    house.queue.operator().pause(None).await.unwrap();
    ben.send(&house, "https://site.example/complete").await;
    // Whoever measures is not signed in, and learns nothing of people.
    let metrics = text(house.stranger().get("/metrics").await).await;
    for line in [
        "sluice_redis_up 1",
        "sluice_jobs{state=\"queued\"} 1",
        "sluice_jobs{state=\"running\"} 0",
        "sluice_failures{kind=\"removed\"} 1",
        "sluice_failures{kind=\"internal\"} 0",
        "sluice_workers 1",
        "sluice_workers_silent 0",
        "sluice_worker_slots 20",
        "sluice_queue_paused 1",
        "# TYPE sluice_oldest_waiting_seconds gauge",
    ] {
        assert!(metrics.contains(&format!("{line}\n")), "{line} is missing: {metrics}");
    }
    assert!(
        metrics.contains("sluice_oldest_waiting_seconds ")
            && !metrics.contains("ben")
            && !metrics.contains("site.example")
    );
}
