//! Redis's master is killed while links are accepted and jobs run, behind Sentinel and on a Cluster, with `redis.replicas` at 1. Its replica is
//! behind by some seconds then: that much of what the master did, and workers heard, never happened.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use jiff::Timestamp;
use redis::cmd;
use sluice_domain::{AttemptEnd, Job, JobId, JobRequest, JobState, Origin, Receipt};
use sluice_queue::{
    Enqueued, Handler, Lease, Outcome, Queue, QueueConfig, QueueError, RecentsQuery, WorkerConfig, run_workers,
};
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster_servers::ClusterServers,
    redis_process::RedisProcess,
    sentinel_servers::SentinelServers,
    world::{World, account, another_link, quick, receipt, request},
};

/// Accounts, each of which sends its links one after the other.
const SENDERS: usize = 4;
/// Links that each of them sends.
const LINKS: usize = 100;
/// Jobs that run from before the failover until after it.
const LONG: usize = 6;
/// How long the others take: long enough that some wait and some run when the master dies.
const WORK: Duration = Duration::from_millis(300);
/// The long ones have an account of their own.
const LONG_ACCOUNT: &str = "long";
/// As a web server has.
const WEB_PATIENCE: Duration = Duration::from_secs(2);
/// Everything here happens well within this, or never.
const SURELY: Duration = Duration::from_secs(120);

/// So often the master waits for its frozen replica before it is killed: whatever it does meanwhile will be lost.
const DOOMED: u32 = 6;

/// Each of these tests has half a dozen servers.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn config() -> QueueConfig {
    // Nobody dies here: a worker that waits for the new master must not be taken for dead.
    QueueConfig {
        replicas: 1,
        user_running: 20,
        beat: Duration::from_millis(200),
        dead_after: Duration::from_secs(5),
        ..quick()
    }
}

async fn surely<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SURELY, future).await.unwrap_or_else(|_| panic!("not within {SURELY:?}: {what}"))
}

/// What the two workers did.
#[derive(Default)]
struct Log {
    /// Of each job, the receipts of its runs: each has its own.
    begun: HashMap<JobId, Vec<String>>,
    /// Runs that were told to stop.
    stopped: Vec<JobId>,
    /// When each run began.
    times: Vec<Instant>,
}

struct Hands {
    log: Arc<Mutex<Log>>,
    /// The long ones may end.
    let_go: watch::Receiver<bool>,
}

#[async_trait]
impl Handler for Hands {
    async fn run(&self, lease: Lease) -> Outcome {
        let job = lease.job();
        let receipt = self.begin(job);
        let mut let_go = self.let_go.clone();
        let work = async {
            if job.account == account(LONG_ACCOUNT) {
                let _ = let_go.wait_for(|let_go| *let_go).await;
            } else {
                tokio::time::sleep(WORK).await;
            }
        };
        tokio::select! {
            () = work => {}
            _ = lease.stop().cancelled() => {
                self.log.lock().unwrap().stopped.push(job.id.clone());
                return Outcome::HandBack;
            }
        }
        match lease.still_mine().await {
            Ok(()) => Outcome::Completed(receipt),
            Err(_) => {
                self.log.lock().unwrap().stopped.push(job.id.clone());
                Outcome::HandBack
            }
        }
    }
}

impl Hands {
    fn begin(&self, job: &Job) -> Receipt {
        let mut log = self.log.lock().unwrap();
        log.times.push(Instant::now());
        let runs = log.begun.entry(job.id.clone()).or_default();
        let path = format!("/{}-{}.mp4", job.id, runs.len());
        runs.push(path.clone());
        Receipt { path, ..receipt() }
    }
}

/// A link that is acknowledged at last, and how it went.
#[derive(Default)]
struct Sent {
    account: String,
    jobs: Vec<(JobRequest, JobId)>,
    asked_again: u32,
    /// When each was acknowledged.
    times: Vec<Instant>,
}

