//! The identifier of a row that decides a balance. A cell has one for each date; short identifiers, as nearly all are, are
//! stored inline.

use std::cmp::Ordering;
use std::ops::Deref;

/// Largest length that is stored inline.
const SHORT_BYTES: usize = 38;

/// A `txn_id`; ordered by its UTF-8 bytes.
#[derive(Clone)]
pub struct TxnId(Storage);

#[derive(Clone)]
enum Storage {
    /// Length and bytes.
    Inline(u8, [u8; SHORT_BYTES]),
    Heap(Box<[u8]>),
}

impl TxnId {
    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.0 {
            Storage::Inline(..) => 0,
            Storage::Heap(bytes) => bytes.len(),
        }
    }
}

impl From<&[u8]> for TxnId {
    fn from(id: &[u8]) -> TxnId {
        let mut bytes = [0; SHORT_BYTES];
        match bytes.get_mut(..id.len()) {
            Some(inside) => {
                inside.copy_from_slice(id);
                TxnId(Storage::Inline(id.len() as u8, bytes))
            }
            None => TxnId(Storage::Heap(id.into())),
        }
    }
}

impl Deref for TxnId {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Storage::Inline(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Storage::Heap(bytes) => bytes,
        }
    }
}

impl PartialEq for TxnId {
    fn eq(&self, other: &TxnId) -> bool {
        **self == **other
    }
}

impl Eq for TxnId {}

impl PartialOrd for TxnId {
    fn partial_cmp(&self, other: &TxnId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TxnId {
    fn cmp(&self, other: &TxnId) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl std::fmt::Debug for TxnId {
    /// The text is not printed, because it is a value of the feed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TxnId({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_ones_are_ordered_by_their_bytes() {
        let texts = ["", "a", "ab", &"b".repeat(SHORT_BYTES), &"b".repeat(SHORT_BYTES + 1), &"c".repeat(300), "流"];
        let ids = texts.map(|text| TxnId::from(text.as_bytes()));
        assert!(ids.is_sorted_by(|a, b| a < b));
        for (id, text) in ids.iter().zip(texts) {
            assert_eq!(&**id, text.as_bytes());
            assert_eq!(id.heap_bytes(), if text.len() > SHORT_BYTES { text.len() } else { 0 });
            assert_eq!(*id, TxnId::from(text.as_bytes()));
        }
    }
}
