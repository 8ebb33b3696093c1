//! Builds elements in memory.

use super::{ebml::ones, id};
use crate::wire::{index, length};

/// An element with the shortest size.
pub(super) fn element(id: u32, body: &[u8]) -> Vec<u8> {
    [&name(id), &size(length(body), size_width(length(body))), body].concat()
}

/// An element around others.
pub(super) fn master<const N: usize>(id: u32, parts: &[Vec<u8>; N]) -> Vec<u8> {
    element(id, &parts.concat())
}

/// A number in as few bytes as it takes.
pub(super) fn uint(id: u32, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    element(id, bytes.get(8 - uint_width(value)..).unwrap_or_default())
}

/// A number in eight bytes, whatever it is: its size must be known before it is.
pub(super) fn place(id: u32, value: u64) -> Vec<u8> {
    element(id, &value.to_be_bytes())
}

/// The bytes that name an element.
pub(super) fn name(id: u32) -> Vec<u8> {
    id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect()
}

/// A size in `width` bytes.
pub(super) fn size(value: u64, width: usize) -> Vec<u8> {
    let marked = value | 1_u64.checked_shl(u32::try_from(7 * width).unwrap_or(u32::MAX)).unwrap_or_default();
    marked.to_be_bytes().get(8_usize.saturating_sub(width)..).unwrap_or_default().to_vec()
}

/// The fewest bytes that tell a size.
pub(super) fn size_width(value: u64) -> usize {
    (1..8).find(|width| value < ones(*width)).unwrap_or(8)
}

/// The fewest bytes that tell a number, at least one.
pub(super) fn uint_width(value: u64) -> usize {
    index(u64::from(64 - value.leading_zeros())).div_ceil(8).max(1)
}

/// The header of a `Void` that is itself `header` bytes long, at least 2, for a body of `body` bytes that follow it.
pub(super) fn void_header(header: usize, body: u64) -> Vec<u8> {
    let width = (header - 1).min(8);
    let padding = header - 1 - width;
    [name(id::VOID), size(body + length_of(padding), width), vec![0; padding]].concat()
}

/// A `Void` of `total` bytes, at least 2, or nothing.
pub(super) fn void(total: usize) -> Vec<u8> {
    if total == 0 {
        return Vec::new();
    }
    let body = |width: usize| length_of(total.saturating_sub(1 + width));
    let width = (1..8).find(|width| body(*width) < ones(*width)).unwrap_or(8);
    let mut void = void_header(1 + width, body(width));
    void.resize(total, 0);
    void
}

/// A count as a number of bytes.
pub(super) fn length_of(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
