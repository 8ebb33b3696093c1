//! One random walk.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use redis::{Connection, FromRedisValue, Script};
use sluice_domain::{AccountId, JobId};

use super::{
    dump::{Dump, Fields},
    rules, scripts,
};
use crate::world::{another_link, request};

pub(super) const PREFIX: &str = "{test}:";
pub(super) const ACCOUNTS: [&str; 3] = ["dbid:a", "dbid:b", "dbid:c"];
pub(super) const WORKERS: [&str; 4] = ["w1", "w2", "w3", "web"];
/// Those of them that take jobs from the line.
const CLAIMERS: [&str; 3] = ["w1", "w2", "w3"];
/// Moves, as often as they are named.
const MOVES: &str = "enqueue enqueue enqueue enqueue begin begin begin begin begin begin claim claim claim claim claim claim note note expand expand expand expand hold hold \
    finish finish finish finish finish finish late cancel cancel pause pause resume resume retry retry retry delete delete die touch leave \
    promote promote sweep cascade cascade cascade cascade steer bulk look newer open open beat beat close close lapse";

/// A job in the hands of a worker, or of one that believes so.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) worker: &'static str,
    pub(super) id: String,
    pub(super) fence: String,
}

pub(super) struct Walk {
    pub(super) seed: u64,
    pub(super) rng: StdRng,
    pub(super) connection: Connection,
    scripts: BTreeMap<&'static str, Script>,
    pub(super) now: Dump,
    pub(super) held: Vec<Held>,
    /// Connections over which devices take files, or which web processes believe to be there: account, job, part.
    pub(super) parts: Vec<[String; 3]>,
    /// Settlements whose reply may have been lost.
    pub(super) settled: Vec<Vec<String>>,
    /// Every id that there ever was, with its account.
    pub(super) ids: Vec<(String, String)>,
    pub(super) links: Vec<String>,
    pub(super) template: Vec<(&'static str, String)>,
    pub(super) trail: VecDeque<String>,
}

impl Walk {
    pub(super) fn new(url: &str, seed: u64) -> Self {
        let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
        redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
        let usual = request(&another_link());
        let template = vec![
            ("preset", usual.preset.to_string()),
            ("folder", usual.folder.to_string()),
            ("origin", "page".to_owned()),
            ("created_at", "1".to_owned()),
        ];
        Self {
            seed,
            rng: StdRng::seed_from_u64(seed),
            connection,
            scripts: scripts::all(),
            now: Dump::default(),
            held: Vec::new(),
            parts: Vec::new(),
            settled: Vec::new(),
            ids: Vec::new(),
            links: (0..8).map(|_| another_link()).collect(),
            template,
            trail: VecDeque::new(),
        }
    }

    /// One move, whatever comes to mind.
    pub(super) fn step(&mut self) {
        let moves: Vec<&str> = MOVES.split_whitespace().collect();
        match *moves.choose(&mut self.rng).unwrap() {
            "enqueue" => self.enqueue(),
            "begin" => self.begin(),
            "claim" => {
                let worker = self.one_of(&CLAIMERS);
                self.claim(worker);
            }
            "note" => self.note(),
            "expand" => self.expand(),
            "hold" => self.hold(),
            "finish" => self.finish(),
            "late" => self.late(),
            "die" => self.die(),
            "leave" => {
                let worker = self.one_of(&WORKERS);
                self.call::<()>("leave", vec![worker.into()]);
            }
            "touch" => {
                let worker = self.one_of(&WORKERS);
                self.call::<redis::Value>("touch", vec![worker.into(), "2".into()]);
            }
            "promote" => {
                std::thread::sleep(Duration::from_millis(self.rng.random_range(0..2)));
                self.call::<u32>("promote", vec!["2".into()]);
            }
            "sweep" => {
                // By age seldom: it takes everything.
                let retention = if self.rng.random_ratio(1, 4) { "0" } else { "3600000" };
                let step = self.rng.random_range(1..4).to_string();
                self.call::<u32>("sweep", vec![retention.into(), "4".into(), step]);
            }
            "cascade" => self.cascade(),
            "steer" => self.steer(),
            "bulk" => self.bulk(),
            "look" => self.look(),
            "newer" => self.newer(),
            "open" => self.open(),
            "beat" => self.beat(),
            "close" => self.close(),
            "lapse" => self.lapse(),
            name => self.ask_of_job(name),
        }
    }

    /// Every job on record.
    pub(super) fn everyone(&self) -> Vec<(AccountId, JobId)> {
        self.now.jobs.iter().map(|(id, job)| (job["account"].parse().unwrap(), id.parse().unwrap())).collect()
    }

    /// What the operator and the persons hold back goes on, a worker carries everything out: then nothing is left anywhere.
    pub(super) fn come_to_rest(&mut self) {
        for who in ["", "dbid:a", "dbid:b", "dbid:c"] {
            self.call::<String>("steer", vec!["resume".into(), who.into()]);
        }
        for (worker, beats) in self.now.hashes.get("workers").cloned().unwrap_or_default() {
            while self.call::<i64>("rescue", rescue(&worker, &beats, 50)) == 50 {}
        }
        std::thread::sleep(super::moves::LAPSES);
        self.lapse();
        for _ in 0..1000 {
            while self.call::<u32>("cascade", vec![String::new(), "50".into()]) > 0 {}
            let alive: Vec<(String, Fields)> =
                self.now.jobs.clone().into_iter().filter(|(id, _)| !self.now.is_over(id)).collect();
            if alive.is_empty() {
                break;
            }
            for (id, job) in alive.iter().filter(|(_, job)| job["state"] == "paused") {
                self.call::<Vec<String>>("pause", vec![job["account"].clone(), id.clone(), "resume".into()]);
            }
            if self.now.lines.contains_key("retries") {
                std::thread::sleep(Duration::from_millis(1));
                self.call::<u32>("promote", vec!["100".into()]);
            }
            while let Some(held) = self.claim("good") {
                let verdict = if self.now.has(&held.id, "n_found") { "listed" } else { "completed" };
                self.settle(&held, verdict);
            }
        }
        let stuck: Vec<&String> = self.now.jobs.keys().filter(|id| !self.now.is_over(id)).collect();
        let lines = ["turns", "waiting", "retries", "saving"].map(|line| self.now.lines.contains_key(line));
        if !stuck.is_empty() || lines.contains(&true) || self.now.hashes.contains_key("cascades") {
            self.fail(&format!("stuck: {stuck:?} {lines:?}"));
        }
    }

