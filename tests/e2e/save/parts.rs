//! Its length, any part of it, from any web server, however long it is.

use anyhow::{Result, ensure};
use e2e::{
    curl::{self, download},
    eventually::eventually,
    http::{body, client},
    media::{Library, Long, tiny},
    site::{Content, Delivery, Line, Links, Stream},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::{
    Method, StatusCode,
    header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, RANGE},
};

use super::{LIMIT, MEGABYTE, MOST, header, house};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_with_its_length_and_any_part_of_it() -> Result<()> {
    let mut house = house(6, &[]).await?;
    let other = house.world.another_web().await?;
    let elsewhere = house.ada.api.moved_to(other.address());
    for (stream, route) in [(house.single.clone(), "direct"), (house.pair.clone(), "interleave")] {
        let link = house.link(&stream);
        let head = house.ada.api.save(Method::HEAD, &link, "best")?.send().await?;
        ensure!(head.status() == StatusCode::OK && header(&head, CONTENT_TYPE) == "video/mp4", "{head:?}");
        ensure!(header(&head, ACCEPT_RANGES) == "bytes" && header(&head, ETAG).starts_with('"'), "{head:?}");
        let name = format!(
            "attachment; filename=\"Stream {0}.mp4\"; filename*=UTF-8''Stream%20{0}.mp4",
            stream.path.rsplit('/').next().unwrap_or_default()
        );
        ensure!(header(&head, "content-disposition") == name, "{head:?} instead of {name}");
        let total: usize = header(&head, CONTENT_LENGTH).parse()?;
        let etag = header(&head, ETAG).to_owned();

        let answer = house.ask(&stream, &[]).await?;
        ensure!(answer.status() == StatusCode::OK && header(&answer, ETAG) == etag, "{answer:?}");
        ensure!(header(&answer, CONTENT_LENGTH) == total.to_string(), "{answer:?}");
        let whole = body(answer, MOST).await?;
        ensure!(whole.len() == total, "{} bytes of {total}", whole.len());
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), &whole)?;
        stream.compare(file.path()).await?;
        let job = house.ada.api.newest().await?;
        let job = house.ada.api.finished(&job.id, LIMIT).await?;
        ensure!(job.state == "completed" && job.destination == "device", "{job:#?}");
        ensure!(job.bytes_out == total as u64 && job.route.as_deref() == Some(route), "{job:#?}");

        let asked = house.world.site.visits(&stream.path).len();
        let player = format!("{}/player.json", stream.path);
        let players = house.world.site.visits(&player).len();
        for (range, from, to) in [
            ("bytes=0-0", 0, 1),
            ("bytes=1000000-", 1_000_000, total),
            ("bytes=-70000", total - 70_000, total),
            ("bytes=3000001-4000000", 3_000_001, 4_000_001),
        ] {
            for api in [&house.ada.api, &elsewhere] {
                let request = api.save(Method::GET, &link, "best")?.header(RANGE, range);
                let answer = request.header(IF_RANGE, &etag).send().await?;
                ensure!(answer.status() == StatusCode::PARTIAL_CONTENT, "{range}: {answer:?}");
                let span = format!("bytes {from}-{}/{total}", to - 1);
                ensure!(header(&answer, CONTENT_RANGE) == span, "{range}: {answer:?}");
                ensure!(body(answer, MOST).await? == whole[from..to], "{route}: {range}: other bytes");
            }
        }
        let players_now = house.world.site.visits(&player).len();
        ensure!((house.world.site.visits(&stream.path).len(), players_now) == (asked, players), "extracted again");
        let answer = house.ask(&stream, &[("range", "bytes=5-"), ("if-range", "\"another\"")]).await?;
        ensure!(answer.status() == StatusCode::OK && body(answer, MOST).await? == whole, "another file comes whole");
        let answer = house.ask(&stream, &[("range", &format!("bytes={total}-"))]).await?;
        ensure!(answer.status() == StatusCode::RANGE_NOT_SATISFIABLE, "{answer:?}");
        ensure!(header(&answer, CONTENT_RANGE) == format!("bytes */{total}"), "{answer:?}");
    }
    house.is_at_rest(house.world.web_process()?).await?;
    other.stop().await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_that_expire_are_renewed_for_this_range_and_the_next() -> Result<()> {
    let mut house = house(1, &[]).await?;
    let other = house.world.another_web().await?;
    let elsewhere = house.ada.api.moved_to(other.address());
    let content = Content::noisy_mp4(&tiny().await?, 12 * MEGABYTE, 3);
    let signed = house.world.site.publish_single("signed", &content, Links::Signed);
    house.world.site.deliver(&signed.files[0].0, Delivery::expiring(8 * MEGABYTE));
    let whole = body(house.ask(&signed, &[]).await?, MOST).await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), &whole)?;
    signed.compare(file.path()).await?;
    for from in [1_000_000, 4_000_000] {
        let request = elsewhere.save(Method::GET, &house.link(&signed), "best")?;
        let rest = request.header(RANGE, format!("bytes={from}-")).send().await?;
        ensure!(body(rest, MOST).await? == whole[from..], "another file from {from}");
    }
    let asked = house.world.site.visits(&format!("{}/player.json", signed.path)).len();
    // Thirty megabytes came over addresses that are good for eight each.
    ensure!((2..=5).contains(&asked), "{asked} extractions");
    other.stop().await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hours_begin_as_soon_as_ten_seconds() -> Result<()> {
    let house = house(10, &[("limits.max_file_bytes", "100 GB")]).await?;
    let long = Long::mp4(&Library::of_the_repository()?, 20_000).await?;
    ensure!(long.video.seconds > 5 * 3600, "{} s", long.video.seconds);
    let long = house.world.site.publish_pair("long", &long, Links::Plain);
    let sent = |stream: &Stream| -> (usize, u64) {
        let visits: Vec<_> = stream.files.iter().flat_map(|(path, _)| house.world.site.visits(path)).collect();
        (visits.len(), visits.iter().map(|visit| visit.sent_bytes).sum())
    };
    let mut took = Vec::new();
    for stream in [&house.pair, &long] {
        for more in ["", "&play=1"] {
            let before = sent(stream);
            let address = format!("{}{more}", house.ada.api.save_address(&house.link(stream), "best")?);
            let ask = |range: &str| {
                client().map(|client| {
                    client.get(&address).bearer_auth(house.ada.api.token()).header(RANGE, range.to_owned())
                })
            };
            let first = ask("bytes=0-99")?.send().await?;
            ensure!(first.status() == StatusCode::PARTIAL_CONTENT, "{first:?}");
            let total: u64 = header(&first, CONTENT_RANGE).rsplit('/').next().unwrap_or_default().parse()?;
            ensure!(
                body(first, MOST).await?.len() == 100 && total > stream.bytes(),
                "{total} bytes of {}",
                stream.bytes()
            );
            let after = sent(stream);
            took.push((after.0 - before.0, after.1 - before.1));
            // Where it ends is where it was said to end. The tables at the end of the other layout would ask for every fragment.
            if !more.is_empty() {
                let last = ask(&format!("bytes={}-", total - 7))?.send().await?;
                ensure!(body(last, MOST).await?.len() == 7, "another end");
                let beyond = ask(&format!("bytes={total}-"))?.send().await?;
                ensure!(beyond.status() == StatusCode::RANGE_NOT_SATISFIABLE, "{beyond:?}");
            }
        }
    }
    // The index of a long film is longer, and that is all: nothing is asked for that grows with the media.
    eprintln!("requests and bytes before the first byte: {took:?}");
    ensure!(took.iter().skip(2).all(|(requests, bytes)| *requests <= 12 && *bytes < MEGABYTE), "{took:?}");
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_killed_again_and_again_goes_on_at_any_web_server() -> Result<()> {
    let mut house = house(12, &[]).await?;
    let other = house.world.another_web().await?;
    let apis = [house.ada.api.clone(), house.ada.api.moved_to(other.address())];
    let mut draw = StdRng::seed_from_u64(7);
    for stream in [house.single.clone(), house.pair.clone()] {
        let single_shot = body(house.ask(&stream, &[]).await?, MOST).await?;
        let file = house.world.scratch("curl")?.join(stream.path.replace('/', "-"));
        let size = || std::fs::metadata(&file).map_or(0, |data| data.len());
        let total = single_shot.len() as u64;
        // By the site, not by curl: what curl is owed after a late beginning, it takes at once.
        house.world.site.shape(Line { bytes_per_second: Some(3 * MEGABYTE), ..Line::default() });
        for kill in 0..10 {
            let point = total / 14 * kill + draw.random_range(0..total / 14);
            let address = apis[usize::from(kill % 2 == 1)].save_address(&house.link(&stream), "best")?;
            let mut running = download(&address, house.ada.api.token(), &file, true, &[])?;
            eventually("curl gets there", LIMIT, async || Ok((size() > point).then_some(()))).await?;
            running.kill().await?;
            ensure!(size() < total, "it was whole before it was killed");
        }
        house.world.site.shape(Line::default());
        let address = apis[0].save_address(&house.link(&stream), "best")?;
        let code = curl::ended(download(&address, house.ada.api.token(), &file, true, &[])?).await?;
        ensure!(code == 0 && std::fs::read(&file)? == single_shot, "curl ends with {code}, or with another file");
    }
    house.is_at_rest(house.world.web_process()?).await?;
    house.is_at_rest(&other).await?;
    other.stop().await?;
    house.world.end().await
}
