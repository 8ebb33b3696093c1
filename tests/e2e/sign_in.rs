//! Signing in, as an attacker would like it to go.

use anyhow::{Context, Result, ensure};
use e2e::{
    http::client,
    person::{ADA, BEN, begin_sign_in, sign_in_with},
    world::World,
};
use reqwest::{StatusCode, header};

const SESSION: &str = "sluice_session=";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_new_at_each_sign_in_and_ends_the_one_before() -> Result<()> {
    let world = World::setup().workers(0).start().await?;
    let (web, client) = (world.web()?, client()?);
    let opens = async |cookie: &str| {
        let answer = client.get(format!("{web}/settings")).header(header::COOKIE, cookie).send().await?;
        Ok::<_, anyhow::Error>(answer.status() == StatusCode::OK)
    };
    // A cookie that somebody planted in the browser does not become Ada's.
    let planted = format!("{SESSION}planted-by-somebody-who-waits");
    let first = sign_in_with(world.emulator.client(), web, ADA, &planted).await?;
    ensure!(first.starts_with(SESSION) && first != planted, "{first}");
    ensure!(opens(&first).await? && !opens(&planted).await?);
    // The same browser again, as somebody else: nobody who has the old cookie is Ada any more.
    let second = sign_in_with(world.emulator.client(), web, BEN, &first).await?;
    ensure!(opens(&second).await? && !opens(&first).await?, "the old session goes on");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_is_good_once_and_in_its_own_browser() -> Result<()> {
    let world = World::setup().workers(0).start().await?;
    let (web, dropbox) = (world.web()?, world.emulator.client());
    let back = async |way: &str, cookie: &str| {
        let answer = dropbox.get(way).header(header::COOKIE, cookie).send().await?;
        let session = answer
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .any(|set| set.to_str().is_ok_and(|set| set.starts_with(SESSION)));
        ensure!(session == answer.status().is_redirection(), "a session without success: {answer:?}");
        Ok::<_, anyhow::Error>(answer.status())
    };
    // An attacker's own way back, handed to somebody else: that one's browser did not begin it.
    let (attackers, cookie) = begin_sign_in(dropbox, web, BEN, "").await?;
    let (_, victims_cookie) = begin_sign_in(dropbox, web, ADA, "").await?;
    for wrong in ["", victims_cookie.as_str(), "sluice_login=", "sluice_login=guessed"] {
        ensure!(back(&attackers, wrong).await? == StatusCode::BAD_REQUEST, "{wrong:?} opened it");
    }
    ensure!(back(&attackers, &cookie).await? == StatusCode::BAD_REQUEST, "what was tried once is used up");
    let (way, cookie) = begin_sign_in(dropbox, web, ADA, "").await?;
    ensure!(back(&way, &cookie).await?.is_redirection());
    ensure!(back(&way, &cookie).await? == StatusCode::BAD_REQUEST, "it was good twice");
    // Somebody else's code in one's own sign-in: Dropbox holds it to the verifier that stayed here.
    let (mine, my_cookie) = begin_sign_in(dropbox, web, BEN, "").await?;
    let (theirs, _) = begin_sign_in(dropbox, web, ADA, "").await?;
    let code = |way: &str| {
        Ok::<_, anyhow::Error>(
            way.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).context("no code")?.to_owned(),
        )
    };
    let swapped = mine.replace(&code(&mine)?, &code(&theirs)?);
    ensure!(back(&swapped, &my_cookie).await? == StatusCode::BAD_GATEWAY, "a code without its verifier is good");
    world.end().await
}
