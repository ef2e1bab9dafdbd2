//! MT940, the SWIFT customer statement message: tagged lines to statement parts.
//!
//! Owns: tags, the statement line `:61:`, the information to the account owner `:86:`. A file holds one message or several,
//! with or without their envelope (`{1:..}{2:..}{4:` and `-}`). Does not own: balances and identifiers ([`super`]).

use std::collections::VecDeque;
use std::io::BufRead as _;

use super::text::TextReader;
use super::{Entry, FIELD_BYTES_MAX, Page, Part, bank_code_of, truncated, unreadable};
use crate::feed::reject::FileFault;
use crate::money::parse_fen;

/// What an entry is, by its transaction type (the three characters behind `N`, `F` or `S`). Others are unknown.
const KINDS: [(&str, &str); 8] = [
    ("TRF", "TRANSFER"),
    ("STO", "TRANSFER"),
    ("CHG", "FEE"),
    ("COM", "FEE"),
    ("INT", "INTEREST"),
    ("FEX", "FX"),
    ("BOE", "BILL"),
    ("SAL", "PAYROLL"),
];

/// Reads one file.
pub(super) struct Reader {
    text: TextReader,
    line: Vec<u8>,
    /// The field that is read: its tag, and its lines.
    field: Option<(String, String)>,
    /// A message begins only outside of one.
    within: bool,
    currency: String,
    /// The last statement line, which `:86:` may tell more of.
    entry: Option<Entry>,
    closed: bool,
    queue: VecDeque<Part>,
    begun: bool,
    ended: bool,
}

impl Iterator for Reader {
    type Item = Result<Part, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(part) = self.queue.pop_front() {
                return Some(Ok(part));
            }
            if self.ended {
                return None;
            }
            if let Err(fault) = self.step() {
                self.ended = true;
                return Some(Err(fault));
            }
        }
    }
}

impl Reader {
    /// A reader of this text.
    pub(super) fn new(text: TextReader) -> Reader {
        Reader {
            text,
            line: Vec::new(),
            field: None,
            within: false,
            currency: String::new(),
            entry: None,
            closed: false,
            queue: VecDeque::new(),
            begun: false,
            ended: false,
        }
    }

    /// Takes one line.
    fn step(&mut self) -> Result<(), FileFault> {
        self.text.begin_field();
        self.line.clear();
        let read = self.text.read_until(b'\n', &mut self.line);
        let read = read.map_err(|_| self.text.take_fault().unwrap_or_else(truncated))?;
        if read == 0 {
            self.end_field()?;
            self.end_message()?;
            self.ended = true;
            return if self.begun { Ok(()) } else { Err(unreadable("it holds no statement (:20:)")) };
        }
        let line = std::mem::take(&mut self.line);
        let text = std::str::from_utf8(&line).map_err(|_| unreadable("a line is not text"))?;
        let taken = self.take_line(text.trim_end_matches(['\r', '\n']));
        self.line = line;
        taken
    }

    fn take_line(&mut self, line: &str) -> Result<(), FileFault> {
        // What an envelope holds before the text block is for the network.
        let line = match line.split_once("{4:") {
            Some((envelope, rest)) if envelope.starts_with('{') || envelope.trim().is_empty() => rest,
            _ => line,
        };
        if line.is_empty() || line.starts_with('{') {
            return Ok(());
        }
        if line == "-" || line.starts_with("-}") {
            self.end_field()?;
            return self.end_message();
        }
        if let Some((tag, rest)) = tag_of(line) {
            self.end_field()?;
            self.field = Some((tag.to_string(), rest.to_string()));
            return Ok(());
        }
        let Some((_, text)) = &mut self.field else {
            return Err(unreadable("a line stands outside of any field; is this MT940?"));
        };
        if text.len() + line.len() > FIELD_BYTES_MAX {
            return Err(unreadable("a field is longer than 64 KiB; is this a statement?"));
        }
        text.push('\n');
        text.push_str(line);
        Ok(())
    }

