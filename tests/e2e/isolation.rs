//! Two people share a server and nothing else.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{
    http::client,
    media::clips,
    person::{ADA, BEN},
    site::{Content, Hold, Resource},
    world::World,
};
use reqwest::{Method, StatusCode, header};

const LIMIT: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sees_or_touches_the_jobs_of_another() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    world.site.publish("/secret-film.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let gate = world.site.hold("/secret-film.mp4", Hold::Byte(1000));
    let (ada, ben) = (world.person(ADA).await?, world.person(BEN).await?);
    let job = ada.api.send(&world.site.url("/secret-film.mp4"), "best").await?;
    gate.reached(1).await?;

    // By the API, knowing the id.
    let path = format!("/jobs/{}", job.id);
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::POST, format!("{path}/cancel")),
        (Method::POST, format!("{path}/retry")),
        (Method::DELETE, path.clone()),
    ] {
        let (status, reply) = ben.api.call(ben.api.request(method.clone(), &path)).await?;
        ensure!(status == StatusCode::NOT_FOUND, "{method} {path}: {status} {reply}");
        ensure!(!reply.to_string().contains("secret-film"), "{method} {path}: {reply}");
    }
    let (_, list) = ben.api.call(ben.api.request(Method::GET, "/jobs")).await?;
    ensure!(!list.to_string().contains(&job.id), "Ben's list has Ada's job: {list}");

    // By the page, with Ben's browser.
    let web = world.web()?;
    for path in ["/".to_owned(), format!("/jobs/{}", job.id), format!("/jobs/{}/thumbnail", job.id)] {
        let reply = client()?.get(format!("{web}{path}")).header(header::COOKIE, &ben.cookie).send().await?;
        ensure!(path == "/" || reply.status() == StatusCode::NOT_FOUND, "{path}: {}", reply.status());
        let text = String::from_utf8_lossy(&e2e::http::body(reply, 1 << 20).await?).into_owned();
        ensure!(!text.contains("secret-film") && !text.contains(&job.id), "{path} shows Ada's job to Ben");
    }

    // By live events: Ben's stream stays silent about Ada's job until it has ended.
    let mut events = ben.api.events().await?;
    gate.open();
    let done = ada.api.finished(&job.id, LIMIT).await?;
    ensure!(done.state == "completed", "somebody else cancelled it: {done:#?}");
    let own = ben.api.send(&world.site.url("/secret-film.mp4"), "best").await?;
    let heard = events.until(&own.id).await?;
    ensure!(!heard.contains(&job.id), "Ben heard of Ada's job: {heard}");
    ben.api.finished(&own.id, LIMIT).await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nothing() -> Result<()> {
    let world = World::setup().workers(0).start().await?;
    let ada = world.person(ADA).await?;
    let job = ada.api.send("https://example.com/a", "best").await?;
    let web = world.web()?;
    for (method, path, want) in [
        (Method::GET, "/api/v1/jobs".to_owned(), StatusCode::UNAUTHORIZED),
        (Method::POST, "/api/v1/jobs".to_owned(), StatusCode::UNAUTHORIZED),
        (Method::GET, format!("/api/v1/jobs/{}", job.id), StatusCode::UNAUTHORIZED),
        (Method::GET, "/api/v1/events".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        for token in [None, Some("slc_wrong"), Some("")] {
            let mut request = client()?.request(method.clone(), format!("{web}{path}"));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let status = request.send().await?.status();
            ensure!(status == want, "{method} {path} with {token:?}: {status}");
        }
    }
    let page = client()?.get(format!("{web}/jobs/{}", job.id)).send().await?;
    ensure!(!page.status().is_success(), "the job's page answered a stranger with {}", page.status());
    world.end().await
}
