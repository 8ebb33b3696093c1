//! A full run, and then a search for every secret that was used in it: in the logs, in all that Redis ever wrote, on command lines, in
//! error pages and in what the API tells. What is kept is kept sealed or hashed.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    http::{body, client},
    landed::files,
    media::clips,
    person::{ADA, Person},
    site::{Sample, publish_samples},
    world::World,
};
use reqwest::{Method, header::COOKIE};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const APP_SECRET: &str = "app-secret-7f3a9c51";
const REDIS_PASSWORD: &str = "redis-password-b81e04d2";
const SITE_COOKIE: &str = "site-cookie-54c0ffee";
const LINK_PASSWORD: &str = "link-password-9d2e6b70";
const SIGNATURE: &str = "link-signature-3b77aa19";

/// Something that nobody may read anywhere.
struct Secret {
    what: &'static str,
    text: String,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_full_run_is_found_anywhere() -> Result<()> {
    let setup = World::setup()
        .setting("log.filter", "debug")
        .setting("dropbox.app_secret", APP_SECRET)
        .setting("limits.attempts", "1")
        .password(REDIS_PASSWORD);
    let (world, clips) = (setup.start().await?, clips().await?);
    let samples = publish_samples(&world.site, clips)?;
    world.site.set_cookie(&format!("session={SITE_COOKIE}"));
    let ada = world.person(ADA).await?;

    let (told, lines) = {
        let mut lines = BTreeSet::new();
        let run = full_run(&world, &ada, &samples);
        tokio::pin!(run);
        loop {
            tokio::select! {
                told = &mut run => break (told?, lines),
                () = tokio::time::sleep(Duration::from_millis(20)) => lines.extend(world.processes()),
            }
        }
    };
    ensure!(
        lines.iter().any(|line| line.contains("yt_dlp") || line.contains("yt-dlp")),
        "yt-dlp was never seen: {lines:#?}"
    );

    let secrets = secrets(&world, &ada)?;
    let redis = everything(&world.place().join("appendonlydir"))?;
    ensure!(redis.contains("account:") && redis.contains("token:"), "that is not what Redis wrote");
    let logs = logs(world.place())?;
    ensure!(logs.contains("DEBUG"), "the logs are not at debug level");
    let lines = lines.into_iter().collect::<Vec<_>>().join("\n");
    let places = [("a log", &logs), ("Redis", &redis), ("a command line", &lines), ("an answer", &told)];
    for (place, text) in places {
        for secret in &secrets {
            let found = text.match_indices(&secret.text).next().map(|(at, _)| around(text, at));
            ensure!(found.is_none(), "{place} tells {}: {}", secret.what, found.unwrap_or_default());
        }
        eprintln!("{place}: {} bytes, 0 of {} secrets", text.len(), secrets.len());
    }
    // The link itself is its owner's, and so is on record; but nobody else's business.
    for (place, text) in [("a log", &logs), ("a command line", &lines)] {
        ensure!(!text.contains(SIGNATURE), "{place} tells the query of a link");
    }
    world.end().await
}

/// Everything that a person does, well and not. What the server answered.
async fn full_run(world: &World, ada: &Person, samples: &[Sample]) -> Result<String> {
    let web = world.web()?.to_owned();
    let site = world.site.address();
    let link = |path: &str| format!("http://ada:{LINK_PASSWORD}@{site}{path}?signature={SIGNATURE}");
    let mut told = String::new();

    let (status, plan) =
        ada.api.call(ada.api.request(Method::POST, "/plan").json(&json!({ "url": link("/page/plain") }))).await?;
    told += &format!("{status} {plan}");
    // Every kind of input, on every route, and one that fails.
    let mut jobs = Vec::new();
    for sample in samples {
        jobs.push((sample.kind, "completed", ada.api.send(&link(&sample.path), "best").await?.id));
    }
    jobs.push(("nothing", "failed", ada.api.send(&link("/nothing.mp4"), "best").await?.id));
    let mut routes = BTreeSet::new();
    for (kind, state, id) in jobs {
        let job = ada.api.finished(&id, LIMIT).await?;
        ensure!(job.state == state, "{kind}: {job:#?}");
        routes.extend(job.route);
    }
    ensure!(["direct", "interleave", "pipe"].iter().all(|route| routes.contains(*route)), "{routes:?}");
    // A new access token is fetched with the refresh token.
    world.emulator.tokens("expire", &ada.account).await?;
    let job = ada.api.send(&link("/files/clip.mp4"), "720p").await?;
    ensure!(ada.api.finished(&job.id, LIMIT).await?.state == "completed");

    let (status, list) = ada.api.call(ada.api.request(Method::GET, "/jobs")).await?;
    told += &format!("{status} {list}");
    for (method, path, json) in [
        (Method::POST, "/jobs", json!({ "url": format!("ftp://ada:{LINK_PASSWORD}@{site}/x") })),
        (Method::POST, "/jobs", json!({ "url": link("/files/clip.mp4"), "colour": "red" })),
        (Method::POST, "/jobs", json!({ "url": link("/files/clip.mp4"), "preset": "gif" })),
        (Method::GET, "/jobs/nonsense", Value::Null),
    ] {
        let (status, problem) = ada.api.call(ada.api.request(method, path).json(&json)).await?;
        ensure!(status.is_client_error(), "{path}: {status}");
        told += &format!("{status} {problem}");
    }
    let client = client()?;
    let code = "/oauth/callback?state=a-state&code=a-code";
    for path in ["/", "/settings", "/nowhere", code, &format!("/jobs/{}", job.id), "/login"] {
        let answer = client.get(format!("{web}{path}")).header(COOKIE, &ada.cookie).send().await?;
        told += &String::from_utf8_lossy(&body(answer, 1 << 20).await?);
    }
    let form = [("csrf", "wrong"), ("url", "https://a.example/")];
    let answer = client.post(format!("{web}/jobs")).header(COOKIE, &ada.cookie).form(&form).send().await?;
    ensure!(answer.status() == 403, "{}", answer.status());
    told += &String::from_utf8_lossy(&body(answer, 1 << 20).await?);
    world.command(&["status"]).await?;
    told += &world.command(&["token", "list", "--account", &ada.account]).await?;
    told += &world.command(&["rotate-key"]).await?;
    Ok(told)
}

fn secrets(world: &World, ada: &Person) -> Result<Vec<Secret>> {
    let mut secrets = vec![
        Secret { what: "the app's secret", text: APP_SECRET.into() },
        Secret { what: "the password of Redis", text: REDIS_PASSWORD.into() },
        Secret { what: "a cookie of the site", text: SITE_COOKIE.into() },
        Secret { what: "the password in a link", text: LINK_PASSWORD.into() },
        Secret { what: "the secret key", text: world.secret_key().into() },
        Secret { what: "an API token", text: ada.api.token().into() },
        Secret { what: "a session", text: ada.cookie.split_once('=').context("no cookie")?.1.into() },
    ];
    let grants: Value = serde_json::from_slice(&fs::read(world.emulator.files(".emulator").join("grants.json"))?)?;
    let before = secrets.len();
    for grant in grants.as_array().context("no grants")? {
        let access = grant["access"].as_array().context("no access tokens")?.iter().map(|access| &access["token"]);
        secrets
            .extend(access.filter_map(|token| Some(Secret { what: "an access token", text: token.as_str()?.into() })));
        secrets
            .extend(grant["refresh_token"].as_str().map(|text| Secret { what: "a refresh token", text: text.into() }));
    }
    ensure!(secrets.len() >= before + 3, "two access tokens and a refresh token are known");
    ensure!(secrets.iter().all(|secret| secret.text.len() >= 16), "a secret is too short to be looked for");
    Ok(secrets)
}

/// The logs of Sluice's own programs and of Redis. The emulator plays Dropbox: what it says of itself stays at Dropbox.
fn logs(place: &Path) -> Result<String> {
    let names = files(place)?
        .into_iter()
        .filter(|name| name.ends_with(".log") && !name.contains('/') && name != "emulator.log");
    names.map(|name| Ok(String::from_utf8_lossy(&fs::read(place.join(name))?).into_owned())).collect()
}

/// Every file of a folder.
fn everything(folder: &Path) -> Result<String> {
    files(folder)?
        .into_iter()
        .map(|name| Ok(String::from_utf8_lossy(&fs::read(folder.join(name))?).into_owned()))
        .collect()
}

/// What stands around a place in a text.
fn around(text: &str, at: usize) -> String {
    let start = (0..=at.saturating_sub(200)).rev().find(|start| text.is_char_boundary(*start)).unwrap_or(0);
    text[start..].chars().take(500).collect()
}
