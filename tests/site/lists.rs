//! Long lists, made on demand: a feed and a playlist in pages, as yt-dlp sees them.

use anyhow::{Result, ensure};
use e2e::{
    media::tiny,
    site::{PLAYLIST_PAGE, Series, Site},
};
use serde_json::Value;

use crate::yt_dlp::{fetch_with, info_with};

const MANY: u32 = 5_000;

async fn series(count: u32) -> Result<(Site, Series)> {
    Ok((Site::start().await?, Series::new("long", "Episode", count, &tiny().await?)))
}

fn titles(info: &Value) -> Vec<&str> {
    let entries = info["entries"].as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().filter_map(|entry| entry["title"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_has_all_its_entries_and_each_has_its_own_bytes() -> Result<()> {
    let (site, series) = series(MANY).await?;
    let feed = site.url(&site.publish_feed(&series));
    let info = info_with(&feed, &["--flat-playlist"]).await?;
    let expected: Vec<String> = (1..=MANY).map(|number| series.title_of(number)).collect();
    ensure!(info["_type"] == "playlist" && titles(&info) == expected, "{} entries", titles(&info).len());
    for number in [1, MANY] {
        let (_directory, file) = fetch_with(&feed, &["--playlist-items", &number.to_string()]).await?;
        ensure!(std::fs::read(file)? == series.bytes_of(number), "entry {number} differs");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_in_pages_is_read_as_far_as_it_is_wanted() -> Result<()> {
    let (site, series) = series(MANY).await?;
    let path = site.publish_pages(&series);
    let page = |number: u32| site.visits(&format!("{path}/{number}.json")).len();
    let info = info_with(&site.url(&path), &["--flat-playlist", "--playlist-items", "1-3"]).await?;
    ensure!(info["entries"].as_array().map(Vec::len) == Some(3), "{info:#}");
    ensure!((page(0), page(1)) == (1, 0), "{} and {} visits", page(0), page(1));
    let last = MANY.to_string();
    let (_directory, file) = fetch_with(&site.url(&path), &["--playlist-items", &last]).await?;
    ensure!(std::fs::read(file)? == series.bytes_of(MANY), "the last entry differs");
    ensure!(page(MANY / PLAYLIST_PAGE - 1) == 1 && page(1) == 0, "pages were read that nobody wanted");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_alone_is_a_page_like_any_other() -> Result<()> {
    let (site, series) = series(3).await?;
    site.publish_series(&series);
    let info = info_with(&site.url(&series.page_of(2)), &[]).await?;
    ensure!(info["extractor"] == "LocalSite" && info["title"] == series.title_of(2), "{info:#}");
    let (_directory, file) = fetch_with(&site.url(&series.page_of(2)), &[]).await?;
    ensure!(std::fs::read(file)? == series.bytes_of(2));
    ensure!(info_with(&site.url(&series.page_of(4)), &[]).await.is_err(), "there is no fourth entry");
    Ok(())
}
