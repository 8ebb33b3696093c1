//! Handing two descriptors to the server: the only message it understands.

use std::{
    io::{self, IoSlice},
    os::fd::{AsRawFd, BorrowedFd},
};

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use tokio::{io::Interest, net::UnixStream};

/// Sends one byte with both descriptors.
pub(super) async fn hand_over(control: &UnixStream, descriptors: [BorrowedFd<'_>; 2]) -> io::Result<()> {
    let raw = descriptors.map(|descriptor| descriptor.as_raw_fd());
    let send = || {
        let (byte, rights) = ([IoSlice::new(b"r")], [ControlMessage::ScmRights(&raw)]);
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        sendmsg::<()>(control.as_raw_fd(), &byte, &rights, flags, None).map_err(io::Error::from)
    };
    match control.async_io(Interest::WRITABLE, send).await? {
        1 => Ok(()),
        _ => Err(io::Error::other("the extraction server takes no request")),
    }
}
