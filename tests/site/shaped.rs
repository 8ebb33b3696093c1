//! A line that is slow, addresses that expire, resets, TLS: what streaming has to cope with.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use e2e::{
    authority::Authority,
    http::{body, client, client_trusting},
    site::{Content, Delivery, Ending, Line, Resource, Site},
};
use reqwest::{Client, Response};
use tokio::time::{Duration, Instant};

const LENGTH: u64 = 1_000_000;
const MOST: usize = 2_000_000;

/// A site with a megabyte at `/file`, and what it is.
async fn site() -> Result<(Site, Vec<u8>)> {
    let site = Site::start().await?;
    let content = Content::noisy_mp4(&Bytes::from_static(b"film"), LENGTH, 7);
    let bytes = content.pieces().flatten().collect();
    site.publish("/file", Resource::file("video/mp4", content));
    Ok((site, bytes))
}

async fn range(client: &Client, url: &str, from: u64, to: u64) -> Result<Response> {
    Ok(client.get(url).header("range", format!("bytes={from}-{}", to - 1)).send().await?)
}

/// Seconds that so many downloads at once take, each over a connection of its own.
async fn seconds(site: &Site, bytes: &[u8], count: usize) -> Result<f64> {
    let begun = Instant::now();
    let downloads = (0..count).map(|_| async {
        let got = body(client()?.get(site.url("/file")).send().await?, MOST).await?;
        ensure!(got == bytes, "it arrived damaged");
        Ok(())
    });
    futures::future::try_join_all(downloads).await?;
    Ok(begun.elapsed().as_secs_f64())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_is_never_faster_than_it_says() -> Result<()> {
    let (site, bytes) = site().await?;
    // What goes through at once beyond the pace is a fiftieth of a second's worth.
    site.shape(Line { connection_bytes_per_second: Some(LENGTH), ..Line::default() });
    let (one, three) = (seconds(&site, &bytes, 1).await?, seconds(&site, &bytes, 3).await?);
    ensure!(one > 0.95 && three > 0.95, "{one} s, {three} s");
    site.shape(Line { bytes_per_second: Some(2 * LENGTH), ..Line::default() });
    let (one, three) = (seconds(&site, &bytes, 1).await?, seconds(&site, &bytes, 3).await?);
    ensure!(one > 0.45 && three > 1.45, "{one} s, {three} s");
    let begun = Instant::now();
    site.shape(Line { round_trip: Duration::from_millis(300), ..Line::default() });
    let _ = client()?.get(site.url("/file")).send().await?;
    ensure!(begun.elapsed() >= Duration::from_millis(300));
    Ok(())
}

#[tokio::test]
async fn an_address_expires_with_its_bytes_and_another_one_is_fresh() -> Result<()> {
    let (site, bytes) = site().await?;
    site.deliver("/file", Delivery::expiring(600_000));
    site.publish("/list", Resource::text("text/plain", "{base}/file?token={fresh}"));
    let link =
        async || anyhow::Ok(String::from_utf8(body(client()?.get(site.url("/list")).send().await?, 1000).await?)?);
    let (first, second, client) = (link().await?, link().await?, client()?);
    ensure!(first != second, "{first} twice");
    ensure!(body(range(&client, &first, 0, 400_000).await?, MOST).await? == bytes[..400_000]);
    let mut cut = range(&client, &first, 400_000, LENGTH).await?;
    ensure!(cut.status() == 206, "{cut:?}");
    let mut got = Vec::new();
    while let Ok(Some(chunk)) = cut.chunk().await {
        got.extend_from_slice(&chunk);
    }
    ensure!(got == bytes[400_000..600_000], "{} bytes", got.len());
    ensure!(range(&client, &first, 600_000, LENGTH).await?.status() == 403);
    ensure!(client.head(&first).send().await?.status() == 403);
    ensure!(body(range(&client, &second, 600_000, LENGTH).await?, MOST).await? == bytes[600_000..]);
    Ok(())
}

#[tokio::test]
async fn the_third_request_is_reset_and_no_other() -> Result<()> {
    let (site, bytes) = site().await?;
    site.deliver("/file", Delivery::reset_at(500_000).after(2).times(1));
    let client = client()?;
    for (place, whole) in [true, true, false, true].into_iter().enumerate() {
        let got = body(range(&client, &site.url("/file"), 400_000, 700_000).await?, MOST).await;
        match &got {
            Ok(got) => ensure!(whole && *got == bytes[400_000..700_000], "{place}: {} bytes", got.len()),
            Err(error) => {
                let reset = error.chain().any(|cause| cause.to_string().contains("reset"));
                ensure!(!whole && reset, "{place}: {error:#}: {error:?}");
            }
        }
    }
    let endings: Vec<_> = site.visits("/file").iter().map(|visit| visit.ending).collect();
    ensure!(endings == [Ending::Complete, Ending::Complete, Ending::Broken, Ending::Complete], "{endings:?}");
    Ok(())
}

#[tokio::test]
async fn it_speaks_tls_beside_plain_http() -> Result<()> {
    let (site, bytes) = site().await?;
    let directory = tempfile::tempdir()?;
    let authority = Authority::make(directory.path())?;
    let secure = site.secure(&authority).await?;
    site.publish("/list", Resource::text("text/plain", "{secure}/file {base}"));
    let list = String::from_utf8(body(client()?.get(site.url("/list")).send().await?, 1000).await?)?;
    let (link, base) = list.split_once(' ').context("two words")?;
    ensure!(link == format!("https://{secure}/file") && base == site.url(""), "{list}");
    e2e::http::client()?; // Installs the TLS provider.
    let client = client_trusting(&authority)?;
    ensure!(body(client.get(link).send().await?, MOST).await? == bytes);
    // A cut comes behind the byte that it was asked for, here as well.
    site.deliver("/file", Delivery::cut_at(500_000).times(1));
    let mut cut = client.get(link).send().await?;
    let mut got = 0;
    while let Ok(Some(chunk)) = cut.chunk().await {
        got += chunk.len();
    }
    ensure!(got == 500_000, "{got} bytes before the cut");
    Ok(())
}
