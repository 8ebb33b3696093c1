//! Jobs that do what their link says: the last part of the path names the ending.

use std::time::Duration;

use async_trait::async_trait;
use sluice_domain::{ByteSize, Failure, FailureKind, Item, Length, Phase, Progress, Receipt, Route};
use sluice_queue::{Described, Handler, Held, Lease, Outcome};

/// The script.
pub(crate) struct Script;

#[async_trait]
impl Handler for Script {
    async fn run(&self, lease: Lease) -> Outcome {
        tokio::select! {
            outcome = play(&lease) => outcome,
            _ = lease.stop().cancelled() => Outcome::Cancelled,
        }
    }
}

async fn play(lease: &Lease) -> Outcome {
    let url: url::Url = lease.job().url.as_str().parse().unwrap();
    let word = url.path().rsplit('/').next().unwrap().to_owned();
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    lease.phase(Phase::Extracting).await.unwrap();
    if word == "look" {
        std::future::pending::<()>().await;
    }
    let title = value("title").or(Some("A clip".to_owned()));
    lease.describe(&Described { title, thumbnail: value("thumbnail"), duration: Some(63.0) }).await.unwrap();
    match word.as_str() {
        "list" => return list(lease, &url).await,
        "same" => {
            // Found out only now: another link, the same media.
            if let Held::Other(other) = lease.hold("media 1", None).await.unwrap() {
                return Outcome::Duplicate(other);
            }
            Outcome::Completed(receipt())
        }
        "landed" => Outcome::Completed(Receipt {
            path: value("path").unwrap(),
            size: value("size").unwrap().parse().unwrap(),
            content_hash: value("hash").unwrap(),
            ..receipt()
        }),
        "complete" => {
            transfer(lease, 1, Duration::ZERO).await;
            lease.phase(Phase::Committing).await.unwrap();
            Outcome::Completed(receipt())
        }
        "slow" => {
            transfer(lease, 600, Duration::from_millis(250)).await;
            Outcome::Completed(receipt())
        }
        "unknown" => {
            lease.planned(Route::Spool, Length::Unknown).await.unwrap();
            lease.phase(Phase::Transferring).await.unwrap();
            lease.progress(Progress { bytes_in: 12_000_000, rate: Some(2_100_000), ..Progress::default() });
            std::future::pending().await
        }
        "commit" => {
            lease.phase(Phase::Committing).await.unwrap();
            std::future::pending().await
        }
        "large" => {
            Failure::too_large(ByteSize(9_100_000_000), ByteSize(4_000_000_000), Some("720p would fit (2.2 GB)."))
                .into()
        }
        "busy" => Outcome::Retry {
            failure: Failure::new(FailureKind::SiteBusy, "scripted"),
            after: Some(Duration::from_secs(600)),
        },
        _ => Failure::new(FailureKind::Removed, "scripted").into(),
    }
}

/// A list of the items that its link names, as in `?items=complete,removed&announced=40&cut=2`; read to its end unless it says `open`.
async fn list(lease: &Lease, url: &url::Url) -> Outcome {
    let value = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let words = value("items").unwrap_or_default();
    let item = |(index, word): (usize, &str)| {
        let number = u32::try_from(index).unwrap() + 1;
        let url = format!("https://site.example/{word}?title=Part+{number}&of={}", lease.job().id).parse().unwrap();
        Item { number, url, item: None, title: Some(format!("Part {number}")), thumbnail: None, duration: Some(63.0) }
    };
    let items: Vec<Item> = words.split(',').filter(|word| !word.is_empty()).enumerate().map(item).collect();
    for some in items.chunks(50) {
        lease.take_items(some, value("announced").map(|number| number.parse().unwrap())).await.unwrap();
    }
    if value("open").is_some() {
        std::future::pending::<()>().await;
    }
    Outcome::Listed { cut_at: value("cut").map(|number| number.parse().unwrap()) }
}

async fn transfer(lease: &Lease, steps: u64, pause: Duration) {
    const TOTAL: u64 = 96_000_000;
    lease.planned(Route::Spool, Length::Exact(TOTAL)).await.unwrap();
    lease.phase(Phase::Transferring).await.unwrap();
    for step in 0..=steps {
        let bytes_in = TOTAL * step / steps;
        lease.progress(Progress {
            bytes_in,
            bytes_out: bytes_in / 10 * 9,
            length: Length::Exact(TOTAL),
            rate: Some(11_000_000),
        });
        tokio::time::sleep(pause).await;
    }
}

fn receipt() -> Receipt {
    Receipt {
        path: "/Videos/A clip.mp4".to_owned(),
        file_id: "id:1".to_owned(),
        rev: "0123456789".to_owned(),
        size: 96_000_000,
        content_hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
    }
}
