//! Dirt on request: repeated rows, late rows, rows and files out of order, repeated files, bad rows, and their list in
//! `dirt.csv`.
//!
//! Owns the order in which rows are delivered. Transactions, labels and totals are the same with and without dirt: a
//! bad row is an additional row, which a reader rejects.

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

/// The first of the numbers that only bad rows have.
const BAD_NUMBERS_FROM: u32 = 90_000_000;

const _: () = assert!(BAD_NUMBERS_FROM > NUMBER_MAX);

/// Maximum number of rows by which a repeat or a bad row is delayed, and by which a row is moved.
const REPEAT_WITHIN: u32 = 20_000;
const MOVE_WITHIN: u32 = 2_000;
/// One file in `RESENT` is delivered again; the name of one in `RENAMED` is out of order.
const RESENT: u32 = 7;
const RENAMED: u32 = 4;

/// The entries of `dirt.csv` about rows.
#[derive(Clone, Copy)]
enum DirtKind {
    Repeat,
    LateRow,
    MovedRow,
    BadRow(Fault),
}

impl DirtKind {
    fn name(self) -> &'static str {
        match self {
            DirtKind::Repeat => "repeat",
            DirtKind::LateRow => "late_row",
            DirtKind::MovedRow => "moved_row",
            DirtKind::BadRow(_) => "bad_row",
        }
    }
}

/// Counts of repeats and bad rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DirtCounts {
    pub(crate) repeats: u64,
    pub(crate) bad_rows: u64,
    pub(crate) max_rejects: u64,
}

/// Inserts dirt into a feed and lists it.
pub(crate) struct Dirt<'a> {
    economy: &'a Economy,
    format: Format,
    ppm: u32,
    max_rejects: u32,
    months: u32,
    rng: Rng,
    /// Rows for the next file.
    carried: Vec<(Row, DirtKind)>,
    list: Option<(PathBuf, BufWriter<File>)>,
    pub(crate) counts: DirtCounts,
    // State of the current file.
    file: String,
    is_last: bool,
    /// Rows delivered so far.
    delivered: u64,
    /// Delayed rows, by the number of rows after which they are delivered and a running number.
    waiting: BTreeMap<(u64, u64), (Row, DirtKind)>,
    waited: u64,
    /// Bad rows of the file, including the delayed ones.
    bad_planned: u32,
    /// Lines about bad rows, which a repeated file lists again.
    bad_lines: Vec<String>,
}

impl<'a> Dirt<'a> {
    /// Creates `dirt.csv` in `folder`, unless there is no dirt.
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
            counts: DirtCounts::default(),
            file: String::new(),
            is_last: false,
            delivered: 0,
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

    /// Whether there is no dirt at all.
    pub(crate) fn is_none(&self) -> bool {
        self.ppm == 0
    }

