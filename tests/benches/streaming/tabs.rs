//! Tabs that are opened and closed at drawn moments, beside devices that take slowly: whether the memory of the web server, with all that
//! it starts, grows with them, and what they leave.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use e2e::{
    eventually::eventually,
    family::{Memory, Moment},
    media::{Library, Long, clips, tiny},
    person::ADA,
    process::descendants,
    site::{Content, Line, Links},
    world::World,
};
use futures::future::try_join_all;
use nix::unistd::Pid;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Method, Response, StatusCode};
use tokio::{sync::watch, time::interval};

use crate::{
    memory::described,
    run::{LIMIT, line, seconds},
};

/// Tabs, in so many rounds, so many at once.
const TABS: usize = 200;
const ROUNDS: usize = 4;
const AT_ONCE: usize = 10;
/// Devices that take slowly, as long as there are tabs, and at which pace: bytes in each part of a second.
const DAWDLERS: usize = 50;
const SIP: usize = 5_000;
const SIPS_PER_SECOND: u64 = 10;
/// The site's pace for each connection, in bytes per second: a tab takes a while.
const PACE: u64 = 10_000_000;

pub(crate) async fn measure(megabytes: u64) -> Result<()> {
    let setup = World::setup().secure().workers(0).setting("limits.streams", "100").setting("server.streams", "100");
    let world = setup.setting("limits.stream_idle", "60s").start().await?;
    let ada = world.person(ADA).await?;
    let single = Content::noisy_mp4(&tiny().await?, megabytes * 1_000_000, 1);
    let pair = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
    let single = world.site.publish_single("single", &single, Links::Secure);
    let pair = world.site.publish_pair("pair", &pair, Links::Secure);
    let segments = world.site.publish_segments("segments", &clips().await?.hls_ts["part000.ts"], 600);
    let links = [world.site.url(&single.path), world.site.url(&pair.path), world.site.url(&segments)];
    world.site.shape(Line { connection_bytes_per_second: Some(PACE), ..Line::default() });
    let web = world.web_process()?;
    let open = async |link: &str| {
        let mut answer = ada.api.save(Method::GET, link, "best")?.timeout(LIMIT).send().await?;
        ensure!(answer.status() == StatusCode::OK, "{answer:?}");
        answer.chunk().await?.context("no byte")?;
        Ok(answer)
    };
    for link in &links {
        drop(open(link).await?);
    }
    let children = || descendants(web.group()).len();
    let at_rest = async || {
        eventually("nothing runs for devices", Duration::from_secs(10), async || Ok((children() <= 1).then_some(())))
            .await
    };
    at_rest().await?;
    let before = Open::of(web.group())?;
    let memory = Memory::watch(web.group());

    let (stop, stopped) = watch::channel(false);
    let (mut dawdlers, mut longest) = (Vec::new(), [Duration::ZERO; 3]);
    for number in 0..DAWDLERS {
        let begun = Instant::now();
        let answer = open(&links[number % links.len()]).await?;
        let longest = &mut longest[number % links.len()];
        *longest = begun.elapsed().max(*longest);
        dawdlers.push(tokio::spawn(dawdle(answer, stopped.clone())));
    }
    let [file, pair, piped] = longest.map(seconds);
    line("  a slow device's first byte, longest", &format!("a file {file}, a pair {pair}, a piped film {piped}"));
    let quiet = memory.end().await;
    told("while slow devices come", &quiet);
    let (mut draw, mut peaks) = (StdRng::seed_from_u64(5), Vec::new());
    for round in 0..ROUNDS {
        let memory = Memory::watch(web.group());
        for _ in 0..TABS / ROUNDS / AT_ONCE {
            let drawn: Vec<u64> = (0..AT_ONCE).map(|_| draw.random_range(0..megabytes * 1_000_000)).collect();
            let tabs = drawn.into_iter().enumerate().map(|(tab, bytes)| {
                let link = &links[tab % links.len()];
                async move {
                    let (mut answer, mut came) = (open(link).await?, 0);
                    while came < bytes
                        && let Some(chunk) = answer.chunk().await?
                    {
                        came += chunk.len() as u64;
                    }
                    anyhow::Ok(())
                }
            });
            try_join_all(tabs).await?;
        }
        let moments = memory.end().await;
        told(&format!("round {} of {ROUNDS}, {} tabs", round + 1, TABS / ROUNDS), &moments);
        peaks.push(moments.iter().map(Moment::kb).max().unwrap_or_default());
    }
    let (first, last) = (peaks[0] as f64, peaks[ROUNDS - 1] as f64);
    line("  peak of the last round / of the first", &format!("{:.2}", last / first));
    stop.send_replace(true);
    for dawdler in dawdlers {
        dawdler.await??;
    }
    at_rest().await?;
    let memory = Memory::watch(web.group());
    tokio::time::sleep(Duration::from_secs(1)).await;
    told("when all are gone", &memory.end().await);
    // A file waits a while for its device to come back.
    let gone = eventually("nothing is left", Duration::from_secs(40), async || {
        let after = Open::of(web.group())?;
        let is_closed = after.pipes <= before.pipes && after.files <= before.files;
        Ok((is_closed && world.keys_of_devices().await?.is_empty()).then_some(()))
    });
    gone.await?;
    line("  left: processes, pipes, files, keys of devices", "none");
    world.end().await
}

/// Takes some bytes now and then, until it is told to stop.
async fn dawdle(mut answer: Response, stopped: watch::Receiver<bool>) -> Result<()> {
    let (mut sips, mut came) = (interval(Duration::from_millis(1000 / SIPS_PER_SECOND)), 0);
    let mut thirst = 0;
    while !*stopped.borrow() {
        sips.tick().await;
        thirst += SIP;
        // A chunk may be more than a sip: then it pauses for as long.
        while came < thirst {
            came += answer.chunk().await?.context("the film is over, make it longer")?.len();
        }
    }
    Ok(())
}

fn told(what: &str, moments: &[Moment]) {
    let peak = moments.iter().max_by_key(|moment| moment.kb());
    line(&format!("  {what}, at most"), &peak.map(described).unwrap_or_default());
}

/// What a process holds open.
struct Open {
    pipes: usize,
    files: usize,
}

impl Open {
    fn of(process: Pid) -> Result<Self> {
        let mut open = Self { pipes: 0, files: 0 };
        for entry in fs::read_dir(format!("/proc/{process}/fd"))?.flatten() {
            match fs::read_link(entry.path()) {
                Ok(place) if place.to_string_lossy().starts_with("pipe:") => open.pipes += 1,
                Ok(place) if place.is_absolute() && place != Path::new("/dev/null") => open.files += 1,
                _ => {}
            }
        }
        Ok(open)
    }
}
