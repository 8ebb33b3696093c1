//! Whoever runs it: the operator's page in a browser, on a desk and on a phone, and the same from the command line.

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use e2e::{
    browser::Browser,
    media::clips,
    person::{ADA, BEN},
    site::{Content, Hold, Resource},
    world::World,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The id that the practice Dropbox gives to the account of this name: it has to be set before anybody signs in.
fn id_of(name: &str) -> String {
    format!("dbid:{:.35}", URL_SAFE_NO_PAD.encode(Sha256::digest(name)))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_at_a_desk() -> Result<()> {
    visit("desk", 1280, 900).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_with_a_phone() -> Result<()> {
    visit("phone", 375, 812).await
}

/// Pause, watch the figures come by themselves, cancel after a question, retry what failed, go on.
async fn visit(device: &str, width: u32, height: u32) -> Result<()> {
    let world = World::setup().setting("access.operators", &id_of(ADA)).start().await?;
    let ben = world.person(BEN).await?;
    ensure!(ben.account == id_of(BEN), "the practice Dropbox makes its ids in another way");
    let failed = ben.api.send(&world.site.url("/nothing.mp4"), "best").await?.id;
    ben.api.finished(&failed, std::time::Duration::from_secs(60)).await?;

    let browser = Browser::open(width, height).await?;
    let picture = async |name: &str| browser.picture(&format!("{device}-operator-{name}")).await;
    browser.go(world.web()?).await?;
    browser.click("a.button.primary").await?;
    browser.click("button[value=allow]").await?;
    browser.click(".who summary").await?;
    browser.click(".menu a[href='/operator']").await?;
    browser.reads("h1", "The queue").await?;
    browser.reads("[data-part=state]", "At work.").await?;
    browser.reads("[data-part=workers]", "heartbeat").await?;
    browser.reads("[data-part=failures]", "There is nothing at this link").await?;
    ensure!(!browser.find("#stale").await?.is_displayed().await?, "the server answers, but it says that it does not");
    picture("1-at-work").await?;
    browser.is_sound().await?;

    browser.click("#pause").await?;
    browser.reads("[data-part=state]", "Paused.").await?;
    // From here on nothing is loaded by hand: what others send appears by itself, and the focus stays.
    browser.ask("document.getElementById('resume').focus()").await?;
    for number in 0..3 {
        ben.api.send(&world.site.url(&format!("/nothing.mp4?{number}")), "best").await?;
    }
    browser.reads("[data-part=accounts]", "3 waiting").await?;
    browser.reads("[data-part=accounts]", BEN).await?;
    let focus = browser.ask("document.activeElement.id").await?;
    ensure!(focus == "resume", "the focus went to {focus}");
    let page = browser.text("main").await?;
    ensure!(!page.contains("nothing.mp4"), "an operator sees what people fetch: {page}");
    picture("2-paused").await?;
    browser.is_sound().await?;

    browser.click("[data-part=accounts] a.danger").await?;
    browser.reads("h1", &format!("Cancel 3 waiting jobs of {BEN}?")).await?;
    picture("3-question").await?;
    browser.is_sound().await?;
    browser.click("main button.danger").await?;
    browser.reads("[data-part=accounts]", "Nobody waits").await?;
    browser.click("#retry-bad_link").await?;
    browser.reads("[data-part=accounts]", "1 waiting").await?;
    browser.click("#resume").await?;
    browser.reads("[data-part=state]", "At work.").await?;
    browser.reads("[data-part=failures]", "There is nothing at this link").await?;
    browser.is_sound().await?;
    browser.close().await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_steered_from_the_command_line() -> Result<()> {
    let (world, clips) = (World::setup().start().await?, clips().await?);
    let film = &clips.progressive;
    world.site.publish("/film.mp4", Resource::file("video/mp4", Content::new(film.clone())));
    let ben = world.person(BEN).await?;
    let queue = async |line: &str| {
        let words: Vec<&str> = ["queue"].into_iter().chain(line.split_whitespace()).collect();
        world.command(&words).await
    };
    let status = async || -> Result<Value> { Ok(serde_json::from_str(&queue("status --json").await?)?) };
    let minute = std::time::Duration::from_secs(60);

    // What runs goes on through a pause; what comes waits.
    let gate = world.site.hold("/film.mp4", Hold::Byte(film.len() as u64 / 2));
    let running = ben.api.send(&world.site.url("/film.mp4"), "best").await?.id;
    gate.reached(1).await?;
    ensure!(queue("pause").await?.starts_with("Paused"), "nothing was said");
    let waiting = ben.api.send(&world.site.url("/nothing.mp4"), "best").await?.id;
    gate.open();
    ben.api.finished(&running, minute).await?;
    let seen = status().await?;
    ensure!(seen["paused"] == true && seen["queued"] == 1 && seen["workers"][0]["silent"] == false, "{seen}");
    ensure!(seen["accounts"][0]["name"] == BEN && seen["accounts"][0]["waiting"] == 1, "{seen}");
    let text = queue("status").await?;
    ensure!(text.contains("paused: nothing more is begun") && text.contains(&ben.account), "{text}");
    ensure!(!text.contains("nothing.mp4"), "it shows what people fetch: {text}");
    queue("resume").await?;
    let failed = ben.api.finished(&waiting, minute).await?;
    ensure!(failed.failure() == "bad_link", "{failed:?}");

    // The same for one account, with a weight.
    queue(&format!("pause --account {}", ben.account)).await?;
    queue(&format!("weigh {} 3", ben.account)).await?;
    ensure!(queue("retry bad_link").await? == "Sent once more: 1 job.\n", "another count");
    let seen = status().await?;
    let account = &seen["accounts"][0];
    ensure!(seen["paused"] == false && account["paused"] == true && account["weight"] == 3, "{seen}");
    let asked = queue("cancel").await.err().context("nobody was asked, and all was cancelled")?.to_string();
    ensure!(asked.contains("--yes"), "{asked}");
    ensure!(status().await?["queued"] == 1, "it was cancelled all the same");
    ensure!(queue(&format!("cancel --account {} --yes", ben.account)).await? == "Cancelled: 1 job.\n", "another count");
    ensure!(ben.api.job(&waiting).await?.state == "cancelled", "it was not");
    queue(&format!("resume --account {}", ben.account)).await?;
    queue(&format!("weigh {} 1", ben.account)).await?;
    ensure!(status().await?["accounts"].as_array().is_some_and(Vec::is_empty), "something is left");
    world.end().await
}
