//! camt.053, the ISO 20022 bank to customer statement: XML events to statement parts.
//!
//! Owns: which elements become which of an entry's texts. Elements are known by their local names, so every version and
//! namespace of the message reads alike. Does not own: XML itself (`quick-xml`), balances and identifiers
//! ([`super`]). A document type is refused, so no entity but XML's five and characters by number is ever expanded.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::text::TextReader;
use super::{Entry, FIELD_BYTES_MAX, Page, Part, bank_code_of, truncated, unreadable, uscc_of};
use crate::feed::reject::FileFault;
use crate::money::parse_fen;

/// Elements within each other.
const DEPTH_MAX: usize = 40;

/// Transactions of one entry.
const DETAILS_MAX: usize = 65_536;

/// Text of one entry in all its transactions, and what its rows repeat of it.
const ENTRY_BYTES_MAX: usize = 16 << 20;

/// Balances of a statement.
const BALANCES_MAX: usize = 64;

/// What a file may declare; which of them it is in is told by its bytes.
const ENCODINGS: [&str; 6] = ["utf-8", "utf8", "us-ascii", "gb18030", "gbk", "gb2312"];

/// The message inside `Document`.
const MESSAGE: &str = "BkToCstmrStmt";

/// Depth of `Stmt`: Document, BkToCstmrStmt, Stmt.
const STATEMENT_DEPTH: usize = 3;

/// What an entry is, by the parts of its bank transaction code (`Domn/Cd`, `Fmly/Cd`, `Fmly/SubFmlyCd`); `*` is any. The
/// first line that fits decides, and where none does the kind is unknown.
const KINDS: [([&str; 3], &str); 20] = [
    (["*", "*", "SALA"], "PAYROLL"),
    (["*", "*", "INTR"], "INTEREST"),
    (["*", "*", "CHRG"], "FEE"),
    (["*", "*", "FEES"], "FEE"),
    (["*", "*", "COMM"], "FEE"),
    (["*", "*", "TAXE"], "TAX"),
    (["PMNT", "CNTR", "CDPT"], "CASH_DEPOSIT"),
    (["PMNT", "CNTR", "CWDL"], "CASH_WITHDRAWAL"),
    (["PMNT", "CCRD", "CDPT"], "CASH_DEPOSIT"),
    (["PMNT", "CCRD", "CWDL"], "CASH_WITHDRAWAL"),
    (["PMNT", "MCRD", "*"], "MERCHANT_SETTLEMENT"),
    (["PMNT", "DRFT", "*"], "BILL"),
    (["PMNT", "RCDT", "*"], "TRANSFER"),
    (["PMNT", "ICDT", "*"], "TRANSFER"),
    (["PMNT", "RRCT", "*"], "TRANSFER"),
    (["PMNT", "IRCT", "*"], "TRANSFER"),
    (["LDAS", "*", "DDWN"], "LOAN_DISBURSEMENT"),
    (["LDAS", "*", "RPMT"], "LOAN_REPAYMENT"),
    (["LDAS", "*", "PPAY"], "LOAN_REPAYMENT"),
    (["FORX", "*", "*"], "FX"),
];

/// Reads one file.
pub(super) struct Reader {
    xml: quick_xml::Reader<TextReader>,
    buffer: Vec<u8>,
    /// Local names of the open elements, outermost first.
    path: Vec<String>,
    /// Text of the innermost one so far.
    text: String,
    balance: Balance,
    balances: Vec<Balance>,
    /// The statement's opening balance was told.
    is_open: bool,
    entry: Draft,
    /// Bytes of text in the entry so far.
    entry_bytes: usize,
    queue: VecDeque<Part>,
    /// A statement came.
    begun: bool,
    ended: bool,
}

/// A `Bal` element.
#[derive(Clone, Default)]
struct Balance {
    code: String,
    amount: String,
    is_debit: bool,
}

