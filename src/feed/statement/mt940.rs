//! MT940, the SWIFT customer statement message: from tagged lines to statement events.
//!
//! Owns: tags, the statement line `:61:`, the information to the account owner `:86:`. A file holds one message or several,
//! with or without their envelope (`{1:..}{2:..}{4:` and `-}`). Does not own: balances and identifiers ([`super`]).

use std::collections::VecDeque;
use std::io::BufRead as _;

use super::event::{BalanceScope, Entry, StatementEvent, bank_code_of};
use super::text::StatementText;
use super::{FIELD_BYTES_MAX, truncated, unreadable};
use crate::feed::reject::FileFault;
use crate::money::parse_fen;

/// The kind of an entry by its transaction type, the three characters behind `N`, `F` or `S`. Other types have no kind.
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
pub(super) struct Mt940Reader {
    text: StatementText,
    line: Vec<u8>,
    /// The current field: its tag and its lines.
    field: Option<(String, String)>,
    /// Whether a message has begun and not ended.
    is_within: bool,
    currency: String,
    /// The last statement line, which `:86:` may complete.
    entry: Option<Entry>,
    /// Whether the message has its closing balance.
    is_closed: bool,
    queue: VecDeque<StatementEvent>,
    /// Whether the file holds a message.
    has_begun: bool,
    is_ended: bool,
}

impl Iterator for Mt940Reader {
    type Item = Result<StatementEvent, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(Ok(event));
            }
            if self.is_ended {
                return None;
            }
            if let Err(fault) = self.step() {
                self.is_ended = true;
                return Some(Err(fault));
            }
        }
    }
}

impl Mt940Reader {
    /// A reader of this text.
    pub(super) fn new(text: StatementText) -> Mt940Reader {
        Mt940Reader {
            text,
            line: Vec::new(),
            field: None,
            is_within: false,
            currency: String::new(),
            entry: None,
            is_closed: false,
            queue: VecDeque::new(),
            has_begun: false,
            is_ended: false,
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
            self.is_ended = true;
            return if self.has_begun { Ok(()) } else { Err(unreadable("it holds no statement (:20:)")) };
        }
        let line = std::mem::take(&mut self.line);
        let text = std::str::from_utf8(&line).map_err(|_| unreadable("a line is not text"))?;
        let taken = self.take_line(text.trim_end_matches(['\r', '\n']));
        self.line = line;
        taken
    }

    fn take_line(&mut self, line: &str) -> Result<(), FileFault> {
        // The blocks of an envelope before the text block are for the network.
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
            (self.is_within, self.has_begun, self.is_closed) = (true, true, false);
            self.queue.push_back(StatementEvent::Begin);
            return Ok(());
        }
        if !self.is_within {
            return Err(unreadable("a field stands before any `:20:`; is this MT940?"));
        }
        match tag.as_str() {
            "25" | "25P" => self.queue.push_back(StatementEvent::Account(account_of(&text))),
            "60F" | "60M" => {
                let (fen, currency) = balance_of(&text);
                self.currency = currency;
                self.queue.push_back(StatementEvent::Opening(fen, scope_of(&tag)));
            }
            "61" => {
                self.end_entry();
                let line = statement_line(&text, &self.currency);
                match line.ok_or_else(|| unreadable("a statement line (:61:) is not of the form"))? {
                    StatementLine::Booked(entry) => self.entry = Some(*entry),
                    StatementLine::Expected => self.queue.push_back(StatementEvent::Pending),
                }
            }
            "86" => {
                if let Some(entry) = &mut self.entry {
                    add_information(entry, &text);
                    self.end_entry();
                }
            }
            "62F" | "62M" => {
                self.end_entry();
                self.is_closed = true;
                self.queue.push_back(StatementEvent::Closing(balance_of(&text).0, scope_of(&tag)));
            }
            _ => {}
        }
        Ok(())
    }

    fn end_entry(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.queue.push_back(StatementEvent::Entries(vec![entry]));
        }
    }

    fn end_message(&mut self) -> Result<(), FileFault> {
        if !self.is_within {
            return Ok(());
        }
        self.end_entry();
        self.is_within = false;
        // The closing balance is mandatory and follows the entries. Without it, the message was cut.
        if !self.is_closed {
            return Err(truncated());
        }
        self.queue.push_back(StatementEvent::End);
        Ok(())
    }
}

