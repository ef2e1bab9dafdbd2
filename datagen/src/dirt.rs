//! Dirt on demand: rows sent again, late or out of order, files sent again or out of order, bad rows; and the list of
//! what was done.
//! Owns what is sent where and in which order. The feed's transactions, labels and totals are the same with or without
//! it: a bad row is one more row, which a reader rejects.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::calendar::Month;
use crate::delivery::{Delivery, Fault};
use crate::economy::Economy;
use crate::error::Error;
use crate::identifier;
use crate::options::Format;
use crate::output::io;
use crate::random::{self, Rng};
use crate::row::{NUMBER_MAX, Row};

/// Numbers that no good row bears.
const BAD_NUMBERS_FROM: u32 = 90_000_000;

const _: () = assert!(BAD_NUMBERS_FROM > NUMBER_MAX);

/// How far behind its place a repeat or a bad row comes at most, and a row out of order.
const REPEAT_WITHIN: u32 = 20_000;
const MOVE_WITHIN: u32 = 2_000;
/// One file in so many is sent again; one has a name out of order.
const RESENT: u32 = 7;
const RENAMED: u32 = 4;

/// Why a row is listed.
#[derive(Clone, Copy)]
enum What {
    Repeat,
    LateRow,
    MovedRow,
    BadRow(Fault),
}

impl What {
    fn name(self) -> &'static str {
        match self {
            What::Repeat => "repeat",
            What::LateRow => "late_row",
            What::MovedRow => "moved_row",
            What::BadRow(_) => "bad_row",
        }
    }
}

/// Counts of what was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) repeats: u64,
    pub(crate) bad_rows: u64,
    pub(crate) max_rejects: u64,
}

/// What is done to a feed.
pub(crate) struct Dirt<'a> {
    economy: &'a Economy,
    format: Format,
    ppm: u32,
    max_rejects: u32,
    months: u32,
    rng: Rng,
    /// Rows for the next file.
    carried: Vec<(Row, What)>,
    list: Option<(PathBuf, BufWriter<File>)>,
    pub(crate) done: Done,
    // Of the file being sent.
    file: String,
    is_last: bool,
    /// Rows sent so far.
    sent: u64,
    /// Rows that are sent once as many others are.
    waiting: BTreeMap<(u64, u64), (Row, What)>,
    waited: u64,
    /// Its bad rows, those that wait included.
    bad_planned: u32,
    /// Lines about its bad rows: a file sent again has them too.
    bad_lines: Vec<String>,
}

