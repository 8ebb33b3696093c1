//! A site on loopback that serves what real sites serve, well or badly, and tells who came.
//!
//! HTTP/1.1, plain and over TLS, with ranges, validators, `HEAD`, redirects, pages. A test publishes resources under paths, says how
//! each is delivered and how slow the [`Line`] is, holds responses at a byte with a [`Gate`], and reads the log of visits. It keeps nothing on disk,
//! however large a resource pretends to be, and it never dials out.

mod adaptive;
mod answer;
mod bad;
mod body;
mod content;
mod control;
mod delivery;
mod gate;
mod heavy;
mod line;
mod listing;
mod noise;
mod page;
mod range;
mod resource;
mod samples;
mod series;
mod server;
mod shelf;
mod streams;
mod tls;
mod visits;
mod wire;

pub use adaptive::publish_film;
pub use bad::publish_bad;
pub use content::Content;
pub use delivery::{Announce, Delivery};
pub use gate::{Gate, Hold};
pub use heavy::{Heavy, publish_heavy};
pub use line::Line;
pub use listing::{Format, Listing, Size};
pub use page::{Page, Source};
pub use resource::Resource;
pub use samples::{Part, Sample, publish_samples};
pub use series::{PLAYLIST_PAGE, Series};
pub use server::Site;
pub use streams::{Links, Stream};
pub use visits::{Ending, Visit};
