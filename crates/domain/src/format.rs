//! Numbers as people read them.

use std::time::Duration;

use crate::ByteSize;

/// "4 s", "3 min", "2 h 5 min": a time left or a duration, as coarse as it is useful.
#[must_use]
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{} s", seconds.max(1)),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => match (seconds / 3600, seconds % 3600 / 60) {
            (hours, 0) => format!("{hours} h"),
            (hours, minutes) => format!("{hours} h {minutes} min"),
        },
    }
}

/// "11 MB/s".
#[must_use]
pub fn human_rate(bytes_per_second: u64) -> String {
    format!("{}/s", ByteSize(bytes_per_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_coarse() {
        let check = |seconds, want: &str| assert_eq!(human_duration(Duration::from_secs(seconds)), want);
        check(0, "1 s");
        check(59, "59 s");
        check(61, "2 min");
        check(3600, "1 h");
        check(7500, "2 h 5 min");
        assert_eq!(human_rate(11_000_000), "11 MB/s");
    }
}