impl Balance {
    fn fen(&self) -> Option<i64> {
        parse_fen(&self.amount).map(|fen| if self.is_debit { -fen } else { fen })
    }
}

/// An `Ntry` element while it is read.
#[derive(Default)]
struct Draft {
    entry: Entry,
    status: String,
    value_date: String,
    /// Domain, family, sub-family.
    code: [String; 3],
    details: Vec<Detail>,
}

/// A `TxDtls` element, or what an entry tells of its parties.
#[derive(Clone, Default)]
struct Detail {
    reference: String,
    amount: String,
    credit_or_debit: String,
    debtor: Party,
    creditor: Party,
    remark: String,
    summary: String,
}

#[derive(Clone, Default)]
struct Party {
    name: String,
    account: String,
    bank: String,
    uscc: String,
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
            match self.step() {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => self.ended = true,
                Err(fault) => {
                    self.ended = true;
                    return Some(Err(fault));
                }
            }
        }
    }
}

impl Reader {
    /// A reader of this text.
    pub(super) fn new(text: TextReader) -> Reader {
        let mut xml = quick_xml::Reader::from_reader(text);
        xml.config_mut().expand_empty_elements = true;
        Reader {
            xml,
            buffer: Vec::new(),
            path: Vec::new(),
            text: String::new(),
            balance: Balance::default(),
            balances: Vec::new(),
            is_open: false,
            entry: Draft::default(),
            entry_bytes: 0,
            queue: VecDeque::new(),
            begun: false,
            ended: false,
        }
    }

    /// Takes one event.
    fn step(&mut self) -> Result<ControlFlow<()>, FileFault> {
        self.xml.get_mut().begin_field();
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let event = self.xml.read_event_into(&mut buffer);
        let flow = match event {
            Ok(Event::Start(start)) => self.start(&start),
            Ok(Event::End(_)) => self.end(),
            Ok(Event::Text(text)) => self.add_text(&text.xml10_content()),
            Ok(Event::CData(text)) => self.add_text(&text.xml10_content()),
            Ok(Event::GeneralRef(reference)) => self.add_reference(&reference),
            Ok(Event::Decl(declaration)) => match declaration.encoding() {
                Some(Ok(encoding)) if !ENCODINGS.contains(&encoding.to_lowercase().as_str()) => {
                    Err(unreadable("it declares an encoding that is neither UTF-8 nor GB18030"))
                }
                _ => Ok(ControlFlow::Continue(())),
            },
            Ok(Event::DocType(_)) => Err(unreadable("a document type (DOCTYPE) is not accepted")),
            Ok(Event::Eof) if !self.path.is_empty() => Err(truncated()),
            Ok(Event::Eof) if !self.begun => Err(unreadable("it holds no statement (BkToCstmrStmt/Stmt)")),
            Ok(Event::Eof) => Ok(ControlFlow::Break(())),
            Ok(_) => Ok(ControlFlow::Continue(())),
            Err(error) => Err(self.fault(&error)),
        };
        self.buffer = buffer;
        flow
    }