    /// Everything is deleted: then nothing remains.
    pub(super) fn clear_away(&mut self) {
        while let Some((id, job)) = self.now.jobs.iter().find(|(_, job)| !job.contains_key("parent")) {
            let (id, owner) = (id.clone(), job["account"].clone());
            assert_eq!(self.call::<String>("delete", vec![owner, id]), "deleted", "seed {}", self.seed);
            while self.call::<u32>("cascade", vec![String::new(), "50".into()]) > 0 {}
        }
        let left = |key: &&String| {
            ["recents", "history", "children", "marks", "finished", "failed:", "leases:g", "parts:"]
                .iter()
                .any(|gone| key.starts_with(gone))
        };
        let left: Vec<&String> = self.now.lines.keys().chain(self.now.hashes.keys()).filter(left).collect();
        if !left.is_empty() || !self.now.jobs.is_empty() {
            self.fail(&format!("left: {left:?} {:?}", self.now.jobs.keys()));
        }
    }

    /// Calls a script, sometimes twice, and holds everything against the rules.
    pub(super) fn call<T: FromRedisValue>(&mut self, name: &'static str, args: impl IntoIterator<Item = String>) -> T {
        let args: Vec<String> = args.into_iter().collect();
        let reply: redis::Value = self.invoke(name, &args);
        let before = std::mem::replace(&mut self.now, Dump::read(&mut self.connection, PREFIX));
        self.check(&before);
        let empty_claim = name == "claim" && matches!(&reply, redis::Value::Array(fields) if fields.is_empty());
        if scripts::HARMLESS_TWICE.contains(&name) && !empty_claim && self.rng.random_ratio(1, 4) {
            self.invoke(name, &args);
            let again = Dump::read(&mut self.connection, PREFIX);
            if again != self.now {
                let (once, twice) = (format!("{:#?}", self.now), format!("{again:#?}"));
                let other: Vec<&str> = twice.lines().filter(|line| !once.contains(line)).collect();
                self.fail(&format!("{name} is not harmless twice:\n{}", other.join("\n")));
            }
        }
        redis::from_redis_value(reply).unwrap()
    }

    fn invoke(&mut self, name: &'static str, args: &[String]) -> redis::Value {
        self.trail.push_back(format!("{name} {}", args.join(" ")));
        let reply = self.scripts[name].key(PREFIX).arg(args).invoke(&mut self.connection);
        match reply {
            Ok(reply) => {
                self.trail.back_mut().unwrap().push_str(&format!(" -> {}", short(&reply)));
                reply
            }
            Err(error) => self.fail(&format!("{name} ends with {error}")),
        }
    }

    fn check(&mut self, before: &Dump) {
        let mut broken = rules::broken(&self.now);
        for id in before.jobs.keys() {
            if !self.now.jobs.contains_key(id) && !before.is_over(id) {
                broken.push(format!("{id} is lost"));
            }
            if before.field(id, "state") == "completed"
                && !before.has(id, "n_found")
                && !matches!(self.now.field(id, "state"), "completed" | "")
            {
                broken.push(format!("{id} was completed"));
            }
        }
        if !broken.is_empty() {
            self.fail(&broken.join("\n"));
        }
    }

    pub(super) fn fail(&self, what: &str) -> ! {
        let trail: Vec<&str> = self.trail.iter().rev().take(400).rev().map(String::as_str).collect();
        let cascades = self.now.hashes.get("cascades");
        panic!("seed {}, after {}\n{cascades:?}\n{what}", self.seed, trail.join("\n"));
    }

    pub(super) fn some_held(&mut self) -> Option<Held> {
        self.held.choose(&mut self.rng).cloned()
    }

    /// Mostly one that is there.
    pub(super) fn some_job(&mut self) -> Option<(String, String)> {
        let there: Vec<(String, String)> = self
            .now
            .jobs
            .iter()
            .map(|(id, job)| (job.get("account").cloned().unwrap_or_default(), id.clone()))
            .collect();
        let from = if self.rng.random_ratio(1, 10) { &self.ids } else { &there };
        from.choose(&mut self.rng).cloned()
    }

    pub(super) fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all.choose(&mut self.rng).unwrap()
    }
}

pub(super) fn rescue(worker: &str, beats: &str, step: u32) -> Vec<String> {
    [worker, beats, "3", &error("worker_lost"), &step.to_string(), "1", "4"].map(str::to_owned).to_vec()
}

pub(super) fn error(kind: &str) -> String {
    format!(r#"{{"kind":"{kind}","message":"m","retryable":true}}"#)
}

fn short(reply: &redis::Value) -> String {
    let text = format!("{reply:?}");
    text.chars().take(60).collect()
}
