//! One record of a source whose fields are text.
//!
//! Owns: access to the fields. Does not own: how a record is split ([`csv`](super::csv)) or what its fields mean
//! ([`mapping`](super::mapping)).

/// One record, as text.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    text: &'a str,
    ends: &'a [usize],
    /// Bytes between a field's end and the next one's start.
    gap: usize,
}

impl<'a> Record<'a> {
    /// The record whose fields end at `ends` in `text`, with `gap` bytes between one field and the next.
    pub(super) fn new(text: &'a str, ends: &'a [usize], gap: usize) -> Record<'a> {
        Record { text, ends, gap }
    }

    /// A field; empty beyond the last.
    pub(super) fn field(&self, index: usize) -> &'a str {
        let Some(end) = self.ends.get(index) else {
            return "";
        };
        let start = if index == 0 { 0 } else { self.ends[index - 1] + self.gap };
        self.text.get(start..*end).unwrap_or_default()
    }

    /// All fields, in order.
    pub(super) fn fields(self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).map(move |index| self.field(index))
    }

    /// Whether the fields from `index` on are all blank.
    pub(super) fn is_blank_from(self, index: usize) -> bool {
        self.fields().skip(index).all(|field| field.trim().is_empty())
    }
}
