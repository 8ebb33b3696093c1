//! How it ends: whole, torn, left, cancelled, let go.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use e2e::{
    curl::{self, TORN, download},
    eventually::eventually,
    family::{Memory, cpu},
    http::body,
    media::{clips, packets},
    process::descendants,
    site::{Content, Delivery, Line, Resource},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::{Method, StatusCode, header::CONTENT_TYPE};

use super::{LIMIT, MEGABYTE, MOST, header, house};

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_dies_leaves_no_clean_short_file() -> Result<()> {
    let house = house(8, &[("limits.idle_timeout", "5s")]).await?;
    let segments = house.world.site.publish_segments("segments", &clips().await?.hls_ts["part000.ts"], 60);
    let links = [house.link(&house.single), house.link(&house.pair), house.world.site.url(&segments)];
    let film = &house.pair.files[0].0;
    house.world.site.deliver(&house.single.files[0].0, Delivery::cut_at(5 * MEGABYTE));
    house.world.site.deliver(film, Delivery::cut_at(5 * MEGABYTE));
    house.world.site.publish("/segments/part40.ts", Resource::text("video/mp2t", ""));
    house.world.site.deliver("/segments/part40.ts", Delivery::status(410));
    for link in links {
        let file = house.world.scratch("torn")?.join("file");
        let address = house.ada.api.save_address(&link, "best")?;
        let code = curl::ended(download(&address, house.ada.api.token(), &file, false, &[])?).await?;
        ensure!(TORN.contains(&code), "{link}: curl ends with {code}");
        ensure!(std::fs::metadata(&file)?.len() > 0, "{link}: nothing came");
        let job = house.ada.api.newest().await?;
        let job = house.ada.api.finished(&job.id, LIMIT).await?;
        ensure!(job.state == "failed" && job.error.is_some(), "{job:#?}");
    }
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_web_server_gave_is_over_where_there_is_no_worker() -> Result<()> {
    let mut house = house(8, &[]).await?;
    house.world.site.shape(Line { bytes_per_second: Some(MEGABYTE), ..Line::default() });
    let mut answer = house.ask(&house.single, &[]).await?;
    answer.chunk().await?.context("nothing came")?;
    let job = house.ada.api.newest().await?;
    house.world.crash_web().await?;
    drop(answer);
    house.world.start_web().await?;
    house.ada.api = house.ada.api.moved_to(house.world.web()?);
    let job = house.ada.api.finished(&job.id, LIMIT).await?;
    ensure!(job.state == "cancelled", "{job:#?}");
    // Whoever comes next to where files are spooled sweeps out what the dead one had there.
    house.world.site.shape(Line::default());
    body(house.ask(&house.single, &[("range", "bytes=0-9")]).await?, MOST).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_once_comes_whole_and_ends_well() -> Result<()> {
    let house = house(1, &[]).await?;
    let segments = house.world.site.publish_segments("segments", &clips().await?.hls_ts["part000.ts"], 20);
    let file = house.world.scratch("pipe")?.join("film.mp4");
    let address = house.ada.api.save_address(&house.world.site.url(&segments), "best")?;
    let code = curl::ended(download(&address, house.ada.api.token(), &file, false, &[])?).await?;
    ensure!(code == 0, "curl ends with {code}");
    let segment = tempfile::NamedTempFile::new()?;
    std::fs::write(segment.path(), &clips().await?.hls_ts["part000.ts"])?;
    let counts = async |file: &std::path::Path| -> Result<Vec<usize>> {
        Ok(packets(file).await?.iter().map(|stream| stream.count).collect())
    };
    let whole: Vec<usize> = counts(segment.path()).await?.iter().map(|count| count * 20).collect();
    ensure!(counts(&file).await? == whole, "packets are missing");
    let job = house.ada.api.newest().await?;
    let job = house.ada.api.finished(&job.id, LIMIT).await?;
    ensure!(job.state == "completed" && job.bytes_out == std::fs::metadata(&file)?.len(), "{job:#?}");
    // Without chunks, nobody could tell its end from a break.
    let code = curl::ended(download(&address, house.ada.api.token(), &file, false, &["--http1.0"])?).await?;
    ensure!(code == 22, "curl ends with {code}");
    // A file that has to be written back and forth comes from the spool, and leaves nothing there.
    let clip = Resource::file("video/mp4", Content::new(clips().await?.progressive.clone()));
    house.world.site.publish("/clip.mp4", clip);
    let answer = house.ada.api.save(Method::GET, &house.world.site.url("/clip.mp4"), "audio")?.send().await?;
    ensure!(answer.status() == StatusCode::OK && header(&answer, CONTENT_TYPE) == "audio/mp4", "{answer:?}");
    ensure!(body(answer, MOST).await?.len() > 1000, "no sound");
    // What is converted is so on its way here too.
    let answer = house.ada.api.save(Method::GET, &house.world.site.url("/clip.mp4"), "mp3")?.send().await?;
    ensure!(answer.status() == StatusCode::OK && header(&answer, CONTENT_TYPE) == "audio/mpeg", "{answer:?}");
    let sound = body(answer, MOST).await?;
    let frame = sound.starts_with(b"ID3") || sound.first() == Some(&0xFF);
    ensure!(frame && sound.len() > 10_000, "{} bytes that are no MP3", sound.len());
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn piped_films_for_many_slow_devices_begin_at_once() -> Result<()> {
    let house = house(1, &[("limits.streams", "100")]).await?;
    let segments = house.world.site.publish_segments("segments", &clips().await?.hls_ts["part000.ts"], 600);
    let link = house.world.site.url(&segments);
    let mut open = Vec::new();
    // More than there could be with the window of an upload for each.
    for device in 0..10 {
        let begins = async {
            let mut answer = house.ada.api.save(Method::GET, &link, "best")?.send().await?;
            answer.chunk().await?.context("nothing comes")?;
            anyhow::Ok(answer)
        };
        open.push(begins.await.with_context(|| format!("device {device}"))?);
    }
    drop(open);
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn tabs_that_close_and_readers_that_dawdle_leave_nothing() -> Result<()> {
    let tabs = 60;
    let house = house(16, &[("limits.streams", "100"), ("server.streams", "100")]).await?;
    let segments = house.world.site.publish_segments("segments", &clips().await?.hls_ts["part000.ts"], 60);
    let links = [house.link(&house.single), house.link(&house.pair), house.world.site.url(&segments)];
    // The programs are up, and what they take is taken.
    for link in &links {
        body(house.ada.api.save(Method::GET, link, "best")?.send().await?, MOST).await?;
    }
    let web = house.world.web_process()?;
    house.is_at_rest(web).await?;
    // One that closes in the middle: its ffmpeg is gone at once.
    let children = || descendants(web.group()).len();
    let alone = children();
    house.world.site.shape(Line { bytes_per_second: Some(MEGABYTE), ..Line::default() });
    let mut piped = house.ada.api.save(Method::GET, &links[2], "best")?.send().await?;
    piped.chunk().await?;
    ensure!(children() > alone, "there is no ffmpeg");
    drop(piped);
    let closed = Instant::now();
    eventually("ffmpeg is gone", Duration::from_secs(5), async || Ok((children() <= alone).then_some(()))).await?;
    eprintln!("a tab was closed; {} ms later its ffmpeg was gone", closed.elapsed().as_millis());
    house.world.site.shape(Line::default());
    let open_files = || std::fs::read_dir(format!("/proc/{}/fd", web.group())).map_or(0, Iterator::count);
    let before = open_files();
    let memory = Memory::watch(web.group());
    let mut draw = StdRng::seed_from_u64(11);
    let mut open = Vec::new();
    for tab in 0..tabs {
        let bytes = draw.random_range(0..4 * MEGABYTE);
        let request = house.ada.api.save(Method::GET, &links[tab % links.len()], "best")?;
        open.push(tokio::spawn(async move {
            let mut answer = request.send().await?;
            let mut came = 0;
            while came < bytes {
                let Some(chunk) = answer.chunk().await? else { break };
                came += chunk.len() as u64;
            }
            anyhow::Ok(())
        }));
        if open.len() == 12 {
            for tab in open.drain(..) {
                tab.await??;
            }
        }
    }
    let mut slow = Vec::new();
    for reader in 0..10 {
        let request = house.ada.api.save(Method::GET, &links[reader % links.len()], "best")?;
        slow.push(tokio::spawn(async move {
            let mut answer = request.send().await?;
            let mut came = 0;
            while came < 200_000 {
                came += answer.chunk().await?.map_or(usize::MAX / 2, |chunk: Bytes| chunk.len());
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            anyhow::Ok(())
        }));
    }
    for reader in slow {
        reader.await??;
    }
    house.is_at_rest(web).await?;
    let moments = memory.end().await;
    let most = |moments: &[e2e::family::Moment]| moments.iter().map(e2e::family::Moment::kb).max().unwrap_or_default();
    eprintln!("memory at most {} kB, processor {:?}", most(&moments), cpu(web.group()));
    let (first, second) = moments.split_at(moments.len() / 2);
    ensure!(most(second) < most(first) + 60_000, "it grows: {} and {} kB", most(first), most(second));
    for (path, _) in house.single.files.iter().chain(&house.pair.files) {
        let site = &house.world.site;
        site.until(path, |visits| visits.iter().all(|visit| visit.ending != e2e::site::Ending::Open)).await?;
    }
    // A file waits a while for its device to come back, and a connection to the site for another request; one to Redis is kept.
    let mut left = (Vec::new(), 0);
    let forgotten = eventually("nothing is left in Redis and of open files", Duration::from_secs(50), async || {
        left = (house.world.keys_of_devices().await?, open_files());
        Ok((left.0.is_empty() && left.1 <= before + 4).then_some(()))
    });
    forgotten.await.with_context(|| format!("{before} files were open; left are {left:?}"))?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn its_person_cancels_it_and_who_takes_nothing_is_let_go() -> Result<()> {
    let house = house(8, &[("limits.stream_idle", "2s"), ("limits.streams", "2")]).await?;
    house.world.site.shape(Line { bytes_per_second: Some(2 * MEGABYTE), ..Line::default() });
    let mut answer = house.ask(&house.single, &[]).await?;
    answer.chunk().await?;
    let job = house.ada.api.newest().await?;
    ensure!(job.state == "running" && job.destination == "device", "{job:#?}");
    house.ada.api.until(&job.id, LIMIT, |job| job.bytes_out > 0).await?;
    house.ada.api.cancel(&job.id).await?;
    let read = async {
        while answer.chunk().await?.is_some() {}
        anyhow::Ok(())
    };
    let torn = tokio::time::timeout(Duration::from_secs(3), read).await.context("it goes on")?;
    ensure!(torn.is_err(), "it ended well");
    let job = house.ada.api.finished(&job.id, LIMIT).await?;
    ensure!(job.state == "cancelled", "{job:#?}");
    let again = house.ask(&house.single, &[("range", "bytes=100-")]).await?;
    ensure!(again.status() == StatusCode::GONE, "{again:?}");

    // From its start it is another wish. So many at once, and no more.
    house.world.site.shape(Line::default());
    let (one, two) = (house.ask(&house.pair, &[]).await?, house.ask(&house.single, &[]).await?);
    ensure!(one.status() == StatusCode::OK && two.status() == StatusCode::OK, "{one:?} {two:?}");
    let three = house.ask(&house.single, &[]).await?;
    ensure!(three.status() == StatusCode::TOO_MANY_REQUESTS, "{three:?}");
    // Neither takes anything: both are let go.
    house.is_at_rest(house.world.web_process()?).await?;
    drop((one, two));
    house.world.end().await
}
