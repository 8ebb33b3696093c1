//! What holds at every moment, whatever was done before.

use super::dump::Dump;

/// As in the prelude.
const UNIT: f64 = 16.0;
const BAND: f64 = 137_438_953_472.0;

const TALLIES: [&str; 5] = ["completed", "duplicate", "failed", "refused", "cancelled"];

/// Every key that there is, by how its name begins.
const KEYS: [&str; 33] = [
    "recents:",
    "history:",
    "children:",
    "marks:",
    "backlog:",
    "running:",
    "served:",
    "word:",
    "turns",
    "weights",
    "paused",
    "paused_accounts",
    "seq",
    "turn",
    "waiting",
    "retries",
    "finished",
    "failed:",
    "kinds",
    "items",
    "trim",
    "cascades",
    "workers",
    "seen",
    "slots",
    "leases:",
    "parts:",
    "saving",
    "pace",
    "dead",
    "schema",
    "canary",
    "events",
];

/// What is broken, one sentence each.
pub(super) fn broken(dump: &Dump) -> Vec<String> {
    let mut found = Vec::new();
    let mut tell = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    for id in dump.jobs.keys() {
        record(dump, id, &mut tell);
        place(dump, id, &mut tell);
        over(dump, id, &mut tell);
        if dump.has(id, "n_found") {
            list(dump, id, &mut tell);
        }
    }
    no_strangers(dump, &mut tell);
    turns(dump, &mut tell);
    leases(dump, &mut tell);
    kept_items(dump, &mut tell);
    marks(dump, &mut tell);
    found
}

type Tell<'a> = &'a mut dyn FnMut(bool, String);

/// A record is whole, and what belongs to a state is there in no other.
fn record(dump: &Dump, id: &str, tell: Tell<'_>) {
    let state = dump.field(id, "state");
    for field in ["v", "account", "state", "url", "preset", "folder", "seq", "fence", "attempt", "created_at"] {
        tell(dump.has(id, field), format!("{id} has no {field}"));
    }
    tell(dump.field(id, "id") == id, format!("{id} has another id"));
    tell(dump.number(id, "attempt") >= 0, format!("{id} has a negative attempt"));
    for field in ["worker", "lease", "phase"] {
        let has = state == "running" && !for_device(dump, id);
        tell(dump.has(id, field) == has, format!("{id} is {state}: {field}"));
    }
    tell(dump.has(id, "retry_at") == (state == "retrying"), format!("{id} is {state}: retry_at"));
    tell(dump.has(id, "finished_at") == dump.is_over(id), format!("{id} is {state}: finished_at"));
    let cancel = dump.field(id, "cancel");
    let fits = match state {
        "running" if for_device(dump, id) => matches!(cancel, "" | "1"),
        "running" => matches!(cancel, "" | "1" | "pause" | "resume"),
        "collecting" => matches!(cancel, "" | "1"),
        _ => cancel.is_empty(),
    };
    tell(fits, format!("{id} is {state}: cancel {cancel}"));
    let parent = dump.field(id, "parent");
    if !parent.is_empty() {
        // A list that is being forgotten is gone before its items.
        let listed = dump.score(&format!("children:{parent}"), id).is_some();
        tell(listed, format!("{id} is no child of {parent}"));
        tell(dump.jobs.contains_key(parent) || is_being_forgotten(dump, parent), format!("{id}: {parent} is gone"));
    }
}

