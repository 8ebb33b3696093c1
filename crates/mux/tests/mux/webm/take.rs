//! Takes WebM files apart, and changes them.

use bytes::Bytes;

/// An element: its name, and where it, its body and what follows it begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) id: u32,
    pub(super) start: usize,
    pub(super) body: usize,
    pub(super) end: usize,
}

pub(super) const SEGMENT: u32 = 0x1853_8067;
pub(super) const CLUSTER: u32 = 0x1f43_b675;
pub(super) const CUES: u32 = 0x1c53_bb6b;

/// The elements from `start` to `end`, which they must fill.
pub(super) fn elements(file: &[u8], start: usize, end: usize) -> Vec<Element> {
    let mut found = Vec::new();
    let mut at = start;
    while at < end {
        let id_width = file[at].leading_zeros() as usize + 1;
        let id = file[at..at + id_width].iter().fold(0, |id, byte| (id << 8) | u32::from(*byte));
        let size_at = at + id_width;
        let width = file[size_at].leading_zeros() as usize + 1;
        let marked = file[size_at..size_at + width].iter().fold(0, |size, byte| (size << 8) | usize::from(*byte));
        let body = size_at + width;
        let element = Element { id, start: at, body, end: body + (marked & ((1 << (7 * width)) - 1)) };
        assert!(element.end <= end, "{element:x?} within {end}");
        found.push(element);
        at = element.end;
    }
    found
}

/// The elements of the segment.
pub(super) fn top(file: &[u8]) -> Vec<Element> {
    let segment = *elements(file, 0, file.len()).iter().find(|found| found.id == SEGMENT).expect("a segment");
    elements(file, segment.body, segment.end)
}

pub(super) fn number(file: &[u8], element: &Element) -> u64 {
    file[element.body..element.end].iter().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

/// The child of that name.
pub(super) fn child(file: &[u8], parent: &Element, id: u32) -> Element {
    *elements(file, parent.body, parent.end).iter().find(|found| found.id == id).expect("a child of that name")
}

/// Where the first element with these bytes as its name begins, and where its body would if its size takes one byte.
pub(super) fn find(file: &[u8], name: &[u8]) -> (usize, usize) {
    let start = file.windows(name.len()).position(|window| window == name).expect("an element of that name");
    (start, start + name.len() + 1)
}

/// Other bytes of the same length in place of the first of these.
pub(super) fn replace(file: &[u8], old: &[u8], new: &[u8]) -> Bytes {
    assert_eq!(old.len(), new.len());
    let (start, _) = find(file, old);
    let mut file = file.to_vec();
    file[start..start + new.len()].copy_from_slice(new);
    file.into()
}
