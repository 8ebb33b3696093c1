//! What stands in front of the web server: is it known by name?

use sluice_runtime::Server;

use super::check::Check;

/// Sluice speaks no TLS itself: where people come by https, there is a proxy.
pub(super) fn check(server: &Server) -> Option<Check> {
    const NAME: &str = "proxy";
    match (server.public_url.starts_with("https://"), server.trusted_proxies.as_slice()) {
        (true, []) => Some(Check::warning(
            NAME,
            "people come by https, so through a proxy, and none is trusted: all of them share the limits of its address",
            "name it in server.trusted_proxies, and let it set X-Forwarded-For",
        )),
        (_, []) => None,
        (_, proxies) => {
            let names: Vec<String> = proxies.iter().map(ToString::to_string).collect();
            Some(Check::good(NAME, format!("X-Forwarded-For is believed from {}", names.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use sluice_runtime::Settings;

    use super::{super::check::Verdict, *};

    #[test]
    fn a_proxy_that_nobody_knows_is_told() {
        let judge = |server: &str, want: Option<Verdict>| {
            let settings = Settings::from_text(&format!("[server]\n{server}"), Vec::new()).unwrap();
            assert_eq!(check(&settings.server).map(|check| check.verdict), want, "{server}");
        };
        judge("", None);
        judge("public_url = 'http://127.0.0.1:8080'", None);
        judge("public_url = 'https://sluice.example'", Some(Verdict::Warning));
        judge("public_url = 'https://sluice.example'\ntrusted_proxies = ['10.0.0.0/8']", Some(Verdict::Good));
    }
}
