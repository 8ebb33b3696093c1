//! The way out: which proxy is set, whether it answers, and whether there is another way. The one thing that is tried is a connection to Dropbox.

use std::{fs, io, time::Duration};

use sluice_runtime::Settings;
use tokio::{net::TcpStream, time::timeout};
use url::Url;

use super::check::Check;

const NAME: &str = "way out";
/// A firewall says nothing; whoever answers does so sooner.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Whether there is a way out beside the proxy.
enum Other {
    /// The kernel has no route to everywhere.
    NoRoute,
    /// This does not answer without the proxy.
    Closed(String),
    /// This does.
    Open(String),
    /// There is nothing that could be tried: the practice Dropbox is near.
    Untried,
}

pub(super) async fn check(settings: &Settings) -> Check {
    let (answers, other) = tokio::join!(sluice_wiring::upstream_answers(settings), other(settings));
    match (&settings.egress.upstream_proxy, answers) {
        (Some(upstream), Some(answers)) => judge(&upstream.to_string(), answers, &other),
        _ => Check::good(NAME, "each process goes out by itself, and judges what it dials"),
    }
}

fn judge(upstream: &str, answers: io::Result<()>, other: &Other) -> Check {
    if let Err(error) = answers {
        return Check::bad(
            NAME,
            format!("does not answer: {error}"),
            "start `sluice egress-proxy` there, or correct egress.upstream_proxy",
        );
    }
    let set = format!("{upstream} answers");
    match other {
        Other::NoRoute => Check::good(NAME, format!("{set}, and there is no other: no default route")),
        Other::Closed(place) => {
            Check::good(NAME, format!("{set}, and there seems to be no other: {place} is not reached without it"))
        }
        Other::Open(place) => Check::warning(
            NAME,
            format!(
                "{set}, but {place} is reached without it, too: nothing but Sluice's own word keeps it to the proxy"
            ),
            "put the workers on a network without an exit, as docker-compose.yml does",
        ),
        Other::Untried => Check::good(NAME, format!("{set}; whether there is another is not tried in practice mode")),
    }
}

async fn other(settings: &Settings) -> Other {
    if settings.egress.upstream_proxy.is_none() {
        return Other::Untried;
    }
    if !has_default_route() {
        return Other::NoRoute;
    }
    let url = Url::parse(&settings.dropbox.api_url).ok().filter(|url| url.scheme() == "https");
    let place = url.as_ref().and_then(|url| url.host_str().zip(url.port_or_known_default()));
    let Some((host, port)) = place else { return Other::Untried };
    let place = format!("{host}:{port}");
    match timeout(TIMEOUT, TcpStream::connect(&place)).await {
        Ok(Ok(_)) => Other::Open(place),
        Ok(Err(_)) | Err(_) => Other::Closed(place),
    }
}

/// Is there a route to everywhere? Where that cannot be told, there may be.
fn has_default_route() -> bool {
    let Ok(v4) = fs::read_to_string("/proc/net/route") else { return true };
    // Without IPv6 there is no such file.
    default_v4(&v4) || default_v6(&fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default())
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
        let check = |answers: Option<&str>, other: Other, verdict, said: &str| {
            let answers = answers.map_or(Ok(()), |error| Err(io::Error::other(error)));
            let check = judge("http://proxy:3128", answers, &other);
            assert!(check.verdict == verdict && check.found.contains(said), "{check:?}");
        };
        let place = || "api.dropboxapi.com:443".to_owned();
        check(None, Other::NoRoute, Verdict::Good, "no default route");
        check(None, Other::Closed(place()), Verdict::Good, "api.dropboxapi.com:443 is not reached without it");
        check(None, Other::Open(place()), Verdict::Warning, "api.dropboxapi.com:443 is reached without it, too");
        check(None, Other::Untried, Verdict::Good, "not tried");
        let away = "the proxy upstream (http://proxy:3128): refused";
        check(Some(away), Other::NoRoute, Verdict::Bad, "(http://proxy:3128)");
    }
}
