//! Rules between and beyond single values. Each says what to do about it.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Fault, Settings};

/// The shortest secret that cannot be guessed when it is hex: 128 bits.
const MIN_KEY_CHARS: usize = 32;

/// How a `redis.url` may begin; crate `store` reads the rest.
const REDIS_SCHEMES: [&str; 8] = [
    "redis://",
    "rediss://",
    "redis+unix://",
    "unix://",
    "redis+sentinel://",
    "rediss+sentinel://",
    "redis+cluster://",
    "rediss+cluster://",
];

/// What makes no sense in any process.
pub(super) fn sense(settings: &Settings) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, key: &str, problem: &str| {
        if !holds {
            faults.push(Fault { key: key.to_owned(), origin: "checked".to_owned(), problem: problem.to_owned() });
        }
    };
    let Settings { redis, limits, worker, security, access, .. } = settings;
    let namespace = &redis.namespace;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    check(
        !namespace.is_empty() && namespace.len() <= 64 && namespace.chars().all(plain),
        "redis.namespace",
        "write 1 to 64 letters, digits, dots, dashes and underscores",
    );
    let url = redis.url.expose_secret();
    check(
        url.is_empty() || REDIS_SCHEMES.iter().any(|scheme| url.starts_with(scheme)),
        "redis.url",
        "write redis://HOST:PORT/0, rediss://HOST:PORT/0, redis+unix:///path/to/socket, \
         redis+sentinel://HOST:PORT,HOST:PORT/MASTERNAME/0 or redis+cluster://HOST:PORT,HOST:PORT",
    );
    check(limits.max_file_bytes.0 > 0, "limits.max_file_bytes", "nothing fits into 0 bytes");
    for (key, number) in [
        ("limits.user_running", limits.user_running),
        ("limits.user_queued", limits.user_queued),
        ("limits.streams", limits.streams),
        ("limits.playlist_items", limits.playlist_items),
        ("limits.attempts", limits.attempts),
        ("limits.recents", limits.recents),
        ("worker.concurrency", worker.concurrency),
        ("worker.extractions", worker.extractions),
    ] {
        check(number > 0, key, "must be at least 1");
    }
    for (key, time) in [
        ("limits.job_timeout", limits.job_timeout),
        ("limits.idle_timeout", limits.idle_timeout),
        ("limits.stream_idle", limits.stream_idle),
        ("limits.retention", limits.retention),
    ] {
        check(time.as_secs() > 0, key, "must be at least one second");
    }
    check(worker.buffer_bytes.0 >= 8 << 20, "worker.buffer_bytes", "must be at least 8 MiB: two blocks of an upload");
    check(
        access.operators.iter().all(|operator| access.admits(operator)),
        "access.operators",
        "an operator must be able to sign in: name them in access.accounts too",
    );
    check(
        security.secret_key.expose_secret().is_empty() || is_key(&security.secret_key),
        "security.secret_key",
        "too short to be safe: make one with `openssl rand -hex 32`",
    );
    faults
}

/// What a process that serves cannot do without.
pub(super) fn needed_to_serve(settings: &Settings) -> Vec<Fault> {
    let Settings { server, redis, dropbox, security, .. } = settings;
    let mut faults = Vec::new();
    let mut need = |given: bool, key: &str, problem: &str| {
        if !given {
            faults.push(Fault { key: key.to_owned(), origin: "not set".to_owned(), problem: problem.to_owned() });
        }
    };
    need(!redis.url.expose_secret().is_empty(), "redis.url", "name your Redis, or let `sluice up` bring one");
    need(
        !security.secret_key.expose_secret().is_empty(),
        "security.secret_key",
        "make one with `openssl rand -hex 32` and give the same to every process, or let `sluice up` do it",
    );
    need(
        !dropbox.app_key.is_empty(),
        "dropbox.app_key",
        "create an app on https://www.dropbox.com/developers/apps, or practise with `sluice up`",
    );
    need(
        !server.public_url.is_empty() || server.bind.ip().is_loopback(),
        "server.public_url",
        "say under which address people reach this server: it listens beyond this machine",
    );
    faults
}

/// What keeps a process from being the proxy of others.
pub(super) fn needed_to_be_a_proxy(settings: &Settings) -> Vec<Fault> {
    let fault = |problem: &str| Fault {
        key: "egress.upstream_proxy".to_owned(),
        origin: "checked".to_owned(),
        problem: problem.to_owned(),
    };
    let upstream = settings.egress.upstream_proxy.as_ref();
    upstream
        .map(|_| fault("this proxy is the one that goes out by itself: set it for the others alone"))
        .into_iter()
        .collect()
}

fn is_key(key: &SecretString) -> bool {
    // Several keys, separated by spaces, while one is being replaced by another.
    key.expose_secret().split_whitespace().all(|key| key.len() >= MIN_KEY_CHARS)
}