async fn send(web: Queue, name: String, acknowledged: watch::Sender<usize>) -> Sent {
    let mut sent = Sent { account: name.clone(), ..Sent::default() };
    for number in 0..LINKS {
        let key = format!("{name}-{number}");
        let request = JobRequest::parse(&another_link(), None, None, Some(&key), Origin::Page).unwrap();
        let job = loop {
            match web.enqueue(&account(&name), request.clone(), Timestamp::now()).await {
                Ok(taken) => break taken.job(),
                Err(QueueError::Store(error)) if error.is_unavailable() => sent.asked_again += 1,
                Err(error) => panic!("{error:?}"),
            }
        };
        sent.times.push(Instant::now());
        sent.jobs.push((request, job.id));
        acknowledged.send_modify(|acknowledged| *acknowledged += 1);
    }
    sent
}

/// Sends links and carries jobs out while `fail_over` kills the master, and waits until the one that follows has a replica again. It says when
/// the master was killed.
#[expect(clippy::print_stdout, reason = "how long a failover takes is worth knowing, and nothing to assert")]
async fn storm(name: &str, url: String, fail_over: impl AsyncFnOnce() -> Instant) {
    let web = World::connect_to(url.clone(), config(), WEB_PATIENCE).await;
    let log = Arc::<Mutex<Log>>::default();
    let (let_go, may_end) = watch::channel(false);
    let shutdown = CancellationToken::new();
    let mut workers = JoinSet::new();
    for _ in 0..2 {
        let queue = World::connect_to(url.clone(), config(), Duration::MAX).await;
        let hands = Arc::new(Hands { log: log.clone(), let_go: may_end.clone() });
        // Places for the long ones and for others.
        let worker = WorkerConfig { concurrency: LONG + 4, ..WorkerConfig::default() };
        workers.spawn(run_workers(queue, worker, hands, shutdown.clone()));
    }
    let long = begin_long(&web, &log).await;

    let (acknowledged, mut count) = watch::channel(0);
    let mut senders = JoinSet::new();
    for number in 0..SENDERS {
        senders.spawn(send(web.clone(), format!("sender{number}"), acknowledged.clone()));
    }
    let some = SENDERS * LINKS / 3;
    surely("links are accepted", count.wait_for(|count| *count >= some)).await.unwrap();
    let killed = fail_over().await;
    let sent = surely("all links are accepted", senders.join_all()).await;
    let_go.send_replace(true);

    let jobs = sent.iter().flat_map(|sent| &sent.jobs).map(|(_, id)| id).chain(&long);
    let jobs: Vec<JobId> = jobs.cloned().collect();
    assert_eq!(jobs.iter().collect::<HashSet<_>>().len(), SENDERS * LINKS + LONG, "each link has its own job");
    surely("everything is over", over(&web)).await;
    shutdown.cancel();
    for ended in surely("the workers stop", workers.join_all()).await {
        ended.unwrap();
    }

    let log = std::mem::take(&mut *log.lock().unwrap());
    for sent in &sent {
        proven(&web, &sent.account, sent.jobs.iter().map(|(_, id)| id), &log).await;
        // Asked once more, it is the same job still.
        for (request, id) in &sent.jobs {
            let again = web.enqueue(&account(&sent.account), request.clone(), Timestamp::now()).await.unwrap();
            assert!(matches!(&again, Enqueued::Existed(job) if job.id == *id), "{again:?}");
        }
    }
    proven(&web, LONG_ACCOUNT, &long, &log).await;
    for id in &long {
        assert_eq!(log.begun[id].len(), 1, "a long job is begun once");
        assert!(!log.stopped.contains(id), "a long job is not interrupted");
    }
    let more_than_once = log.begun.values().filter(|runs| runs.len() > 1).count();
    let gap = |times: &mut dyn Iterator<Item = &Instant>| {
        times.filter(|time| **time > killed).min().map(|time| *time - killed).unwrap_or_default()
    };
    let asked_again: u32 = sent.iter().map(|sent| sent.asked_again).sum();
    println!(
        "{name}: {} jobs, {more_than_once} begun more than once, {} runs stopped, {asked_again} requests asked again; \
         after the kill the next link was acknowledged in {:.1?}, the next job begun in {:.1?}",
        jobs.len(),
        log.stopped.len(),
        gap(&mut sent.iter().flat_map(|sent| &sent.times)),
        gap(&mut log.times.iter()),
    );
}