    /// The error's own text may quote the file, so it is not told.
    fn fault(&mut self, error: &quick_xml::Error) -> FileFault {
        let cut = matches!(error, quick_xml::Error::Syntax(_)) && self.xml.get_mut().is_at_end();
        match self.xml.get_mut().take_fault() {
            Some(fault) => fault,
            None if cut => truncated(),
            None => unreadable("it is not well-formed XML"),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<ControlFlow<()>, FileFault> {
        let name = start.local_name();
        let name = name.as_ref();
        if self.path.len() >= DEPTH_MAX {
            return Err(unreadable("its elements are nested too deeply"));
        }
        match (self.path.len(), name) {
            (1, MESSAGE) => {}
            (1, other) => {
                let other: String = other.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
                return Err(unreadable(format!("a message `{other}`; camt.053 ({MESSAGE}) is what is read")));
            }
            (2, "Stmt") => {
                (self.begun, self.is_open) = (true, false);
                self.balances.clear();
                self.queue.push_back(Part::Begin);
            }
            (STATEMENT_DEPTH, "Bal") if self.balances.len() >= BALANCES_MAX => {
                return Err(unreadable("a statement with more than 64 balances"));
            }
            (STATEMENT_DEPTH, "Bal") => self.balance = Balance::default(),
            (STATEMENT_DEPTH, "Ntry") => {
                self.tell_opening();
                (self.entry, self.entry_bytes) = (Draft::default(), 0);
            }
            (5, "TxDtls") => {
                if self.entry.details.len() >= DETAILS_MAX {
                    return Err(unreadable("an entry with more than 65,536 transactions"));
                }
                self.entry.details.push(Detail::default());
            }
            (4, "Amt") if self.path.last().is_some_and(|parent| parent == "Ntry") => {
                let currency = start.try_get_attribute("Ccy").ok().flatten();
                let currency = currency.and_then(|currency| currency.normalized_value(XmlVersion::Implicit1_0).ok());
                self.entry.entry.currency = currency.unwrap_or_default().trim().to_string();
            }
            _ => {}
        }
        self.path.push(name.to_string());
        self.text.clear();
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self) -> Result<ControlFlow<()>, FileFault> {
        let text = std::mem::take(&mut self.text);
        if self.path.len() > STATEMENT_DEPTH && self.path[2] == "Stmt" {
            let inside: Vec<&str> = self.path[STATEMENT_DEPTH..].iter().map(String::as_str).collect();
            match inside.as_slice() {
                ["Acct", "Id", "IBAN"] | ["Acct", "Id", "Othr", "Id"] => {
                    self.queue.push_back(Part::Account(text.trim().to_string()));
                }
                ["Bal"] => self.balances.push(std::mem::take(&mut self.balance)),
                ["Bal", rest @ ..] => self.balance.set(rest, text.trim()),
                ["Ntry"] => {
                    let part = std::mem::take(&mut self.entry).finish();
                    self.queue.push_back(part.ok_or_else(too_large)?);
                }
                ["Ntry", rest @ ..] => {
                    self.entry_bytes += text.len();
                    if self.entry_bytes > ENTRY_BYTES_MAX {
                        return Err(too_large());
                    }
                    self.entry.set(rest, text.trim());
                }
                _ => {}
            }
        } else if self.path.len() == STATEMENT_DEPTH && self.path[2] == "Stmt" {
            self.tell_opening();
            self.tell_closing();
            self.queue.push_back(Part::End);
        }
        self.path.pop();
        Ok(ControlFlow::Continue(()))
    }

    fn add_text(&mut self, text: &str) -> Result<ControlFlow<()>, FileFault> {
        if self.text.len() + text.len() > FIELD_BYTES_MAX {
            return Err(unreadable("a field is longer than 64 KiB; is this a statement?"));
        }
        self.text.push_str(text);
        Ok(ControlFlow::Continue(()))
    }

    fn add_reference(&mut self, reference: &BytesRef<'_>) -> Result<ControlFlow<()>, FileFault> {
        let unknown = || unreadable("an entity that XML itself does not define");
        if let Some(character) = reference.resolve_char_ref().map_err(|_| unknown())? {
            return self.add_text(character.encode_utf8(&mut [0; 4]));
        }
        let name = reference.xml10_content();
        self.add_text(quick_xml::escape::resolve_xml_entity(&name).ok_or_else(unknown)?)
    }

    /// Tells the opening balance once, before the first entry: balances come before entries.
    fn tell_opening(&mut self) {
        if std::mem::replace(&mut self.is_open, true) {
            return;
        }
        let of = |codes: &[&str]| self.balances.iter().position(|balance| codes.contains(&balance.code.as_str()));
        // A page of a statement that was divided may have interim balances alone: the first of them opens it.
        let (at, page) = match of(&["OPBD"]).or(of(&["PRCD"])) {
            Some(at) => (Some(at), Page::Whole),
            None => (of(&["ITBD"]), Page::Between),
        };
        if let Some(at) = at {
            self.queue.push_back(Part::Opening(self.balances.remove(at).fen(), page));
        }
    }

    fn tell_closing(&mut self) {
        let of = |code: &str| self.balances.iter().rposition(|balance| balance.code == code);
        let (at, page) = match of("CLBD") {
            Some(at) => (Some(at), Page::Whole),
            None => (of("ITBD"), Page::Between),
        };
        if let Some(at) = at {
            self.queue.push_back(Part::Closing(self.balances[at].fen(), page));
        }
    }
}

impl Balance {
    fn set(&mut self, path: &[&str], text: &str) {
        match path {
            ["Tp", "CdOrPrtry", "Cd"] => self.code = text.to_string(),
            ["Amt"] => self.amount = text.to_string(),
            ["CdtDbtInd"] => self.is_debit = text == "DBIT",
            _ => {}
        }
    }
}

impl Draft {
    fn set(&mut self, path: &[&str], text: &str) {
        let entry = &mut self.entry;
        match path {
            ["Amt"] => entry.amount = text.to_string(),
            ["CdtDbtInd"] => entry.is_credit = text == "CRDT",
            ["RvslInd"] => entry.is_reversal = matches!(text, "true" | "1"),
            ["Sts"] | ["Sts", "Cd"] if !text.is_empty() => self.status = text.to_string(),
            ["BookgDt", "DtTm"] => entry.booked_at = text.to_string(),
            // A date may carry a zone, which a day has no use for.
            ["BookgDt", "Dt"] => entry.booked_at = text.get(..10).unwrap_or(text).to_string(),
            ["ValDt", "Dt" | "DtTm"] => self.value_date = text.get(..10).unwrap_or(text).to_string(),
            ["AcctSvcrRef"] => entry.reference = text.to_string(),
            ["AddtlNtryInf"] => entry.summary = text.to_string(),
            ["BkTxCd", "Domn", "Cd"] => self.code[0] = text.to_string(),
            ["BkTxCd", "Domn", "Fmly", "Cd"] => self.code[1] = text.to_string(),
            ["BkTxCd", "Domn", "Fmly", "SubFmlyCd"] => self.code[2] = text.to_string(),
            ["NtryDtls", "TxDtls", rest @ ..] => {
                if let Some(detail) = self.details.last_mut() {
                    detail.set(rest, text);
                }
            }
            _ => {}
        }
    }

    /// The rows of the entry: one, or one a transaction where the transactions' amounts make up the entry's. `None` where
    /// they would repeat too much of its text.
    fn finish(mut self) -> Option<Part> {
        if matches!(self.status.as_str(), "PDNG" | "INFO" | "FUTR") {
            return Some(Part::Pending);
        }
        let entry = &mut self.entry;
        if entry.booked_at.is_empty() {
            entry.booked_at = std::mem::take(&mut self.value_date);
        }
        entry.kind = kind_of(&self.code);
        match self.details.as_slice() {
            [] => {}
            [detail] => detail.tell(entry),
            details if make_up(details, entry) => {
                let repeated =
                    entry.summary.len() + entry.reference.len() + entry.booked_at.len() + entry.currency.len();
                (repeated.saturating_mul(details.len()) <= ENTRY_BYTES_MAX).then_some(())?;
                let row = |(detail, number): (&Detail, usize)| {
                    let mut row = entry.clone();
                    row.amount.clone_from(&detail.amount);
                    if !row.reference.is_empty() {
                        row.reference = format!("{}/{number}", row.reference);
                    }
                    detail.tell(&mut row);
                    row
                };
                return Some(Part::Entries(details.iter().zip(1..).map(row).collect()));
            }
            // Who of them had which part of the amount is not told, so the entry has no counterparty.
            _ => {}
        }
        Some(Part::Entries(vec![self.entry]))
    }
}

fn too_large() -> FileFault {
    unreadable("an entry of more than 16 MiB")
}

/// Whether the transactions go the entry's way and add up to its amount.
fn make_up(details: &[Detail], entry: &Entry) -> bool {
    let way = if entry.is_credit { "CRDT" } else { "DBIT" };
    let same_way = details.iter().all(|d| d.credit_or_debit.is_empty() || d.credit_or_debit == way);
    let sum = details
        .iter()
        .try_fold(0_i64, |sum, detail| sum.checked_add(parse_fen(&detail.amount).filter(|fen| *fen >= 0)?));
    same_way && sum.is_some() && sum == parse_fen(&entry.amount)
}

impl Detail {
    fn set(&mut self, path: &[&str], text: &str) {
        match path {
            ["Refs", "AcctSvcrRef"] => self.reference = text.to_string(),
            ["Amt"] => self.amount = text.to_string(),
            ["AmtDtls", "TxAmt", "Amt"] if self.amount.is_empty() => self.amount = text.to_string(),
            ["CdtDbtInd"] => self.credit_or_debit = text.to_string(),
            ["RltdPties", "DbtrAcct", "Id", "IBAN"] | ["RltdPties", "DbtrAcct", "Id", "Othr", "Id"] => {
                self.debtor.account = text.to_string();
            }
            ["RltdPties", "CdtrAcct", "Id", "IBAN"] | ["RltdPties", "CdtrAcct", "Id", "Othr", "Id"] => {
                self.creditor.account = text.to_string();
            }
            // The layout of older versions, and the one that puts parties under `Pty`.
            ["RltdPties", "Dbtr", "Pty", rest @ ..] | ["RltdPties", "Dbtr", rest @ ..] => self.debtor.set(rest, text),
            ["RltdPties", "Cdtr", "Pty", rest @ ..] | ["RltdPties", "Cdtr", rest @ ..] => self.creditor.set(rest, text),
            ["RltdAgts", "DbtrAgt", "FinInstnId", "ClrSysMmbId", "MmbId"] => self.debtor.bank = bank_code_of(text),
            ["RltdAgts", "CdtrAgt", "FinInstnId", "ClrSysMmbId", "MmbId"] => self.creditor.bank = bank_code_of(text),
            ["RmtInf", "Ustrd"] => {
                if !self.remark.is_empty() {
                    self.remark.push(' ');
                }
                self.remark.push_str(text);
            }
            ["AddtlTxInf"] => self.summary = text.to_string(),
            _ => {}
        }
    }

    /// Tells the row what the transaction knows of it: the counterparty is the debtor of what came in, the creditor of
    /// what went out.
    fn tell(&self, row: &mut Entry) {
        let party = if row.is_in() { &self.debtor } else { &self.creditor };
        row.name.clone_from(&party.name);
        row.account.clone_from(&party.account);
        row.bank.clone_from(&party.bank);
        row.uscc.clone_from(&party.uscc);
        row.remark.clone_from(&self.remark);
        if row.summary.is_empty() {
            row.summary.clone_from(&self.summary);
        }
        if row.reference.is_empty() {
            row.reference.clone_from(&self.reference);
        }
    }
}

impl Party {
    fn set(&mut self, path: &[&str], text: &str) {
        match path {
            ["Nm"] => self.name = text.to_string(),
            ["Id", "OrgId", "Othr", "Id"] => {
                if let Some(uscc) = uscc_of(text) {
                    self.uscc = uscc;
                }
            }
            _ => {}
        }
    }
}

fn kind_of(code: &[String; 3]) -> &'static str {
    let fits = |pattern: &[&str; 3]| pattern.iter().zip(code).all(|(part, code)| *part == "*" || part == code);
    let is_told = code.iter().any(|part| !part.is_empty());
    KINDS.iter().find(|(pattern, _)| is_told && fits(pattern)).map_or("", |(_, kind)| *kind)
}
