//! Redis: is it there, does it keep what it is given, has it the replicas it should have, does it agree about the time, is the schema and the
//! secret key ours?

use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use sluice_domain::human_duration;
use sluice_store::{Inspection, Seals, StoreError};

use super::check::Check;
use crate::installation::Installation;

/// Clocks that differ by more show wrong times, and sessions and retries end early or late.
const MAX_CLOCK_DIFFERENCE_SECONDS: i64 = 5;
/// How long the seals are counted.
const LONGEST_WALK: Duration = Duration::from_secs(5);

pub(super) async fn checks(installation: &Installation) -> Vec<Check> {
    let store = match installation.store().await {
        Ok(store) => store,
        Err(error) => {
            let schema = error.downcast_ref::<StoreError>();
            return vec![match schema {
                Some(StoreError::NewerSchema { .. }) => {
                    Check::bad("schema", error.root_cause().to_string(), "start the newer version")
                }
                Some(StoreError::WrongKey) => Check::bad(
                    "secret key",
                    error.root_cause().to_string(),
                    "give every process the same security.secret_key",
                ),
                _ if installation.private_redis => {
                    Check::warning("redis", format!("{error:#}"), "`sluice up` brings its own Redis while it runs")
                }
                _ => Check::bad("redis", format!("{error:#}"), "start it, or correct redis.url"),
            }];
        }
    };
    let begun = Instant::now();
    match store.inspect().await {
        Ok(found) => {
            let took = begun.elapsed();
            let mut checks =
                vec![Check::good("redis", format!("{} answers in {} ms", found.version, took.as_millis()))];
            checks.extend(judge(&found, installation.settings.redis.replicas, Timestamp::now()));
            let keys = installation.settings.security.secret_key.expose_secret().split_whitespace().count();
            match tokio::time::timeout(LONGEST_WALK, store.seals()).await {
                Ok(Ok(seals)) => checks.push(secret_key(keys, seals)),
                Ok(Err(error)) => {
                    checks.push(Check::bad("secret key", error.to_string(), "look into the log of Redis"));
                }
                // So many keys that nobody should wait: `rotate-key` tells.
                Err(_) => {}
            }
            checks
        }
        Err(error) => vec![Check::bad("redis", error.to_string(), "look into its log")],
    }
}

/// Is an old key still in use, or still there?
fn secret_key(keys: usize, seals: Seals) -> Check {
    const NAME: &str = "secret key";
    match seals {
        Seals { unknown: lost @ 1.., .. } => Check::warning(
            NAME,
            format!("none of the keys opens {lost} of what is sealed"),
            "if an older key still exists, put it after the new one in security.secret_key and run `sluice rotate-key`; else those people \
             have to connect again",
        ),
        Seals { older: old @ 1.., newest, .. } => Check::warning(
            NAME,
            format!("an old key is in use: {old} of {} are sealed with it", old + newest),
            "run `sluice rotate-key`, then take the old key out of security.secret_key",
        ),
        _ if keys > 1 => {
            Check::warning(NAME, "nothing needs the old key any more", "take it out of security.secret_key")
        }
        Seals { newest, .. } => Check::good(NAME, format!("seals all there is ({newest})")),
    }
}

fn judge(found: &Inspection, wanted: u32, now: Timestamp) -> Vec<Check> {
    let keeps = match (found.append_only, found.eviction.as_str()) {
        (false, _) => Check::warning(
            "durability",
            "no append-only file: a restart of Redis loses accepted links",
            "set `appendonly yes` in Redis",
        ),
        (true, "noeviction") => Check::good("durability", "append-only file on, nothing is evicted"),
        (true, policy) => Check::warning(
            "durability",
            format!("maxmemory-policy is {policy}: jobs vanish when memory is full"),
            "set `maxmemory-policy noeviction` in Redis",
        ),
    };
    let apart = now.duration_since(found.clock).abs();
    let clock = if apart.as_secs() > MAX_CLOCK_DIFFERENCE_SECONDS {
        Check::warning(
            "clock",
            format!("this machine and Redis are {} apart", human_duration(apart.unsigned_abs())),
            "let both set their clocks by NTP",
        )
    } else {
        Check::good("clock", "agrees with that of Redis")
    };
    let schema = match found.schema {
        0 => Check::good("schema", "no data yet"),
        ours if ours == found.known_schema => Check::good("schema", format!("{ours}, the newest")),
        older => Check::warning(
            "schema",
            format!("{older}; this version knows {}", found.known_schema),
            "run `sluice migrate`, or restart the servers, which do it",
        ),
    };
    [Some(keeps), replicas(found, wanted), Some(clock), Some(schema)].into_iter().flatten().collect()
}

