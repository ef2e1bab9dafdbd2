//! camt.053, the ISO 20022 bank to customer statement: from XML to statement events.
//!
//! Owns: which elements become which texts of an entry. Elements are matched by their local names, so all versions and
//! namespaces of the message read alike. Does not own: XML (`quick-xml`), balances and identifiers ([`super`]). A document
//! type is refused, so no entities but the five of XML and character references are expanded.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::event::{BalanceScope, Entry, StatementEvent, bank_code_of, uscc_of};
use super::text::StatementText;
use super::{FIELD_BYTES_MAX, truncated, unreadable};
use crate::feed::reject::FileFault;
use crate::money::parse_fen;

/// The deepest nesting of elements.
const DEPTH_MAX: usize = 40;

/// The most transactions of an entry.
const DETAILS_MAX: usize = 65_536;

/// The most text of an entry with its transactions, and of the copies in its rows.
const ENTRY_BYTES_MAX: usize = 16 << 20;

/// The most balances of a statement.
const BALANCES_MAX: usize = 64;

/// The encodings that a file may declare. Its actual encoding is detected from its bytes.
const ENCODINGS: [&str; 6] = ["utf-8", "utf8", "us-ascii", "gb18030", "gbk", "gb2312"];

/// The element of the message within `Document`.
const MESSAGE: &str = "BkToCstmrStmt";

/// The depth of `Stmt`: Document, BkToCstmrStmt, Stmt.
const STATEMENT_DEPTH: usize = 3;

/// The kind of an entry by the parts of its bank transaction code (`Domn/Cd`, `Fmly/Cd`, `Fmly/SubFmlyCd`); `*` is any
/// code. The first line that fits decides; an entry that none fits has no kind.
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
pub(super) struct CamtReader {
    xml: quick_xml::Reader<StatementText>,
    buffer: Vec<u8>,
    /// Local names of the open elements, outermost first.
    path: Vec<String>,
    /// Text of the innermost one so far.
    text: String,
    balance: Balance,
    balances: Vec<Balance>,
    /// The opening balance of the statement was given.
    is_open: bool,
    entry: EntryDraft,
    /// Bytes of text in the entry so far.
    entry_bytes: usize,
    queue: VecDeque<StatementEvent>,
    /// Whether the file holds a statement.
    has_begun: bool,
    is_ended: bool,
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
struct EntryDraft {
    entry: Entry,
    status: String,
    value_date: String,
    /// Domain, family, sub-family.
    code: [String; 3],
    details: Vec<TransactionDetail>,
}

/// A `TxDtls` element.
#[derive(Clone, Default)]
struct TransactionDetail {
    reference: String,
    amount: String,
    credit_or_debit: String,
    debtor: Party,
    creditor: Party,
    remark: String,
    summary: String,
}

/// A party of a transaction.
#[derive(Clone, Default)]
struct Party {
    name: String,
    account: String,
    bank: String,
    uscc: String,
}

impl Iterator for CamtReader {
    type Item = Result<StatementEvent, FileFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(Ok(event));
            }
            if self.is_ended {
                return None;
            }
            match self.step() {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => self.is_ended = true,
                Err(fault) => {
                    self.is_ended = true;
                    return Some(Err(fault));
                }
            }
        }
    }
}

impl CamtReader {
    /// A reader of this text.
    pub(super) fn new(text: StatementText) -> CamtReader {
        let mut xml = quick_xml::Reader::from_reader(text);
        xml.config_mut().expand_empty_elements = true;
        CamtReader {
            xml,
            buffer: Vec::new(),
            path: Vec::new(),
            text: String::new(),
            balance: Balance::default(),
            balances: Vec::new(),
            is_open: false,
            entry: EntryDraft::default(),
            entry_bytes: 0,
            queue: VecDeque::new(),
            has_begun: false,
            is_ended: false,
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
            Ok(Event::Eof) if !self.has_begun => Err(unreadable("it holds no statement (BkToCstmrStmt/Stmt)")),
            Ok(Event::Eof) => Ok(ControlFlow::Break(())),
            Ok(_) => Ok(ControlFlow::Continue(())),
            Err(error) => Err(self.fault(&error)),
        };
        self.buffer = buffer;
        flow
    }

