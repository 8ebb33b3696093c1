//! The memory of a worker and everything that descends from it, while many transfers overlap.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    family::{Memory, Moment},
    media::{Library, Long, tiny},
    person::{ADA, Person},
    site::{Content, Line, Links},
    world::World,
};
use reqwest::Method;
use tokio::time::Instant;

use crate::run::{LIMIT, line, seconds};

/// Of the site, in all: every transfer lasts as long as all of them together.
const RATE: u64 = 60_000_000;
/// Links looked at at once. It takes hundredths of a second, of which the streams that last a minute and a half notice nothing; and memory.
const EXTRACTIONS: &str = "1";
/// How often the phases of the jobs are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Is the transfer of this number a pair?
type IsPair = fn(u32) -> bool;

const MIXES: [(&str, IsPair); 3] =
    [("direct", |_| false), ("interleave", |_| true), ("half of each", |number| number % 2 == 1)];

pub(crate) async fn measure(transfers: u32, megabytes: u64, links: Links) -> Result<()> {
    for (name, is_pair) in MIXES {
        line(&format!("{transfers} transfers of {megabytes} MB at once"), name);
        one_mix(transfers, megabytes, links, is_pair).await?;
    }
    Ok(())
}

/// How many jobs did what at one moment.
#[derive(Debug, Clone, Copy)]
struct Phases {
    at: Duration,
    extracting: usize,
    transferring: usize,
}

async fn one_mix(transfers: u32, megabytes: u64, links: Links, is_pair: IsPair) -> Result<()> {
    let count = transfers.to_string();
    let setup = World::setup().secure().setting("worker.concurrency", &count).setting("limits.user_running", &count);
    let world = setup.setting("worker.extractions", EXTRACTIONS).start().await?;
    let ada = world.person(ADA).await?;
    let (film, long) = (tiny().await?, Long::mp4(&Library::of_the_repository()?, megabytes).await?);
    let mut urls = Vec::new();
    for number in 0..transfers {
        let id = format!("memory-{number}");
        let stream = if is_pair(number) {
            world.site.publish_pair(&id, &long, links)
        } else {
            let content = Content::noisy_mp4(&film, megabytes * 1_000_000, u64::from(number % 4));
            world.site.publish_single(&id, &content, links)
        };
        urls.push(world.site.url(&stream.path));
    }
    world.site.shape(Line { bytes_per_second: Some(RATE), ..Line::default() });
    let (memory, begun) = (Memory::watch(world.workers()[0].group()), Instant::now());
    for url in &urls {
        ada.api.send(url, "best").await?;
    }
    let mut seen = Vec::new();
    loop {
        let (phases, over) = look(&ada, transfers, begun).await?;
        seen.push(phases);
        if over {
            break;
        }
        ensure!(begun.elapsed() < LIMIT, "it takes too long");
        tokio::time::sleep(LOOK).await;
    }
    let moments = memory.end().await;
    let most = seen.iter().map(|phases| phases.transferring).max().unwrap_or(0);
    line("  took, most transfers at one moment", &format!("{}, {most}", seconds(begun.elapsed())));
    let idle = moments.first().context("nothing was seen")?;
    line("  before", &described(idle));
    let peak = |wanted: &dyn Fn(&Phases) -> bool| {
        let fits = |moment: &&Moment| nearest(&seen, moment.at).is_some_and(wanted);
        moments.iter().filter(fits).max_by_key(|moment| moment.kb())
    };
    let tell = |what: &str, moment: Option<&Moment>| match moment {
        Some(moment) => line(what, &described(moment)),
        None => line(what, "–"),
    };
    tell("  peak", peak(&|_| true));
    if let Some(at) = peak(&|_| true).and_then(|moment| nearest(&seen, moment.at)) {
        line("    extracting, transferring then", &format!("{}, {}", at.extracting, at.transferring));
    }
    tell("  peak while some were extracting", peak(&|phases| phases.extracting > 0));
    tell("  peak while all were transferring", peak(&|phases| phases.extracting == 0 && phases.transferring > 0));
    world.end().await
}

/// What the jobs do, and whether all have completed.
async fn look(ada: &Person, transfers: u32, begun: Instant) -> Result<(Phases, bool)> {
    let at = begun.elapsed();
    let (status, reply) = ada.api.call(ada.api.request(Method::GET, "/jobs?limit=100")).await?;
    ensure!(status.is_success(), "{status} {reply}");
    let jobs = reply["jobs"].as_array().context("no list of jobs")?;
    let count = |field: &str, value: &str| jobs.iter().filter(|job| job[field] == value).count();
    let gone_wrong = ["failed", "refused", "cancelled"];
    if let Some(job) = jobs.iter().find(|job| gone_wrong.iter().any(|state| job["state"] == *state)) {
        bail!("{job:#}");
    }
    let phases = Phases { at, extracting: count("phase", "extracting"), transferring: count("phase", "transferring") };
    Ok((phases, count("state", "completed") == jobs.len() && jobs.len() >= transfers.min(100) as usize))
}

fn nearest(seen: &[Phases], at: Duration) -> Option<&Phases> {
    seen.iter().min_by_key(|phases| phases.at.abs_diff(at))
}

/// "103 MB at 12.30 s: sluice-worker 61, python 42 (3)".
pub(crate) fn described(moment: &Moment) -> String {
    let megabytes = |kb: u64| (kb * 1024).div_ceil(1_000_000);
    let mut programs: Vec<_> = moment.by_program.iter().collect();
    programs.sort_by_key(|(_, (_, kb))| std::cmp::Reverse(*kb));
    let each = programs.iter().map(|(name, (count, kb))| match count {
        1 => format!("{name} {}", megabytes(*kb)),
        _ => format!("{name} {} ({count} of them)", megabytes(*kb)),
    });
    let each = each.collect::<Vec<_>>().join(", ");
    format!("{} MB at {}: {each}", megabytes(moment.kb()), seconds(moment.at))
}
