//! The whole product, end to end: real binaries, real Redis, real yt-dlp and ffmpeg, real HTTP. One file per promise.

mod bad_input;
mod chaos;
mod command_line;
mod contained;
mod conversions;
mod crashes;
mod dropbox;
mod egress;
mod expect;
mod gate;
mod inputs;
mod isolation;
mod kills;
mod lists;
mod one_machine;
mod operator;
mod page;
mod players;
mod preview;
mod save;
mod site_faults;
mod streaming;
mod titles;
