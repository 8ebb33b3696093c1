//! Bytes of ISO base media files (ISO/IEC 14496-12), in both directions. Nothing here recurses, so nesting costs no stack.

mod boxes;
mod driver;
mod reader;
mod writer;

pub(crate) use boxes::{BoxHeader, Child, FourCc, child, children};
pub(crate) use driver::{Driver, Machine, Step};
pub(crate) use reader::Reader;
pub(crate) use writer::Writer;

/// A count or an offset as the other integer type; saturates, so that a nonsense value is refused by the next bound.
pub(crate) fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A length as a number of bytes.
pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
