//! Any bytes from a child to the proxy. Every name leads inward, so nothing may ever be dialled. `KEY` stands for a pass.

#![no_main]

use std::{io, net::IpAddr, sync::LazyLock, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use sluice_egress::{AddressClass, Egress, Lookup, Pass, Policy, Proxy, classify};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    runtime::Runtime,
    time::timeout,
};

struct Inward;

#[async_trait]
impl Lookup for Inward {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let inward = ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"];
        let address = inward[name.len() % inward.len()].parse().expect("an address");
        assert_ne!(classify(address), AddressClass::Public);
        Ok(vec![address])
    }
}

struct House {
    runtime: Runtime,
    egress: Egress,
    proxy: Proxy,
    pass: Pass,
    key: String,
}

static HOUSE: LazyLock<House> = LazyLock::new(|| {
    // Names alone get as far as an address: a public one in the text would be dialled for good. `link` is about those.
    let ports = vec!["40000".parse().expect("a port")];
    let egress = Egress::with_lookup(Policy { ports, ..Policy::default() }, Inward);
    let proxy = Proxy::start(egress.clone()).expect("a proxy");
    let pass = proxy.pass();
    let url = url::Url::parse(&pass.url()).expect("a URL");
    let key = format!("Proxy-Authorization: Basic {}", STANDARD.encode(format!("{}:x", url.username())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    House { runtime, egress, proxy, pass, key }
});

fuzz_target!(|text: &str| {
    let House { runtime, egress, proxy, pass, key } = &*HOUSE;
    let bytes = text.replace("KEY", key);
    runtime.block_on(async {
        let (mut child, stream) = tokio::io::duplex(64 * 1024);
        let conversation = proxy.converse(stream);
        let talk = async {
            let _ = child.write_all(bytes.as_bytes()).await;
            let _ = child.shutdown().await;
            let mut answer = Vec::new();
            let _ = (&mut child).take(1 << 20).read_to_end(&mut answer).await;
        };
        let _ = timeout(Duration::from_secs(5), async { tokio::join!(conversation, talk) }).await;
    });
    assert_eq!(egress.figures().0, 0, "something was dialled");
    let _ = pass.refusal();
});