/// The tag at the start of a line, such as `61` in `:61:..`, and the rest.
fn tag_of(line: &str) -> Option<(&str, &str)> {
    let (tag, rest) = line.strip_prefix(':')?.split_once(':')?;
    let (digits, letter) = tag.split_at_checked(2)?;
    let is_tag = digits.bytes().all(|b| b.is_ascii_digit())
        && letter.len() <= 1
        && letter.bytes().all(|b| b.is_ascii_uppercase());
    is_tag.then_some((tag, rest))
}

fn scope_of(tag: &str) -> BalanceScope {
    if tag.ends_with('M') { BalanceScope::Page } else { BalanceScope::Statement }
}

/// The account of `:25:`: the text behind the last slash, since a bank code may precede it.
fn account_of(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    line.rsplit('/').next().unwrap_or(line).trim().to_string()
}

/// The balance of `D231231CNY12,34` in fen, negative for a debit, and its currency.
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

/// An amount with a decimal comma as one with a decimal point: `12,` is 12, `12,5` is 12.5.
fn point(amount: &str) -> String {
    amount.strip_suffix(',').map_or_else(|| amount.replacen(',', ".", 1), str::to_string)
}

/// A statement line.
enum StatementLine {
    Booked(Box<Entry>),
    /// An entry that is not booked yet: `EC` and `ED`.
    Expected,
}

/// `YYMMDD[MMDD]{C|D|RC|RD}[letter]amount,type reference[//servicer's reference]`, and details on a line of their own.
fn statement_line(text: &str, currency: &str) -> Option<StatementLine> {
    let (line, details) = text.split_once('\n').unwrap_or((text, ""));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (value, rest) = line.split_at_checked(6).filter(|(date, _)| is_digits(date))?;
    let (entry_day, rest) = match rest.split_at_checked(4).filter(|(day, _)| is_digits(day)) {
        Some((day, rest)) => (Some(day), rest),
        None => (None, rest),
    };
    if rest.starts_with("EC") || rest.starts_with("ED") {
        return Some(StatementLine::Expected);
    }
    let marks = [("RC", false, true), ("RD", true, true), ("C", true, false), ("D", false, false)];
    let (rest, is_credit, is_reversal) = marks
        .iter()
        .find_map(|(mark, is_credit, is_reversal)| Some((rest.strip_prefix(mark)?, *is_credit, *is_reversal)))?;
    // The third character of the currency may precede the amount.
    let rest = rest.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(rest);
    let amount = &rest[..rest.find(|c: char| !c.is_ascii_digit() && c != ',')?];
    let (code, references) = rest[amount.len()..].split_at_checked(4)?;
    let (_, servicer) = references.split_once("//").unwrap_or((references, ""));
    let reference = Some(servicer.trim()).filter(|text| !matches!(*text, "" | "NONREF" | "NOTPROVIDED"));
    let kind =
        code.get(1..).and_then(|code| KINDS.iter().find(|(known, _)| *known == code)).map_or("", |(_, kind)| *kind);
    Some(StatementLine::Booked(Box::new(Entry {
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

/// The booking date as `YYYY-MM-DD`: the entry date, in the year that brings it nearest to the value date. Years from 70
/// are 19yy, as in mappings. A text that is no date is left for the checks to refuse.
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

/// Adds the information of `:86:`: sub-fields `?20` to `?63`, words between slashes, or free text.
fn add_information(entry: &mut Entry, text: &str) {
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

/// Numbers and values of `?20value?21value`.
fn subfields(text: &str) -> impl Iterator<Item = (u8, &str)> {
    text.split('?').skip(1).filter_map(|field| {
        let (number, value) = field.split_at_checked(2)?;
        Some((number.parse().ok()?, value))
    })
}

/// Known words and values of `/NAME/value/REMI/value`. A slash within a value does not end it.
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
