//! The body of a name: the name without the additions that statements put around it.
//!
//! Owns: where a body may begin and end. Does not own: the patterns that are compared with it.

use std::collections::HashMap;

use crate::class::normalise;

/// Words that statements append to names.
#[derive(Debug)]
pub(super) struct Tails {
    /// By their last characters: few tails end as a given name does.
    by_end: HashMap<char, Vec<String>>,
}

impl Tails {
    pub fn new(tails: &[String]) -> Tails {
        let mut by_end = HashMap::<char, Vec<String>>::new();
        for tail in tails {
            if let Some(end) = tail.chars().next_back() {
                by_end.entry(end).or_default().push(tail.clone());
            }
        }
        Tails { by_end }
    }
}

/// The ends that a name's body may have. A statement may append digits and Latin letters, a bracket, a part behind a dash,
/// or a word for the account's purpose, and several of these.
///
/// ```text
/// 国家金库某市中心支库（待缴库税款）0012    body ends before 0012, and before 待缴库税款
/// ```
#[derive(Debug, Clone, Copy)]
pub(super) struct Body {
    /// Byte length of the digits in front, which may belong to an account number.
    lead: usize,
    ends: [usize; Body::ENDS_MAX],
    count: usize,
}

impl Body {
    /// More ends than real names have; further ones are ignored.
    const ENDS_MAX: usize = 12;

    /// The ends of a name with this normalised form.
    pub fn new(name: &str, normalised: &str, tails: &Tails) -> Body {
        let mut body = Body { lead: lead_of(normalised), ends: [0; Body::ENDS_MAX], count: 0 };
        body.push(normalised.len());
        // Only punctuation marks an edge, and normalisation drops it: without an edge the lengths are equal.
        if name.len() != normalised.len() {
            let mut scratch = String::new();
            // Each edge takes time in proportion to the name, which may be long.
            for cut in edges(name).take(Body::ENDS_MAX) {
                normalise(&name[..cut], &mut scratch);
                body.push(scratch.len());
            }
        }
        let mut next = 0;
        while next < body.count {
            let text = &normalised[..body.ends[next]];
            body.push(text.trim_end_matches(|c: char| c.is_ascii_alphanumeric()).len());
            let end = text.chars().next_back();
            for tail in end.and_then(|end| tails.by_end.get(&end)).into_iter().flatten() {
                if let Some(rest) = text.strip_suffix(tail.as_str()) {
                    body.push(rest.len());
                }
            }
            next += 1;
        }
        body
    }

    /// The possible bodies of a name with this normalised form, the whole name first.
    pub fn all<'n>(&self, normalised: &'n str) -> Vec<&'n str> {
        self.ends[..self.count].iter().filter_map(|end| normalised.get(..*end)).collect()
    }

    fn push(&mut self, end: usize) {
        let is_new = end > 0 && !self.ends[..self.count].contains(&end);
        if is_new && self.count < Body::ENDS_MAX {
            self.ends[self.count] = end;
            self.count += 1;
        }
    }

    /// Whether a body may begin here.
    pub fn starts_at(&self, start: usize) -> bool {
        start == 0 || start == self.lead
    }

    /// Whether a body may end here.
    pub fn ends_at(&self, end: usize) -> bool {
        self.ends[..self.count].contains(&end)
    }
}

/// Byte length of the digits in front of a name: they may belong to an account number.
pub(super) fn lead_of(normalised: &str) -> usize {
    normalised.len() - normalised.trim_start_matches(is_digit).len()
}

/// Whether `text` has at least so many characters.
pub(super) fn has_chars(text: Option<&str>, count: usize) -> bool {
    text.is_some_and(|text| text.chars().take(count).count() == count)
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Where `name` may be cut: before a bracket that closes it (or that truncation left open), and at dashes.
fn edges(name: &str) -> impl Iterator<Item = usize> {
    const OPENERS: [char; 10] = ['(', '（', '[', '［', '【', '〔', '{', '｛', '<', '《'];
    const CLOSERS: [char; 10] = [')', '）', ']', '］', '】', '〕', '}', '｝', '>', '》'];
    const DASHES: [char; 8] = ['-', '－', '—', '–', '_', '＿', ':', '：'];
    let mut rest = name;
    let brackets = std::iter::from_fn(move || {
        rest = rest.trim_end_matches(|c: char| is_digit(c) || c.is_whitespace());
        let open = rest.rfind(OPENERS)?;
        let is_last = match rest.rfind(CLOSERS) {
            Some(close) => close < open || rest.ends_with(CLOSERS),
            None => true,
        };
        rest = &rest[..open];
        is_last.then_some(open)
    });
    brackets.chain(name.match_indices(DASHES).map(|(at, _)| at))
}