/// A job is in the places of its state, and in no other.
fn place(dump: &Dump, id: &str, tell: Tell<'_>) {
    let (state, account) = (dump.field(id, "state"), dump.field(id, "account"));
    let backlog = dump.score(&format!("backlog:{account}"), id);
    tell(backlog.is_some() == (state == "queued"), format!("{id} is {state}: backlog {backlog:?}"));
    tell(backlog.is_none_or(|seq| seq.to_string() == dump.field(id, "seq")), format!("{id} is at another place"));
    let waiting = dump.score("waiting", id).is_some();
    tell(waiting == (state == "queued"), format!("{id} is {state}: waiting {waiting}"));
    let due = dump.score("retries", id).is_some();
    tell(due == (state == "retrying"), format!("{id} is {state}: retries {due}"));
    let running = dump.in_set(&format!("running:{account}"), id);
    tell(running == (state == "running"), format!("{id} is {state}: running {running}"));
    if for_device(dump, id) {
        let known = matches!(state, "running" | "completed" | "failed" | "cancelled");
        tell(known, format!("a device takes {id}, which is {state}"));
        let (saving, parts) = (dump.score("saving", id).is_some(), parts(dump, id));
        tell(saving || state != "running", format!("{id} runs and never lapses"));
        tell(saving || parts == 0, format!("{id} has {parts} parts that never lapse"));
        let over = matches!(state, "failed" | "cancelled");
        tell(!(saving && over), format!("{id} is {state}, and devices take it"));
    } else if state == "running" {
        let leases = format!("leases:{}", dump.field(id, "worker"));
        let held = dump.of_hash(&leases, dump.field(id, "lease"));
        tell(held == Some(id), format!("{id} runs without a lease"));
    }
    let recent = dump.score(&format!("recents:{account}"), id).is_some();
    tell(recent != dump.has(id, "parent"), format!("{id}: recents {recent}"));
}

/// What is over is where people and operators look for it.
fn over(dump: &Dump, id: &str, tell: Tell<'_>) {
    let (state, account) = (dump.field(id, "state"), dump.field(id, "account"));
    let counted = dump.has(id, "tally");
    let parent = dump.field(id, "parent");
    tell(!counted || dump.is_over(id) && !parent.is_empty(), format!("{id} is {state}: tally"));
    if dump.jobs.contains_key(parent) {
        tell(counted == dump.is_over(id), format!("{id} is {state}, and its list counts otherwise"));
    }
    let history = dump.score(&format!("history:{account}"), id).is_some();
    tell(history == (dump.is_over(id) && !counted), format!("{id} is {state}: history {history}"));
    tell(history == dump.score("finished", id).is_some(), format!("{id} is {state}: finished {}", !history));
    let kind = dump.field(id, "kind");
    let counted_by_kind = matches!(state, "failed" | "refused") && !for_device(dump, id);
    tell(kind.is_empty() != counted_by_kind, format!("{id} is {state}: kind {kind}"));
    for (name, line) in Dump::named(&dump.lines, "failed:") {
        tell(line.contains_key(id) == (name == kind), format!("{id} is {state} ({kind}): failed:{name}"));
    }
    tell(kind.is_empty() || dump.in_set("kinds", kind), format!("{kind} is no kind"));
}

/// A list knows its items.
fn list(dump: &Dump, id: &str, tell: Tell<'_>) {
    let children: Vec<&str> =
        dump.lines.get(&format!("children:{id}")).into_iter().flatten().map(|(child, _)| child.as_str()).collect();
    tell(dump.number(id, "n_found") == count(children.len()), format!("{id} has {} items", children.len()));
    for child in &children {
        tell(dump.field(child, "parent") == id, format!("{child} is not of {id}"));
    }
    for tally in TALLIES {
        let counted = children.iter().filter(|child| dump.field(child, "tally") == tally).count();
        let told = dump.number(id, &format!("n_{tally}"));
        tell(told == count(counted), format!("{id} tells {told} {tally}, there are {counted}"));
    }
    let goes_on = children.iter().any(|child| !dump.is_over(child)) || dump.of_hash("cascades", id).is_some();
    let collecting = dump.field(id, "state") == "collecting";
    tell(!collecting || goes_on, format!("{id} waits for nothing"));
    let read = dump.has(id, "listed");
    tell(!collecting || read || dump.field(id, "cancel") == "1", format!("{id} was not read and waits for its items"));
    let all_over = children.iter().all(|child| dump.is_over(child));
    tell(!(read && dump.is_over(id)) || all_over, format!("{id} is over before its items"));
}

