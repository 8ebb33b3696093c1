//! What is published and how it is to be served; shared by all connections of a site.

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Delivery, Line, Resource,
    gate::Bar,
    line::Bucket,
    visits::{Visits, locked},
};

/// Makes the resource behind the rest of a path, if there is one.
type Make = dyn Fn(&str) -> Option<Resource> + Send + Sync;

/// Resources that are made when somebody asks.
struct Maker {
    prefix: String,
    make: Arc<Make>,
}

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Maker").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    paths: Mutex<HashMap<String, Resource>>,
    makers: Mutex<Vec<Maker>>,
    deliveries: Mutex<HashMap<String, Delivery>>,
    bars: Mutex<HashMap<String, Bar>>,
    line: Mutex<Line>,
    /// What has gone over the line.
    pub(super) bucket: Bucket,
    /// Bytes that went out under each address.
    links: Mutex<HashMap<String, u64>>,
    fresh: AtomicU64,
    /// Set with every answer.
    pub(super) cookie: OnceLock<String>,
    /// Where TLS is spoken.
    pub(super) secure: OnceLock<SocketAddr>,
    pub(super) visits: Arc<Visits>,
}

impl Shelf {
    pub(super) fn publish(&self, path: &str, resource: Resource) {
        locked(&self.paths).insert(path.to_owned(), resource);
    }

    pub(super) fn publish_made(&self, prefix: &str, make: Arc<Make>) {
        let mut makers = locked(&self.makers);
        // As with whole paths, what is published again replaces what was there.
        makers.retain(|maker| maker.prefix != prefix);
        makers.push(Maker { prefix: prefix.to_owned(), make });
    }

    pub(super) fn deliver(&self, path: &str, delivery: Delivery) {
        locked(&self.deliveries).insert(path.to_owned(), delivery);
    }

    pub(super) fn shape(&self, line: Line) {
        *locked(&self.line) = line;
    }

    pub(super) fn line(&self) -> Line {
        *locked(&self.line)
    }

    /// Another number each time.
    pub(super) fn fresh(&self) -> u64 {
        self.fresh.fetch_add(1, Ordering::Relaxed)
    }

    /// Counts bytes against an address; how many there are now.
    pub(super) fn spend(&self, link: &str, bytes: u64) -> u64 {
        let mut links = locked(&self.links);
        let spent = links.entry(link.to_owned()).or_default();
        *spent += bytes;
        *spent
    }

    /// Replaces an earlier bar, which lets its waiters pass.
    pub(super) fn hold(&self, path: &str, bar: Bar) {
        if let Some(before) = locked(&self.bars).insert(path.to_owned(), bar) {
            before.open();
        }
    }

    pub(super) fn open(&self, path: &str) {
        if let Some(bar) = locked(&self.bars).remove(path) {
            bar.open();
        }
    }

    pub(super) fn resource(&self, path: &str) -> Option<Resource> {
        if let Some(resource) = locked(&self.paths).get(path) {
            return Some(resource.clone());
        }
        let found = |maker: &Maker| Some((maker.make.clone(), path.strip_prefix(&maker.prefix)?.to_owned()));
        // Collected first: what makes a resource may take its time, and others want to read too.
        let makers: Vec<_> = locked(&self.makers).iter().filter_map(found).collect();
        makers.into_iter().find_map(|(make, rest)| make(&rest))
    }

    pub(super) fn for_head(&self, path: &str) -> Delivery {
        locked(&self.deliveries).get(path).filter(|delivery| delivery.after == 0).cloned().unwrap_or_default()
    }

    /// What holds for this `GET`, which ends at byte `end`; counts it against the delivery's `times`, if it comes so far as to meet it.
    pub(super) fn for_get(&self, path: &str, end: Option<u64>) -> (Delivery, Option<Bar>) {
        let mut deliveries = locked(&self.deliveries);
        let delivery = match deliveries.get_mut(path) {
            None => Delivery::default(),
            Some(found) if found.begins_at().zip(end).is_some_and(|(begins, end)| end <= begins) => found.clone(),
            Some(found) if found.after > 0 => {
                found.after -= 1;
                Delivery::default()
            }
            Some(found) => {
                let now = found.clone();
                if let Some(left) = &mut found.times {
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        deliveries.remove(path);
                    }
                }
                now
            }
        };
        (delivery, locked(&self.bars).get(path).cloned())
    }
}
