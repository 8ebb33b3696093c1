//! `GET /save`, by a program and by a browser in turn.

use anyhow::{Context as _, Result, ensure};
use e2e::{
    http::{body, client},
    inward::{Outcome, Trick},
    person::Person,
    world::World,
};
use reqwest::{Method, StatusCode, header::COOKIE};

use super::{LIMIT, MESSAGE, PAGE, job_of, settled};

/// Whether it is refused before the first byte or in the middle of the file, its person reads why.
pub(super) async fn save(world: &World, person: &Person, trick: &Trick) -> Result<()> {
    let address = person.api.save_address(&trick.link, "best")?;
    let by_cookie = trick.link.len().is_multiple_of(2);
    let request = if by_cookie {
        let (_, query) = address.split_once('?').context("no query")?;
        client()?.get(format!("{}/save?{query}", world.web()?)).header(COOKIE, &person.cookie)
    } else {
        person.api.save(Method::GET, &trick.link, "best")?
    };
    let answer = request.send().await?;
    let status = answer.status();
    if status != StatusCode::OK {
        let said = String::from_utf8(body(answer, PAGE).await?)?;
        ensure!(!said.contains("canary"), "{status} {said}");
        match trick.outcome {
            Outcome::NoLink => ensure!(status == StatusCode::UNPROCESSABLE_ENTITY, "{status} {said}"),
            Outcome::Refused | Outcome::RefusedInside => {
                ensure!(status == StatusCode::UNPROCESSABLE_ENTITY && said.contains(MESSAGE), "{status} {said}");
            }
            Outcome::Harmless => {}
        }
        return Ok(());
    }
    let file = body(answer, PAGE).await;
    match trick.outcome {
        Outcome::NoLink => anyhow::bail!("there is a file: {file:?}"),
        Outcome::Refused | Outcome::RefusedInside => {
            ensure!(file.is_err(), "a whole file came");
            let job = job_of(person, trick, "device").await?.context("it is not on record")?;
            let job = person.api.finished(&job.id, LIMIT).await?;
            settled(&job, trick)
        }
        Outcome::Harmless => {
            ensure!(!file.is_ok_and(|file| file.windows(6).any(|part| part == b"canary")), "the canary is in the file");
            Ok(())
        }
    }
}