    /// The fault of an XML error, whose own text may quote the file and is left out.
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
                (self.has_begun, self.is_open) = (true, false);
                self.balances.clear();
                self.queue.push_back(StatementEvent::Begin);
            }
            (STATEMENT_DEPTH, "Bal") if self.balances.len() >= BALANCES_MAX => {
                return Err(unreadable("a statement with more than 64 balances"));
            }
            (STATEMENT_DEPTH, "Bal") => self.balance = Balance::default(),
            (STATEMENT_DEPTH, "Ntry") => {
                self.push_opening();
                (self.entry, self.entry_bytes) = (EntryDraft::default(), 0);
            }
            (5, "TxDtls") => {
                if self.entry.details.len() >= DETAILS_MAX {
                    return Err(unreadable("an entry with more than 65,536 transactions"));
                }
                self.entry.details.push(TransactionDetail::default());
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
                    self.queue.push_back(StatementEvent::Account(text.trim().to_string()));
                }
                ["Bal"] => self.balances.push(std::mem::take(&mut self.balance)),
                ["Bal", rest @ ..] => self.balance.set(rest, text.trim()),
                ["Ntry"] => {
                    let event = std::mem::take(&mut self.entry).finish();
                    self.queue.push_back(event.ok_or_else(too_large)?);
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
            self.push_opening();
            self.push_closing();
            self.queue.push_back(StatementEvent::End);
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

    /// Gives the opening balance once, before the first entry: balances come before entries.
    fn push_opening(&mut self) {
        if std::mem::replace(&mut self.is_open, true) {
            return;
        }
        let of = |codes: &[&str]| self.balances.iter().position(|balance| codes.contains(&balance.code.as_str()));
        // A page of a divided statement may have only interim balances, of which the first opens it.
        let (at, page) = match of(&["OPBD"]).or(of(&["PRCD"])) {
            Some(at) => (Some(at), BalanceScope::Statement),
            None => (of(&["ITBD"]), BalanceScope::Page),
        };
        if let Some(at) = at {
            self.queue.push_back(StatementEvent::Opening(self.balances.remove(at).fen(), page));
        }
    }

    /// Gives the closing balance.
    fn push_closing(&mut self) {
        let of = |code: &str| self.balances.iter().rposition(|balance| balance.code == code);
        let (at, page) = match of("CLBD") {
            Some(at) => (Some(at), BalanceScope::Statement),
            None => (of("ITBD"), BalanceScope::Page),
        };
        if let Some(at) = at {
            self.queue.push_back(StatementEvent::Closing(self.balances[at].fen(), page));
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

impl EntryDraft {
    fn set(&mut self, path: &[&str], text: &str) {
        let entry = &mut self.entry;
        match path {
            ["Amt"] => entry.amount = text.to_string(),
            ["CdtDbtInd"] => entry.is_credit = text == "CRDT",
            ["RvslInd"] => entry.is_reversal = matches!(text, "true" | "1"),
            ["Sts"] | ["Sts", "Cd"] if !text.is_empty() => self.status = text.to_string(),
            ["BookgDt", "DtTm"] => entry.booked_at = text.to_string(),
            // A date may have a zone, which does not change the day.
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

    /// The rows of the entry: one for each transaction where their amounts add up to the entry's, else one. `None` where the
    /// rows would repeat too much text.
    fn finish(mut self) -> Option<StatementEvent> {
        if matches!(self.status.as_str(), "PDNG" | "INFO" | "FUTR") {
            return Some(StatementEvent::Pending);
        }
        let entry = &mut self.entry;
        if entry.booked_at.is_empty() {
            entry.booked_at = std::mem::take(&mut self.value_date);
        }
        entry.kind = kind_of(&self.code);
        match self.details.as_slice() {
            [] => {}
            [detail] => detail.apply_to(entry),
            details if add_up_to(details, entry) => {
                let repeated =
                    entry.summary.len() + entry.reference.len() + entry.booked_at.len() + entry.currency.len();
                (repeated.saturating_mul(details.len()) <= ENTRY_BYTES_MAX).then_some(())?;
                let row = |(detail, number): (&TransactionDetail, usize)| {
                    let mut row = entry.clone();
                    row.amount.clone_from(&detail.amount);
                    if !row.reference.is_empty() {
                        row.reference = format!("{}/{number}", row.reference);
                    }
                    detail.apply_to(&mut row);
                    row
                };
                return Some(StatementEvent::Entries(details.iter().zip(1..).map(row).collect()));
            }
            // The share of each transaction is unknown, so the entry has no counterparty.
            _ => {}
        }
        Some(StatementEvent::Entries(vec![self.entry]))
    }
}

fn too_large() -> FileFault {
    unreadable("an entry of more than 16 MiB")
}

/// Whether the transactions have the entry's direction and add up to its amount.
fn add_up_to(details: &[TransactionDetail], entry: &Entry) -> bool {
    let direction = if entry.is_credit { "CRDT" } else { "DBIT" };
    let is_same = details.iter().all(|d| d.credit_or_debit.is_empty() || d.credit_or_debit == direction);
    let sum = details
        .iter()
        .try_fold(0_i64, |sum, detail| sum.checked_add(parse_fen(&detail.amount).filter(|fen| *fen >= 0)?));
    is_same && sum.is_some() && sum == parse_fen(&entry.amount)
}

impl TransactionDetail {
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
            // Newer versions put parties under `Pty`.
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

    /// Sets the row's texts from the transaction. The counterparty is the debtor of money in, the creditor of money out.
    fn apply_to(&self, row: &mut Entry) {
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
    let has_code = code.iter().any(|part| !part.is_empty());
    KINDS.iter().find(|(pattern, _)| has_code && fits(pattern)).map_or("", |(_, kind)| *kind)
}
