//! Every kind of input, byte for byte.

use anyhow::{Result, ensure};
use e2e::{
    media::{Essence, clips, essence},
    site::{Page, Site, Source, publish_samples},
};

use crate::yt_dlp::{download, fetch, info};

#[tokio::test(flavor = "multi_thread")]
async fn yt_dlp_downloads_every_format_of_every_kind_byte_for_byte() -> Result<()> {
    let site = Site::start().await?;
    for sample in publish_samples(&site, clips().await?)? {
        for part in &sample.parts {
            let got = download(&site.url(&sample.path), &part.selector).await?;
            ensure!(got == part.bytes, "{}: {} of {} bytes differ", sample.kind, part.selector, part.bytes.len());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_pair_has_the_pictures_and_the_sound_of_its_parts() -> Result<()> {
    let (site, clips) = (Site::start().await?, clips().await?);
    publish_samples(&site, clips)?;
    let parts = tempfile::tempdir()?;
    let (video, audio) = (parts.path().join("video.mp4"), parts.path().join("audio.m4a"));
    std::fs::write(&video, &clips.mp4_apart.at(720).bytes)?;
    std::fs::write(&audio, &clips.mp4_apart.audio.bytes)?;
    let (_directory, merged) = fetch(&site.url("/watch/clip"), "bv[height=720]+ba").await?;
    let expected = Essence { video: essence(&video).await?.video, audio: essence(&audio).await?.audio };
    let found = essence(&merged).await?;
    ensure!(found == expected && found.video.is_some() && found.audio.is_some(), "{found:?} is not {expected:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_the_shape_of_the_largest_site() -> Result<()> {
    let site = Site::start().await?;
    publish_samples(&site, clips().await?)?;
    let info = info(&site.url("/yt/clip")).await?;
    ensure!(info["extractor"] == "LocalSite" && info["duration"] == 6 && info["thumbnail"].is_string(), "{info:#}");
    let check = |id: &str, container: Option<&str>, vcodec: &str, exact: bool| {
        let formats = info["formats"].as_array().map_or(&[][..], Vec::as_slice);
        let format = formats.iter().find(|format| format["format_id"] == id);
        let Some(format) = format else { anyhow::bail!("no format {id}") };
        ensure!(format["container"].as_str() == container, "{format:#}");
        ensure!(format["vcodec"].as_str().is_some_and(|found| found.starts_with(vcodec)), "{format:#}");
        ensure!(format["filesize"].is_u64() == exact && format["filesize_approx"].is_number(), "{format:#}");
        let chunk = container.map(|_| 10 << 20);
        ensure!(format["downloader_options"]["http_chunk_size"].as_u64() == chunk, "{format:#}");
        Ok(())
    };
    check("137", Some("mp4_dash"), "avc1.", true)?;
    check("247", Some("webm_dash"), "vp09.", true)?;
    check("244", Some("webm_dash"), "vp09.", false)?;
    check("140", Some("m4a_dash"), "none", true)?;
    check("251", Some("webm_dash"), "none", false)?;
    check("18", None, "avc1.", false)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_leads_to_its_videos() -> Result<()> {
    let site = Site::start().await?;
    publish_samples(&site, clips().await?)?;
    let path = site.publish_playlist("all", "Twice the same", &["clip", "clip"]);
    let info = info(&site.url(&path)).await?;
    ensure!(info["_type"] == "playlist" && info["entries"].as_array().map(Vec::len) == Some(2), "{info:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn titles_arrive_as_they_were_written() -> Result<()> {
    let site = Site::start().await?;
    publish_samples(&site, clips().await?)?;
    let long = "long ".repeat(60);
    for (number, title) in
        ["🎬 emoji 👩‍👩‍👧", "a/b\\c", "..", "CON", "شريط فيديو", "<b>\"q\" & {base}", long.trim()].iter().enumerate()
    {
        let path = format!("/titles/{number}");
        let source = Source::Described { path: "/media/clip/manifest.mpd".into() };
        site.publish_page(&path, &Page { title: (*title).into(), poster: Some("/files/poster.jpg".into()), source });
        let info = info(&site.url(&path)).await?;
        ensure!(info["title"] == *title, "{title:?} became {}", info["title"]);
        ensure!(info["thumbnail"] == site.url("/files/poster.jpg"), "{}", info["thumbnail"]);
    }
    Ok(())
}
