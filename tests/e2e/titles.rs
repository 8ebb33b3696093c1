//! Whatever a site calls its video, the file gets a name that every system accepts.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    landed::{files, landed},
    media::clips,
    person::ADA,
    site::{Page, Source, publish_samples},
    world::World,
};

/// Titles, each with a piece that must survive in the name.
const TITLES: [(&str, &str); 10] = [
    ("A plain title", "A plain title"),
    ("\u{1F3AC} emoji \u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467} inside", "emoji"),
    ("slash/back\\slash", "slash"),
    ("..", ""),
    ("../../etc/passwd", "passwd"),
    ("CON", "CON"),
    ("nul.txt", "nul"),
    ("\u{0634}\u{0631}\u{064A}\u{0637} \u{202E}4pm.exe\u{202C}", "\u{0634}\u{0631}\u{064A}\u{0637}"),
    ("what? <tag> \"quoted\" a:b | c*", "quoted"),
    ("ends with dots and spaces . . ", "ends with dots"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_title_becomes_a_legal_name() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    publish_samples(&world.site, clips)?;
    let ada = world.person(ADA).await?;
    let long = "three hundred characters ".repeat(12);
    let titles = TITLES.into_iter().chain([(long.as_str(), "three hundred characters three")]);
    let mut jobs = Vec::new();
    for (number, (title, kept)) in titles.enumerate() {
        let path = format!("/titles/{number}");
        let source = Source::Described { path: "/files/clip.mp4".into() };
        world.site.publish_page(&path, &Page { title: title.into(), poster: None, source });
        jobs.push((title, kept, ada.api.send(&world.site.url(&path), "best").await?.id));
    }
    for (title, kept, id) in jobs {
        let job = ada.api.finished(&id, Duration::from_secs(120)).await?;
        ensure!(landed(&ada.files, &job)? == clips.progressive, "{title:?} landed damaged");
        let path = job.dropbox_path.context("a path")?;
        let name = path.trim_start_matches('/');
        ensure!(is_legal(name) && name.contains(kept), "{title:?} became {name:?}");
        eprintln!("{title:?} -> {name:?}");
    }
    for file in files(&ada.files)? {
        ensure!(is_legal(&file), "{file:?} is in the account");
    }
    world.end().await
}

/// The strictest of Dropbox, Windows, macOS and Linux, written without a look at the product's own rule.
fn is_legal(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim().to_ascii_lowercase();
    let device = ["con", "prn", "aux", "nul"].contains(&stem.as_str())
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    let forbidden = |c: char| c.is_control() || "/\\<>:\"|?*\u{202E}\u{202C}".contains(c);
    !device
        && (1..=255).contains(&name.encode_utf16().count())
        && !name.contains(forbidden)
        && !name.starts_with([' ', '.'])
        && !name.ends_with([' ', '.'])
        && name.ends_with(".mp4")
}
