//! A connection that tells when all was handed to the kernel, so that a cut comes behind the byte it was asked for.
//! Without it hyper would drop a broken response together with what it had not written yet.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
};

/// Counts flushes: hyper flushes only once its own buffer is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Flushes(watch::Sender<u64>);

impl Flushes {
    /// Waits for the next flush, which hyper makes whenever a body has nothing ready.
    pub(super) async fn next(&self) {
        // An error would mean that the sender is gone, and we hold one.
        let _ = self.0.subscribe().changed().await;
    }
}

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) flushes: Flushes,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(cx);
        if result.is_ready() {
            self.flushes.0.send_modify(|count| *count += 1);
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