/// Starts the long ones, and waits until the replica knows that they run.
async fn begin_long(web: &Queue, log: &Mutex<Log>) -> Vec<JobId> {
    let mut long = Vec::new();
    for _ in 0..LONG {
        let taken = web.enqueue(&account(LONG_ACCOUNT), request(&another_link()), Timestamp::now()).await;
        long.push(taken.unwrap().job().id);
    }
    let all_begun = async {
        while log.lock().unwrap().begun.len() < LONG {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    surely("the long ones are begun", all_begun).await;
    // Replicas take writes in their order: who has what came later has the claims too.
    web.enqueue(&account("first"), request(&another_link()), Timestamp::now()).await.unwrap();
    long
}

/// Waits until nothing waits and nothing runs.
async fn over(web: &Queue) {
    loop {
        if let Ok(depth) = web.depth().await
            && (depth.queued, depth.running, depth.retrying) == (0, 0, 0)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The account has these jobs and no other, each completed by one of its runs, once.
async fn proven(web: &Queue, name: &str, jobs: impl IntoIterator<Item = &JobId>, log: &Log) {
    let mut there = HashMap::new();
    let mut query = RecentsQuery { limit: 100, ..RecentsQuery::default() };
    loop {
        let page = web.recents(&account(name), query).await.unwrap();
        there.extend(page.items.into_iter().map(|job| (job.id.clone(), job)));
        match page.next {
            Some(next) => query = RecentsQuery { limit: 100, before: Some(next), ..RecentsQuery::default() },
            None => break,
        }
    }
    for id in jobs {
        let job = there.remove(id).unwrap_or_else(|| panic!("{id} was acknowledged and is lost"));
        assert_eq!(job.state, JobState::Completed, "{job:?}");
        let receipt = job.receipt.as_ref().unwrap();
        assert!(log.begun[id].contains(&receipt.path), "{job:?} {:?}", log.begun[id]);
        let completions = job.attempts.iter().filter(|attempt| attempt.end == AttemptEnd::Completed).count();
        assert_eq!(completions, 1, "{job:?}");
    }
    assert!(there.is_empty(), "nobody sent these: {:?}", there.keys());
}

/// Freezes the replica. What its system would take in for it is filled up: whatever the master does from now on stays with the master.
async fn cut_off(master: &RedisProcess, replica: &RedisProcess) {
    replica.freeze();
    let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(SURELY));
    let client = redis::Client::open(format!("redis://{}", master.address())).unwrap();
    let mut line = client.get_multiplexed_async_connection_with_config(&patient).await.unwrap();
    let script = "redis.call('SET', KEYS[1], string.rep(string.rep('x', 1024 * 1024), 32))";
    cmd("EVAL").arg(script).arg(1).arg("{test}:ballast").exec_async(&mut line).await.unwrap();
}

/// Waits until so many more commands have waited for a replica.
async fn until_waits(master: &RedisProcess, more: u32) {
    let waits = async || {
        let stats: String = master.ask(cmd("INFO").arg("commandstats")).await.unwrap();
        let waits = stats.lines().find_map(|line| line.strip_prefix("cmdstat_wait:calls=")?.split(',').next());
        waits.map_or(0, |waits| waits.parse::<u32>().unwrap())
    };
    let enough = waits().await + more;
    let waited = async {
        while waits().await < enough {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    surely("replicas are waited for", waited).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_behind_sentinel_loses_no_acknowledged_link() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut servers = SentinelServers::start().await;
    storm("Sentinel", servers.url(), async || {
        cut_off(&servers.servers[0], &servers.servers[1]).await;
        until_waits(&servers.servers[0], DOOMED).await;
        servers.servers[0].kill();
        let killed = Instant::now();
        servers.servers[1].thaw();
        servers.until_master(1).await;
        // The new master has no replica, so no link is acknowledged, until this one is back.
        servers.servers[0].go_on().await;
        servers.until_replica(0).await;
        killed
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_of_a_cluster_loses_no_acknowledged_link() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut servers = ClusterServers::start().await;
    let owner = servers.owner(0, "{test}:").await.unwrap();
    storm("Cluster", servers.url(), async || {
        cut_off(&servers.nodes[owner], &servers.nodes[owner + 3]).await;
        until_waits(&servers.nodes[owner], DOOMED).await;
        servers.nodes[owner].kill();
        let killed = Instant::now();
        servers.nodes[owner + 3].thaw();
        let other = (owner + 1) % 3;
        while servers.owner(other, "{test}:").await != Some(owner + 3) {
            assert!(killed.elapsed() < SURELY, "no failover");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        servers.nodes[owner].go_on().await;
        servers.until_roles(owner + 3, owner).await;
        killed
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_again_makes_no_second_job() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let servers = SentinelServers::start().await;
    let web = World::connect_to(servers.url(), config(), WEB_PATIENCE).await;
    let patient = World::connect_to(servers.url(), config(), Duration::MAX).await;
    let jobs = async |name| patient.recents(&account(name), RecentsQuery::default()).await.unwrap().items;

    servers.servers[1].freeze();
    let keyed = JobRequest::parse(&another_link(), None, None, Some("key"), Origin::Page).unwrap();
    for _ in 0..2 {
        let refused = web.enqueue(&account("keyed"), keyed.clone(), Timestamp::now()).await;
        assert!(matches!(&refused, Err(QueueError::Store(error)) if error.is_unavailable()), "{refused:?}");
    }
    // Without a key, one call asks again and again until there is a replica.
    let waiting = tokio::spawn({
        let patient = patient.clone();
        async move { patient.enqueue(&account("plain"), request(&another_link()), Timestamp::now()).await.unwrap() }
    });
    until_waits(&servers.servers[0], 4).await;
    assert!(!waiting.is_finished());
    servers.servers[1].thaw();

    let taken = surely("there is a replica again", waiting).await.unwrap();
    let plain = jobs("plain").await;
    assert!(
        matches!(&taken, Enqueued::New(job) if plain.iter().map(|job| &job.id).eq([&job.id])),
        "{taken:?} {plain:?}"
    );
    let taken = patient.enqueue(&account("keyed"), keyed, Timestamp::now()).await.unwrap();
    let keyed = jobs("keyed").await;
    assert!(matches!(&taken, Enqueued::Existed(job) if keyed.iter().map(|job| &job.id).eq([&job.id])), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_claim_was_lost_may_not_write() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let mut servers = SentinelServers::start().await;
    // No beat in time tells the first worker: its next write has to be refused.
    let config = QueueConfig { beat: Duration::from_secs(60), ..config() };
    let queue = async || World::connect_to(servers.url(), config.clone(), Duration::MAX).await;
    let (web, one, two) = (queue().await, queue().await, queue().await);
    let job = web.enqueue(&account("a"), request(&another_link()), Timestamp::now()).await.unwrap().job();
    cut_off(&servers.servers[0], &servers.servers[1]).await;
    let worker = || WorkerConfig { concurrency: 1, ..WorkerConfig::default() };
    let mut first = crate::world::Worker::start(one, worker());
    let doomed = first.next().await;
    servers.servers[0].kill();
    servers.servers[1].thaw();
    servers.until_master(1).await;
    let mut second = crate::world::Worker::start(two, worker());
    let current = loop {
        if let Ok(started) = tokio::time::timeout(Duration::from_secs(30), second.next()).await {
            break started;
        }
    };
    println!("fences: {:?} {:?}", doomed.lease.fence(), current.lease.fence());
    assert_eq!(current.id(), &job.id);
    current.lease.still_mine().await.unwrap();
    let late = doomed.lease.still_mine().await;
    assert!(late.is_err(), "the claim that never happened may write");
    doomed.completes();
    current.completes();
    servers.servers[0].go_on().await;
    surely("over", over(&web)).await;
}
