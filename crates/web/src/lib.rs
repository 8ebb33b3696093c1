#![doc = include_str!("../README.md")]

mod address;
mod api;
mod app;
mod assets;
mod body;
mod connections;
mod cookies;
mod error;
mod headers;
mod known;
mod limits;
mod live;
mod ops;
mod origin;
mod pages;
mod place;
mod preview;
mod programs;
mod routes;
mod save;
mod space;
mod state;
mod thumbnail;
mod view;
mod visitor;

pub use app::{App, AppError};