    /// Begins the file of a month and returns its name.
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
        // Carried rows are spread over as many rows as the last file had.
        let spread = self.delivered.clamp(1, u64::from(u32::MAX)) as u32;
        self.delivered = 0;
        self.bad_planned = 0;
        self.bad_lines.clear();
        for (row, kind) in std::mem::take(&mut self.carried) {
            let after = u64::from(self.rng.below(spread));
            self.wait(after, row, kind);
        }
        Ok(self.file.clone())
    }

    /// Whether about one month in `every` includes this one. At least one month of the feed is chosen.
    fn chosen(&self, month: &Month, every: u32) -> bool {
        let every = every.min(self.months);
        let offset = random::hash(&[self.economy.seed, 0x6368_6F73, every.into()]) as u32 % every;
        month.index % every == offset
    }

    /// Appends `rows` to `out` in the order of delivery, together with the dirt between them.
    pub(crate) fn deliver(&mut self, rows: Vec<Row>, out: &mut Vec<Row>) -> Result<(), Error> {
        for row in rows {
            self.release(Some(self.delivered), out)?;
            if !self.rng.chance_ppm(self.ppm) {
                self.push(row, None, out)?;
                continue;
            }
            let repeat = Row { delivery: Delivery::Repeat, ..row };
            match self.rng.below(100) {
                0..20 if !self.is_last => {
                    self.push(row, None, out)?;
                    self.carried.push((repeat, DirtKind::Repeat));
                }
                20..32 if !self.is_last => self.carried.push((row, DirtKind::LateRow)),
                32..47 => {
                    let after = self.delivered + 1 + u64::from(self.rng.below(MOVE_WITHIN));
                    self.wait(after, row, DirtKind::MovedRow);
                }
                47..62 if self.bad_planned < self.max_rejects => {
                    self.bad_planned += 1;
                    let fault = Fault::ALL[self.rng.below(Fault::ALL.len() as u32) as usize];
                    let bad = bad_row(fault, &row, self.waited as u32);
                    self.push(row, None, out)?;
                    let after = self.delivered + u64::from(self.rng.below(REPEAT_WITHIN));
                    self.wait(after, bad, DirtKind::BadRow(fault));
                }
                _ => {
                    self.push(row, None, out)?;
                    let after = self.delivered + u64::from(self.rng.below(REPEAT_WITHIN));
                    self.wait(after, repeat, DirtKind::Repeat);
                }
            }
        }
        Ok(())
    }

    /// Appends the rows that are still delayed at the end of the file.
    pub(crate) fn end(&mut self, out: &mut Vec<Row>) -> Result<(), Error> {
        self.release(None, out)?;
        self.counts.max_rejects = self.counts.max_rejects.max(self.bad_lines.len() as u64);
        Ok(())
    }

    /// Copies the file under another name if it is one of the repeated files. Returns the bytes of the copy.
    pub(crate) fn resend_file(&mut self, month: &Month, folder: &Path) -> Result<u64, Error> {
        if self.ppm == 0 || !self.chosen(month, RESENT) {
            return Ok(0);
        }
        let (from, name) = (folder.join(&self.file), format!("{}-resent.{}", month.name, self.format.name()));
        let to = folder.join(&name);
        let bytes = std::fs::copy(&from, &to).map_err(io(&to))?;
        self.line(&format!("{name},,resent_file,,,"))?;
        for line in std::mem::take(&mut self.bad_lines) {
            self.counts.bad_rows += 1;
            self.delivered -= 1;
            self.line(&format!("{name},{line}"))?;
        }
        self.counts.repeats += self.delivered;
        Ok(bytes)
    }

    fn wait(&mut self, after: u64, row: Row, kind: DirtKind) {
        self.waited += 1;
        self.waiting.insert((after, self.waited), (row, kind));
    }

    /// Delivers the rows that are due after `delivered` rows, or all of them at the end of a file.
    fn release(&mut self, delivered: Option<u64>, out: &mut Vec<Row>) -> Result<(), Error> {
        while let Some(entry) = self.waiting.first_entry() {
            if delivered.is_some_and(|delivered| entry.key().0 > delivered) {
                break;
            }
            let (row, kind) = entry.remove();
            self.push(row, Some(kind), out)?;
        }
        Ok(())
    }

    fn push(&mut self, row: Row, kind: Option<DirtKind>, out: &mut Vec<Row>) -> Result<(), Error> {
        out.push(row);
        self.delivered += 1;
        let Some(kind) = kind else { return Ok(()) };
        let (mut account, mut txn) = (String::new(), String::new());
        identifier::push_account_id(&mut account, self.economy, &row);
        identifier::push_txn_id(&mut txn, self.economy, &row, row.booking());
        let code = if let DirtKind::BadRow(fault) = kind { fault.code() } else { "" };
        let line = format!("{},{},{code},{account},{txn}", self.delivered, kind.name());
        match kind {
            DirtKind::Repeat => self.counts.repeats += 1,
            DirtKind::BadRow(_) => {
                self.counts.bad_rows += 1;
                self.bad_lines.push(line.clone());
            }
            DirtKind::LateRow | DirtKind::MovedRow => {}
        }
        self.line(&format!("{},{line}", self.file))
    }

    fn line(&mut self, line: &str) -> Result<(), Error> {
        match &mut self.list {
            Some((path, list)) => writeln!(list, "{line}").map_err(io(path)),
            None => Ok(()),
        }
    }

    /// Ends the list with the highest number of bad rows in one file.
    pub(crate) fn close(mut self) -> Result<DirtCounts, Error> {
        self.line(&format!(",{},max_rejects,,,", self.counts.max_rejects))?;
        if let Some((path, list)) = &mut self.list {
            list.flush().map_err(io(path))?;
        }
        Ok(self.counts)
    }
}

/// A copy of a good row with the fault. Only a conflict keeps the identifier; other faults get one of their own.
fn bad_row(fault: Fault, row: &Row, nth: u32) -> Row {
    let row = Row { delivery: Delivery::Bad(fault), ..*row };
    match fault {
        Fault::DuplicateConflict => Row { amount_fen: row.amount_fen + 1, ..row },
        _ => Row { number: BAD_NUMBERS_FROM + nth % 1_000_000, ..row },
    }
}