impl<'a> Dirt<'a> {
    /// Creates `dirt.csv` in `folder` where there is dirt to list.
    pub(crate) fn create(
        economy: &'a Economy,
        format: Format,
        ppm: u32,
        max_rejects: u32,
        months: u32,
        folder: &Path,
    ) -> Result<Dirt<'a>, Error> {
        let mut dirt = Dirt {
            economy,
            format,
            ppm,
            max_rejects,
            months,
            rng: Rng::new(&[economy.seed, 0x6469_7274]),
            carried: Vec::new(),
            list: None,
            done: Done::default(),
            file: String::new(),
            is_last: false,
            sent: 0,
            waiting: BTreeMap::new(),
            waited: 0,
            bad_planned: 0,
            bad_lines: Vec::new(),
        };
        if ppm > 0 {
            let path = folder.join("dirt.csv");
            let file = BufWriter::new(File::create(&path).map_err(io(&path))?);
            dirt.list = Some((path, file));
            dirt.line("file,row,what,code,account_id,txn_id")?;
        }
        Ok(dirt)
    }

    /// Whether there is none at all.
    pub(crate) fn is_none(&self) -> bool {
        self.ppm == 0
    }

    /// Begins a month's file; its name.
    pub(crate) fn begin(&mut self, month: &Month) -> Result<String, Error> {
        let extension = self.format.name();
        let draw = random::hash(&[self.economy.seed, 0x6E61_6D65, u64::from(month.index)]);
        self.file = if self.ppm > 0 && self.chosen(month, RENAMED) {
            format!("{:02x}-{}.{extension}", draw & 0xFF, month.name)
        } else {
            format!("{}.{extension}", month.name)
        };
        if self.ppm > 0 && self.chosen(month, RENAMED) {
            self.line(&format!("{},,renamed_file,,,", self.file))?;
        }
        self.is_last = month.index + 1 == self.months;
        // Carried rows are spread over a file of about the last one's size.
        let spread = self.sent.clamp(1, u64::from(u32::MAX)) as u32;
        self.sent = 0;
        self.bad_planned = 0;
        self.bad_lines.clear();
        for (row, what) in std::mem::take(&mut self.carried) {
            let after = u64::from(self.rng.below(spread));
            self.wait(after, row, what);
        }
        Ok(self.file.clone())
    }

    /// Whether the month is one of about every `every`th; at least one month is.
    fn chosen(&self, month: &Month, every: u32) -> bool {
        let every = every.min(self.months);
        let offset = random::hash(&[self.economy.seed, 0x6368_6F73, every.into()]) as u32 % every;
        month.index % every == offset
    }

    /// Appends `rows` to `out` in the order in which they are sent, with what comes between them.
    pub(crate) fn send(&mut self, rows: Vec<Row>, out: &mut Vec<Row>) -> Result<(), Error> {
        for row in rows {
            self.release(Some(self.sent), out)?;
            if !self.rng.chance_ppm(self.ppm) {
                self.push(row, None, out)?;
                continue;
            }
            let repeat = Row { delivery: Delivery::Repeat, ..row };
            match self.rng.below(100) {
                0..20 if !self.is_last => {
                    self.push(row, None, out)?;
                    self.carried.push((repeat, What::Repeat));
                }
                20..32 if !self.is_last => self.carried.push((row, What::LateRow)),
                32..47 => {
                    let after = self.sent + 1 + u64::from(self.rng.below(MOVE_WITHIN));
                    self.wait(after, row, What::MovedRow);
                }
                47..62 if self.bad_planned < self.max_rejects => {
                    self.bad_planned += 1;
                    let fault = Fault::ALL[self.rng.below(Fault::ALL.len() as u32) as usize];
                    let bad = bad_row(fault, &row, self.waited as u32);
                    self.push(row, None, out)?;
                    let after = self.sent + u64::from(self.rng.below(REPEAT_WITHIN));
                    self.wait(after, bad, What::BadRow(fault));
                }
                _ => {
                    self.push(row, None, out)?;
                    let after = self.sent + u64::from(self.rng.below(REPEAT_WITHIN));
                    self.wait(after, repeat, What::Repeat);
                }
            }
        }
        Ok(())
    }

    /// Appends what still waits at the end of the file.
    pub(crate) fn end(&mut self, out: &mut Vec<Row>) -> Result<(), Error> {
        self.release(None, out)?;
        self.done.max_rejects = self.done.max_rejects.max(self.bad_lines.len() as u64);
        Ok(())
    }

    /// Sends the file once more under another name, if it is one of those; the bytes that adds.
    pub(crate) fn send_again(&mut self, month: &Month, folder: &Path) -> Result<u64, Error> {
        if self.ppm == 0 || !self.chosen(month, RESENT) {
            return Ok(0);
        }
        let (from, name) = (folder.join(&self.file), format!("{}-resent.{}", month.name, self.format.name()));
        let to = folder.join(&name);
        let bytes = std::fs::copy(&from, &to).map_err(io(&to))?;
        self.line(&format!("{name},,resent_file,,,"))?;
        for line in std::mem::take(&mut self.bad_lines) {
            self.done.bad_rows += 1;
            self.sent -= 1;
            self.line(&format!("{name},{line}"))?;
        }
        self.done.repeats += self.sent;
        Ok(bytes)
    }

    fn wait(&mut self, after: u64, row: Row, what: What) {
        self.waited += 1;
        self.waiting.insert((after, self.waited), (row, what));
    }

    /// Sends what waits for `sent` rows; at the end of a file all of it.
    fn release(&mut self, sent: Option<u64>, out: &mut Vec<Row>) -> Result<(), Error> {
        while let Some(entry) = self.waiting.first_entry() {
            if sent.is_some_and(|sent| entry.key().0 > sent) {
                break;
            }
            let (row, what) = entry.remove();
            self.push(row, Some(what), out)?;
        }
        Ok(())
    }

    fn push(&mut self, row: Row, what: Option<What>, out: &mut Vec<Row>) -> Result<(), Error> {
        out.push(row);
        self.sent += 1;
        let Some(what) = what else { return Ok(()) };
        let (mut account, mut txn) = (String::new(), String::new());
        identifier::push_account_id(&mut account, self.economy, &row);
        identifier::push_txn_id(&mut txn, self.economy, &row, row.booking());
        let code = if let What::BadRow(fault) = what { fault.code() } else { "" };
        let line = format!("{},{},{code},{account},{txn}", self.sent, what.name());
        match what {
            What::Repeat => self.done.repeats += 1,
            What::BadRow(_) => {
                self.done.bad_rows += 1;
                self.bad_lines.push(line.clone());
            }
            What::LateRow | What::MovedRow => {}
        }
        self.line(&format!("{},{line}", self.file))
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        match &mut self.list {
            Some((path, list)) => writeln!(list, "{line}").map_err(io(path)),
            None => Ok(()),
        }
    }

    /// Ends the list with the bad rows that a reader must put up with in one file.
    pub(crate) fn close(mut self) -> Result<Done, Error> {
        self.line(&format!(",{},max_rejects,,,", self.done.max_rejects))?;
        if let Some((path, list)) = &mut self.list {
            list.flush().map_err(io(path))?;
        }
        Ok(self.done)
    }
}

/// A row with the fault, made of a good one. Only a conflict keeps the identifier; the others have identifiers of their
/// own.
fn bad_row(fault: Fault, row: &Row, nth: u32) -> Row {
    let row = Row { delivery: Delivery::Bad(fault), ..*row };
    match fault {
        Fault::DuplicateConflict => Row { amount_fen: row.amount_fen + 1, ..row },
        _ => Row { number: BAD_NUMBERS_FROM + nth % 1_000_000, ..row },
    }
}