    fn end_field(&mut self) -> Result<(), FileFault> {
        let Some((tag, text)) = self.field.take() else { return Ok(()) };
        if tag == "20" {
            self.end_message()?;
            (self.within, self.begun, self.closed) = (true, true, false);
            self.queue.push_back(Part::Begin);
            return Ok(());
        }
        if !self.within {
            return Err(unreadable("a field stands before any `:20:`; is this MT940?"));
        }
        match tag.as_str() {
            "25" | "25P" => self.queue.push_back(Part::Account(account_of(&text))),
            "60F" | "60M" => {
                let (fen, currency) = balance_of(&text);
                self.currency = currency;
                self.queue.push_back(Part::Opening(fen, page_of(&tag)));
            }
            "61" => {
                self.end_entry();
                let line = statement_line(&text, &self.currency);
                match line.ok_or_else(|| unreadable("a statement line (:61:) is not of the form"))? {
                    Line::Booked(entry) => self.entry = Some(*entry),
                    Line::Expected => self.queue.push_back(Part::Pending),
                }
            }
            "86" => {
                if let Some(entry) = &mut self.entry {
                    inform(entry, &text);
                    self.end_entry();
                }
            }
            "62F" | "62M" => {
                self.end_entry();
                self.closed = true;
                self.queue.push_back(Part::Closing(balance_of(&text).0, page_of(&tag)));
            }
            _ => {}
        }
        Ok(())
    }

    fn end_entry(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.queue.push_back(Part::Entries(vec![entry]));
        }
    }

    fn end_message(&mut self) -> Result<(), FileFault> {
        if !self.within {
            return Ok(());
        }
        self.end_entry();
        self.within = false;
        // The closing balance is mandatory and comes after the entries: without it, the message was cut.
        if !self.closed {
            return Err(truncated());
        }
        self.queue.push_back(Part::End);
        Ok(())
    }
}

/// The tag that a line begins with, as `61` of `:61:..`, and the rest.
fn tag_of(line: &str) -> Option<(&str, &str)> {
    let (tag, rest) = line.strip_prefix(':')?.split_once(':')?;
    let (digits, letter) = tag.split_at_checked(2)?;
    let is_tag = digits.bytes().all(|b| b.is_ascii_digit())
        && letter.len() <= 1
        && letter.bytes().all(|b| b.is_ascii_uppercase());
    is_tag.then_some((tag, rest))
}

fn page_of(tag: &str) -> Page {
    if tag.ends_with('M') { Page::Between } else { Page::Whole }
}

/// The account of `:25:`: what stands behind the last slash, where a bank's own code stands before it.
fn account_of(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    line.rsplit('/').next().unwrap_or(line).trim().to_string()
}

/// The amount of `D231231CNY12,34` in fen, debit below zero, and its currency.
fn balance_of(text: &str) -> (Option<i64>, String) {
    let text = text.trim();
    let (Some(sign), Some(currency), Some(amount)) = (text.get(..1), text.get(7..10), text.get(10..)) else {
        return (None, String::new());
    };
    let fen = parse_fen(&point(amount)).filter(|fen| *fen >= 0);
    let fen = match sign {
        "C" => fen,
        "D" => fen.map(|fen| -fen),
        _ => None,
    };
    (fen, currency.to_string())
}

/// An amount with a decimal comma in the feed's form: `12,` is 12, `12,5` is 12.5.
fn point(amount: &str) -> String {
    amount.strip_suffix(',').map_or_else(|| amount.replacen(',', ".", 1), str::to_string)
}

/// What a statement line tells.
enum Line {
    Booked(Box<Entry>),
    /// `EC` and `ED`: an entry that is not booked yet.
    Expected,
}

/// `YYMMDD[MMDD]{C|D|RC|RD}[letter]amount,type reference[//servicer's reference]`, and on a line of its own details.
fn statement_line(text: &str, currency: &str) -> Option<Line> {
    let (line, details) = text.split_once('\n').unwrap_or((text, ""));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (value, rest) = line.split_at_checked(6).filter(|(date, _)| is_digits(date))?;
    let (entry_day, rest) = match rest.split_at_checked(4).filter(|(day, _)| is_digits(day)) {
        Some((day, rest)) => (Some(day), rest),
        None => (None, rest),
    };
    if rest.starts_with("EC") || rest.starts_with("ED") {
        return Some(Line::Expected);
    }
    let marks = [("RC", false, true), ("RD", true, true), ("C", true, false), ("D", false, false)];
    let (rest, is_credit, is_reversal) = marks
        .iter()
        .find_map(|(mark, is_credit, is_reversal)| Some((rest.strip_prefix(mark)?, *is_credit, *is_reversal)))?;
    // The third character of the currency may stand before the amount.
    let rest = rest.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(rest);
    let amount = &rest[..rest.find(|c: char| !c.is_ascii_digit() && c != ',')?];
    let (code, references) = rest[amount.len()..].split_at_checked(4)?;
    let (_, servicer) = references.split_once("//").unwrap_or((references, ""));
    let reference = Some(servicer.trim()).filter(|text| !matches!(*text, "" | "NONREF" | "NOTPROVIDED"));
    let kind =
        code.get(1..).and_then(|code| KINDS.iter().find(|(known, _)| *known == code)).map_or("", |(_, kind)| *kind);
    Some(Line::Booked(Box::new(Entry {
        reference: reference.unwrap_or_default().to_string(),
        booked_at: booked_on(value, entry_day),
        is_credit,
        is_reversal,
        amount: point(amount),
        currency: currency.to_string(),
        kind,
        summary: details.trim().to_string(),
        ..Entry::default()
    })))
}

