//! Names whose answers change between two look-ups, and names with several answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::net::TcpListener;

use super::*;
use crate::AddressClass;

/// Answers in turn, over and over.
struct Turns(Vec<Vec<&'static str>>, AtomicUsize);

#[async_trait]
impl Lookup for Turns {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.1.fetch_add(1, Ordering::Relaxed) % self.0.len();
        Ok(self.0[turn].iter().map(|address| address.parse().unwrap()).collect())
    }
}

fn egress(allow: &[&str], turns: &[&[&'static str]]) -> Egress {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    let turns = turns.iter().map(|turn| turn.to_vec()).collect();
    Egress::with_lookup(Policy { allow, ..Policy::default() }, Turns(turns, AtomicUsize::new(0)))
}

fn name() -> Host {
    Host::parse("rebind.example").unwrap()
}

fn reason(error: &Unreachable) -> Option<Reason> {
    match error {
        Unreachable::Refused(refusal) => Some(refusal.reason),
        Unreachable::Unknown(_) | Unreachable::Silent(_) => None,
    }
}

#[tokio::test]
async fn every_look_up_is_judged() {
    let egress = egress(&[], &[&["1.1.1.1"], &["127.0.0.1"], &["2606:4700::1"], &["::ffff:10.0.0.1"]]);
    assert_eq!(egress.addresses(&name(), 80).await.unwrap(), ["1.1.1.1:80".parse().unwrap()]);
    let refused = egress.addresses(&name(), 80).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::Address(AddressClass::Loopback)));
    assert!(egress.addresses(&name(), 80).await.is_ok());
    let refused = egress.addresses(&name(), 80).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::Address(AddressClass::MappedV4)));
    assert_eq!(egress.figures(), (0, vec![("ipv4_mapped", 1), ("loopback", 1)]));
}

#[tokio::test]
async fn of_several_answers_the_good_ones_are_dialled() {
    let egress = egress(&[], &[&["10.0.0.1", "1.1.1.1", "fe80::1", "169.254.169.254"], &[]]);
    assert_eq!(egress.addresses(&name(), 443).await.unwrap(), ["1.1.1.1:443".parse().unwrap()]);
    assert!(matches!(egress.addresses(&name(), 443).await, Err(Unreachable::Unknown(_))));
}

#[tokio::test]
async fn this_machine_has_names_that_nobody_is_asked_about() {
    let egress = egress(&[], &[&["1.1.1.1"]]);
    for name in ["localhost", "LOCALHOST.", "a.b.localhost", "a.localhost."] {
        let refused = egress.addresses(&Host::parse(name).unwrap(), 80).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::Address(AddressClass::Loopback)), "{name}");
    }
    assert!(egress.addresses(&Host::parse("notlocalhost").unwrap(), 80).await.is_ok());
}

/// The address that is dialled is the one that was judged: there is no second look-up in between.
#[tokio::test]
async fn nothing_is_looked_up_twice() {
    let (good, canary) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.2:0").await.unwrap());
    let port = good.local_addr().unwrap().port();
    let egress = egress(&["127.0.0.1"], &[&["127.0.0.1"], &["127.0.0.2"]]);
    for round in 0..6 {
        let dialled = egress.dial(&name(), port).await;
        match dialled {
            Ok(stream) => assert_eq!(stream.peer_addr().unwrap(), good.local_addr().unwrap(), "{round}"),
            Err(error) => assert_eq!(reason(&error), Some(Reason::Address(AddressClass::Loopback)), "{round}"),
        }
    }
    assert!(futures::FutureExt::now_or_never(canary.accept()).is_none());
    assert_eq!(egress.figures(), (3, vec![("loopback", 3)]));
}

#[tokio::test]
async fn a_dead_address_holds_up_no_living_one() {
    let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = good.local_addr().unwrap().port();
    // Nothing listens on the first.
    let egress = egress(&["127.0.0.0/8"], &[&["127.0.0.9", "127.0.0.1"]]);
    assert_eq!(egress.dial(&name(), port).await.unwrap().peer_addr().unwrap(), good.local_addr().unwrap());
    drop(good);
    assert!(matches!(egress.dial(&name(), port).await, Err(Unreachable::Silent(_))));
}
