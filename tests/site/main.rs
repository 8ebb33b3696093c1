//! The local site against real yt-dlp: every kind of input is recognised and arrives byte for byte.
//! What the product does with it is no business of these tests.

mod faults;
mod kinds;
mod lists;
mod shaped;
mod yt_dlp;
