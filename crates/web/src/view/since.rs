//! Times as people say them, relative to now. The script keeps them true later, in the same words.

use jiff::Timestamp;

/// "just now", "3 min ago", "in 20 sec".
pub(crate) fn since(then: Timestamp, now: Timestamp) -> String {
    let seconds = then.as_second() - now.as_second();
    let size = seconds.abs();
    if size < 45 && seconds <= 0 {
        return "just now".to_owned();
    }
    let (unit, length) = match size {
        0..60 => ("sec", 1),
        60..3600 => ("min", 60),
        3600..86_400 => ("hr", 3600),
        _ => ("day", 86_400),
    };
    let count = (size + length / 2) / length;
    let plural = if unit == "day" && count != 1 { "s" } else { "" };
    if seconds < 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_like_the_script_tells_them() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let check = |offset: i64, want: &str| {
            assert_eq!(since(Timestamp::from_second(1_000_000 + offset).unwrap(), now), want);
        };
        check(0, "just now");
        check(-44, "just now");
        check(-50, "50 sec ago");
        check(-180, "3 min ago");
        check(-7200, "2 hr ago");
        check(-86_400, "1 day ago");
        check(-200_000, "2 days ago");
        check(20, "in 20 sec");
        check(90, "in 2 min");
    }
}
