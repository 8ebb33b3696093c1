//! What persons, workers, the operator and the upkeep do.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use rand::{Rng as _, seq::IndexedRandom as _};
use sluice_domain::JobId;

use super::{
    dump::{Dump, Fields},
    walk::{ACCOUNTS, Held, PREFIX, WORKERS, Walk, error, rescue},
};
use crate::world::{another_link, receipt};

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
const USER_RUNNING: u32 = 2;
const USER_QUEUED: u32 = 12;
/// How long a part lives without a word: short enough that some lapse on the way.
pub(super) const LAPSES: Duration = Duration::from_millis(20);
/// Bytes of every file that a device takes.
const FILE: u64 = 100;

impl Walk {
    pub(super) fn enqueue(&mut self) {
        self.send("");
    }

    /// A web process sends a job and works on it at once, perhaps for a file that a device takes.
    pub(super) fn begin(&mut self) {
        let worker = self.one_of(&["web", "web", "w1"]);
        self.send(worker);
    }

    fn send(&mut self, worker: &'static str) {
        let owner = self.one_of(&ACCOUNTS);
        let id = JobId::from_random(self.rng.random()).to_string();
        let link = self.links.choose(&mut self.rng).unwrap().clone();
        let word = if self.rng.random_ratio(1, 4) { self.rng.random_range(0..3).to_string() } else { String::new() };
        // Whoever has the link already does not get far.
        let force = self.rng.random_ratio(if worker.is_empty() { 1 } else { 3 }, 4);
        let mark = format!("mark-{}", link.rsplit('/').next().unwrap());
        let mut args = vec![owner.to_owned(), id.clone(), word, "60000".into(), USER_QUEUED.to_string(), mark];
        args.push(u8::from(force).to_string());
        let lease = format!("{:032x}", self.rng.random::<u128>());
        let beside = match self.some_job() {
            Some((_, file)) if self.rng.random() => file,
            _ => String::new(),
        };
        let counts = self.now.sets.get(&format!("running:{owner}")).is_none_or(|set| !set.contains(&beside));
        args.extend([worker.into(), lease, USER_RUNNING.to_string(), beside]);
        args.extend(["url".into(), link]);
        args.extend(self.template.iter().flat_map(|(name, value)| [(*name).to_owned(), value.clone()]));
        if force {
            args.extend(["force".into(), "1".into()]);
        }
        self.ids.push((owner.to_owned(), id.clone()));
        let paused = self.now.texts.contains_key("paused") || self.now.in_set("paused_accounts", owner);
        let waiting = self.now.lines.get("waiting").map_or(0, |line| line.len());
        let said: Vec<redis::Value> = self.call("enqueue", args);
        if said.first() != Some(&redis::Value::BulkString(b"held".to_vec())) {
            return;
        }
        let weight: usize = self.now.of_hash("weights", owner).map_or(1, |weight| weight.parse().unwrap());
        let running = self.now.sets[&format!("running:{owner}")].len();
        if running > USER_RUNNING as usize * weight + usize::from(!counts) || paused {
            self.fail(&format!("{id} was begun: {owner} has {running} running, paused: {paused}"));
        }
        let fits = self.now.field(&id, "state") == "running"
            && self.now.lines.get("waiting").map_or(0, |line| line.len()) == waiting;
        if worker.is_empty() || !fits {
            self.fail(&format!("{id} is held by {worker} and waits"));
        }
        self.held.push(Held { worker, fence: self.now.field(&id, "fence").to_owned(), id });
    }

