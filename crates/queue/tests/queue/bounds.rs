//! What is over is forgotten in time, by count and by age, and nothing else; and no move costs more where more waits.

use std::time::Duration;

use jiff::Timestamp;
use redis::{Connection, Value, cmd};
use sluice_domain::{JobId, JobState};
use sluice_queue::{JobEvent, QueueConfig, RecentsQuery};

use crate::world::{World, account, another_link, quick, request, soon};

async fn listed(world: &World) -> Vec<JobId> {
    let query = RecentsQuery { limit: 100, ..RecentsQuery::default() };
    world.queue.recents(&account("a"), query).await.unwrap().items.into_iter().map(|job| job.id).collect()
}

async fn until_listed(world: &World, count: usize) -> Vec<JobId> {
    use futures::StreamExt as _;
    let mut events = Box::pin(world.queue.events(&account("a")));
    soon("the list is trimmed", async {
        loop {
            let listed = listed(world).await;
            if listed.len() == count {
                return listed;
            }
            let _: Option<JobEvent> = events.next().await;
        }
    })
    .await
}

#[tokio::test]
async fn the_oldest_finished_ones_go_first() {
    let world = World::new(QueueConfig { recents: 3, ..quick() }).await;
    let mut sent = Vec::new();
    for _ in 0..8 {
        sent.push(world.send("a").await);
    }
    for job in &sent[..6] {
        world.queue.cancel(&job.account, &job.id).await.unwrap();
    }
    // Two wait and are not counted: no worker is there to take them, only one to keep house.
    let _house = world.worker(0);
    let mut kept: Vec<JobId> = sent[3..].iter().map(|job| job.id.clone()).collect();
    kept.reverse();
    assert_eq!(until_listed(&world, 5).await, kept);
}

#[tokio::test]
async fn the_old_ones_go_by_age() {
    let world = World::new(QueueConfig { retention: Duration::from_millis(300), ..quick() }).await;
    let (over, waiting) = (world.send("a").await, world.send("a").await);
    world.queue.cancel(&over.account, &over.id).await.unwrap();
    let _house = world.worker(0);
    assert_eq!(until_listed(&world, 1).await, [waiting.id]);
    assert!(world.queue.get(&over.account, &over.id).await.unwrap().is_none());
}

#[tokio::test]
async fn nothing_remains_of_what_is_deleted() {
    let world = World::new(quick()).await;
    let keys = async || {
        let mut keys: Vec<String> = world.redis.ask(cmd("KEYS").arg("*")).await.unwrap();
        keys.sort();
        keys
    };
    for _ in 0..3 {
        let job = world.send("a").await;
        let mut worker = world.worker(1);
        worker.next().await.completes();
        world.until_state(&job, JobState::Completed).await;
        worker.ask_to_stop();
        worker.stopped().await;
        assert!(world.queue.delete(&job.account, &job.id).await.unwrap());
    }
    // Two counters, the pace of jobs, the turn in which the account was served, and at most a note to look at its history.
    let mut left = keys().await;
    left.retain(|key| key != "{test}:trim");
    assert_eq!(left, ["{test}:pace", "{test}:seq", "{test}:served:dbid:a", "{test}:turn"]);
}

/// The commands that Redis carries out for each move, with a list of so many items and so many jobs in another line.
async fn commands(items: u32, waiting: u32) -> Vec<(&'static str, u64)> {
    let world = World::new(quick()).await;
    let mut redis = redis::Client::open(world.redis.url()).unwrap().get_connection().unwrap();
    let run = |redis: &mut Connection, name: &str, args: &[&str]| -> Value {
        crate::model::script(name).key("{test}:").arg(args).invoke(redis).unwrap()
    };
    let list = world.send("a").await;
    run(&mut redis, "claim", &["w", "lease", "3", "{}"]);
    let fence: String = cmd("HGET").arg(format!("{{test}}:job:{}", list.id)).arg("fence").query(&mut redis).unwrap();
    for first in (1..=items).step_by(50) {
        let mut args = [list.id.as_str(), &fence, "100000", "3", ""].map(str::to_owned).to_vec();
        for number in first..first + 50 {
            args.extend([number.to_string(), format!("{number:032x}"), another_link()]);
            args.extend(std::iter::repeat_n(String::new(), 4));
        }
        run(&mut redis, "expand", &args.iter().map(String::as_str).collect::<Vec<_>>());
    }
    run(&mut redis, "finish", &[list.id.as_str(), &fence, "listed", "", "0", "5", "", "", ""]);
    assert_eq!(world.job(&list).await.items.unwrap().found, items);
    for _ in 0..waiting {
        world.queue.enqueue(&account("b"), request(&another_link()), Timestamp::now()).await.unwrap();
    }
    let (id, a, b) = (list.id.as_str(), "dbid:a", "dbid:b");
    let moves: [(&str, &str, &[&str]); 18] = [
        ("pause", "pause", &[a, id, "pause"]),
        ("pause, step", "cascade", &[id, "50"]),
        ("resume", "pause", &[a, id, "resume"]),
        ("resume, step", "cascade", &[id, "50"]),
        ("cancel", "cancel", &[a, id]),
        ("cancel, step", "cascade", &[id, "50"]),
        ("delete", "delete", &[a, id]),
        ("retry", "retry", &[a, id, "100000"]),
        ("items", "list", &[a, id, "", "", "50", "500"]),
        ("recents", "list", &[b, "", "completed", "", "50", "50"]),
        ("claim", "claim", &["w", "other", "3", "{}"]),
        ("beat", "touch", &["w", "4"]),
        ("depth", "depth", &[]),
        ("overview", "overview", &["100"]),
        ("promote", "promote", &["100"]),
        ("cancel many", "bulk", &["cancel", b, "20"]),
        ("sweep by count", "sweep", &["1000000000", "1", "10"]),
        ("sweep by age", "sweep", &["0", "500", "10"]),
    ];
    let mut all = Vec::new();
    for (what, script, args) in moves {
        cmd("CONFIG").arg("RESETSTAT").exec(&mut redis).unwrap();
        run(&mut redis, script, args);
        let told: String = cmd("INFO").arg("commandstats").query(&mut redis).unwrap();
        let calls = |line: &str| line.split_once("calls=")?.1.split_once(',')?.0.parse::<u64>().ok();
        all.push((what, told.lines().filter_map(calls).sum()));
    }
    all
}

#[tokio::test]
async fn no_move_costs_more_where_more_waits() {
    let (few, many) = (commands(100, 50).await, commands(2000, 1000).await);
    assert_eq!(few, many);
    for (what, commands) in many {
        assert!(commands < 1500, "{what}: {commands} commands");
    }
}
