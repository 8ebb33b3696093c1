//! "Save to this device": the file comes through the web server while it is fetched, with its true length, any part of it, and no clean end
//! where there is none.

mod both;
mod ends;
mod parts;
mod people;

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::{
    eventually::eventually,
    http::{body, client},
    media::{Library, Long, tiny},
    person::{ADA, Person},
    process::{Process, descendants},
    site::{Content, Links, Stream},
    world::World,
};
use reqwest::{Method, Response};

const LIMIT: Duration = Duration::from_secs(60);
const MEGABYTE: u64 = 1_000_000;
const MOST: usize = 64 << 20;

/// A world without a worker: nothing of this needs one.
struct House {
    world: World,
    ada: Person,
    single: Stream,
    pair: Stream,
    /// Of the pair.
    seconds: u32,
}

async fn house(megabytes: u64, settings: &[(&str, &str)]) -> Result<House> {
    let mut setup = World::setup().workers(0);
    for (name, value) in settings {
        setup = setup.setting(name, value);
    }
    let world = setup.start().await?;
    let ada = world.person(ADA).await?;
    let content = Content::noisy_mp4(&tiny().await?, megabytes * MEGABYTE, 1);
    let single = world.site.publish_single("single", &content, Links::Plain);
    let film = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
    let pair = world.site.publish_pair("pair", &film, Links::Plain);
    Ok(House { world, ada, single, pair, seconds: film.video.seconds })
}

impl House {
    fn link(&self, stream: &Stream) -> String {
        self.world.site.url(&stream.path)
    }

    async fn ask(&self, stream: &Stream, headers: &[(&str, &str)]) -> Result<Response> {
        let mut request = self.ada.api.save(Method::GET, &self.link(stream), "best")?;
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.send().await?)
    }

    /// Nothing is under way in this web process, or below it, and no job says so.
    async fn is_at_rest(&self, web: &Process) -> Result<()> {
        let metrics = format!("{}/metrics", web.address().trim_end_matches('/'));
        let mut last = String::new();
        let rest = eventually("the web server is at rest", Duration::from_secs(10), async || {
            let told = String::from_utf8(body(client()?.get(&metrics).send().await?, MOST).await?)?;
            let devices = told.lines().any(|line| line == "sluice_web_devices 0");
            let (_, running) = self.ada.api.call(self.ada.api.request(Method::GET, "/jobs?state=running")).await?;
            let children = descendants(web.group()).len();
            // What looks at links stays: a Python and what forks from it.
            let none = running["jobs"].as_array().is_some_and(Vec::is_empty);
            last = format!("no devices: {devices}, {children} children, {running}");
            Ok((devices && none && children <= 2).then_some(()))
        });
        rest.await.with_context(|| last)
    }
}

fn header(answer: &Response, name: impl reqwest::header::AsHeaderName) -> &str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
