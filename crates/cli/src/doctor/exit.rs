//! The way out: which proxy is set, whether it answers, and whether there is another way. Nothing outside is tried.

use std::{fs, io};

use sluice_runtime::Settings;

use super::check::Check;

const NAME: &str = "way out";

pub(super) async fn check(settings: &Settings) -> Check {
    let (Some(upstream), Some(answers)) =
        (&settings.egress.upstream_proxy, sluice_wiring::upstream_answers(settings).await)
    else {
        return Check::good(NAME, "each process goes out by itself, and judges what it dials");
    };
    judge(&upstream.to_string(), answers, other_way())
}

/// `other_way`: is there one, as far as that can be told?
fn judge(upstream: &str, answers: io::Result<()>, other_way: Option<bool>) -> Check {
    if let Err(error) = answers {
        return Check::bad(
            NAME,
            format!("does not answer: {error}"),
            "start `sluice egress-proxy` there, or correct egress.upstream_proxy",
        );
    }
    let set = format!("{upstream} answers");
    match other_way {
        Some(false) => Check::good(NAME, format!("{set}, and this machine has no other: no default route")),
        Some(true) => Check::warning(
            NAME,
            format!(
                "{set}; this machine has a default route as well, and nothing but Sluice's own word keeps it from that"
            ),
            "put the workers on a network without an exit, as docker-compose.yml does (for the web server, which is published, that is as it must be)",
        ),
        None => Check::warning(
            NAME,
            format!("{set}; whether there is another way cannot be told here"),
            "look at the routes",
        ),
    }
}

/// Is there a route to everywhere? Told from the kernel's tables alone.
fn other_way() -> Option<bool> {
    let (v4, v6) = (fs::read_to_string("/proc/net/route").ok()?, fs::read_to_string("/proc/net/ipv6_route"));
    // Without IPv6 there is no such file.
    Some(default_v4(&v4) || default_v6(&v6.unwrap_or_default()))
}

/// proc(5): interface, destination, gateway, flags, references, use, metric, mask and more, in hexadecimal.
fn default_v4(table: &str) -> bool {
    table.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        matches!(fields[..], [_, "00000000", _, _, _, _, _, "00000000", ..])
    })
}

/// Destination, its prefix's length, source, its length, next hop, metric, references, use, flags, device. The kernel always has one that leads nowhere, by `lo`.
fn default_v6(table: &str) -> bool {
    table.lines().any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        matches!(fields[..], [to, "00", .., device] if to.bytes().all(|byte| byte == b'0') && device != "lo")
    })
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    const V4: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const ZERO: &str = "00000000000000000000000000000000";

    #[test]
    fn a_default_route_is_seen() {
        let inside = "eth0\t000013AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        let out = "eth1\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        assert!(!default_v4(V4) && !default_v4(&format!("{V4}{inside}")));
        assert!(default_v4(&format!("{V4}{inside}{out}")));
        let line = |to: &str, length: &str, device: &str| {
            format!("{to} {length} {ZERO} 00 {ZERO} ffffffff 00000001 00000000 00200200 {device}\n")
        };
        assert!(!default_v6(&(line(ZERO, "00", "lo") + &line("fe800000000000000000000000000000", "40", "eth0"))));
        assert!(default_v6(&line(ZERO, "00", "eth0")));
    }

    #[test]
    fn what_is_enforced_is_said() {
        let check = |answers: Option<&str>, other, verdict, said: &str| {
            let answers = answers.map_or(Ok(()), |error| Err(io::Error::other(error)));
            let check = judge("http://proxy:3128", answers, other);
            assert!(check.verdict == verdict && check.found.contains(said), "{check:?}");
        };
        check(None, Some(false), Verdict::Good, "has no other");
        check(None, Some(true), Verdict::Warning, "a default route as well");
        check(None, None, Verdict::Warning, "cannot be told");
        check(
            Some("the proxy upstream (http://proxy:3128): refused"),
            Some(false),
            Verdict::Bad,
            "(http://proxy:3128)",
        );
    }
}
