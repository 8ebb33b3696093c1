//! Nothing that leads inward is ever dialled, whatever is pasted and wherever; whoever pasted it is told so in plain words.

mod save;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::{
    api::Job,
    eventually::eventually,
    http::{body, client},
    inward::{Canary, Outcome, Trick, listeners, publish_tricks},
    media::clips,
    person::{ADA, BEN, Person},
    site::{Content, Resource},
    world::{Setup, World},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Method, StatusCode, Url, header::COOKIE};
use serde_json::{Value, json};

/// The longest that all of it may take; a debug build on a busy machine has two cores for some hundred runs of yt-dlp.
const LIMIT: Duration = Duration::from_secs(300);
const PAGE: usize = 1 << 20;
const MESSAGE: &str = "This link leads to an address that this server does not visit.";

/// The ways in. Each says what came of a trick, or nothing when it does not say anything about it.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// `POST /api/v1/jobs`.
    Api,
    /// `POST /api/v1/plan`.
    Plan,
    /// The form.
    Form,
    /// `GET /save`.
    Save,
}

fn setup() -> Setup {
    World::setup()
        .setting("limits.user_running", "8")
        .setting("worker.concurrency", "8")
        .setting("limits.attempts", "2")
        .setting("limits.idle_timeout", "20s")
}

/// Some of them through a worker that would dial all of this machine itself: it is `sluice egress-proxy` that refuses.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_inward_is_dialled_by_the_one_exit() -> Result<()> {
    let mut world = setup().one_exit().workers(0).start().await?;
    let canary = Canary::start().await?;
    world.set("egress.allow", &format!("127.0.0.0/8,[::1]:{}", canary.port()));
    world.add_worker().await?;
    let clip = Content::new(clips().await?.progressive.clone());
    world.site.publish("/clip.mp4", Resource::file("video/mp4", clip));
    let ours = [world.exit()?.address()?.to_owned(), world.emulator.address().to_owned(), world.web()?.to_owned()]
        .map(|address| address.trim_start_matches("https://").trim_start_matches("http://").parse());
    let ours: Vec<_> = ours.into_iter().collect::<Result<_, _>>()?;
    let tricks: Vec<_> = publish_tricks(&world.site, &canary, &ours).into_iter().step_by(4).collect();
    ensure!(tricks.len() >= 40, "{} tricks are too few", tricks.len());
    let ada = world.person(ADA).await?;
    let tried = tokio::time::timeout(LIMIT, Way::Api.try_all(&world, &ada, &tricks)).await;
    let wrong = tried.context("it takes too long")??;
    ensure!(canary.hits().is_empty(), "the canary was visited: {:#?}", canary.hits());
    ensure!(wrong.is_empty(), "{wrong:#?}");
    let metrics = client()?.get(format!("http://{}/metrics", world.exit()?.address()?)).send().await?;
    let metrics = String::from_utf8(body(metrics, PAGE).await?)?;
    ensure!(metrics.contains("sluice_egress_refused_total{reason=\"loopback\"}"), "{metrics}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_inward_is_dialled() -> Result<()> {
    let world = setup().start().await?;
    let canary = Canary::start().await?;
    let clip = Content::new(clips().await?.progressive.clone());
    world.site.publish("/clip.mp4", Resource::file("video/mp4", clip));
    let web = world.web()?.trim_start_matches("http://").parse()?;
    let emulator = world.emulator.address().trim_start_matches("http://").parse()?;
    let proxy = listeners(world.workers()[0].group())?;
    ensure!(!proxy.is_empty(), "the worker's proxy listens nowhere");
    let ours = [vec![web, emulator], proxy].concat();
    let tricks = publish_tricks(&world.site, &canary, &ours);
    ensure!(tricks.len() >= 150, "{} tricks are too few", tricks.len());
    let (ada, ben) = (world.person(ADA).await?, world.person(BEN).await?);

    let mut wrong = Vec::new();
    for (way, person) in [(Way::Save, &ada), (Way::Plan, &ada), (Way::Api, &ada), (Way::Form, &ben)] {
        let tried = tokio::time::timeout(LIMIT, way.try_all(&world, person, &tricks)).await;
        let tried = tried.with_context(|| format!("{way:?} takes too long"))??;
        eprintln!(
            "{way:?}: {} tricks, {} went wrong, {} visits to the canary",
            tricks.len(),
            tried.len(),
            canary.hits().len()
        );
        wrong.extend(tried.into_iter().map(|what| format!("{way:?}: {what}")));
    }
    let listed = in_a_list(&world, &ada, &tricks).await?;
    wrong.extend(listed.into_iter().map(|what| format!("list: {what}")));
    pictures(&world, &ada).await?;
    ensure!(canary.hits().is_empty(), "the canary was visited: {:#?}", canary.hits());
    ensure!(wrong.is_empty(), "{wrong:#?}");
    told(&world).await?;
    world.end().await
}

