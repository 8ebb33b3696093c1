//! `/healthz`, `/readyz` and `/metrics` for a process that serves nothing else.
//!
//! `healthz` says that the process lives; `readyz` asks the process itself, with a deadline; `metrics` gives its figures. It answers nothing else, takes few connections
//! at once, and reads no bodies: it is meant for the machine's own supervisor.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Connections at once; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 16;
/// The longest one connection may take, request and answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that readiness may be thought about.
const READY_TIMEOUT: Duration = Duration::from_secs(3);

/// Binds the port; the address tells which one, when 0 was asked for.
///
/// `ready` says why the process is not ready, for the operator; `figures` are told in Prometheus's text format. Serves until `shutdown` is cancelled.
///
/// # Errors
/// When the address cannot be bound.
pub async fn serve<R, F, M>(
    bind: SocketAddr,
    ready: R,
    figures: M,
    shutdown: CancellationToken,
) -> io::Result<SocketAddr>
where
    R: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send + 'static,
    M: Fn() -> String + Send + Sync + 'static,
{
    let listener = TcpListener::bind(bind).await?;
    let bound = listener.local_addr()?;
    let told = Arc::new((ready, figures));
    tokio::spawn(async move {
        let serving = accept(listener, told);
        tokio::select! {
            () = serving => {}
            () = shutdown.cancelled() => {}
        }
    });
    Ok(bound)
}

async fn accept<R, F, M>(listener: TcpListener, told: Arc<(R, M)>)
where
    R: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send + 'static,
    M: Fn() -> String + Send + Sync + 'static,
{
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: give the jobs time to close some.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let told = Arc::clone(&told);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &told.0, &told.1));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(CONNECTION_TIMEOUT)
                .max_buf_size(8 * 1024)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            if !matches!(timeout(CONNECTION_TIMEOUT, connection).await, Ok(Ok(()))) {
                debug!("A health connection ended early");
            }
            drop(slot);
        });
    }
}

async fn answer<R, F, M>(
    request: Request<Incoming>,
    ready: &R,
    figures: &M,
) -> Result<Response<Full<Bytes>>, Infallible>
where
    R: Fn() -> F,
    F: Future<Output = Result<(), String>>,
    M: Fn() -> String,
{
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => (StatusCode::OK, "alive\n".to_owned()),
        (&Method::GET, "/readyz") => match timeout(READY_TIMEOUT, ready()).await {
            Ok(Ok(())) => (StatusCode::OK, "ready\n".to_owned()),
            Ok(Err(reason)) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
            Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready: no answer in time\n".to_owned()),
        },
        (&Method::GET, "/metrics") => (StatusCode::OK, figures()),
        _ => (StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics here\n".to_owned()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };

    use super::*;

    async fn check(path: &str, ready: Result<(), &'static str>, want: &str) {
        let end = CancellationToken::new();
        let state = move || async move { ready.map_err(str::to_owned) };
        let bound = serve(([127, 0, 0, 1], 0).into(), state, || "figure 1\n".to_owned(), end.clone()).await.unwrap();
        let mut stream = TcpStream::connect(bound).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {want}")), "{path}: {answer}");
        end.cancel();
    }

    #[tokio::test]
    async fn health_and_readiness_are_two_questions() {
        check("/healthz", Err("no Redis"), "200").await;
        check("/readyz", Ok(()), "200").await;
        check("/readyz", Err("no Redis"), "503").await;
        check("/metrics", Err("no Redis"), "200").await;
        check("/", Ok(()), "404").await;
    }
}
