//! What an attacker tries first: each is a row, and each gets a plain answer below 500 that repeats none of it as markup.

use serde_json::json;
use sluice_domain::JobState;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::house::{House, PATIENCE, Person, json, location, text};

/// Markup that would do something, in the places where it usually gets in.
const MARKUP: [&str; 5] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{7*7}}</textarea><script>alert(1)</script>",
];

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Is any of it there as markup?
#[track_caller]
fn harmless(page: &str, from: &str) {
    for part in ["<script>alert", "<img src=x", "<svg onload", "onerror=alert(1)>"] {
        assert!(!page.contains(part), "{from} has {part}: {page}");
    }
    assert!(!page.contains("49</textarea>"), "{from} computes what it is told");
}

async fn looks_harmless(person: &Person, path: &str) {
    let answer = person.get(path).await;
    assert!(answer.status().as_u16() < 500, "{path}: {}", answer.status());
    harmless(&text(answer).await, path);
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_titles_links_and_names_stays_text() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in(MARKUP[1]).await;
    for markup in MARKUP {
        let link = format!("https://site.example/complete?title={}&x={}", encoded(markup), encoded(markup));
        let id = ada.send(&house, &link).await;
        house.until(&ada, &id, JobState::Completed).await;
        ada.post("/settings/tokens", &[("name", markup), ("scope", "read")]).await;
        looks_harmless(&ada, &format!("/jobs/{id}")).await;
        // Sent again: the question repeats the link.
        harmless(&text(ada.post("/jobs", &[("url", &link)]).await).await, "the question");
    }
    for path in ["/", "/settings"] {
        looks_harmless(&ada, path).await;
    }
    let rows = json(ada.call("GET", "/jobs", None).await).await;
    assert_eq!(rows["jobs"][0]["title"], MARKUP[4], "nothing is lost of it either");
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_requests_is_not_repeated() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for markup in MARKUP {
        let word = encoded(markup);
        for path in [
            format!("/?url={word}"),
            format!("/?said={word}"),
            format!("/?next={word}"),
            format!("/?before={word}"),
            format!("/{word}"),
            format!("/jobs/{word}"),
            format!("/jobs/{word}/thumbnail"),
            format!("/settings?said={word}"),
            format!("/login?next={word}"),
            format!("/oauth/callback?state={word}&code={word}&error={word}"),
            format!("/preview/picture?of={word}"),
            format!("/assets/{word}"),
            format!("/operator?said={word}"),
            format!("/events?job={word}"),
            format!("/api/v1/{word}"),
            format!("/api/v1/jobs?state={word}"),
        ] {
            looks_harmless(&ada, &path).await;
            looks_harmless(&house.stranger(), &path).await;
        }
        for field in ["url", "preset", "folder", "key", "force"] {
            for path in ["/jobs", "/preview", "/settings"] {
                let answer = ada.post(path, &[(field, markup)]).await;
                assert!(answer.status().as_u16() < 500, "{path} {field}: {}", answer.status());
                harmless(&text(answer).await, path);
            }
        }
        let body = json!({ "url": markup, "preset": markup });
        let problem = ada.call("POST", "/jobs", Some(body)).await;
        assert_eq!(problem.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_leads_out_of_its_place() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for folder in [
        "/..",
        "/../x",
        "/a/../../etc",
        "..",
        "/a/./b",
        "/a\u{0}b",
        "/a\nb",
        "/a\\..\\b",
        "/\u{202e}cod/..",
        "/a//../b",
    ] {
        let answer = ada.call("POST", "/jobs", Some(json!({ "url": "https://a.example/1", "folder": folder }))).await;
        assert_eq!(answer.status(), 422, "{folder:?}");
        let posted = ada.post("/jobs", &[("url", "https://a.example/1"), ("folder", folder)]).await;
        assert_eq!(posted.status(), 422, "{folder:?}");
    }
    for path in [
        "/assets/../../../../etc/passwd",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/jobs/..%2f..%2fetc%2fpasswd",
        "/jobs/../../etc/passwd",
        "/api/v1/jobs/..%2f..%2fhealthz",
        "/%00",
        "/jobs/%00",
        "/jobs/%ff%fe",
        "/assets/%c0%ae%c0%ae",
    ] {
        let head = raw(&house, &format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")).await;
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert!((400..500).contains(&status), "{path}: {head}");
        assert!(!head.contains("root:"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_our_headers_or_leads_people_away() {
    let house = House::new().await;
    let ada = house.sign_in("ada").await;
    for next in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\r\nset-cookie: x=y",
        "/%0d%0aset-cookie:%20x=y",
        "/\u{e9}",
        "/\u{0}",
        "javascript:alert(1)",
    ] {
        let word = encoded(next);
        for path in [format!("/?next={word}"), format!("/login?next={word}"), format!("/login?moved=1&next={word}")] {
            for person in [&ada, &house.stranger()] {
                let answer = person.get(&path).await;
                assert!(answer.status().as_u16() < 500, "{path}: {}", answer.status());
                let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
                assert!(cookies.iter().all(|cookie| cookie.to_str().unwrap().starts_with("sluice_login=")), "{path}");
                if answer.headers().contains_key("location") {
                    let to = location(&answer);
                    assert!(
                        to.starts_with("https://www.dropbox.com/oauth2/authorize?")
                            || to.starts_with('/') && !to.starts_with("//") && !to.starts_with("/\\"),
                        "{path}: {to}"
                    );
                }
            }
        }
    }
    // A page of ours is where a form goes back to, whatever the browser is told to say where it came from.
    let id = ada.send(&house, "https://a.example/1").await;
    let headers = [("referer", "https://evil.example//evil.example/x")];
    let answer = ada.post_as(&format!("/jobs/{id}/pause"), &[], &headers).await;
    assert_eq!(location(&answer), "/");
}

/// What the server says to these bytes, until it closes.
async fn raw(house: &House, request: &str) -> String {
    let mut stream = TcpStream::connect(house.base.trim_start_matches("http://")).await.unwrap();
    // It may close before it has read everything.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    let reading = async {
        while answer.len() < 64 * 1024 {
            match stream.read(&mut part).await {
                Ok(read) if read > 0 => answer.extend_from_slice(&part[..read]),
                _ => break,
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the server says nothing and keeps the line");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_get_a_plain_refusal_and_hurt_nobody() {
    let house = House::new().await;
    let long = "a".repeat(300_000);
    let many: String = (0..500).map(|number| format!("x-{number}: y\r\n")).collect();
    for (what, request) in [
        ("no HTTP", "hello\r\n\r\n".to_owned()),
        ("a long line", format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n")),
        ("a long header", format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n")),
        ("many headers", format!("GET / HTTP/1.1\r\nhost: a\r\n{many}\r\n")),
        (
            "two lengths",
            "POST /jobs HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ncontent-length: 40\r\n\r\na=b&".to_owned(),
        ),
        (
            "length and chunks",
            "POST /jobs HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
        ),
        (
            "a chunk without end",
            "POST /jobs HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff0\r\n".to_owned(),
        ),
        ("a negative length", "POST /jobs HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n".to_owned()),
        ("a folded header", "GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n z\r\n\r\n".to_owned()),
        ("a zero byte", "GET / HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n".to_owned()),
        ("a space before the colon", "GET / HTTP/1.1\r\nhost : a\r\n\r\n".to_owned()),
    ] {
        let answer = raw(&house, &request).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(answer.is_empty() || (answer.starts_with("HTTP/1.1 ") && status.starts_with('4')), "{what}: {answer}");
    }
    assert_eq!(house.stranger().get("/healthz").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_tokens_open_their_own_door_only() {
    let house = House::new().await;
    let (ada, ben) = (house.sign_in("ada").await, house.sign_in("ben").await);
    let session = ada.cookie.trim_start_matches("sluice_session=").to_owned();
    let strange = |cookie: String| house.stranger().with_cookie(&cookie);
    for cookie in [
        format!("sluice_session={}", ada.token),
        format!("sluice_session={session}x"),
        format!("sluice_session={}", &session[1..]),
        "sluice_session=".to_owned(),
        format!("__Host-sluice_session={session}"),
        format!("SLUICE_SESSION={session}"),
        format!("sluice_session={}", "a".repeat(7000)),
        "sluice_session=*".to_owned(),
        "sluice_session=../account:dbid:ada".to_owned(),
    ] {
        assert_eq!(strange(cookie.clone()).get("/settings").await.status(), 303, "{cookie}");
    }
    for token in [session.as_str(), "", "slc_", "slc_*", &ada.csrf, &format!("{}x", ada.token), &ada.token[..46]] {
        assert_eq!(ada.with_token(&token.into()).call("GET", "/jobs", None).await.status(), 401, "{token}");
    }
    // A cookie is nothing to the API, a token nothing to a page.
    assert_eq!(ada.get("/api/v1/jobs").await.status(), 401);
    let bearer = format!("Bearer {}", ada.token);
    assert_eq!(house.stranger().get_as("/settings", &[("authorization", &bearer)]).await.status(), 303);
    // Nobody revokes another's token, and what has been revoked or signed out is over at once.
    let id = house.store.tokens().list(&ada.id).await.unwrap()[0].id.clone();
    ben.post(&format!("/settings/tokens/{id}/revoke"), &[]).await;
    assert_eq!(ada.call("GET", "/jobs", None).await.status(), 200);
    ada.post(&format!("/settings/tokens/{id}/revoke"), &[]).await;
    assert_eq!(ada.call("GET", "/jobs", None).await.status(), 401);
    ada.post("/logout", &[]).await;
    assert_eq!(ada.get("/settings").await.status(), 303);
    assert_eq!(ada.post("/jobs", &[("url", "https://a.example/1")]).await.status(), 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_cookies_and_browsers_are_bound_to_it() {
    let house = House::with("[server]\nbind = '127.0.0.1:0'\npublic_url = 'https://sluice.example'").await;
    let answer = house.stranger().get_as("/login?moved=1", &[("host", "sluice.example")]).await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-sluice_login=") && cookie.contains("; Secure; Path=/"), "{cookie}");
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
    // A cookie without the prefix could come from another host or from plain http: it opens nothing.
    let ada = house.sign_in("ada").await;
    assert_eq!(ada.get("/settings").await.status(), 303);
    assert_eq!(ada.with_cookie(&format!("__Host-{}", ada.cookie)).get("/settings").await.status(), 200);
}
