//! The harness of the end-to-end tests.
//!
//! Real parts only: [`site`] serves media that [`media`] encoded, [`world`] starts the product's own binaries against a
//! real Redis and the Dropbox emulator. The harness depends on none of the product's crates: what it knows of Sluice is
//! what any user could know.

pub mod api;
pub mod authority;
pub mod binaries;
pub mod browser;
pub mod chaos;
pub mod connect_proxy;
pub mod curl;
pub mod disk;
pub mod doorman;
pub mod emulator;
pub mod eventually;
pub mod family;
pub mod flood;
pub mod http;
pub mod inward;
pub mod kills;
pub mod landed;
pub mod long_list;
pub mod media;
pub mod person;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod site;
pub mod tools;
pub mod world;
