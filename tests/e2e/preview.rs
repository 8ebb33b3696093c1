//! Before anything is queued, a person sees what is behind a link, how large each quality is, and which would be refused and why.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    api::Api,
    browser::Browser,
    http::{body, client},
    landed::{files, landed},
    media::{clips, tiny},
    person::{ADA, BEN, Person},
    site::{Content, Delivery, Format, Hold, Listing, Resource, Series, Size, publish_film, publish_samples},
    world::World,
};
use reqwest::{Method, StatusCode, header::COOKIE};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
/// Longer than any page or picture here.
const PAGE: usize = 1 << 20;

async fn plan(api: &Api, url: &str, preset: &str) -> Result<(StatusCode, Value)> {
    api.call(api.request(Method::POST, "/plan").json(&json!({ "url": url, "preset": preset }))).await
}

/// One preset of a plan.
fn offer<'p>(plan: &'p Value, preset: &str) -> Result<&'p Value> {
    let presets = plan["presets"].as_array().context("no presets")?;
    presets.iter().find(|offer| offer["preset"] == preset).with_context(|| format!("no {preset}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_would_come() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    publish_samples(&world.site, clips)?;
    let ada = world.person(ADA).await?;

    // Of a bare file the extractor tells no size: its first byte does.
    let file = world.site.url("/files/clip.mp4");
    let (status, told) = plan(&ada.api, &file, "best").await?;
    ensure!(status == StatusCode::OK && told["kind"] == "media" && told["title"] == "clip", "{status} {told}");
    let chosen = &told["chosen"];
    ensure!(chosen["preset"] == "best" && chosen["available"] == true && chosen["refusal"].is_null(), "{chosen}");
    ensure!(chosen["route"] == "direct" && chosen["file_name"] == "clip.mp4", "{chosen}");
    ensure!(chosen["length"] == "exact" && chosen["size"] == clips.progressive.len(), "{chosen}");
    ensure!(offer(&told, "iphone")?["size"] == clips.progressive.len(), "it is the same file: {told}");
    let visits = world.site.visits("/files/clip.mp4");
    ensure!(visits.last().is_some_and(|visit| visit.range.as_deref() == Some("bytes=0-0")), "{visits:?}");
    let job = ada.api.run(&file, "best", LIMIT).await?;
    ensure!(landed(&ada.files, &job)? == clips.progressive, "what landed is another file");

    let url = world.site.url("/yt/clip");
    let (_, told) = plan(&ada.api, &url, "1080p").await?;
    ensure!(told["title"] == "A list of formats" && told["extractor"] == "LocalSite", "{told}");
    ensure!(told["thumbnail"] == world.site.url("/files/poster.jpg") && told["duration"] == 6.0, "{told}");
    let (high, low) = (offer(&told, "1080p")?, offer(&told, "480p")?);
    ensure!(&told["chosen"] == high && high["container"] == "mp4" && high["route"] == "interleave", "{high}");
    let (_, description) = ada.api.call(ada.api.request(Method::GET, "/openapi.json")).await?;
    for (schema, told) in [("Plan", &told), ("Offer", high)] {
        let promised = description["components"]["schemas"][schema]["properties"].as_object().context("no schema")?;
        let told = told.as_object().context("no object")?;
        ensure!(promised.keys().eq(told.keys()), "the description of {schema} does not tell the truth");
    }
    let size = |offer: &Value| offer["size"].as_u64().context("no size");
    ensure!(size(high)? > size(low)? && size(low)? > size(offer(&told, "audio")?)?, "{told}");
    // The file that holds both parts is some hundred bytes larger; how many, their headers tell.
    ensure!(high["length"] == "exact", "{high}");
    let (video, audio) = (clips.mp4_apart.at(1080).bytes.len() as u64, clips.mp4_apart.audio.bytes.len() as u64);
    ensure!(size(offer(&told, "iphone")?)?.abs_diff(video + audio) < 10_000, "{told}");

    // The worker asks the site nothing twice.
    let asked = world.site.visits("/yt/clip/player.json").len();
    let job = ada.api.run(&url, "480p", LIMIT).await?;
    landed(&ada.files, &job)?;
    ensure!(world.site.visits("/yt/clip/player.json").len() == asked, "the site was asked once more");
    let job = ada.api.run(&url, "1080p", LIMIT).await?;
    let length = landed(&ada.files, &job)?.len() as u64;
    ensure!(length == size(high)?, "{length} bytes landed: {high}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_would_not_come_and_why() -> Result<()> {
    let setup = World::setup().setting("limits.max_file_bytes", "300 MB").setting("limits.playlist_items", "2");
    let (world, clips) = (setup.start().await?, clips().await?);
    let ada = world.person(ADA).await?;

    let ladder = vec![video(37, 1080, 400_000_000), video(59, 480, 20_000_000)];
    let url = world.site.url(&world.site.publish_listing(&listing("The long film", ladder)));
    let (_, told) = plan(&ada.api, &url, "best").await?;
    let (best, small) = (offer(&told, "best")?, offer(&told, "480p")?);
    ensure!(best["available"] == false && best["size"] == 400_000_000 && best["length"] == "exact", "{best}");
    let refusal = "Too large: at least 400 MB, the limit is 300 MB. 480p would fit (20 MB).";
    ensure!(best["refusal"] == json!({ "kind": "too_large", "message": refusal }), "{best}");
    ensure!(small["available"] == true && small["size"] == 20_000_000, "{small}");
    ensure!(offer(&told, "fit")?["size"] == 20_000_000, "{told}");
    for converted in ["mp3", "opus"] {
        let offer = offer(&told, converted)?;
        ensure!(offer["available"] == true && offer["length"] == "estimate", "{offer}");
    }

    // Of a bare file nothing is known but what its first byte tells.
    let large = Resource::file("video/mp4", Content::padded_mp4(&clips.progressive, 400_000_000));
    world.site.publish("/large.mp4", large);
    let (status, told) = plan(&ada.api, &world.site.url("/large.mp4"), "best").await?;
    let chosen = &told["chosen"];
    ensure!(status == StatusCode::OK && chosen["available"] == false, "{status} {told}");
    ensure!(chosen["size"] == 400_000_000 && chosen["length"] == "exact", "{chosen}");
    let refusal = "Too large: at least 400 MB, the limit is 300 MB.";
    ensure!(chosen["refusal"] == json!({ "kind": "too_large", "message": refusal }), "{chosen}");

    let series = Series::new("lectures", "Lecture", 3, &tiny().await?);
    let (status, told) = plan(&ada.api, &world.site.url(&world.site.publish_pages(&series)), "best").await?;
    ensure!(status == StatusCode::OK && told["kind"] == "list" && told["items_limit"] == 2, "{status} {told}");
    ensure!(told["presets"] == json!([]) && told["chosen"].is_null(), "{told}");

    world.site.publish("/gone.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    world.site.deliver("/gone.mp4", Delivery::status(410));
    world.site.publish("/busy.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    world.site.deliver("/busy.mp4", Delivery::status(503));
    for (url, status, kind, field) in [
        (world.site.url("/gone.mp4"), 422, json!("removed"), json!("url")),
        (world.site.url("/nothing.mp4"), 422, json!("bad_link"), json!("url")),
        (world.site.url("/busy.mp4"), 502, json!("site_busy"), Value::Null),
        ("ftp://example.org/a.mp4".to_owned(), 422, Value::Null, json!("url")),
    ] {
        let (answered, problem) = plan(&ada.api, &url, "best").await?;
        ensure!(answered == status && problem["status"] == status, "{url}: {answered} {problem}");
        ensure!(problem["kind"] == kind && problem["field"] == field, "{url}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        ensure!(detail.ends_with('.') && !detail.contains("HTTP") && !detail.contains("127.0.0.1"), "{url}: {detail}");
    }
    // Nothing of all that was queued.
    let (_, list) = ada.api.call(ada.api.request(Method::GET, "/jobs")).await?;
    ensure!(list["jobs"] == json!([]), "{list}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_persons_previews_hold_up_nobody() -> Result<()> {
    let (world, clips) = (World::setup().workers(0).start().await?, clips().await?);
    publish_samples(&world.site, clips)?;
    let (ada, ben) = (world.person(ADA).await?, world.person(BEN).await?);
    let slow = "/yt/slow/player.json";
    world.site.publish(slow, Resource::text("application/json", "{}"));
    let gate = world.site.hold(slow, Hold::Answer);
    let looking = {
        let (api, url) = (ada.api.clone(), world.site.url("/yt/slow"));
        tokio::spawn(async move { plan(&api, &url, "best").await })
    };
    gate.reached(1).await?;
    let (status, told) = plan(&ben.api, &world.site.url("/yt/clip"), "best").await?;
    ensure!(status == StatusCode::OK, "{status} {told}");
    // What is known already needs no turn.
    let (status, told) = plan(&ada.api, &world.site.url("/yt/clip"), "best").await?;
    ensure!(status == StatusCode::OK, "{status} {told}");
    gate.open();
    looking.await??;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_yt_dlp_everything_else_works() -> Result<()> {
    let world = World::setup().workers(0).setting("tools.yt_dlp", "/nowhere/yt-dlp").start().await?;
    let ada = world.person(ADA).await?;
    let url = world.site.url("/film.mp4");
    let (status, problem) = plan(&ada.api, &url, "best").await?;
    ensure!(status == StatusCode::SERVICE_UNAVAILABLE, "{status} {problem}");
    let page = preview(&world, &ada, &url, "best").await?;
    ensure!(page.contains("There are no previews on this server. Sending works all the same."), "{page}");
    ada.api.send(&url, "best").await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script_the_form_comes_back_with_sizes() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    publish_samples(&world.site, clips)?;
    let (ada, ben) = (world.person(ADA).await?, world.person(BEN).await?);
    let url = world.site.url("/yt/clip");
    let page = preview(&world, &ada, &url, "720p").await?;
    for part in [
        "<p class=\"what\">A list of formats</p>",
        "0:06 · 127.0.0.1",
        "value=\"720p\" checked",
        "<small>",
        url.as_str(),
        "value=\"/Films\"",
    ] {
        ensure!(page.contains(part), "the page lacks {part}: {page}");
    }

    // The picture comes by way of the server, to whom it was shown and to nobody else.
    let address = between(&page, "<img src=\"", "\"")?;
    ensure!(address.starts_with("/preview/picture?of=") && !address.contains("poster"), "{address}");
    let look = async |cookie: &str, address: &str| -> Result<(StatusCode, Vec<u8>)> {
        let answer = client()?.get(format!("{}{address}", world.web()?)).header(COOKIE, cookie).send().await?;
        Ok((answer.status(), body(answer, PAGE).await?))
    };
    let (status, picture) = look(&ada.cookie, &address).await?;
    ensure!(status == StatusCode::OK && picture == clips.poster, "{status}");
    let plain = format!("/preview/picture?of={}", world.site.url("/files/poster.jpg"));
    let mended = format!("{}A", &address[..address.len() - 1]);
    for (whose, cookie, address) in [
        ("Ben's", ben.cookie.as_str(), &address),
        ("a stranger's", "", &address),
        ("an open proxy's", &ada.cookie, &plain),
        ("a forger's", &ada.cookie, &mended),
    ] {
        let (status, picture) = look(cookie, address).await?;
        ensure!(status == StatusCode::NOT_FOUND && picture.is_empty(), "{whose}: {status}");
    }

    // The same form again: what was chosen is sent.
    let form = fields(&page, &url, "480p")?;
    let sent = client()?.post(format!("{}/jobs", world.web()?)).header(COOKIE, &ada.cookie).form(&form).send().await?;
    ensure!(sent.status() == StatusCode::SEE_OTHER, "{}", sent.status());
    let (_, list) = ada.api.call(ada.api.request(Method::GET, "/jobs")).await?;
    let job = ada.api.finished(list["jobs"][0]["id"].as_str().context("no job")?, LIMIT).await?;
    landed(&ada.files, &job)?;

    // Somebody else's page cannot ask in her name.
    let mut forged = form.clone();
    forged[0].1 = "guessed".to_owned();
    let answer = client()?.post(format!("{}/preview", world.web()?)).header(COOKIE, &ada.cookie).form(&forged);
    ensure!(answer.send().await?.status() == StatusCode::FORBIDDEN, "the form needs no token");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pasting_is_enough_at_a_desk() -> Result<()> {
    paste("desk", 1040, 900).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pasting_is_enough_on_a_phone() -> Result<()> {
    paste("phone", 375, 812).await
}

/// Paste, see the card with title and sizes, choose, send, and it lands.
async fn paste(device: &str, width: u32, height: u32) -> Result<()> {
    let (world, clips) = (World::setup().setting("limits.max_file_bytes", "300 MB").start().await?, clips().await?);
    let ladder =
        vec![video(37, 1080, 400_000_000), video(22, 720, 96_000_000), video(59, 480, clips.progressive.len() as u64)];
    world.site.publish(&ladder[2].path, Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    world.site.publish("/poster.jpg", Resource::file("image/jpeg", Content::new(clips.poster.clone())));
    let long =
        Listing { thumbnail: Some("/poster.jpg".into()), ..listing("A long film about locks and weirs", ladder) };
    let url = world.site.url(&world.site.publish_listing(&long));
    let film = publish_film(&world.site, "film", "Sintel (trailer)", &clips.mp4_apart, &clips.poster).path;
    let browser = Browser::open(width, height).await?;
    let picture = async |name: &str| browser.picture(&format!("{device}-preview-{name}")).await;
    browser.go(world.web()?).await?;
    browser.click("a.button.primary").await?;
    browser.click("button[value=allow]").await?;
    browser.find("#url").await?;
    picture("0-empty").await?;

    // A link that is replaced before its answer came leaves nothing behind.
    let gate = world.site.hold(&film, Hold::Answer);
    insert(&browser, &world.site.url(&film)).await?;
    gate.reached(1).await?;
    browser.reads("#preview", "Looking").await?;
    picture("1-looking").await?;
    insert(&browser, &url).await?;
    browser.reads("#preview .what", "A long film about locks and weirs").await?;
    gate.open();
    browser.reads("#preview", "0:06 · 127.0.0.1").await?;
    let loaded = "document.querySelector('#preview img').decode().then(() => true)";
    ensure!(browser.ask(loaded).await? == true, "the picture did not come");
    browser.reads(".pill.refused", "400 MB").await?;
    browser
        .reads(".presets > .whys", "Too large: at least 400 MB, the limit is 300 MB. 720p would fit (96 MB).")
        .await?;
    browser.is_sound().await?;
    picture("2-card").await?;
    let told = "document.querySelector('input[value=best]').getAttribute('aria-describedby')";
    ensure!(browser.ask(told).await? == "why-1", "a screen reader does not hear why");

    browser.click(".more summary").await?;
    browser.click(".pill input[value='480p']").await?;
    picture("3-chosen").await?;
    browser.click("form.send button.primary").await?;
    browser.reads(".job .tell", "in your Dropbox").await?;
    let folder = world.emulator.files(ADA);
    let all = files(&folder)?;
    ensure!(all.len() == 1 && std::fs::read(folder.join(&all[0]))? == clips.progressive, "it landed damaged: {all:?}");

    // What cannot be told is said in a line.
    browser.type_into("#url", &world.site.url("/gone.mp4")).await?;
    browser.reads("#preview .note", "There is nothing at this link").await?;
    browser.is_sound().await?;
    picture("4-nothing").await?;
    browser.close().await?;
    world.end().await
}

/// As a person pastes: all at once.
async fn insert(browser: &Browser, text: &str) -> Result<()> {
    let script = format!(
        "(() => {{ const field = document.getElementById('url'); field.focus(); field.value = {}; \
         field.dispatchEvent(new InputEvent('input', {{ inputType: 'insertFromPaste', bubbles: true }})); return true; }})()",
        json!(text)
    );
    ensure!(browser.ask(&script).await? == true);
    Ok(())
}

/// The page that answers the form's second button.
async fn preview(world: &World, person: &Person, url: &str, preset: &str) -> Result<String> {
    let (client, web) = (client()?, world.web()?);
    let home = client.get(web).header(COOKIE, &person.cookie).send().await?;
    let home = String::from_utf8(body(home, PAGE).await?)?;
    ensure!(home.contains("formaction=\"/preview\""), "{home}");
    let form = fields(&home, url, preset)?;
    let answer = client.post(format!("{web}/preview")).header(COOKIE, &person.cookie).form(&form).send().await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.status());
    Ok(String::from_utf8(body(answer, PAGE).await?)?)
}

fn fields(page: &str, url: &str, preset: &str) -> Result<Vec<(&'static str, String)>> {
    let hidden = |name: &str| between(page, &format!("name=\"{name}\" value=\""), "\"");
    let typed = [("url", url), ("preset", preset), ("folder", "/Films")].map(|(name, value)| (name, value.to_owned()));
    Ok([("csrf", hidden("csrf")?), ("key", hidden("key")?)].into_iter().chain(typed).collect())
}

fn between(page: &str, before: &str, after: &str) -> Result<String> {
    let found = page.split_once(before).and_then(|(_, rest)| rest.split_once(after));
    found.map(|(found, _)| found.to_owned()).with_context(|| format!("no {before} in {page}"))
}

fn listing(title: &str, formats: Vec<Format>) -> Listing {
    let id = title.to_lowercase().replace(' ', "-");
    Listing { id, title: title.into(), seconds: 6, thumbnail: None, formats }
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
