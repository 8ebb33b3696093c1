//! What every handler shares: the connections of this process and what the settings say about the pages.

use sluice_dropbox::Dropbox;
use sluice_egress::Egress;
use sluice_queue::Queue;
use sluice_runtime::Access;
use sluice_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{
    limits::Rates,
    live::Seats,
    place::Place,
    preview::Previews,
    save::{Saves, Senders},
    space::Spaces,
    thumbnail::Thumbnails,
};

/// The most live pages at once in this process: each holds a connection and a few kilobytes.
pub(crate) const MAX_STREAMS: usize = 2000;

/// Shared by all handlers of this process.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) dropbox: Dropbox,
    pub(crate) place: Place,
    pub(crate) access: Access,
    pub(crate) rates: Rates,
    /// The folder of the Dropbox stand-in, while there is no real Dropbox.
    pub(crate) practice_folder: Option<String>,
    /// Judges what is dialled for people.
    pub(crate) egress: Egress,
    pub(crate) thumbnails: Thumbnails,
    pub(crate) spaces: Spaces,
    pub(crate) previews: Previews,
    pub(crate) saves: Saves,
    pub(crate) senders: Senders,
    /// Admits live pages.
    pub(crate) seats: Seats,
    /// Cancelled when the process stops: live pages end then, or nothing else could.
    pub(crate) stop: CancellationToken,
}
