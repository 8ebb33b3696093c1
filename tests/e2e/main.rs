//! The whole product, end to end: real binaries, real Redis, real yt-dlp and ffmpeg, real HTTP. One file per promise.

mod api_judge;
mod bad_input;
mod chaos;
mod command_line;
mod crashes;
mod dropbox;
mod expect;
mod flood;
mod gate;
mod inputs;
mod isolation;
mod kills;
mod lists;
mod one_machine;
mod operator;
mod page;
mod preview;
mod rotation;
mod secrets;
mod sign_in;
mod site_faults;
mod streaming;
mod titles;
