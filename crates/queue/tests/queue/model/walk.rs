//! One random walk.

use std::{
    collections::{BTreeMap, VecDeque, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use redis::{Connection, FromRedisValue, Script};
use sluice_domain::{AccountId, JobId};

use super::{
    dump::{Dump, Fields},
    rules, scripts,
};
use crate::world::{another_link, receipt, request};

const PREFIX: &str = "{test}:";
const ACCOUNTS: [&str; 3] = ["dbid:a", "dbid:b", "dbid:c"];
const WORKERS: [&str; 3] = ["w1", "w2", "w3"];
const VERDICTS: [&str; 18] = [
    "completed",
    "completed",
    "completed",
    "completed",
    "listed",
    "listed",
    "listed",
    "listed",
    "failed",
    "failed",
    "refused",
    "duplicate",
    "cancelled",
    "cancelled",
    "retry",
    "retry",
    "snooze",
    "handback",
];
/// Moves, as often as they are named.
const MOVES: &str = "enqueue enqueue enqueue enqueue claim claim claim claim claim claim note note expand expand expand expand hold hold \
    finish finish finish finish finish finish late cancel cancel pause pause resume resume retry retry retry delete delete die touch leave \
    promote promote sweep cascade cascade cascade cascade steer bulk look newer";
const USER_RUNNING: u32 = 2;
const USER_QUEUED: u32 = 12;

/// A job in the hands of a worker, or of one that believes so.
#[derive(Clone)]
struct Held {
    worker: &'static str,
    id: String,
    fence: String,
}

pub(super) struct Walk {
    seed: u64,
    rng: StdRng,
    connection: Connection,
    scripts: BTreeMap<&'static str, Script>,
    now: Dump,
    held: Vec<Held>,
    /// Settlements whose reply may have been lost.
    settled: Vec<Vec<String>>,
    /// Every id that there ever was, with its account.
    ids: Vec<(String, String)>,
    links: Vec<String>,
    template: Vec<(&'static str, String)>,
    trail: VecDeque<String>,
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
            "claim" => {
                let worker = self.one_of(&WORKERS);
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
        let lines = ["turns", "waiting", "retries"].map(|line| self.now.lines.contains_key(line));
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
            ["recents", "history", "children", "marks", "finished", "failed:", "leases:g"]
                .iter()
                .any(|gone| key.starts_with(gone))
        };
        let left: Vec<&String> = self.now.lines.keys().chain(self.now.hashes.keys()).filter(left).collect();
        if !left.is_empty() || !self.now.jobs.is_empty() {
            self.fail(&format!("left: {left:?} {:?}", self.now.jobs.keys()));
        }
    }

    fn enqueue(&mut self) {
        let owner = self.one_of(&ACCOUNTS);
        let id = JobId::from_random(self.rng.random()).to_string();
        let link = self.links.choose(&mut self.rng).unwrap().clone();
        let word = if self.rng.random_ratio(1, 4) { self.rng.random_range(0..3).to_string() } else { String::new() };
        let force = self.rng.random_ratio(1, 4);
        let mark = format!("mark-{}", link.rsplit('/').next().unwrap());
        let mut args = vec![owner.to_owned(), id.clone(), word, "60000".into(), USER_QUEUED.to_string(), mark];
        args.push(u8::from(force).to_string());
        args.extend(["url".into(), link]);
        args.extend(self.template.iter().flat_map(|(name, value)| [(*name).to_owned(), value.clone()]));
        if force {
            args.extend(["force".into(), "1".into()]);
        }
        self.ids.push((owner.to_owned(), id));
        self.call::<Vec<redis::Value>>("enqueue", args);
    }

    fn claim(&mut self, worker: &'static str) -> Option<Held> {
        let lease = format!("{:032x}", self.rng.random::<u128>());
        let args = vec![worker.into(), lease, USER_RUNNING.to_string(), error("internal")];
        let before = self.now.clone();
        let job: Fields = self.call("claim", args);
        let id = job.get("id")?.clone();
        let owner = &job["account"];
        let weight: usize = self.now.of_hash("weights", owner).map_or(1, |weight| weight.parse().unwrap());
        let running = self.now.sets[&format!("running:{owner}")].len();
        if running > USER_RUNNING as usize * weight {
            self.fail(&format!("{owner} has {running} running"));
        }
        if before.texts.contains_key("paused") || before.in_set("paused_accounts", owner) {
            self.fail(&format!("{id} was begun in spite of a pause"));
        }
        let held = Held { worker, id, fence: job["fence"].clone() };
        self.held.push(held.clone());
        Some(held)
    }

    fn note(&mut self) {
        let Some(held) = self.some_held() else { return };
        let said: String = self.call("note", vec![held.id.clone(), held.fence.clone(), "title".into(), "a".into()]);
        let mine = self.now.field(&held.id, "state") == "running" && self.now.field(&held.id, "fence") == held.fence;
        if mine == (said == "lost") {
            self.fail(&format!("{said}, although it is {mine} that {} has {}", held.worker, held.id));
        }
    }

    fn expand(&mut self) {
        let Some(held) = self.some_held() else { return };
        let mut args = vec![held.id.clone(), held.fence, USER_QUEUED.to_string(), "3".into(), "9".into()];
        let first = self.rng.random_range(1..5);
        for number in first..=first + self.rng.random_range(0..3) {
            let id = item_id(&held.id, number);
            self.ids.push((self.now.field(&held.id, "account").to_owned(), id.clone()));
            args.extend([
                number.to_string(),
                id,
                another_link(),
                "1".into(),
                "a title".into(),
                String::new(),
                String::new(),
            ]);
        }
        self.call::<String>("expand", args);
    }

    fn hold(&mut self) {
        let Some(held) = self.some_held() else { return };
        let mark = format!("film-{}", self.rng.random_range(0..4));
        let stale = match self.rng.random_range(0..4) {
            0 => "*".to_owned(),
            1 => self.some_job().map_or_else(String::new, |(_, id)| id),
            _ => String::new(),
        };
        self.call::<Vec<redis::Value>>("hold", vec![held.id, held.fence, mark, stale]);
    }

    fn finish(&mut self) {
        let Some(held) = self.some_held() else { return };
        let verdict = self.one_of(&VERDICTS);
        self.settle(&held, verdict);
    }

    fn settle(&mut self, held: &Held, verdict: &str) {
        let (said, payload, duplicate) = match verdict {
            "completed" => (verdict, serde_json::to_string(&receipt()).unwrap(), String::new()),
            "failed" => (verdict, error(if self.rng.random() { "removed" } else { "network" }), String::new()),
            "refused" => (verdict, error("too_large"), String::new()),
            "duplicate" => ("refused", error("duplicate"), self.some_job().map_or_else(String::new, |(_, id)| id)),
            "retry" | "snooze" => (verdict, error("network"), String::new()),
            _ => (verdict, String::new(), String::new()),
        };
        let wait = self.rng.random_range(0..10).to_string();
        let args: Vec<String> =
            [&held.id, &held.fence, said, &payload, &wait, "3", "", "", &duplicate].map(str::to_owned).to_vec();
        let said: String = self.call("finish", args.clone());
        if said != "lost" && said != self.now.field(&held.id, "state") {
            self.fail(&format!("{} is not {said}", held.id));
        }
        self.held.retain(|other| other.id != held.id || other.fence != held.fence);
        self.settled.push(args);
    }

    /// A worker says once more what it said long ago.
    fn late(&mut self) {
        let Some(args) = self.settled.choose(&mut self.rng).cloned() else { return };
        let before = self.now.clone();
        self.call::<String>("finish", args);
        if self.now != before {
            self.fail("a late word counted");
        }
    }

    /// A worker is judged dead; it may come back late and go on as if nothing were.
    fn die(&mut self) {
        let worker = self.one_of(&WORKERS);
        let beats = match self.now.of_hash("workers", worker) {
            Some(beats) if self.rng.random_ratio(4, 5) => beats.to_owned(),
            _ => "77777".into(),
        };
        let step = self.rng.random_range(1..3);
        self.call::<i64>("rescue", rescue(worker, &beats, step));
        if self.rng.random() {
            self.held.retain(|held| held.worker != worker);
        }
    }

    fn cascade(&mut self) {
        let lists: Vec<String> =
            self.now.hashes.get("cascades").into_iter().flatten().map(|(id, _)| id.clone()).collect();
        let Some(list) = lists.choose(&mut self.rng).cloned() else { return };
        let step = self.rng.random_range(1..3).to_string();
        self.call::<u32>("cascade", vec![list, step]);
    }

    fn steer(&mut self) {
        let owner = self.one_of(&ACCOUNTS);
        let weight = self.one_of(&["1", "1", "2", "3", "7", "16"]);
        let args = match self.rng.random_range(0..6) {
            0 => vec!["pause", owner],
            1 => vec!["pause", ""],
            2 => vec!["resume", owner],
            3 => vec!["resume", ""],
            _ => vec!["weigh", owner, weight],
        };
        self.call::<String>("steer", args.into_iter().map(str::to_owned));
    }

    fn bulk(&mut self) {
        let args = match self.rng.random_range(0..3) {
            0 => ["retry", "network", "2"],
            1 => ["retry", "incomplete", "2"],
            _ => ["cancel", self.one_of(&["", "dbid:a", "dbid:b"]), "2"],
        };
        self.call::<(u32, u32)>("bulk", args.map(str::to_owned).to_vec());
    }

    /// Reading changes nothing.
    fn look(&mut self) {
        let before = self.now.clone();
        let (owner, id) = self.some_job().unwrap_or_default();
        let all = ["", ""];
        let [state, after] = all.map(str::to_owned);
        self.call::<redis::Value>("read", vec![owner.clone(), id.clone()]);
        self.call::<redis::Value>("waiting", vec![owner.clone(), id.clone(), "2".into()]);
        self.call::<redis::Value>("list", vec![owner, id, state, after, "10".into(), "20".into()]);
        self.call::<redis::Value>("overview", vec!["100".into()]);
        self.call::<redis::Value>("depth", Vec::new());
        if self.now != before {
            self.fail("reading changed something");
        }
    }

    /// A job that waits was written by a newer version.
    fn newer(&mut self) {
        let waiting: Vec<String> =
            self.now.lines.get("waiting").into_iter().flatten().map(|(id, _)| id.clone()).collect();
        let Some(id) = waiting.choose(&mut self.rng) else { return };
        self.trail.push_back(format!("newer {id}"));
        redis::cmd("HSET").arg(format!("{PREFIX}job:{id}")).arg("v").arg("99").exec(&mut self.connection).unwrap();
        self.now = Dump::read(&mut self.connection, PREFIX);
    }

    /// What a person asks of a job: of any that there ever was.
    fn ask_of_job(&mut self, what: &'static str) {
        let Some((owner, id)) = self.some_job() else { return };
        match what {
            "pause" | "resume" => drop(self.call::<redis::Value>("pause", vec![owner, id, what.into()])),
            "retry" => drop(self.call::<redis::Value>("retry", vec![owner, id, USER_QUEUED.to_string()])),
            _ => drop(self.call::<redis::Value>(what, vec![owner, id])),
        }
    }

    /// Calls a script, sometimes twice, and holds everything against the rules.
    fn call<T: FromRedisValue>(&mut self, name: &'static str, args: impl IntoIterator<Item = String>) -> T {
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

    fn fail(&self, what: &str) -> ! {
        let trail: Vec<&str> = self.trail.iter().rev().take(400).rev().map(String::as_str).collect();
        let cascades = self.now.hashes.get("cascades");
        panic!("seed {}, after {}\n{cascades:?}\n{what}", self.seed, trail.join("\n"));
    }

    fn some_held(&mut self) -> Option<Held> {
        self.held.choose(&mut self.rng).cloned()
    }

    /// Mostly one that is there.
    fn some_job(&mut self) -> Option<(String, String)> {
        let there: Vec<(String, String)> = self
            .now
            .jobs
            .iter()
            .map(|(id, job)| (job.get("account").cloned().unwrap_or_default(), id.clone()))
            .collect();
        let from = if self.rng.random_ratio(1, 10) { &self.ids } else { &there };
        from.choose(&mut self.rng).cloned()
    }

    fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all.choose(&mut self.rng).unwrap()
    }
}

fn rescue(worker: &str, beats: &str, step: u32) -> Vec<String> {
    [worker, beats, "3", &error("worker_lost"), &step.to_string(), "1", "4"].map(str::to_owned).to_vec()
}

fn error(kind: &str) -> String {
    format!(r#"{{"kind":"{kind}","message":"m","retryable":true}}"#)
}

/// The same for the same item, as in the product.
fn item_id(list: &str, number: u32) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (list, number, salt).hash(&mut hasher);
        hasher.finish().to_be_bytes()
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&half(0));
    bytes[8..].copy_from_slice(&half(1));
    JobId::from_random(bytes).to_string()
}

fn short(reply: &redis::Value) -> String {
    let text = format!("{reply:?}");
    text.chars().take(60).collect()
}