/// Nothing stands anywhere that does not exist.
fn no_strangers(dump: &Dump, tell: Tell<'_>) {
    for (line, members) in &dump.lines {
        if line == "turns" {
            continue;
        }
        for member in members.keys() {
            // Of a part, the job that it is of.
            let id = member.split(' ').next().unwrap();
            tell(dump.jobs.contains_key(id), format!("{line} has {member}, which is gone"));
        }
    }
    for (account, jobs) in Dump::named(&dump.sets, "running:") {
        for id in jobs {
            tell(dump.field(id, "account") == account, format!("running:{account} has {id}"));
        }
    }
    for (list, operation) in dump.hashes.get("cascades").into_iter().flatten() {
        let known = dump.jobs.contains_key(list) != operation.starts_with("forget");
        tell(known, format!("{list} cascades: {operation}"));
    }
    let keys = dump.hashes.keys().chain(dump.lines.keys()).chain(dump.sets.keys());
    for key in keys.chain(dump.texts.keys()).chain(dump.lists.keys()) {
        tell(KEYS.iter().any(|known| key.starts_with(known)), format!("a key called {key}"));
    }
}

/// Accounts with a backlog that are not paused have a turn, at the right place.
fn turns(dump: &Dump, tell: Tell<'_>) {
    let turns = dump.lines.get("turns").cloned().unwrap_or_default();
    let wait = |account: &str| {
        dump.lines.contains_key(&format!("backlog:{account}")) && !dump.in_set("paused_accounts", account)
    };
    for (account, score) in &turns {
        let weight: f64 = dump.of_hash("weights", account).unwrap_or("1").parse().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let running = dump.sets.get(&format!("running:{account}")).map_or(0.0, |set| set.len() as f64);
        let served: f64 = dump.texts.get(&format!("served:{account}")).map_or(0.0, |served| served.parse().unwrap());
        let right = (running * UNIT / weight).floor() * BAND + served;
        tell((right - score).abs() < 0.5, format!("{account} has the turn {score}, not {right}"));
        tell(wait(account), format!("{account} has a turn and waits for none"));
    }
    for (account, _) in Dump::named(&dump.lines, "backlog:") {
        tell(turns.contains_key(account) == wait(account), format!("{account} waits for a turn"));
    }
}

/// Whoever has a job is on the list of those that are watched.
fn leases(dump: &Dump, tell: Tell<'_>) {
    for (worker, leases) in Dump::named(&dump.hashes, "leases:") {
        tell(dump.of_hash("workers", worker).is_some(), format!("{worker} has jobs, and nobody watches it"));
        for (lease, id) in leases {
            let its = dump.field(id, "worker") == worker && dump.field(id, "lease") == lease;
            tell(its, format!("{worker} has {id} under {lease}, which is not its own"));
        }
    }
}

fn kept_items(dump: &Dump, tell: Tell<'_>) {
    for account in ["dbid:a", "dbid:b", "dbid:c"] {
        let told: i64 = dump.of_hash("items", account).unwrap_or("0").parse().unwrap();
        let its = |id: &&String| dump.field(id, "account") == account;
        let kept: i64 = dump.jobs.keys().filter(its).map(|id| dump.number(id, "n_found")).sum();
        tell(told == kept, format!("{account} has {kept} items, not {told}"));
    }
}

fn marks(dump: &Dump, tell: Tell<'_>) {
    for (account, marks) in Dump::named(&dump.hashes, "marks:") {
        for (mark, id) in marks {
            let its = dump.field(id, "account") == account && dump.field(id, "marks").contains(mark.as_str());
            tell(its, format!("the mark {mark} of {account} is of {id}, which does not know it"));
        }
    }
}

fn for_device(dump: &Dump, id: &str) -> bool {
    dump.field(id, "sink") == "device"
}

/// How many connections a device has for it.
fn parts(dump: &Dump, id: &str) -> usize {
    let parts = dump.lines.get(&format!("parts:{}", dump.field(id, "account")));
    parts.map_or(0, |parts| parts.keys().filter(|part| part.starts_with(id)).count())
}

pub(super) fn is_being_forgotten(dump: &Dump, list: &str) -> bool {
    dump.of_hash("cascades", list).is_some_and(|operation| operation.starts_with("forget"))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}
