//! Who may have it, and how a person with a browser does.

use anyhow::{Context, Result, ensure};
use e2e::{
    browser::Browser,
    http::{body, client},
    person::BEN,
    site::Line,
};
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_RANGE, CONTENT_TYPE, COOKIE, LOCATION},
};

use super::{MEGABYTE, MOST, header, house};

#[tokio::test(flavor = "multi_thread")]
async fn only_for_who_is_signed_in_and_asks_here() -> Result<()> {
    let house = house(1, &[]).await?;
    let ben = house.world.person(BEN).await?;
    let address = house.ada.api.save_address(&house.link(&house.single), "best")?;
    let client = client()?;
    let stranger = client.get(&address).send().await?;
    let sign_in =
        stranger.status() == StatusCode::SEE_OTHER && header(&stranger, LOCATION).starts_with("/?next=%2Fsave%3F");
    ensure!(sign_in, "{stranger:?}");
    let forged = client.get(&address).bearer_auth("slc_guessed").send().await?;
    ensure!(forged.status() == StatusCode::UNAUTHORIZED, "{forged:?}");
    let mine = |cookie: &str| client.get(&address).header(COOKIE, cookie);
    let whole = mine(&house.ada.cookie).send().await?;
    ensure!(whole.status() == StatusCode::OK, "{whole:?}");
    let bytes = body(whole, MOST).await?;
    let led_here = mine(&house.ada.cookie).header("sec-fetch-site", "cross-site").send().await?;
    ensure!(header(&led_here, LOCATION).starts_with("/?url="), "{led_here:?}");

    // Again from its row; for nobody else.
    let job = house.ada.api.newest().await?;
    let again = format!("{}/save?job={}", house.world.web()?, job.id);
    let answer = client.get(&again).header(COOKIE, &house.ada.cookie).send().await?;
    ensure!(body(answer, MOST).await? == bytes, "another file");
    let foreign = client.get(&again).header(COOKIE, &ben.cookie).send().await?;
    ensure!(foreign.status() == StatusCode::NOT_FOUND, "{foreign:?}");

    // The form's button, without a script.
    let page = client.get(house.world.web()?).header(COOKIE, &house.ada.cookie).send().await?;
    let page = String::from_utf8(body(page, MOST).await?)?;
    ensure!(page.contains("Saved to this device") && page.contains("formaction=\"/save\""), "{page}");
    let csrf =
        page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no token")?;
    let link = house.link(&house.pair);
    let form = |csrf: &str| {
        let fields = [("csrf", csrf), ("url", link.as_str()), ("preset", "best"), ("folder", "/"), ("key", "")];
        client
            .post(format!("{}/save", house.world.web().unwrap_or_default()))
            .header(COOKIE, &house.ada.cookie)
            .form(&fields)
    };
    let forged = form("guessed").send().await?;
    ensure!(forged.status() == StatusCode::FORBIDDEN, "{forged:?}");
    let led = form(csrf).send().await?;
    ensure!(led.status() == StatusCode::SEE_OTHER, "{led:?}");
    let target = format!("{}{}", house.world.web()?, header(&led, LOCATION));
    let answer = client.get(target).header(COOKIE, &house.ada.cookie).send().await?;
    ensure!(answer.status() == StatusCode::OK && header(&answer, CONTENT_TYPE) == "video/mp4", "{answer:?}");
    drop(answer);

    for (link, status) in [
        ("nonsense".to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
        (house.world.site.url("/nothing.mp4"), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = house.ada.api.save(Method::GET, &link, "best")?.send().await?;
        ensure!(answer.status() == status && header(&answer, CONTENT_TYPE) == "application/problem+json", "{answer:?}");
    }
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_saves_it_and_plays_it() -> Result<()> {
    let house = house(24, &[]).await?;
    let browser = Browser::open(1040, 900).await?;
    browser.go(house.world.web()?).await?;
    browser.click("a.button.primary").await?;
    browser.click("button[value=allow]").await?;
    browser.find("#url").await?;

    // Slow enough to be looked at.
    house.world.site.shape(Line { bytes_per_second: Some(8 * MEGABYTE), ..Line::default() });
    browser.type_into("#url", &house.link(&house.pair)).await?;
    browser.reads("#preview .what", "Stream pair").await?;
    browser.picture("desk-save-1-form").await?;
    browser.click("button[formaction='/save']:not([name])").await?;
    browser.reads(".job .tell", "Saving to this device").await?;
    browser.reads(".job .tell", " of ").await?;
    browser.picture("desk-save-2-running").await?;
    let file = browser.downloaded("Stream pair.mp4").await?;
    house.pair.compare(&file).await?;
    browser.reads(".job .tell", "Saved to this device").await?;
    browser.picture("desk-save-3-saved").await?;
    browser.is_sound().await?;
    let asked = house.ask(&house.pair, &[("range", "bytes=0-0")]).await?;
    let total = header(&asked, CONTENT_RANGE).rsplit('/').next().unwrap_or_default().parse::<u64>()?;
    ensure!(std::fs::metadata(&file)?.len() == total, "another length than announced");

    // The button is still good, here for the other one: looked at while it comes.
    house.world.site.shape(Line::default());
    browser.click("button[name=play]").await?;
    browser.find("video.watch").await?;
    let video = "document.querySelector('video')";
    browser.ask(&format!("({video}.muted = true, {video}.play().then(() => true))")).await?;
    browser.becomes_true(&format!("{video}.currentTime > 0.3 && {video}.videoWidth > 0")).await?;
    let seconds = browser.ask(&format!("{video}.duration")).await?.as_f64().context("no duration")?;
    let right = f64::from(house.seconds);
    ensure!((seconds - right).abs() < 0.5, "it lasts {seconds} s, not {right}");
    for share in [0.8, 0.1] {
        let to = seconds * share;
        browser.ask(&format!("{video}.currentTime = {to}")).await?;
        let there = format!("!{video}.seeking && {video}.currentTime > {to} + 0.2 && {video}.currentTime < {to} + 20");
        browser.becomes_true(&there).await?;
        browser.picture(&format!("desk-watch-{}", (share * 100.0).round())).await?;
    }
    browser.is_sound().await?;
    browser.close().await?;
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}
