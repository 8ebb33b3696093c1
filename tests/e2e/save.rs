//! "Save to this device": the file comes through the web server while it is fetched, with its true length, any part of it, and no clean end
//! where there is none.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use e2e::{
    browser::Browser,
    curl::{self, TORN, download},
    eventually::eventually,
    family::{Memory, cpu},
    http::{body, client},
    media::{Library, Long, clips, packets, tiny},
    person::{ADA, BEN, Person},
    process::{Process, descendants},
    site::{Content, Delivery, Line, Links, Resource, Stream},
    world::World,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, COOKIE, ETAG, IF_RANGE, LOCATION, RANGE},
};

const LIMIT: Duration = Duration::from_secs(60);
const MEGABYTE: u64 = 1_000_000;
const MOST: usize = 64 << 20;

/// A world without a worker: nothing of this needs one.
struct House {
    world: World,
    ada: Person,
    single: Stream,
    pair: Stream,
    /// Of the pair.
    seconds: u32,
}

async fn house(megabytes: u64, settings: &[(&str, &str)]) -> Result<House> {
    let mut setup = World::setup().workers(0);
    for (name, value) in settings {
        setup = setup.setting(name, value);
    }
    let world = setup.start().await?;
    let ada = world.person(ADA).await?;
    let content = Content::noisy_mp4(&tiny().await?, megabytes * MEGABYTE, 1);
    let single = world.site.publish_single("single", &content, Links::Plain);
    let film = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
    let pair = world.site.publish_pair("pair", &film, Links::Plain);
    Ok(House { world, ada, single, pair, seconds: film.video.seconds })
}

impl House {
    fn link(&self, stream: &Stream) -> String {
        self.world.site.url(&stream.path)
    }

    async fn ask(&self, stream: &Stream, headers: &[(&str, &str)]) -> Result<Response> {
        let mut request = self.ada.api.save(Method::GET, &self.link(stream), "best")?;
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.send().await?)
    }

    /// Nothing is under way in this web process, or below it, and no job says so.
    async fn is_at_rest(&self, web: &Process) -> Result<()> {
        let metrics = format!("{}/metrics", web.address().trim_end_matches('/'));
        let mut last = String::new();
        let rest = eventually("the web server is at rest", Duration::from_secs(10), async || {
            let told = String::from_utf8(body(client()?.get(&metrics).send().await?, MOST).await?)?;
            let devices = told.lines().any(|line| line == "sluice_web_devices 0");
            let (_, running) = self.ada.api.call(self.ada.api.request(Method::GET, "/jobs?state=running")).await?;
            let children = descendants(web.group()).len();
            // What looks at links stays: a Python and what forks from it.
            let none = running["jobs"].as_array().is_some_and(Vec::is_empty);
            last = format!("no devices: {devices}, {children} children, {running}");
            Ok((devices && none && children <= 2).then_some(()))
        });
        rest.await.with_context(|| last)
    }
}