impl Way {
    /// What went wrong.
    async fn try_all(self, world: &World, person: &Person, tricks: &[Trick]) -> Result<Vec<String>> {
        let one = async |trick: &Trick| -> Result<Option<String>> {
            let came = match self {
                Self::Api => api(person, trick).await,
                Self::Plan => plan(person, trick).await,
                Self::Form => form(world, person, trick).await,
                Self::Save => save::save(world, person, trick).await,
            };
            Ok(came.err().map(|error| format!("{} ({}): {error:#}", trick.name, trick.link)))
        };
        let at_once = match self {
            // A person has a short line for previews.
            Self::Plan => 1,
            // And so many connections for devices.
            Self::Save => 8,
            Self::Api | Self::Form => 16,
        };
        let all: Vec<_> = stream::iter(tricks).map(one).buffer_unordered(at_once).try_collect().await?;
        Ok(all.into_iter().flatten().collect())
    }
}

async fn api(person: &Person, trick: &Trick) -> Result<()> {
    let (status, reply) = person.api.try_send(&json!({ "url": trick.link })).await?;
    if trick.outcome == Outcome::NoLink {
        ensure!(status.is_client_error(), "{status} {reply}");
        return Ok(());
    }
    ensure!(status == StatusCode::ACCEPTED, "{status} {reply}");
    let job: Job = serde_json::from_value(reply)?;
    settled(&person.api.finished(&job.id, LIMIT).await?, trick)
}

async fn plan(person: &Person, trick: &Trick) -> Result<()> {
    let request = person.api.request(Method::POST, "/plan").json(&json!({ "url": trick.link }));
    let (status, reply) = person.api.call(request).await?;
    match trick.outcome {
        Outcome::NoLink => ensure!(status.is_client_error(), "{status} {reply}"),
        Outcome::Refused => ensure!(!status.is_success() && says(&reply), "{status} {reply}"),
        Outcome::RefusedInside | Outcome::Harmless => {}
    }
    Ok(())
}

fn says(reply: &Value) -> bool {
    reply.to_string().contains(MESSAGE)
}

/// As a browser without script does.
async fn form(world: &World, person: &Person, trick: &Trick) -> Result<()> {
    let (web, client) = (world.web()?, client()?);
    let page = client.get(web).header(COOKIE, &person.cookie).send().await?;
    let page = String::from_utf8(body(page, PAGE).await?)?;
    let hidden = |name: &str| {
        let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).with_context(|| format!("no {name}"))?;
        anyhow::Ok(rest.split('"').next().unwrap_or_default().to_owned())
    };
    let form = [("csrf", hidden("csrf")?), ("key", hidden("key")?), ("url", trick.link.clone())];
    let answer = client.post(format!("{web}/jobs")).header(COOKIE, &person.cookie).form(&form).send().await?;
    if trick.outcome == Outcome::NoLink {
        ensure!(answer.status().is_client_error(), "{}", answer.status());
        return Ok(());
    }
    ensure!(answer.status().is_redirection(), "{}", answer.status());
    if trick.outcome != Outcome::Refused {
        return Ok(());
    }
    let job = eventually("the job is there and over", LIMIT, async || {
        Ok(job_of(person, trick, "dropbox").await?.filter(Job::is_final))
    })
    .await?;
    settled(&job, trick)
}