/// Nothing for a Redis that stands alone and is meant to.
fn replicas(found: &Inspection, wanted: u32) -> Option<Check> {
    let follow = match found.replicas {
        0 => "no replica follows".to_owned(),
        1 => "1 replica follows".to_owned(),
        many => format!("{many} replicas follow"),
    };
    if found.replicas < wanted {
        return Some(Check::warning(
            "replicas",
            format!("{follow}, redis.replicas asks for {wanted}: no link is accepted"),
            "bring the replicas back, or lower redis.replicas",
        ));
    }
    if !found.fails_over {
        return (found.replicas > 0).then(|| Check::good("replicas", follow));
    }
    Some(match (found.replicas, wanted) {
        (0, _) => Check::warning(
            "replicas",
            format!("{follow}: nobody can take over when the master dies"),
            "bring a replica back",
        ),
        (_, 0) => {
            Check::good("replicas", format!("{follow}; a failover may lose the last links (redis.replicas is 0)"))
        }
        (_, wanted) => {
            Check::good("replicas", format!("{follow}; a link is acknowledged when {wanted} of them have it"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    #[test]
    fn redis_is_judged() {
        let sound = || Inspection {
            version: "7.0.15".into(),
            clock: Timestamp::UNIX_EPOCH,
            append_only: true,
            eviction: "noeviction".into(),
            fails_over: false,
            replicas: 0,
            schema: 1,
            known_schema: 1,
        };
        let check = |found: Inspection, want: [Verdict; 3]| {
            let verdicts: Vec<_> = judge(&found, 0, Timestamp::UNIX_EPOCH).iter().map(|check| check.verdict).collect();
            assert_eq!(verdicts, want, "{found:?}");
        };
        use Verdict::{Good, Warning};
        check(sound(), [Good, Good, Good]);
        check(Inspection { schema: 0, ..sound() }, [Good, Good, Good]);
        check(Inspection { append_only: false, ..sound() }, [Warning, Good, Good]);
        check(Inspection { eviction: "allkeys-lru".into(), ..sound() }, [Warning, Good, Good]);
        check(Inspection { clock: Timestamp::from_second(-60).unwrap(), ..sound() }, [Good, Warning, Good]);
        check(Inspection { clock: Timestamp::from_second(60).unwrap(), ..sound() }, [Good, Warning, Good]);
        check(Inspection { known_schema: 2, ..sound() }, [Good, Good, Warning]);
    }

    #[test]
    fn old_keys_are_noticed() {
        let check = |keys, [newest, older, unknown]: [u64; 3], verdict, found: &str| {
            let got = secret_key(keys, Seals { newest, older, unknown });
            assert!(got.verdict == verdict && got.found.contains(found), "{got:?}");
        };
        check(1, [3, 0, 0], Verdict::Good, "seals all there is (3)");
        check(2, [3, 0, 0], Verdict::Warning, "nothing needs the old key");
        check(2, [3, 2, 0], Verdict::Warning, "2 of 5");
        check(1, [3, 0, 1], Verdict::Warning, "opens 1 of");
    }

    #[test]
    fn replicas_are_judged() {
        let check = |fails_over: bool, follow: u32, wanted: u32, want: Option<Verdict>| {
            let found = Inspection {
                version: String::new(),
                clock: Timestamp::UNIX_EPOCH,
                append_only: true,
                eviction: "noeviction".into(),
                fails_over,
                replicas: follow,
                schema: 1,
                known_schema: 1,
            };
            let verdict = replicas(&found, wanted).map(|check| check.verdict);
            assert_eq!(verdict, want, "{fails_over} {follow} {wanted}");
        };
        use Verdict::{Good, Warning};
        check(false, 0, 0, None);
        check(false, 1, 0, Some(Good));
        check(false, 1, 1, Some(Good));
        check(false, 0, 1, Some(Warning));
        check(true, 0, 0, Some(Warning));
        check(true, 1, 0, Some(Good));
        check(true, 1, 1, Some(Good));
        check(true, 1, 2, Some(Warning));
    }
}
