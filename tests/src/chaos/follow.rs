//! Every acknowledged link to its end, as its owner sees it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use reqwest::{Method, StatusCode};

use super::crowd::{Acknowledged, Met, key, send};
use crate::{api::Job, landed::files, person::Person, redis::Fsync};

/// What Redis acknowledges reaches the disk within this time with `appendfsync everysec` (Redis: "Redis persistence"): the
/// second that it is named after, and another one when the disk is slow.
const EVERYSEC: Duration = Duration::from_secs(2);

/// All links of a run.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) people: Vec<Person>,
    seed: u64,
    links: BTreeMap<u32, Link>,
    /// Acknowledged jobs that a crash of Redis took back.
    pub(super) lost: usize,
}

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    /// Whose.
    pub(super) place: usize,
    /// Each answer: the job that it named, and when it came.
    answers: Vec<(String, Instant)>,
    /// How it ended.
    pub(super) end: Option<Job>,
}

/// What a look at a job finds.
enum Seen {
    Job(Box<Job>),
    Nothing,
    NoAnswer,
}

impl Followed {
    pub(super) fn new(people: Vec<Person>, seed: u64) -> Self {
        Self { people, seed, links: BTreeMap::new(), lost: 0 }
    }

    /// A link was acknowledged.
    pub(super) fn add(&mut self, job: Acknowledged) {
        let new = || Link { place: job.place, answers: Vec::new(), end: None };
        self.links.entry(job.number).or_insert_with(new).answers.push((job.id, job.at));
    }

    /// Files in all accounts.
    pub(super) fn landed(&self) -> Result<usize> {
        self.people.iter().map(|person| Ok(files(&person.files)?.len())).sum()
    }

    /// The links by number.
    pub(super) fn links(&self) -> impl Iterator<Item = (u32, &Link)> {
        self.links.iter().map(|(number, link)| (*number, link))
    }

    /// Looks at every job that has not ended yet; tells whether all have completed. A job that is gone is an error, unless a
    /// crash of Redis explains it: then its owner sends the link again.
    pub(super) async fn look(
        &mut self,
        crashes: &[Instant],
        fsync: Fsync,
        url: impl Fn(u32) -> String,
    ) -> Result<bool> {
        let mut all = true;
        for (number, link) in self.links.iter_mut().filter(|(_, link)| link.end.is_none()) {
            let person = &self.people[link.place];
            let mut there = Vec::new();
            let mut again = false;
            for (id, at) in std::mem::take(&mut link.answers) {
                if there.iter().any(|(known, _)| *known == id) {
                    continue;
                }
                match see(person, &id).await? {
                    Seen::NoAnswer => there.push((id, at)),
                    Seen::Nothing => {
                        let explains = |crash: &&Instant| **crash >= at && crash.duration_since(at) <= EVERYSEC;
                        let crash = crashes.iter().find(explains);
                        ensure!(fsync == Fsync::EverySecond, "link {number} was acknowledged as {id} and is gone");
                        ensure!(crash.is_some(), "link {number} is gone ({id}), and Redis was not killed soon after");
                        (self.lost, again) = (self.lost + 1, true);
                    }
                    Seen::Job(job) => {
                        if job.is_final() {
                            ensure!(job.state == "completed", "link {number}: {job:#?}");
                            link.end = Some(*job);
                        }
                        there.push((id, at));
                    }
                }
            }
            if again && there.is_empty() {
                let job = send(&person.api, &url(*number), &key(self.seed, *number), &mut Met::default()).await?;
                there.push((job.id, Instant::now()));
            }
            ensure!(there.len() == 1, "link {number} has become {} jobs: {there:?}", there.len());
            link.answers = there;
            all &= link.end.is_some();
        }
        Ok(all)
    }

    /// What has not ended yet, for a message.
    pub(super) async fn pending(&self) -> String {
        const MOST: usize = 20;
        let mut text = String::new();
        for (number, link) in self.links().filter(|(_, link)| link.end.is_none()) {
            for (id, _) in &link.answers {
                match see(&self.people[link.place], id).await {
                    Ok(Seen::Job(job)) if job.state == "completed" => {}
                    Ok(Seen::Job(job)) => drop(writeln!(text, "{number}: {job:?}")),
                    Ok(Seen::Nothing) => drop(writeln!(text, "{number}: {id} is gone")),
                    Ok(Seen::NoAnswer) => drop(writeln!(text, "{number}: 503")),
                    Err(error) => drop(writeln!(text, "{number}: {error:#}")),
                }
            }
            if text.lines().count() >= MOST {
                break;
            }
        }
        text
    }
}

async fn see(person: &Person, id: &str) -> Result<Seen> {
    let (status, reply) = person.api.call(person.api.request(Method::GET, &format!("/jobs/{id}"))).await?;
    Ok(match status {
        StatusCode::OK => Seen::Job(serde_json::from_value(reply)?),
        StatusCode::NOT_FOUND => Seen::Nothing,
        StatusCode::SERVICE_UNAVAILABLE => Seen::NoAnswer,
        _ => bail!("{id}: {status} {reply}"),
    })
}
