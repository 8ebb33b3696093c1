//! What the pages show, as data: pure functions from a job and the clock to words, and the templates that print them.
//!
//! Nothing here reads Redis, the clock or the request.

mod facts;
mod form;
mod frame;
mod history;
mod items;
mod known;
mod operator;
mod page;
mod preview;
mod row;
mod since;
mod tell;

pub(crate) use facts::facts;
pub(crate) use form::{Fault, Form, Typed};
pub(crate) use frame::{Frame, Who};
pub(crate) use history::history;
pub(crate) use items::{count, percent as list_percent};
pub(crate) use known::{Duplicates, Known, others};
pub(crate) use operator::{Board, OperatorAsk, OperatorPage, between, count_of, living, name_of, workers};
pub(crate) use page::{
    Go, Home, ItemsList, JobPage, Later, Message, PreviewPart, SettingsPage, TokenLine, Watch, Welcome, preset_choices,
};
pub(crate) use preview::Preview;
pub(crate) use row::{Around, Row, title};
pub(crate) use since::since;
pub(crate) use tell::tell;