/// The day of booking as `YYYY-MM-DD`: the entry date, of the year that brings it nearest to the value date. Years from 70
/// on are 19yy, as in mappings. What is no date stays a text that the checks refuse.
fn booked_on(value: &str, entry_day: Option<&str>) -> String {
    let year: i32 = value[..2].parse().unwrap_or(0);
    let year = if year >= 70 { 1900 + year } else { 2000 + year };
    let Some(day) = entry_day else { return format!("{year}-{}-{}", &value[2..4], &value[4..6]) };
    let (value_month, month): (i32, i32) = (value[2..4].parse().unwrap_or(0), day[..2].parse().unwrap_or(0));
    let year = match month - value_month {
        ..=-7 => year + 1,
        7.. => year - 1,
        _ => year,
    };
    format!("{year}-{}-{}", &day[..2], &day[2..4])
}

/// Adds what `:86:` tells: sub-fields `?20` to `?63`, words between slashes, or a free text.
fn inform(entry: &mut Entry, text: &str) {
    let flat: String = text.replace('\n', "");
    let fields = flat.find('?').map(|at| &flat[at..]).filter(|fields| subfields(fields).next().is_some());
    if let Some(fields) = fields {
        let (mut remark, mut name) = (String::new(), String::new());
        for (number, value) in subfields(fields) {
            match number {
                0 => entry.summary = value.trim().to_string(),
                20..=29 | 60..=63 => remark.push_str(value),
                30 => entry.bank = bank_code_of(value),
                31 | 38 if entry.account.is_empty() => entry.account = value.trim().to_string(),
                32 | 33 => name.push_str(value),
                _ => {}
            }
        }
        (entry.remark, entry.name) = (remark.trim().to_string(), name.trim().to_string());
        return;
    }
    if flat.starts_with('/') && words(&flat).next().is_some() {
        for (word, value) in words(&flat) {
            match word {
                "NAME" => entry.name = value.to_string(),
                "ACCT" | "IBAN" => entry.account = value.to_string(),
                "REMI" => entry.remark = value.to_string(),
                "TRTP" => entry.summary = value.to_string(),
                _ => {}
            }
        }
        return;
    }
    let text = text.replace('\n', " ").trim().to_string();
    match entry.summary.is_empty() {
        true => entry.summary = text,
        false => entry.remark = text,
    }
}

/// `?20value?21value`: numbers and values.
fn subfields(text: &str) -> impl Iterator<Item = (u8, &str)> {
    text.split('?').skip(1).filter_map(|field| {
        let (number, value) = field.split_at_checked(2)?;
        Some((number.parse().ok()?, value))
    })
}

/// `/NAME/value/REMI/value`: known words and values; a slash within a value does not end it.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    const WORDS: [&str; 12] =
        ["NAME", "ACCT", "IBAN", "REMI", "TRTP", "EREF", "BENM", "ORDP", "ISDT", "CSID", "MARF", "BIC"];
    let mut starts: Vec<(usize, &str)> = Vec::new();
    for word in WORDS {
        let mark = format!("/{word}/");
        starts.extend(text.match_indices(&mark).map(|(at, _)| (at, word)));
    }
    starts.sort_unstable();
    let ends: Vec<usize> = starts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]).collect();
    starts.into_iter().zip(ends).map(move |((at, word), end)| {
        let value = text.get(at + word.len() + 2..end.max(at + word.len() + 2)).unwrap_or_default();
        (word, value.trim_matches('/').trim())
    })
}
