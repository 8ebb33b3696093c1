//! Which faults of Redis pass by themselves, and how long to wait before asking again. It decides; it does not ask.

use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What to do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The connection is of no more use: dial again, then repeat.
    Redial,
    /// The server is there but cannot work now: repeat on the same connection.
    Wait,
    /// It will not pass by itself.
    GiveUp,
}

/// Codes of a server that cannot work now but will: loading its data, being failed over, running a long script, out of memory or disk.
const WAIT: [&str; 6] = ["LOADING", "TRYAGAIN", "CLUSTERDOWN", "BUSY", "OOM", "MISCONF"];
/// Codes of a server that is no longer the one to talk to.
const REDIAL: [&str; 2] = ["READONLY", "MASTERDOWN"];

/// Judges a fault.
pub(crate) fn judge(error: &RedisError) -> Verdict {
    match error.kind() {
        // A reply that cannot be parsed leaves the stream out of step: every later reply on it would be wrong.
        ErrorKind::Io | ErrorKind::Parse => return Verdict::Redial,
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown) => return Verdict::Redial,
        ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::TryAgain | ServerErrorKind::ClusterDown) => {
            return Verdict::Wait;
        }
        _ => {}
    }
    let code = error.code().unwrap_or_default();
    // Servers before 7 wrap the fault of a command inside a script in their own text: "-OOM command not allowed ...".
    let inside = |code: &&str| error.detail().is_some_and(|detail| detail.contains(&format!("-{code} ")));
    if REDIAL.contains(&code) || REDIAL.iter().any(inside) {
        Verdict::Redial
    } else if WAIT.contains(&code) || WAIT.iter().any(inside) {
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
        check("-CLUSTERDOWN The cluster is down\r\n", Verdict::Wait);
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
