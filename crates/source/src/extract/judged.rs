//! Links, and what they lead to, judged before anybody asks for them.
//!
//! What is refused is refused wherever it is dialled; this only says so sooner, in plain words, and before a plan is made of it. A name that changes its
//! mind between here and there is judged there.

use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};
use sluice_domain::{Failure, SourceUrl};
use sluice_egress::{Egress, Refusal};
use sluice_transfer::Gate;
use tokio::time::timeout;
use url::Url;

use super::{Extraction, Extractor, Found};
use crate::refused::refused;

/// Hosts of one piece of media that are judged here; sites have a handful.
const MAX_PLACES: usize = 32;
/// How many are looked up at once.
const AT_ONCE: usize = 8;
/// How long all look-ups may take. What is not known then is judged when it is dialled.
const MOST_TIME: Duration = Duration::from_secs(10);
/// Where a format names addresses.
const KEYS: [&str; 3] = ["url", "manifest_url", "fragment_base_url"];

/// Scheme, host and port.
type Place = (String, String, Option<u16>);

/// An extractor whose links and finds are judged.
pub(super) struct Judged<E> {
    inner: E,
    egress: Egress,
}

impl<E> Judged<E> {
    pub(super) fn new(inner: E, egress: Egress) -> Self {
        Self { inner, egress }
    }

    /// The places that are not visited.
    async fn bad_places(&self, formats: &[&Map<String, Value>]) -> HashMap<Place, Refusal> {
        let urls = formats.iter().flat_map(|format| addresses(format)).map(|url| (place(&url), url));
        let places: HashMap<Place, Url> = urls.collect();
        let judge = async |(place, url)| self.egress.judge(&url).await.err().map(|refusal| (place, refusal));
        let all = stream::iter(places.into_iter().take(MAX_PLACES)).map(judge).buffer_unordered(AT_ONCE);
        let bad = all.filter_map(async |bad| bad).collect();
        timeout(MOST_TIME, bad).await.unwrap_or_default()
    }

    /// Without the formats that lead where nobody may go.
    async fn sifted(&self, extraction: Extraction) -> Result<Extraction, Failure> {
        let broken = |error: serde_json::Error| Failure::internal(format!("info JSON: {error}"));
        let mut info: Map<String, Value> = serde_json::from_str(&extraction.json).map_err(broken)?;
        let formats: Vec<_> = match info.get("formats") {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_object).collect(),
            _ => vec![&info],
        };
        let bad = self.bad_places(&formats).await;
        if bad.is_empty() {
            return Ok(extraction);
        }
        let refusal = |format: &Map<String, Value>| addresses(format).find_map(|url| bad.get(&place(&url)));
        let refusals: Vec<_> = formats.iter().filter_map(|format| refusal(format)).collect();
        if let [first, ..] = refusals[..]
            && refusals.len() == formats.len()
        {
            return Err(refused(first));
        }
        if let Some(Value::Array(all)) = info.get_mut("formats") {
            all.retain(|format| format.as_object().is_none_or(|format| refusal(format).is_none()));
        }
        Extraction::from_json(serde_json::to_string(&info).map_err(broken)?.into())
    }
}

/// The addresses of the web that a format names.
fn addresses(format: &Map<String, Value>) -> impl Iterator<Item = Url> {
    let named = KEYS.iter().filter_map(|key| format.get(*key)).filter_map(Value::as_str);
    named.filter_map(|text| Url::parse(text).ok()).filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn place(url: &Url) -> Place {
    (url.scheme().to_owned(), url.host_str().unwrap_or_default().to_owned(), url.port())
}

#[async_trait]
impl<E: Extractor> Extractor for Judged<E> {
    async fn extract(&self, url: &SourceUrl, item: Option<u32>, gate: &Gate) -> Result<Found, Failure> {
        let link = Url::parse(url.as_str()).map_err(|error| Failure::internal(error.to_string()))?;
        gate.guard(async { self.egress.judge(&link).await.map_err(|refusal| refused(&refusal)) }).await?;
        match self.inner.extract(url, item, gate).await? {
            Found::Media(extraction) => gate.guard(self.sifted(extraction)).await.map(Found::Media),
            Found::List(list) => Ok(Found::List(list)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sluice_domain::FailureKind;

    use super::*;
    use crate::testing::{gate, loopback};

    /// Finds this, whatever is asked.
    struct Finds(Value);

    #[async_trait]
    impl Extractor for Finds {
        async fn extract(&self, _: &SourceUrl, _: Option<u32>, _: &Gate) -> Result<Found, Failure> {
            Extraction::from_json(self.0.to_string().into()).map(Found::Media)
        }
    }

    async fn extract(link: &str, found: Value) -> Result<usize, FailureKind> {
        let judged = Judged::new(Finds(found), loopback());
        match judged.extract(&link.parse().unwrap(), None, &gate()).await {
            Ok(Found::Media(extraction)) => Ok(extraction.info.formats.len()),
            Ok(Found::List(list)) => panic!("{list:?}"),
            Err(failure) => Err(failure.kind),
        }
    }

    #[tokio::test]
    async fn a_link_inward_is_not_even_looked_at() {
        for link in
            ["http://10.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://0xa9fea9fe/latest", "http://127.0.0.1:6379/"]
        {
            assert_eq!(extract(link, json!({})).await, Err(FailureKind::RefusedAddress), "{link}");
        }
        assert_eq!(extract("http://127.0.0.1/", json!({"formats": []})).await, Ok(0));
    }

    #[tokio::test]
    async fn formats_that_lead_inward_are_none() {
        let format = |key: &str, url: &str| json!({"format_id": url, "url": "http://127.0.0.1/v.mp4", key: url});
        let check = async |formats: Value, want| {
            assert_eq!(extract("http://127.0.0.1/", json!({"formats": formats})).await, want, "{formats}");
        };
        let (good, bad) = (format("url", "http://127.0.0.1:8000/"), format("url", "http://10.0.0.1/"));
        check(
            json!([good, bad, format("fragment_base_url", "https://[fd00::1]/"), format("manifest_url", "http://0/")]),
            Ok(1),
        )
        .await;
        check(json!([bad]), Err(FailureKind::RefusedAddress)).await;
        check(json!([good, "x", 5, {"url": "rtmp://10.0.0.1/"}, {"url": 7}]), Ok(3)).await;
        let alone = |url: &str| extract("http://127.0.0.1/", json!({"format_id": "0", "url": url}));
        assert_eq!(alone("http://172.16.0.1/v.mp4").await, Err(FailureKind::RefusedAddress));
        assert_eq!(alone("http://127.0.0.1/v.mp4").await, Ok(1));
    }
}
