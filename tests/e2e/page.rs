//! The page in a real browser, on a desk and on a phone, with and without script.

use anyhow::{Result, ensure};
use e2e::{
    browser::Browser,
    media::clips,
    site::{Content, Delivery, Format, Hold, Listing, Resource, Size, publish_film},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_a_desk() -> Result<()> {
    visit("desk", 1280, 900).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_with_a_phone() -> Result<()> {
    visit("phone", 375, 812).await
}

/// Sign in, paste, watch the bar move, see it complete, cancel one, retry one, sign out.
async fn visit(device: &str, width: u32, height: u32) -> Result<()> {
    let world = World::start().await?;
    let film = clips().await?.progressive.clone();
    let half = film.len() as u64 / 2;
    for path in ["/Big film.mp4", "/Second thoughts.mp4"] {
        let path = path.replace(' ', "%20");
        world.site.publish(&path, Resource::file("video/mp4", Content::new(film.clone())));
    }
    let (big, second) = ("/Big%20film.mp4", "/Second%20thoughts.mp4");
    let browser = Browser::open(width, height).await?;
    let picture = async |name: &str| browser.picture(&format!("{device}-{name}")).await;

    browser.go(world.web()?).await?;
    browser.reads("h1", "Paste a link").await?;
    picture("1-welcome").await?;
    browser.is_sound().await?;
    browser.click("a.button.primary").await?;
    browser.reads("body", "Ada Example").await?;
    picture("2-consent").await?;
    browser.click("button[value=allow]").await?;
    browser.reads("h2", "Recent downloads").await?;
    browser.reads(".empty", "Nothing here yet").await?;
    picture("3-empty").await?;
    browser.is_sound().await?;

    // It stops half-way, so the bar can be looked at; then it goes on, slowly enough to be seen.
    let gate = world.site.hold(big, Hold::Byte(half));
    world.site.deliver(big, Delivery::paced(half));
    browser.type_into("#url", &world.site.url(big)).await?;
    browser.click("form.send button.primary").await?;
    gate.reached(1).await?;
    browser.reads(".job .tell", "fetched").await?;
    let before = percent(&browser).await?;
    ensure!((1.0..50.0).contains(&before), "the bar stands at {before}");
    picture("4-half-way").await?;
    gate.open();
    let mut highest = before;
    while !browser.has(".job a[data-act=Open]").await? {
        if let Ok(now) = percent(&browser).await {
            ensure!(now >= highest, "the bar ran backwards, from {highest} to {now}");
            ensure!(now < 100.0, "the bar is full while work goes on");
            highest = now;
        }
    }
    ensure!(highest > before, "the bar did not move from {before}");
    browser.reads(".job .tell", "in your Dropbox").await?;
    // For screen readers: what ended is told, once.
    ensure!(!browser.ask("document.getElementById('announcements').textContent").await?.to_string().is_empty());
    picture("5-landed").await?;

    let gate = world.site.hold(second, Hold::Byte(half));
    browser.type_into("#url", &world.site.url(second)).await?;
    browser.click("form.send button.primary").await?;
    gate.reached(1).await?;
    // A row that changes its shape meanwhile moves away under the pointer.
    browser.find(".job:first-child progress[value]").await?;
    browser.click(".job:first-child button[data-act=Cancel]").await?;
    browser.reads(".job:first-child .tell", "Cancelled").await?;
    picture("6-cancelled").await?;
    gate.open();
    browser.click(".job:first-child button[data-act=Retry]").await?;
    browser.reads(".job:first-child .tell", "in your Dropbox").await?;

    browser.click(".job:first-child a[data-act=title]").await?;
    browser.reads("dl.facts", "Second").await?;
    picture("7-job").await?;
    browser.is_sound().await?;

    browser.click(".who summary").await?;
    browser.click(".who form button").await?;
    browser.reads("h1", "Paste a link").await?;
    ensure!(!browser.has(".job").await?, "somebody who signed out sees jobs");
    browser.is_sound().await?;
    browser.close().await?;
    world.end().await
}

/// Every state is a sentence, told at one glance. Its picture is the one in the README.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_tells_everything() -> Result<()> {
    let settings = World::setup().setting("worker.concurrency", "1").setting("limits.max_file_bytes", "300 MB");
    let (world, clips) = (settings.start().await?, clips().await?);
    let film = |slug: &str, title: &str| publish_film(&world.site, slug, title, &clips.mp4_apart, &clips.poster).path;
    let (landed, waiting) = (film("trailer", "Sintel (trailer)"), film("lecture", "Lecture 12"));
    let long = [video(37, 1080, 1_200_000_000), video(59, 480, 20_000_000)].to_vec();
    let too_large = world.site.publish_listing(&listing("The long film", None, long));
    let (keynote, poster) = (video(22, 720, clips.progressive.len() as u64), "/media/trailer/poster.jpg");
    world.site.publish(&keynote.path, Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let gate = world.site.hold(&keynote.path, Hold::Byte(clips.progressive.len() as u64 * 2 / 3));
    let running = world.site.publish_listing(&listing("Keynote: what comes next", Some(poster), vec![keynote]));

    let browser = Browser::open(1040, 930).await?;
    browser.go(world.web()?).await?;
    browser.click("a.button.primary").await?;
    browser.click("button[value=allow]").await?;
    let send = async |path: &str| {
        browser.type_into("#url", &world.site.url(path)).await?;
        browser.click("form.send button.primary").await
    };
    let newest = ".job:first-child .tell";
    send("/gone.mp4").await?;
    browser.reads(newest, "There is nothing at this link").await?;
    send(&too_large).await?;
    browser.reads(newest, "480p would fit (20 MB)").await?;
    send(&landed).await?;
    browser.reads(newest, "in your Dropbox").await?;
    send(&running).await?;
    gate.reached(1).await?;
    browser.reads(newest, "fetched").await?;
    send(&waiting).await?;
    browser.reads(newest, "Waiting").await?;
    browser.ask("document.activeElement.blur()").await?;
    browser.is_sound().await?;
    browser.picture("readme").await?;
    gate.open();
    browser.reads(newest, "in your Dropbox").await?;
    browser.close().await?;
    world.end().await
}

fn listing(title: &str, poster: Option<&str>, formats: Vec<Format>) -> Listing {
    let id = title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    Listing { id, title: title.into(), seconds: 6, thumbnail: poster.map(str::to_owned), formats }
}

/// Picture and sound in one file.
fn video(itag: u32, height: u32, length: u64) -> Format {
    Format {
        itag,
        path: format!("/formats/{itag}"),
        mime: "video/mp4; codecs=\"avc1.64001f, mp4a.40.2\"".into(),
        picture: Some((height * 16 / 9, height)),
        bits_per_second: 1_000_000,
        size: Size::Exact(length),
    }
}

/// Where the first bar stands.
async fn percent(browser: &Browser) -> Result<f64> {
    let value = browser.ask("document.querySelector('.job progress')?.value").await?;
    value.as_f64().ok_or_else(|| anyhow::anyhow!("no bar"))
}
