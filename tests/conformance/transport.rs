//! The wire below the API: HTTP/1.1 and HTTP/2, TLS, bodies without a length, answers before the body.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::authority::Authority;
use e2e::emulator::Emulator;
use e2e::http::client;
use reqwest::{Certificate, Client, Version};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::practice::{Practice, bytes};

#[tokio::test]
async fn http2_with_prior_knowledge_and_with_tls() -> Result<()> {
    client()?; // Installs the TLS provider.
    let practice = Practice::start().await?;
    let plain = Client::builder().http2_prior_knowledge().timeout(Duration::from_secs(30)).build()?;
    let answer = plain
        .post(practice.url("/2/users/get_space_usage"))
        .bearer_auth(&practice.token)
        .json(&Value::Null)
        .send()
        .await?;
    ensure!(answer.version() == Version::HTTP_2 && answer.status() == 200, "{answer:?}");
    let directory = tempfile::tempdir()?;
    let authority = Authority::make(directory.path())?;
    let emulator = Emulator::start(directory.path(), &authority.flags()).await?;
    let root = Certificate::from_pem(&std::fs::read(authority.root())?)?;
    let secure = || Client::builder().tls_certs_only([root.clone()]).timeout(Duration::from_secs(30));
    for (client, expected) in [(secure().build()?, Version::HTTP_2), (secure().http1_only().build()?, Version::HTTP_11)]
    {
        let answer = client.get(format!("{}/healthz", emulator.address())).send().await?;
        ensure!(answer.version() == expected && answer.status() == 200, "{answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn headers_are_those_of_the_service() -> Result<()> {
    let practice = Practice::start().await?;
    let reply = practice.rpc("users/get_space_usage", &Value::Null).await?;
    let id = reply.header("x-dropbox-request-id");
    ensure!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    ensure!(reply.header("content-type") == "application/json" && reply.header("server") == "envoy");
    ensure!(reply.header("cache-control") == "no-cache" && reply.header("x-content-type-options") == "nosniff");
    ensure!(reply.header("dropbox-api-result").is_empty());
    Ok(())
}

/// Sends a request as text over HTTP/1.1 and returns the answer as text.
async fn raw(practice: &Practice, request: String) -> Result<String> {
    let address = practice.emulator.address().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn bodies_without_a_length_are_empty_or_chunked() -> Result<()> {
    let practice = Practice::start().await?;
    let start = |more: &str| {
        format!(
            "POST /2/files/upload_session/start HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Dropbox-API-Arg: {{}}\r\nContent-Type: application/octet-stream\r\n{more}",
            practice.token
        )
    };
    for more in [
        "\r\n",
        "Content-Length: 0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let answer = raw(&practice, start(more)).await?;
        ensure!(answer.starts_with("HTTP/1.1 200") && answer.contains("pid_upload_session:"), "{more:?}: {answer}");
    }
    // As the Go SDK does it: no body and no content type where there is no argument.
    let void = format!(
        "POST /2/users/get_current_account HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\r\n",
        practice.token
    );
    ensure!(raw(&practice, void).await?.starts_with("HTTP/1.1 200"));
    Ok(())
}

#[tokio::test]
async fn an_early_answer_is_heard_after_draining() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    practice
        .fault("files/upload_session/append_v2", json!({"kind": "rate_limit", "shape": "text", "retry_after": 7}))
        .await?;
    let reply = practice.append(&id, 0, false, &bytes(40 << 20)).await?;
    ensure!(reply.status == 429 && reply.header("retry-after") == "7", "{}", reply.said());
    Ok(())
}

#[tokio::test]
async fn the_real_host_names_are_told_apart() -> Result<()> {
    let practice = Practice::start().await?;
    let call = |host: &str, route: &str| {
        format!(
            "POST /2/{route} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\r\n",
            practice.token
        )
    };
    let account = "users/get_current_account";
    ensure!(raw(&practice, call("api.dropboxapi.com", account)).await?.starts_with("HTTP/1.1 200"));
    ensure!(raw(&practice, call("content.dropboxapi.com", account)).await?.contains("api.dropboxapi.com"));
    ensure!(raw(&practice, call("api.dropboxapi.com", "files/upload")).await?.contains("content.dropboxapi.com"));
    Ok(())
}
