//! HTTP without Dropbox: connections, request bodies read piece by piece, answers, the pace of the line.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod pace;
pub(crate) mod serve;
