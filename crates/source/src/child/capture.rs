//! A child's output, within bounds.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// Everything, or an error when it is more than `max` bytes.
pub(crate) async fn read_at_most(reader: impl AsyncRead + Unpin, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(max as u64 + 1).read_to_end(&mut bytes).await?;
    if bytes.len() > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {max} bytes of output")));
    }
    Ok(bytes)
}

/// The last `max` bytes or somewhat more, as text. It reads to the end in any case, so that the child never waits for us.
pub(crate) async fn read_tail(mut reader: impl AsyncRead + Unpin, max: usize) -> String {
    let mut tail: Vec<u8> = Vec::new();
    let mut chunk = vec![0; 8 * 1024];
    // A read error is an end like any other: the exit status tells the rest.
    while let Ok(read @ 1..) = reader.read(&mut chunk).await {
        tail.extend_from_slice(&chunk[..read]);
        if tail.len() > 2 * max {
            tail.drain(..tail.len() - max);
        }
    }
    String::from_utf8_lossy(&tail).into_owned()
}
