//! Reads EBML (RFC 8794). Nothing here recurses, so nesting costs no stack.

use crate::{
    unsuitable::{Result, Unsuitable},
    wire::{index, length},
};

/// What stands before an element's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) id: u32,
    /// Bytes of the header, 2 to 12.
    pub(super) header: u64,
    /// Bytes of the body.
    pub(super) size: u64,
}

impl Element {
    /// The header at the start of `bytes`, or how many bytes of it are needed to know more.
    pub(super) fn parse(bytes: &[u8]) -> Result<std::result::Result<Self, u64>> {
        let Some(first) = bytes.first() else { return Ok(Err(1)) };
        let id_width = width(*first).filter(|width| *width <= 4).ok_or(Unsuitable::Malformed("element"))?;
        let Some(second) = bytes.get(id_width) else { return Ok(Err(count(id_width + 1))) };
        let size_width = width(*second).ok_or(Unsuitable::Malformed("element"))?;
        let header = id_width + size_width;
        let (Some(id), Some(size)) = (bytes.get(..id_width), bytes.get(id_width..header)) else {
            return Ok(Err(count(header)));
        };
        let size = big_endian(size) & ones(size_width);
        if size == ones(size_width) {
            return Err(Unsuitable::Sizes("an element without end"));
        }
        let id = u32::try_from(big_endian(id)).map_err(|_| Unsuitable::Malformed("element"))?;
        Ok(Ok(Self { id, header: count(header), size }))
    }

    /// Where it ends if it begins at `at`, when that is within `parent`.
    pub(super) fn end(&self, at: u64, parent: u64) -> Result<u64> {
        let end = at.checked_add(self.header).and_then(|body| body.checked_add(self.size));
        end.filter(|end| *end <= parent).ok_or(Unsuitable::Sizes("an element ends after its parent"))
    }
}

/// Bytes of a number of variable length that begins with this one.
fn width(first: u8) -> Option<usize> {
    (first != 0).then(|| index(u64::from(first.leading_zeros()) + 1))
}

/// The largest number that `width` bytes can hold; as a size it says "unknown".
pub(super) fn ones(width: usize) -> u64 {
    (1 << (7 * width)) - 1
}

fn count(width: usize) -> u64 {
    u64::try_from(width).unwrap_or(u64::MAX)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

/// An element inside another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child<'a> {
    pub(super) id: u32,
    pub(super) whole: &'a [u8],
    pub(super) body: &'a [u8],
    /// Where `whole` and `body` begin in the parent.
    pub(super) at: usize,
    pub(super) body_at: usize,
}

impl Child<'_> {
    pub(super) fn uint(&self, what: &'static str) -> Result<u64> {
        if self.body.len() > 8 {
            return Err(Unsuitable::Malformed(what));
        }
        Ok(big_endian(self.body))
    }

    pub(super) fn float(&self, what: &'static str) -> Result<f64> {
        match *self.body {
            [] => Ok(0.0),
            [a, b, c, d] => Ok(f32::from_be_bytes([a, b, c, d]).into()),
            [a, b, c, d, e, f, g, h] => Ok(f64::from_be_bytes([a, b, c, d, e, f, g, h])),
            _ => Err(Unsuitable::Malformed(what)),
        }
    }
}

/// The elements in a body, which must fill it. Stops after an error.
pub(super) fn children<'a>(body: &'a [u8], what: &'static str) -> impl Iterator<Item = Result<Child<'a>>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = body.get(at..).filter(|rest| !rest.is_empty())?;
        let child = child(rest, at, what);
        at = child.as_ref().map_or(body.len(), |child| at + child.whole.len());
        Some(child)
    })
}

fn child<'a>(rest: &'a [u8], at: usize, what: &'static str) -> Result<Child<'a>> {
    let Ok(head) = Element::parse(rest)? else { return Err(Unsuitable::Malformed(what)) };
    let end = index(head.end(0, length(rest))?);
    let header = index(head.header);
    let (Some(whole), Some(body)) = (rest.get(..end), rest.get(header..end)) else {
        return Err(Unsuitable::Malformed(what));
    };
    Ok(Child { id: head.id, whole, body, at, body_at: at + header })
}

/// The element that these bytes are.
pub(super) fn only(bytes: &[u8]) -> Result<Child<'_>> {
    children(bytes, "element").next().unwrap_or(Err(Unsuitable::Malformed("element")))
}
