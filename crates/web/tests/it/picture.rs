//! Pictures of other sites come through this server, or not at all.

use sluice_domain::JobState;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::house::{House, text};

/// A site with one picture under every address; the head of the answer is in the test's hands.
async fn site(head: &'static str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes()).await;
            let _ = stream.write_all(&body).await;
        }
    });
    format!("http://{address}/a.jpg")
}

/// A picture is as good a way in as any link.
#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_leads_inward_is_not_fetched() {
    let canary = site("200 OK\r\ncontent-type: image/jpeg", vec![7; 1000]).await;
    let port = canary.split(':').nth(2).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    let redirect: &'static str = format!("302 Found\r\nlocation: {canary}").leak();
    let good = site(redirect, Vec::new()).await;
    let good = good.trim_start_matches("http://").split('/').next().unwrap();
    // The one site that may be visited redirects to the canary beside it.
    let house = House::with(&format!("[egress]\nallow = ['{good}']")).await;
    house.work();
    let ada = house.sign_in("ada").await;
    let inward = [
        canary.clone(),
        format!("http://2130706433:{port}/a.jpg"),
        format!("http://[::ffff:127.0.0.1]:{port}/a.jpg"),
        format!("http://localhost:{port}/a.jpg"),
        format!("http://{good}/a.jpg"),
        "http://169.254.169.254/latest".to_owned(),
    ];
    for address in inward {
        let id = ada.send(&house, &format!("https://site.example/complete?thumbnail={address}")).await;
        house.until(&ada, &id, JobState::Completed).await;
        assert_eq!(ada.get(&format!("/jobs/{id}/thumbnail")).await.status(), 404, "{address}");
    }
    let metrics = text(ada.get("/metrics").await).await;
    assert!(metrics.contains("sluice_egress_refused_total{reason=\"loopback\"} 4\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_comes_through_here() {
    let house = House::new().await;
    house.work();
    let ada = house.sign_in("ada").await;
    let small = vec![7; 1000];
    for (head, body, want) in [
        ("200 OK\r\ncontent-type: image/jpeg", small.clone(), 200),
        ("200 OK\r\ncontent-type: image/svg+xml", small.clone(), 404),
        ("200 OK\r\ncontent-type: text/html", small.clone(), 404),
        ("200 OK", small.clone(), 404),
        ("404 Not Found\r\ncontent-type: image/jpeg", small.clone(), 404),
        ("302 Found\r\nlocation: file:///etc/passwd\r\ncontent-type: image/jpeg", small.clone(), 404),
        // Larger than it may be, without saying so.
        ("200 OK\r\ncontent-type: image/jpeg", vec![7; 3_000_000], 404),
        // Larger than it may be, and saying so.
        ("200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: 9999999999", small.clone(), 404),
    ] {
        let address = site(head, body).await;
        let id = ada.send(&house, &format!("https://site.example/complete?thumbnail={address}")).await;
        house.until(&ada, &id, JobState::Completed).await;
        let page = text(ada.get(&format!("/jobs/{id}")).await).await;
        assert!(page.contains(&format!("src=\"/jobs/{id}/thumbnail\"")), "the picture is never linked from its site");
        let answer = ada.get(&format!("/jobs/{id}/thumbnail")).await;
        assert_eq!(answer.status(), want, "{head}");
        if want == 200 {
            assert_eq!(answer.headers()["content-type"], "image/jpeg");
            assert_eq!(answer.headers()["content-security-policy"], "default-src 'none'; sandbox");
            assert_eq!(answer.content_length(), Some(1000));
        }
    }
}
