//! Which faults of Redis pass by themselves, and how long to wait before asking again. It decides; it does not ask.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerError};

/// What to do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The connection is of no more use: dial again, then repeat.
    Redial,
    /// The key lives on another server of a cluster: dial anew, to whom the cluster then names, and repeat there.
    Elsewhere,
    /// The server is there but cannot work now: repeat on the same connection.
    Wait,
    /// It will not pass by itself.
    GiveUp,
}

/// Codes of a server that cannot work now but will: loading its data, running a long script, out of memory or disk, or, after `ASK`, giving
/// the slot away: it goes on owning it until the last key has moved, and half of a slot is of no use to scripts.
const WAIT: [&str; 6] = ["LOADING", "TRYAGAIN", "ASK", "BUSY", "OOM", "MISCONF"];
/// Codes of a server that may no longer be the one to talk to: a replica, one that becomes one while a command waits, or a master that is
/// cut off from the others.
const REDIAL: [&str; 5] = ["READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "UNBLOCKED"];

/// Judges a fault.
pub(crate) fn judge(error: &RedisError) -> Verdict {
    // A reply that cannot be parsed leaves the stream out of step: every later reply on it would be wrong.
    if matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse) {
        return Verdict::Redial;
    }
    // A pipeline may have several; one that passes by itself is worth the repetition, after which the others speak for themselves.
    let faults = error.clone().into_server_errors();
    let verdicts = faults.iter().flat_map(|faults| faults.iter()).map(|(_, fault)| judge_code(fault));
    verdicts.into_iter().find(|verdict| *verdict != Verdict::GiveUp).unwrap_or(Verdict::GiveUp)
}

fn judge_code(fault: &ServerError) -> Verdict {
    let is = |code: &&str| {
        // Servers before 7 wrap the fault of a command inside a script in their own text: "-OOM command not allowed ...".
        fault.code() == *code || fault.details().is_some_and(|details| details.contains(&format!("-{code} ")))
    };
    if fault.code() == "MOVED" {
        Verdict::Elsewhere
    } else if REDIAL.iter().any(is) {
        Verdict::Redial
    } else if WAIT.iter().any(is) {
        Verdict::Wait
    } else {
        Verdict::GiveUp
    }
}

/// How long to wait before the next try, counting tries from 0: 10 ms doubling to half a second, the upper half of it by chance, so that
/// the processes of a house do not come back in step.
pub(crate) fn pause(tries: u32, rng: &mut impl rand::Rng) -> Duration {
    let full = (10u64 << tries.min(6)).min(500);
    Duration::from_millis(rng.random_range(full / 2..=full))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(line: &str) -> RedisError {
        redis::parse_redis_value(line.as_bytes()).and_then(redis::Value::extract_error).unwrap_err()
    }

    #[test]
    fn faults_are_judged() {
        let check = |line: &str, want| assert_eq!(judge(&server(line)), want, "{line:?}");
        check("-LOADING Redis is loading the dataset in memory\r\n", Verdict::Wait);
        check("-READONLY You can't write against a read only replica.\r\n", Verdict::Redial);
        check("-MASTERDOWN Link with MASTER is down\r\n", Verdict::Redial);
        check("-TRYAGAIN Multiple keys request during rehashing of slot\r\n", Verdict::Wait);
        check("-CLUSTERDOWN The cluster is down\r\n", Verdict::Redial);
        check("-NOREPLICAS Not enough good replicas to write.\r\n", Verdict::Redial);
        check("-UNBLOCKED force unblock from blocking operation, instance state changed\r\n", Verdict::Redial);
        check("-MOVED 3999 127.0.0.1:6381\r\n", Verdict::Elsewhere);
        check("-ASK 3999 127.0.0.1:6381\r\n", Verdict::Wait);
        check("-BUSY Redis is busy running a script\r\n", Verdict::Wait);
        check(
            "-OOM command not allowed when used memory > 'maxmemory'. script: 1, on @user_script:1.\r\n",
            Verdict::Wait,
        );
        check("-MISCONF Redis is configured to save RDB snapshots\r\n", Verdict::Wait);
        check("-ERR Error running script (call to f_1): @user_script:1: -OOM command not allowed\r\n", Verdict::Wait);
        check("-ERR unknown command 'FOO'\r\n", Verdict::GiveUp);
        check("-WRONGTYPE Operation against a key\r\n", Verdict::GiveUp);
        check("-NOAUTH Authentication required.\r\n", Verdict::GiveUp);
        check("?nonsense\r\n", Verdict::Redial);
        assert_eq!(judge(&std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()), Verdict::Redial);
    }

    #[test]
    fn waiting_grows_and_is_bounded() {
        let mut rng = rand::rng();
        assert!(pause(0, &mut rng) <= Duration::from_millis(10));
        for tries in [10, 1000] {
            let wait = pause(tries, &mut rng);
            assert!(wait >= Duration::from_millis(250) && wait <= Duration::from_millis(500), "{wait:?}");
        }
    }
}