/// What the person's list says of this link. It shows no name and no password in it.
async fn job_of(person: &Person, trick: &Trick, destination: &str) -> Result<Option<Job>> {
    let mut link = Url::parse(&trick.link)?;
    ensure!(link.set_username("").is_ok() && link.set_password(None).is_ok(), "{link}");
    let (_, reply) = person.api.call(person.api.request(Method::GET, "/jobs?limit=100")).await?;
    let jobs = reply["jobs"].as_array().context("no jobs")?;
    let ours = |job: &&Value| {
        let shown = job["url"].as_str().and_then(|url| Url::parse(url).ok());
        job["destination"] == destination && shown.as_ref() == Some(&link)
    };
    Ok(jobs.iter().find(ours).cloned().map(serde_json::from_value).transpose()?)
}

fn settled(job: &Job, trick: &Trick) -> Result<()> {
    if matches!(trick.outcome, Outcome::Refused | Outcome::RefusedInside) {
        let error = job.error.as_ref().with_context(|| format!("it ended {}", job.state))?;
        ensure!(error.kind == "refused_address" && error.message == MESSAGE, "{error:?}");
        ensure!(!error.retryable && job.state == "failed" && job.attempts.len() <= 1, "it was tried again: {job:?}");
    }
    Ok(())
}

/// Each of them as an item of one list.
async fn in_a_list(world: &World, person: &Person, tricks: &[Trick]) -> Result<Vec<String>> {
    let inside: Vec<_> = tricks.iter().filter(|trick| trick.outcome == Outcome::Refused).take(40).collect();
    let entries: String = inside
        .iter()
        .enumerate()
        .map(|(number, trick)| {
            let link = trick.link.replace('&', "&amp;");
            format!("<item><title>{number}</title><link>{link}#{number}</link><enclosure url=\"{link}#{number}\" type=\"video/mp4\"/></item>")
        })
        .collect();
    let feed =
        format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>inward</title>{entries}</channel></rss>");
    world.site.publish("/inward.xml", Resource::text("application/rss+xml", feed));
    let list = person.api.run(&world.site.url("/inward.xml"), "best", LIMIT).await?;
    let items = person.api.items(&list.id).await?;
    ensure!(items.len() > 20, "{} of {} items were found: {list:?}", items.len(), inside.len());
    let wrong = items.iter().filter(|item| item.failure() != "refused_address").map(|item| format!("{item:?}"));
    Ok(wrong.collect())
}

/// A picture of a job that leads inward is not shown, and not fetched.
async fn pictures(world: &World, person: &Person) -> Result<()> {
    let (_, reply) = person.api.call(person.api.request(Method::GET, "/jobs?limit=100")).await?;
    let client = client()?;
    for job in reply["jobs"].as_array().context("no jobs")? {
        let id = job["id"].as_str().context("no id")?;
        let address = format!("{}/jobs/{id}/thumbnail", world.web()?);
        let answer = client.get(address).header(COOKIE, &person.cookie).send().await?;
        let picture = body(answer, PAGE).await?;
        ensure!(!picture.windows(6).any(|part| part == b"canary"), "{id} shows the canary");
    }
    Ok(())
}

/// The figures know of it, and name nobody.
async fn told(world: &World) -> Result<()> {
    let answer = client()?.get(format!("{}/metrics", world.web()?)).send().await?;
    let metrics = String::from_utf8(body(answer, PAGE).await?)?;
    for reason in ["loopback", "private", "cloud_metadata", "port"] {
        ensure!(
            metrics.contains(&format!("sluice_egress_refused_total{{reason=\"{reason}\"}}")),
            "{reason}: {metrics}"
        );
    }
    ensure!(!metrics.contains("127.0.0.1"), "{metrics}");
    Ok(())
}