    pub(super) fn claim(&mut self, worker: &'static str) -> Option<Held> {
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

    pub(super) fn note(&mut self) {
        let Some(held) = self.some_held() else { return };
        let said: String = self.call("note", vec![held.id.clone(), held.fence.clone(), "title".into(), "a".into()]);
        let mine = self.now.field(&held.id, "state") == "running" && self.now.field(&held.id, "fence") == held.fence;
        if mine == (said == "lost") {
            self.fail(&format!("{said}, although it is {mine} that {} has {}", held.worker, held.id));
        }
    }

    pub(super) fn expand(&mut self) {
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

    pub(super) fn hold(&mut self) {
        let Some(held) = self.some_held() else { return };
        let mark = format!("film-{}", self.rng.random_range(0..4));
        let stale = match self.rng.random_range(0..4) {
            0 => "*".to_owned(),
            1 => self.some_job().map_or_else(String::new, |(_, id)| id),
            _ => String::new(),
        };
        self.call::<Vec<redis::Value>>("hold", vec![held.id, held.fence, mark, stale]);
    }

    pub(super) fn finish(&mut self) {
        let Some(held) = self.some_held() else { return };
        let verdict = self.one_of(&VERDICTS);
        self.settle(&held, verdict);
    }

    pub(super) fn settle(&mut self, held: &Held, verdict: &str) {
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
    pub(super) fn late(&mut self) {
        let Some(args) = self.settled.choose(&mut self.rng).cloned() else { return };
        let before = self.now.clone();
        self.call::<String>("finish", args);
        if self.now != before {
            self.fail("a late word counted");
        }
    }

    /// A worker is judged dead; it may come back late and go on as if nothing were.
    pub(super) fn die(&mut self) {
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

    pub(super) fn cascade(&mut self) {
        let lists: Vec<String> =
            self.now.hashes.get("cascades").into_iter().flatten().map(|(id, _)| id.clone()).collect();
        let Some(list) = lists.choose(&mut self.rng).cloned() else { return };
        let step = self.rng.random_range(1..3).to_string();
        self.call::<u32>("cascade", vec![list, step]);
    }

    pub(super) fn steer(&mut self) {
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

    pub(super) fn bulk(&mut self) {
        let args = match self.rng.random_range(0..3) {
            0 => ["retry", "network", "2"],
            1 => ["retry", "incomplete", "2"],
            _ => ["cancel", self.one_of(&["", "dbid:a", "dbid:b"]), "2"],
        };
        self.call::<(u32, u32)>("bulk", args.map(str::to_owned).to_vec());
    }

    /// Reading changes nothing.
    pub(super) fn look(&mut self) {
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
    pub(super) fn newer(&mut self) {
        let waiting: Vec<String> =
            self.now.lines.get("waiting").into_iter().flatten().map(|(id, _)| id.clone()).collect();
        let Some(id) = waiting.choose(&mut self.rng) else { return };
        self.trail.push_back(format!("newer {id}"));
        redis::cmd("HSET").arg(format!("{PREFIX}job:{id}")).arg("v").arg("99").exec(&mut self.connection).unwrap();
        self.now = Dump::read(&mut self.connection, PREFIX);
    }

    /// A device takes a file, or goes on with one.
    pub(super) fn open(&mut self) {
        let owner = self.one_of(&ACCOUNTS);
        let id = JobId::from_random(self.rng.random()).to_string();
        let part = format!("{:08x}", self.rng.random::<u32>());
        let mark = format!("device-{}", self.rng.random_range(0..3));
        let from_start = u8::from(self.rng.random::<bool>());
        let length =
            if self.rng.random() { format!(r#""kind":"exact","bytes":{FILE}"#) } else { r#""kind":"unknown""#.into() };
        let progress = format!(r#"{{"bytes_in":0,"bytes_out":0,"length":{{{length}}},"rate":null}}"#);
        let mut args =
            ["open", owner, &id, &part, &LAPSES.as_millis().to_string(), "4", &mark, &from_start.to_string()]
                .map(str::to_owned)
                .to_vec();
        args.extend(["url".into(), another_link(), "progress".into(), progress]);
        args.extend(self.template.iter().flat_map(|(name, value)| [(*name).to_owned(), value.clone()]));
        self.ids.push((owner.to_owned(), id));
        let said: Vec<String> = self.call("save", args);
        match said.first().map(String::as_str) {
            Some("part") => self.parts.push([owner.to_owned(), said[1].clone(), part]),
            Some("full" | "barred") => {}
            _ => self.fail(&format!("{said:?}")),
        }
        let parts = self.now.lines.get(&format!("parts:{owner}")).map_or(0, |parts| parts.len());
        if parts > 4 + self.parts.len() {
            self.fail(&format!("{owner} has {parts} parts"));
        }
    }

    /// A part says that it lives, perhaps long after it lapsed.
    pub(super) fn beat(&mut self) {
        let Some([owner, id, part]) = self.parts.choose(&mut self.rng).cloned() else { return };
        let [from, to] = self.range();
        let args = ["beat", &owner, &id, &part, &LAPSES.as_millis().to_string(), &from, &to];
        let said: Vec<String> = self.call("save", args.map(str::to_owned));
        if said == ["on"] && self.now.field(&id, "state") != "running" && self.now.field(&id, "state") != "completed" {
            self.fail(&format!("{id} goes on and is not running"));
        }
    }

    pub(super) fn close(&mut self) {
        let Some([owner, id, part]) = self.parts.choose(&mut self.rng).cloned() else { return };
        // Sometimes its reply is lost, and it closes twice.
        if self.rng.random_ratio(3, 4) {
            self.parts.retain(|other| other[2] != part);
        }
        let [from, to] = self.range();
        let whole = u8::from(self.rng.random_ratio(1, 4)).to_string();
        let torn = if self.rng.random_ratio(1, 4) { error("network") } else { String::new() };
        let args = ["close", &owner, &id, &part, "5", &from, &to, &whole, &torn];
        self.call::<Vec<String>>("save", args.map(str::to_owned));
    }

    pub(super) fn lapse(&mut self) {
        let step = self.rng.random_range(1..3).to_string();
        while self.call::<(String, u32)>("save", ["lapse".to_owned(), step.clone()]).1 > 0 {}
    }

    fn range(&mut self) -> [String; 2] {
        let from = self.rng.random_range(0..FILE);
        let to = if self.rng.random_ratio(1, 4) { FILE } else { self.rng.random_range(from..=FILE) };
        [from.to_string(), to.to_string()]
    }

    /// What a person asks of a job: of any that there ever was.
    pub(super) fn ask_of_job(&mut self, what: &'static str) {
        let Some((owner, id)) = self.some_job() else { return };
        match what {
            "pause" | "resume" => drop(self.call::<redis::Value>("pause", vec![owner, id, what.into()])),
            "retry" => drop(self.call::<redis::Value>("retry", vec![owner, id, USER_QUEUED.to_string()])),
            _ => drop(self.call::<redis::Value>(what, vec![owner, id])),
        }
    }
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
