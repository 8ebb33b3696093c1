//! Every kind of input lands, whole and as it was.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use e2e::{
    landed::landed,
    media::{Clips, clips},
    person::ADA,
    site::{Sample, publish_samples},
    world::World,
};

use crate::expect::Expect;

const LIMIT: Duration = Duration::from_secs(120);

/// One link with a preset, and what must come of it.
struct Case {
    kind: &'static str,
    path: String,
    preset: &'static str,
    expect: Expect,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_input_lands_whole() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    let cases = cases(&publish_samples(&world.site, clips)?, clips)?;
    let ada = world.person(ADA).await?;
    let mut jobs = Vec::new();
    for case in &cases {
        let job = ada.api.send(&world.site.url(&case.path), case.preset).await?;
        jobs.push((case, job.id));
    }
    for (case, id) in jobs {
        let name = format!("{} as {}", case.kind, case.preset);
        let job = ada.api.finished(&id, LIMIT).await.with_context(|| name.clone())?;
        let bytes = landed(&ada.files, &job).with_context(|| name.clone())?;
        case.expect.check(&bytes).await.with_context(|| format!("{name}: {job:#?}"))?;
        eprintln!("{name}: {} bytes as {}", bytes.len(), job.dropbox_path.unwrap_or_default());
    }
    world.end().await
}

fn cases(samples: &[Sample], clips: &Clips) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for sample in samples {
        let case = |preset, expect| Case { kind: sample.kind, path: sample.path.clone(), preset, expect };
        let part = |selector: &str| {
            let found = sample.parts.iter().find(|part| part.selector == selector);
            found.map(|part| &part.bytes).with_context(|| format!("{}: no {selector}", sample.kind))
        };
        let film = [&clips.progressive];
        match sample.kind {
            // Put together again by ffmpeg: transport streams and fragments become one MP4.
            kind if kind.starts_with("HLS") => cases.push(case("best", Expect::streams(film, film))),
            "DASH with a segment template" => cases.push(case("best", Expect::streams([part("bv")?], [part("ba")?]))),
            "page with separate video and audio" => {
                let best = &sample.parts[0].bytes;
                cases.push(case("best", Expect::streams([best], [part("ba")?])));
                cases.push(case("480p", Expect::streams([part("bv[height=480]")?], [part("ba")?])));
            }
            "list of formats" => {
                let sounds = [part("140")?, part("251")?];
                cases.push(case("best", Expect::streams([part("137")?], sounds)));
                cases.push(case("1080p", Expect::streams([part("137")?], sounds)));
                cases.push(case("720p", Expect::streams([part("136")?, part("247")?, part("18")?], sounds)));
                cases.push(case("480p", Expect::streams([part("135")?, part("244")?], sounds)));
                cases.push(case("iphone", Expect::streams([part("137")?], [part("140")?])));
                cases.push(case("fit", Expect::streams([part("137")?], sounds)));
                cases.push(case("audio", Expect::streams(NONE, sounds)));
                cases.push(case("m4a", Expect::streams(NONE, [part("140")?])));
                cases.push(case("opus", Expect::streams(NONE, [part("251")?])));
            }
            _ => {
                ensure!(sample.parts.len() == 1, "{}: what should land?", sample.kind);
                cases.push(case("best", Expect::Bytes(sample.parts[0].bytes.clone())));
            }
        }
    }
    Ok(cases)
}

const NONE: [&Bytes; 0] = [];