fn header(answer: &Response, name: impl reqwest::header::AsHeaderName) -> &str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

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
        for kill in 0..10 {
            let point = total / 14 * kill + draw.random_range(0..total / 14);
            let address = apis[usize::from(kill % 2 == 1)].save_address(&house.link(&stream), "best")?;
            let mut running = download(&address, house.ada.api.token(), &file, true, &["--limit-rate", "3M"])?;
            eventually("curl gets there", LIMIT, async || Ok((size() > point).then_some(()))).await?;
            running.kill().await?;
            ensure!(size() < total, "it was whole before it was killed");
        }
        let address = apis[0].save_address(&house.link(&stream), "best")?;
        let code = curl::ended(download(&address, house.ada.api.token(), &file, true, &[])?).await?;
        ensure!(code == 0 && std::fs::read(&file)? == single_shot, "curl ends with {code}, or with another file");
    }
    house.is_at_rest(house.world.web_process()?).await?;
    house.is_at_rest(&other).await?;
    other.stop().await?;
    house.world.end().await
}

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
    ensure!(open_files() <= before + 4, "{} files were open, {} are", before, open_files());
    for (path, _) in house.single.files.iter().chain(&house.pair.files) {
        let site = &house.world.site;
        site.until(path, |visits| visits.iter().all(|visit| visit.ending != e2e::site::Ending::Open)).await?;
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn only_for_who_is_signed_in_and_asks_here() -> Result<()> {
    let house = house(1, &[]).await?;
    let ben = house.world.person(BEN).await?;
    let address = house.ada.api.save_address(&house.link(&house.single), "best")?;
    let client = client()?;
    let stranger = client.get(&address).send().await?;
    let sign_in =
        stranger.status() == StatusCode::SEE_OTHER && header(&stranger, LOCATION).starts_with("/?next=%2Fsave%3F");
    ensure!(sign_in, "{stranger:?}");
    let forged = client.get(&address).bearer_auth("slc_guessed").send().await?;
    ensure!(forged.status() == StatusCode::UNAUTHORIZED, "{forged:?}");
    let mine = |cookie: &str| client.get(&address).header(COOKIE, cookie);
    let whole = mine(&house.ada.cookie).send().await?;
    ensure!(whole.status() == StatusCode::OK, "{whole:?}");
    let bytes = body(whole, MOST).await?;
    let led_here = mine(&house.ada.cookie).header("sec-fetch-site", "cross-site").send().await?;
    ensure!(header(&led_here, LOCATION).starts_with("/?url="), "{led_here:?}");

    // Again from its row; for nobody else.
    let job = house.ada.api.newest().await?;
    let again = format!("{}/save?job={}", house.world.web()?, job.id);
    let answer = client.get(&again).header(COOKIE, &house.ada.cookie).send().await?;
    ensure!(body(answer, MOST).await? == bytes, "another file");
    let foreign = client.get(&again).header(COOKIE, &ben.cookie).send().await?;
    ensure!(foreign.status() == StatusCode::NOT_FOUND, "{foreign:?}");

    // The form's button, without a script.
    let page = client.get(house.world.web()?).header(COOKIE, &house.ada.cookie).send().await?;
    let page = String::from_utf8(body(page, MOST).await?)?;
    ensure!(page.contains("Saved to this device") && page.contains("formaction=\"/save\""), "{page}");
    let csrf =
        page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no token")?;
    let link = house.link(&house.pair);
    let form = |csrf: &str| {
        let fields = [("csrf", csrf), ("url", link.as_str()), ("preset", "best"), ("folder", "/"), ("key", "")];
        client
            .post(format!("{}/save", house.world.web().unwrap_or_default()))
            .header(COOKIE, &house.ada.cookie)
            .form(&fields)
    };
    let forged = form("guessed").send().await?;
    ensure!(forged.status() == StatusCode::FORBIDDEN, "{forged:?}");
    let led = form(csrf).send().await?;
    ensure!(led.status() == StatusCode::SEE_OTHER, "{led:?}");
    let target = format!("{}{}", house.world.web()?, header(&led, LOCATION));
    let answer = client.get(target).header(COOKIE, &house.ada.cookie).send().await?;
    ensure!(answer.status() == StatusCode::OK && header(&answer, CONTENT_TYPE) == "video/mp4", "{answer:?}");
    drop(answer);

    for (link, status) in [
        ("nonsense".to_owned(), StatusCode::UNPROCESSABLE_ENTITY),
        (house.world.site.url("/nothing.mp4"), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = house.ada.api.save(Method::GET, &link, "best")?.send().await?;
        ensure!(answer.status() == status && header(&answer, CONTENT_TYPE) == "application/problem+json", "{answer:?}");
    }
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_saves_it_and_plays_it() -> Result<()> {
    let house = house(24, &[]).await?;
    let browser = Browser::open(1040, 900).await?;
    browser.go(house.world.web()?).await?;
    browser.click("a.button.primary").await?;
    browser.click("button[value=allow]").await?;
    browser.find("#url").await?;

    // Slow enough to be looked at.
    house.world.site.shape(Line { bytes_per_second: Some(8 * MEGABYTE), ..Line::default() });
    browser.type_into("#url", &house.link(&house.pair)).await?;
    browser.reads("#preview .what", "Stream pair").await?;
    browser.picture("desk-save-1-form").await?;
    browser.click("button[formaction='/save']:not([name])").await?;
    browser.reads(".job .tell", "Saving to this device").await?;
    browser.reads(".job .tell", " of ").await?;
    browser.picture("desk-save-2-running").await?;
    let file = browser.downloaded("Stream pair.mp4").await?;
    house.pair.compare(&file).await?;
    browser.reads(".job .tell", "Saved to this device").await?;
    browser.picture("desk-save-3-saved").await?;
    browser.is_sound().await?;
    let asked = house.ask(&house.pair, &[("range", "bytes=0-0")]).await?;
    let total = header(&asked, CONTENT_RANGE).rsplit('/').next().unwrap_or_default().parse::<u64>()?;
    ensure!(std::fs::metadata(&file)?.len() == total, "another length than announced");

    // The button is still good, here for the other one: looked at while it comes.
    house.world.site.shape(Line::default());
    browser.click("button[name=play]").await?;
    browser.find("video.watch").await?;
    let video = "document.querySelector('video')";
    browser.ask(&format!("({video}.muted = true, {video}.play().then(() => true))")).await?;
    browser.becomes_true(&format!("{video}.currentTime > 0.3 && {video}.videoWidth > 0")).await?;
    let seconds = browser.ask(&format!("{video}.duration")).await?.as_f64().context("no duration")?;
    let right = f64::from(house.seconds);
    ensure!((seconds - right).abs() < 0.5, "it lasts {seconds} s, not {right}");
    for share in [0.8, 0.1] {
        let to = seconds * share;
        browser.ask(&format!("{video}.currentTime = {to}")).await?;
        let there = format!("!{video}.seeking && {video}.currentTime > {to} + 0.2 && {video}.currentTime < {to} + 20");
        browser.becomes_true(&there).await?;
        browser.picture(&format!("desk-watch-{}", (share * 100.0).round())).await?;
    }
    browser.is_sound().await?;
    browser.close().await?;
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}
