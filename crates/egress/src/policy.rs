//! What may be dialled. Pure: a host, a port and an address in, a reason out.

use std::net::IpAddr;

use url::{Host, Url};

use crate::{
    AddressClass, Exception, PortRange, Reason, Refusal, classify, exception::literal, ports::is_never_dialled,
};

/// The rules of one installation.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Exceptions to "public addresses only".
    pub allow: Vec<Exception>,
    /// The ports on which sites are visited.
    pub ports: Vec<PortRange>,
}

impl Default for Policy {
    /// No exception; the web's own ports, and those that no service of a system owns.
    fn default() -> Self {
        let ports = ["80", "443", "1024-65535"].iter().filter_map(|range| range.parse().ok()).collect();
        Self { allow: Vec::new(), ports }
    }
}

impl Policy {
    /// May this port of this host be asked for at all, wherever the host's name leads?
    ///
    /// # Errors
    /// Why not.
    pub fn judge_port(&self, host: &Host, port: u16) -> Result<(), Reason> {
        let open = self.ports.iter().any(|range| range.contains(port)) && !is_never_dialled(port);
        // What a name leads to may be named as well: that is seen when it is known.
        let named = self.allow.iter().any(|exception| exception.names(host, port));
        if open || named { Ok(()) } else { Err(Reason::Port) }
    }

    /// May this address be dialled, to which this host has led?
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, host: &Host, port: u16, address: IpAddr) -> Result<(), Reason> {
        self.judge_port(host, port).or_else(|reason| self.judge_port(&literal(address), port).map_err(|_| reason))?;
        match classify(address) {
            AddressClass::Public => Ok(()),
            _ if self.allow.iter().any(|exception| exception.admits(host, port, address)) => Ok(()),
            class => Err(Reason::Address(class)),
        }
    }

    /// The host and port of an address of the web, as far as they can be judged without asking anybody.
    ///
    /// # Errors
    /// Why it is not visited.
    pub fn judge_url(&self, url: &Url) -> Result<(Host, u16), Refusal> {
        let refused = |reason| {
            let host = url.host_str().unwrap_or_default().to_owned();
            Refusal { host, port: url.port_or_known_default().unwrap_or_default(), reason }
        };
        let web = matches!(url.scheme(), "http" | "https");
        let place = url.host().filter(|_| web).zip(url.port_or_known_default());
        let (host, port) = place.ok_or_else(|| refused(Reason::NotTheWeb))?;
        let host = host.to_owned();
        self.judge_host(&host, port).map_err(refused)?;
        Ok((host, port))
    }

    /// As far as a host can be judged without asking anybody: whole when it is an address, else by its port.
    ///
    /// # Errors
    /// Why not.
    pub fn judge_host(&self, host: &Host, port: u16) -> Result<(), Reason> {
        match host {
            Host::Ipv4(address) => self.judge(host, port, (*address).into()),
            Host::Ipv6(address) => self.judge(host, port, (*address).into()),
            Host::Domain(_) => self.judge_port(host, port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str]) -> Policy {
        Policy { allow: allow.iter().map(|text| text.parse().unwrap()).collect(), ..Policy::default() }
    }

    #[test]
    fn an_exception_opens_what_it_names_and_no_more() {
        let allow = ["10.1.0.0/16", "127.0.0.1:8000", "nas.lan:6379", "192.168.7.7:22"];
        let check = |host: &str, port: u16, address: &str, want: Result<(), Reason>| {
            let got = policy(&allow).judge(&Host::parse(host).unwrap(), port, address.parse().unwrap());
            assert_eq!(got, want, "{host}:{port} at {address}");
        };
        let loopback = Err(Reason::Address(AddressClass::Loopback));
        let private = Err(Reason::Address(AddressClass::Private));
        check("a.example", 443, "1.1.1.1", Ok(()));
        check("a.example", 443, "10.1.2.3", Ok(()));
        check("a.example", 443, "10.2.2.3", private);
        // Even in a network that is an exception, a store is no site.
        check("a.example", 6379, "10.1.2.3", Err(Reason::Port));
        check("a.example", 22, "1.1.1.1", Err(Reason::Port));
        check("a.example", 81, "1.1.1.1", Err(Reason::Port));
        check("a.example", 8080, "1.1.1.1", Ok(()));
        check("a.example", 8000, "127.0.0.1", Ok(()));
        check("127.0.0.1", 8000, "127.0.0.1", Ok(()));
        check("127.0.0.1", 8001, "127.0.0.1", loopback);
        check("127.0.0.2", 8000, "127.0.0.2", loopback);
        check("nas.lan", 6379, "192.168.1.1", Ok(()));
        check("nas.lan", 6380, "192.168.1.1", Err(Reason::Port));
        check("nas.lan", 8000, "192.168.1.1", private);
        check("other.lan", 8000, "192.168.1.1", private);
        check("any.example", 22, "192.168.7.7", Ok(()));
        check("any.example", 8000, "192.168.7.7", private);
    }

    #[test]
    fn every_notation_of_an_address_is_judged() {
        let check = |url: &str, want: Result<(), Reason>| {
            let got = policy(&["127.0.0.1:8000"]).judge_url(&Url::parse(url).unwrap());
            assert_eq!(got.map(|_| ()).map_err(|refusal| refusal.reason), want, "{url}");
        };
        let loopback = || Err(Reason::Address(AddressClass::Loopback));
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "017700000001",
            "2130706433",
            "127.0.0.1.",
            "0x7F.0x0.0x0.0x1",
            "①②⑦.⓪.⓪.①",
            "127。0。0。1",
            "%31%32%37.0.0.1",
            "user:secret@127.0.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
        ] {
            check(&format!("http://{host}/"), loopback());
        }
        check("http://[::ffff:127.0.0.1]/", Err(Reason::Address(AddressClass::MappedV4)));
        check("http://[::ffff:7f00:1]:8000/", Err(Reason::Address(AddressClass::MappedV4)));
        check("http://127.0.0.1:8000/", Ok(()));
        check("https://0x7f.1:8000/", Ok(()));
        check("http://127.0.0.1:80@1.1.1.1/", Ok(()));
        check("http://1.1.1.1@127.0.0.1/", loopback());
        check("ftp://1.1.1.1/", Err(Reason::NotTheWeb));
        check("file:///etc/passwd", Err(Reason::NotTheWeb));
        check("data:text/plain,x", Err(Reason::NotTheWeb));
        check("http://a.example/", Ok(()));
        check("http://a.example:22/", Err(Reason::Port));
    }
}
