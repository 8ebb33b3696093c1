//! Box headers, and the boxes inside a box.

use super::{Reader, index};
use crate::unsuitable::{Result, Unsuitable};

/// The four letters that name a box.
pub(crate) type FourCc = [u8; 4];

/// What stands before a box's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoxHeader {
    pub(crate) kind: FourCc,
    /// Bytes of the header, 8 or 16.
    pub(crate) header: u64,
    /// Bytes of the whole box; `None` for "up to the end of the file".
    pub(crate) size: Option<u64>,
}

impl BoxHeader {
    /// Bytes that a header can need.
    pub(crate) const MAX: u64 = 16;

    /// `None` when `bytes` hold too little to tell.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some((head, rest)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
        let [a, b, c, d, kind @ ..] = *head;
        let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, None),
            1 => match rest.first_chunk::<8>() {
                Some(large) => (16, Some(u64::from_be_bytes(*large))),
                None => return Ok(None),
            },
            small => (8, Some(u64::from(small))),
        };
        if size.is_some_and(|size| size < header) {
            return Err(Unsuitable::Sizes("a box is smaller than its header"));
        }
        Ok(Some(Self { kind, header, size }))
    }
}

/// A box inside another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Child<'a> {
    pub(crate) kind: FourCc,
    /// With the header.
    pub(crate) whole: &'a [u8],
    pub(crate) body: &'a [u8],
    /// Where the body begins in the parent's body.
    pub(crate) body_at: usize,
}

/// The boxes in the body of the box named `what`, in order; an error is the last item.
pub(crate) fn children<'a>(body: &'a [u8], what: &'static str) -> impl Iterator<Item = Result<Child<'a>>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = body.get(at..).filter(|rest| !rest.is_empty())?;
        let found = next(rest, at, what);
        at = found.as_ref().map_or(body.len(), |child| at + child.whole.len());
        Some(found)
    })
}

fn next<'a>(rest: &'a [u8], at: usize, what: &'static str) -> Result<Child<'a>> {
    let malformed = Unsuitable::Malformed(what);
    // Some writers end a list of boxes with a zero word; that is no box, and needs no tolerance where ours are.
    let head = BoxHeader::parse(rest)?.ok_or(malformed.clone())?;
    let size = index(head.size.ok_or(malformed.clone())?);
    let whole = Reader::new(rest, what).take(size)?;
    let header = index(head.header);
    let body = whole.get(header..).ok_or(malformed)?;
    Ok(Child { kind: head.kind, whole, body, body_at: at + header })
}

/// The only box of `kind` in `body`; several are malformed.
pub(crate) fn child<'a>(body: &'a [u8], kind: &FourCc, what: &'static str) -> Result<Option<Child<'a>>> {
    let mut found = None;
    for child in children(body, what) {
        let child = child?;
        if child.kind == *kind && found.replace(child).is_some() {
            return Err(Unsuitable::Malformed(what));
        }
    }
    Ok(found)
}
