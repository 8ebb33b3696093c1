//! Pages: what strangers and guests see, and what every answer says to the browser.

use sluice_domain::JobState;

use crate::house::{House, location, text};

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_guarded() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    let foreign = ada.post_as("/jobs", &[], &[("origin", "https://evil.example")]).await;
    assert_eq!(foreign.status(), 403);
    let mut answers = vec![("a form of another site", foreign)];
    for path in ["/", "/settings", "/nowhere", "/jobs/x", "/api/v1/jobs", "/healthz"] {
        answers.push((path, ada.get(path).await));
    }
    for (path, answer) in answers {
        let header = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, want) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("strict-transport-security", ""),
        ] {
            assert_eq!(header(name), want, "{path}: {name}");
        }
        let body = text(answer).await;
        for inline in ["<style", " style=\"", " onclick", " onload", "<script>"] {
            assert!(!body.contains(inline), "{path} has {inline}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_light_and_complete() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for number in 0..20 {
        ada.send(&house, &format!("https://archive.example/details/a-title-of-the-usual-length-{number}")).await;
    }
    let page = text(ada.get("/").await).await;
    let mut weight = page.len();
    let assets: Vec<_> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3, "one stylesheet, one script, one icon");
    for path in assets {
        let asset = ada.get(path).await;
        assert_eq!(asset.headers()["cache-control"], "public, max-age=31536000, immutable");
        weight += text(asset).await.len();
    }
    assert!(weight < 60_000, "{weight} bytes, uncompressed, with twenty rows");
    assert!(!page.contains("http://") || !page.contains("src=\"http"), "nothing comes from elsewhere");
    assert_eq!(ada.get("/assets/0123456789abcdef.css").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_told_what_this_is() {
    let house = House::with("[server]\nbind = '127.0.0.1:0'\npractice_folder = '/srv/practice'").await;
    let stranger = house.stranger();
    let page = text(stranger.get("/?url=https%3A%2F%2Fa.example%2F%3Fb%3Dc").await).await;
    assert!(page.contains("Connect your Dropbox") && page.contains("/srv/practice"));
    assert!(
        page.contains("/login?next=%2F%3Furl%3Dhttps%253A%252F%252Fa.example"),
        "the link waits behind the sign-in"
    );
    for path in ["/settings", "/jobs/00000000000000000000000000000000"] {
        let answer = stranger.get(path).await;
        assert_eq!(
            (answer.status().as_u16(), location(&answer)),
            (303, format!("/?next={}", path.replace('/', "%2F")).as_str())
        );
    }
    assert_eq!(stranger.get("/events").await.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_goes_through_dropbox() {
    let house = House::new().await;
    let stranger = house.stranger();
    let answer = stranger.get("/login?next=//evil.example").await;
    assert_eq!(answer.status(), 303);
    let consent = location(&answer).to_owned();
    for part in [
        "https://www.dropbox.com/oauth2/authorize?",
        "code_challenge_method=S256",
        "token_access_type=offline",
        "state=",
    ] {
        assert!(consent.contains(part), "{consent} lacks {part}");
    }
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("sluice_login=") && cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");

    // Each way back that is not the right one is a plain page and signs nobody in.
    let state = consent.split("state=").nth(1).unwrap().split('&').next().unwrap();
    for (query, want, says) in [
        (String::new(), 400, "This sign-in has expired."),
        ("?state=unknown&code=x".to_owned(), 400, "This sign-in has expired."),
        // Another browser: the state is right, the cookie is missing. It also uses the state up.
        (format!("?state={state}&code=x"), 400, "This sign-in has expired."),
    ] {
        let answer = stranger.get(&format!("/oauth/callback{query}")).await;
        assert_eq!(answer.status(), want);
        assert!(answer.headers().get("set-cookie").is_none());
        assert!(text(answer).await.contains(says), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saying_no_and_a_silent_dropbox_are_told_plainly() {
    let house = House::new().await;
    for (back, want, says) in
        [("error=access_denied", 403, "Not connected."), ("error=server_error", 502, "Dropbox did not connect.")]
    {
        let mut stranger = house.stranger();
        let answer = stranger.get("/login").await;
        stranger.cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let state = location(&answer).split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let answer = stranger.get(&format!("/oauth/callback?state={state}&{back}")).await;
        assert_eq!(answer.status(), want);
        assert!(text(answer).await.contains(says));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_by_another_name_signs_in_under_the_public_one() {
    let house = House::with("[server]\nbind = '127.0.0.1:0'\npublic_url = 'https://sluice.example'").await;
    let answer = house.stranger().get("/login?next=/settings").await;
    assert_eq!(
        (answer.status().as_u16(), location(&answer)),
        (307, "https://sluice.example/login?next=%2Fsettings&moved=1")
    );
    assert!(answer.headers().contains_key("strict-transport-security"));
    // A proxy that tells another host's name must not send the browser in circles.
    assert_eq!(house.stranger().get("/login?moved=1").await.status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_job_has_its_facts() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let id = ada.send(&house, "https://site.example/complete?title=Sintel").await;
    house.until(&ada, &id, JobState::Completed).await;
    let list = text(ada.get("/").await).await;
    for part in ["Sintel", "Landed in your Dropbox", "96\u{a0}MB", "Dropbox/Videos/A clip.mp4", ">Open<"] {
        assert!(list.contains(part), "the list lacks {part}");
    }
    let page = text(ada.get(&format!("/jobs/{id}")).await).await;
    for part in ["<title>Sintel · Sluice</title>", "9f86d081884c7d65", "96000000 bytes"] {
        assert!(page.contains(part), "the page lacks {part}");
    }
}
