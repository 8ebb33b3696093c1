//! Floods, and whether anybody else notices: slow clients by the thousand, sign-ins and forms as fast as they go, and beside them one
//! person who goes about their business.

mod crowd;

use std::{
    fmt, fs,
    net::SocketAddr,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::unistd::Pid;
use reqwest::header::COOKIE;

pub use crowd::{Crowd, Manner};

use crate::{
    http::{body, client},
    person::{ADA, Person},
    world::World,
};

/// Between two things that the person does.
const PAUSE: Duration = Duration::from_millis(100);
const PAGE: usize = 1 << 20;

/// One flood.
#[derive(Debug, Clone, Copy)]
pub struct Flood {
    /// How its clients behave.
    pub manner: Manner,
    /// How many there are.
    pub clients: u32,
    /// From how many addresses they come.
    pub addresses: u32,
    /// How long it lasts.
    pub lasts: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    flood: Flood,
    /// How long each page, form and call of the person took, shortest first.
    pub waits: Vec<Duration>,
    /// The most connections that the crowd had open at once.
    pub most_open: u64,
    /// Connections that the server ended.
    pub ended: u64,
    /// Answers to the fast ones, and those that said 429.
    pub answers: (u64, u64),
    /// The most memory that the web server had since it started.
    pub memory_kb: u64,
}

/// A world with nobody but a person at the web server, with the product's own limits.
pub async fn quiet_world() -> Result<World> {
    World::setup()
        .workers(0)
        .setting("server.previews", "0")
        .setting("limits.sign_in_rate", "60/m")
        .setting("limits.form_rate", "120/m")
        .setting("limits.user_queued", "100000")
        .setting("server.connections_per_address", "512")
        .start()
        .await
}

impl Flood {
    /// Lets it loose on the web server of a world, and is somebody else meanwhile. An error when that person is not served.
    pub async fn run(self, world: &World) -> Result<Outcome> {
        let server: SocketAddr = world.web()?.trim_start_matches("http://").parse()?;
        let ada = world.person(ADA).await?;
        let crowd = Crowd::gather(server, self.manner, self.clients, self.addresses);
        let begun = Instant::now();
        let mut waits = Vec::new();
        while begun.elapsed() < self.lasts {
            let link = format!("https://a.example/{:?}/{}", self.manner, waits.len());
            waits.extend(business(world.web()?, &ada, &link).await.with_context(|| format!("{self:?}"))?);
            tokio::time::sleep(PAUSE).await;
        }
        waits.sort();
        let tally = &crowd.tally;
        Ok(Outcome {
            flood: self,
            waits,
            most_open: tally.most.load(Relaxed),
            ended: tally.ended.load(Relaxed),
            answers: (tally.answers.load(Relaxed), tally.refused.load(Relaxed)),
            memory_kb: peak_kb(world.web_process()?.group())?,
        })
    }
}

/// A page on a connection of its own, and a link by the API. How long each took.
async fn business(web: &str, ada: &Person, link: &str) -> Result<[Duration; 2]> {
    let client = client()?;
    let begun = Instant::now();
    let page = client.get(format!("{web}/")).header(COOKIE, &ada.cookie).send().await?;
    ensure!(page.status() == 200, "the page answers {}", page.status());
    let text = body(page, PAGE).await?;
    ensure!(text.ends_with(b"</html>\n") || text.ends_with(b"</html>"), "the page is torn");
    let page = begun.elapsed();
    let begun = Instant::now();
    ada.api.send(link, "best").await?;
    Ok([page, begun.elapsed()])
}

/// The most memory that a process has had.
fn peak_kb(process: Pid) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

impl Outcome {
    /// The wait that so many of a hundred did not exceed.
    pub fn wait(&self, of_hundred: usize) -> Duration {
        let last = self.waits.len().saturating_sub(1);
        self.waits.get(last * of_hundred / 100).copied().unwrap_or_default()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flood { manner, clients, addresses, lasts } = self.flood;
        write!(
            f,
            "{clients} × {manner:?} from {addresses} addresses for {} s: at most {} open, {} ended by the server, {} answers of which {} were 429; \
             somebody else: {} requests, p50 {} ms, p99 {} ms, longest {} ms; peak memory {} MB",
            lasts.as_secs(),
            self.most_open,
            self.ended,
            self.answers.0,
            self.answers.1,
            self.waits.len(),
            self.wait(50).as_millis(),
            self.wait(99).as_millis(),
            self.wait(100).as_millis(),
            self.memory_kb / 1024,
        )
    }
}
