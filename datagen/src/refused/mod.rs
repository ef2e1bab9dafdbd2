//! Files that a reader must refuse as a whole: one for each fault of a file, and one for each code of a bad row when no
//! bad row is tolerated.
//!
//! Owns the faults and the expected rejects. The good rows are the caller's.
//!
//! `accounts.csv` is good and goes with each file of transactions. `transactions.csv` is good and goes with each file
//! under `accounts/`. `refused.csv` lists all other files: file, code, row (from 1; empty for the file as a whole),
//! column (empty if there is no single one), and a description of the fault. The accounts have all columns of the
//! feed's `accounts`.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Decimal128Type, Field, Schema};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;

use crate::csv;
use crate::error::Error;
use crate::output;

/// Good rows and their accounts, in the schema of the feed.
pub(crate) struct Sample {
    /// At least one row and up to a few dozen, of accounts in CNY, with distinct identifiers.
    pub(crate) transactions: RecordBatch,
    /// The accounts of the transactions.
    pub(crate) accounts: RecordBatch,
}

/// A written file with the expected reject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedFile {
    /// The path within the folder, with `/`.
    pub(crate) file: String,
    pub(crate) code: &'static str,
    pub(crate) row: Option<usize>,
    pub(crate) column: &'static str,
    pub(crate) description: &'static str,
}

/// Writes the files and their list into `folder`. Nothing is written if the sample has no rows.
pub(crate) fn write(folder: &Path, sample: &Sample) -> Result<Vec<RefusedFile>, Error> {
    if sample.transactions.num_rows() == 0 || sample.accounts.num_rows() == 0 {
        return Ok(Vec::new());
    }
    let (transactions, accounts) = (Table::of(&sample.transactions)?, Table::of(&sample.accounts)?);
    let mut files = Files { folder, written: Vec::new() };
    files.put("accounts.csv", &accounts.csv())?;
    files.put("transactions.csv", &transactions.csv())?;
    bad_rows(&mut files, &transactions)?;
    bad_accounts(&mut files, &accounts)?;
    bad_columns(&mut files, &sample.transactions)?;
    bad_text(&mut files, &transactions)?;
    truncated(&mut files, &sample.transactions, &transactions)?;
    unreadable(&mut files, &sample.transactions, &transactions)?;
    files.list()
}

/// Rows as CSV fields. They are bytes, since a faulty field need not be text.
#[derive(Clone)]
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Vec<u8>>>,
}

impl Table {
    fn of(batch: &RecordBatch) -> Result<Table, Error> {
        let mut rows = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            let mut fields = Vec::with_capacity(batch.num_columns());
            for column in 0..batch.num_columns() {
                let mut field = Vec::new();
                csv::write_rows(&mut field, &batch.project(&[column])?.slice(row, 1))?;
                // The end of the line.
                field.pop();
                fields.push(field);
            }
            rows.push(fields);
        }
        let names = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        Ok(Table { names, rows })
    }

    /// The index of the row that gets the fault: one in the middle.
    fn faulty(&self) -> usize {
        self.rows.len() / 2
    }

    /// A copy with another value in the faulty row.
    fn with(&self, column: &str, value: &[u8]) -> Table {
        let mut table = self.clone();
        let faulty = self.faulty();
        if let Some(field) = table.field(faulty, column) {
            *field = value.to_vec();
        }
        table
    }

    fn field(&mut self, row: usize, column: &str) -> Option<&mut Vec<u8>> {
        let column = self.names.iter().position(|name| name == column)?;
        self.rows.get_mut(row)?.get_mut(column)
    }

    fn without_column(&self, column: &str) -> Table {
        let mut table = self.clone();
        if let Some(at) = self.names.iter().position(|name| name == column) {
            table.names.remove(at);
            table.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
        table
    }

    fn csv(&self) -> Vec<u8> {
        let mut out = self.names.join(",").into_bytes();
        out.push(b'\n');
        for row in &self.rows {
            out.extend_from_slice(&row.join(&b','));
            out.push(b'\n');
        }
        out
    }
}

/// The folder and the files written to it.
struct Files<'a> {
    folder: &'a Path,
    written: Vec<RefusedFile>,
}

impl Files<'_> {
    fn put(&self, file: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.folder.join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(output::io(parent))?;
        }
        fs::write(&path, bytes).map_err(output::io(&path))?;
        Ok(path)
    }

    fn refused(&mut self, file: &str, bytes: &[u8], fault: FileFault) -> Result<(), Error> {
        self.put(file, bytes)?;
        let FileFault { code, row, column, description } = fault;
        // Rows are counted from 1.
        self.written.push(RefusedFile {
            file: file.to_owned(),
            code,
            row: row.map(|row| row + 1),
            column,
            description,
        });
        Ok(())
    }

    fn list(self) -> Result<Vec<RefusedFile>, Error> {
        let mut text = "file,code,row,column,what\n".to_owned();
        for RefusedFile { file, code, row, column, description } in &self.written {
            let row = row.map(|row| row.to_string()).unwrap_or_default();
            text.push_str(&format!("{file},{code},{row},{column},{description}\n"));
        }
        self.put("refused.csv", text.as_bytes())?;
        Ok(self.written)
    }
}

/// The fault of a file.
#[derive(Clone, Copy)]
struct FileFault {
    code: &'static str,
    row: Option<usize>,
    column: &'static str,
    /// Without commas, since it is not quoted in the CSV.
    description: &'static str,
}

fn in_row(code: &'static str, row: usize, column: &'static str, description: &'static str) -> FileFault {
    FileFault { code, row: Some(row), column, description }
}

fn in_column(code: &'static str, column: &'static str, description: &'static str) -> FileFault {
    FileFault { code, row: None, column, description }
}

fn in_file(code: &'static str, description: &'static str) -> FileFault {
    FileFault { code, row: None, column: "", description }
}

/// One bad row in each file, as CSV.
fn bad_rows(files: &mut Files<'_>, good: &Table) -> Result<(), Error> {
    let row = good.faulty();
    let long: &[u8] = b"12345678901234567.00";
    let values: [(&str, &'static str, &'static str, &[u8], &'static str); 16] = [
        ("bad_type", "bad_type", "amount", b"12.345", "three decimals"),
        ("bad_type-thousands", "bad_type", "amount", b"\"1,234.00\"", "a thousands separator"),
        ("null_required-txn_id", "null_required", "txn_id", b"", "no identifier"),
        ("null_required-amount", "null_required", "amount", b"", "no amount"),
        ("null_required-account_id", "null_required", "account_id", b" ", "an account that is white space"),
        ("unknown_kind", "unknown_kind", "kind", b"GIFT", "a kind that does not exist"),
        ("bad_direction", "bad_direction", "direction", b"DEBIT", "neither C nor D"),
        ("bad_currency", "bad_currency", "currency", b"USD", "another currency than the account's"),
        ("amount_range", "amount_range", "amount", long, "nineteen digits of fen"),
        ("amount_range-balance", "amount_range", "balance", long, "a balance of nineteen digits of fen"),
        ("bad_time", "bad_time", "booked_at", b"2025-02-30 09:00:00", "a day that no calendar has"),
        ("bad_time-hour", "bad_time", "booked_at", b"2025-02-20 25:00:00", "an hour that no day has"),
        ("unknown_account", "unknown_account", "account_id", b"9999999999999999", "an account that is not in accounts"),
        ("bad_value-channel", "bad_value", "channel", b"fax", "a channel that does not exist"),
        ("bad_value-bank", "bad_value", "counterparty_bank", b"31399100025", "a bank code of eleven digits"),
        ("bad_type-seq", "bad_type", "seq", b"first", "a sequence number in words"),
    ];
    for (file, code, column, value, description) in values {
        files.refused(
            &format!("{file}.csv"),
            &good.with(column, value).csv(),
            in_row(code, row, column, description),
        )?;
    }
    let columns = ["account_id", "txn_id", "booked_at", "direction", "amount"];
    for column in columns {
        let fault = in_column("missing_column", column, "a required column is absent");
        files.refused(&format!("missing_column-{column}.csv"), &good.without_column(column).csv(), fault)?;
    }
    conflict(files, good)
}

/// A row with a known identifier and another summary: the later row is in conflict.
fn conflict(files: &mut Files<'_>, good: &Table) -> Result<(), Error> {
    let mut table = good.with("summary", "对账".as_bytes());
    let last = table.rows.len();
    if let (Some(changed), Some(row)) = (table.rows.get(good.faulty()).cloned(), good.rows.get(good.faulty())) {
        table.rows.push(changed);
        table.rows[good.faulty()].clone_from(row);
    }
    let fault = in_row("duplicate_conflict", last, "txn_id", "a known identifier with another summary");
    files.refused("duplicate_conflict.csv", &table.csv(), fault)
}

fn bad_accounts(files: &mut Files<'_>, good: &Table) -> Result<(), Error> {
    let row = good.faulty();
    let mut wrong = good.clone();
    if let Some(check) = wrong.field(row, "subject_uscc").and_then(|code| code.last_mut()) {
        *check = if *check == b'0' { b'1' } else { b'0' };
    }
    let fault = in_row("bad_uscc", row, "subject_uscc", "a wrong check character");
    files.refused("accounts/bad_uscc.csv", &wrong.csv(), fault)?;
    let fault = in_row("bad_uscc", row, "subject_uscc", "seventeen characters");
    files.refused("accounts/bad_uscc-short.csv", &good.with("subject_uscc", b"91900001MA0000000").csv(), fault)?;
    let fault = in_row("bad_value", row, "status", "a status that does not exist");
    files.refused("accounts/bad_value.csv", &good.with("status", b"sleeping").csv(), fault)?;
    let fault = in_row("null_required", row, "subject_name", "no name");
    files.refused("accounts/null_required.csv", &good.with("subject_name", b"").csv(), fault)?;
    let fault = in_column("missing_column", "provider_id", "a required column is absent");
    files.refused("accounts/missing_column.csv", &good.without_column("provider_id").csv(), fault)?;
    let mut twice = good.clone();
    let other = good.with("provider_name", "另一银行股份有限公司".as_bytes());
    twice.rows.extend(other.rows.get(row).cloned());
    let fault =
        in_row("duplicate_conflict", good.rows.len(), "account_id", "a known account with another provider name");
    files.refused("accounts/duplicate_conflict.csv", &twice.csv(), fault)
}

/// Faults that only a typed format can have.
fn bad_columns(files: &mut Files<'_>, good: &RecordBatch) -> Result<(), Error> {
    let Some(amounts) = good.column_by_name("amount").and_then(|column| column.as_primitive_opt::<Decimal128Type>())
    else {
        return Ok(());
    };
    let amounts = amounts.values();
    let faulty = good.num_rows() / 2;
    // The only float that holds money. It is the fault.
    let floats: ArrayRef = Arc::new(Float64Array::from_iter_values(amounts.iter().map(|fen| *fen as f64 / 100.0)));
    let fault = in_column("bad_type", "amount", "money as floats");
    files.refused("bad_type-float.parquet", &parquet_bytes(&replaced(good, "amount", floats)?)?, fault)?;
    let integers: ArrayRef = Arc::new(Int64Array::from_iter_values(amounts.iter().map(|fen| *fen as i64)));
    let fault = in_column("bad_type", "amount", "money as integers");
    files.refused("bad_type-integer.parquet", &parquet_bytes(&replaced(good, "amount", integers)?)?, fault)?;
    let times: ArrayRef = Arc::new(StringArray::from(vec!["2025-01-02 09:00:00"; good.num_rows()]));
    let fault = in_column("bad_type", "booked_at", "times as text");
    files.refused("bad_type-time.arrow", &file_bytes(&replaced(good, "booked_at", times)?)?, fault)?;
    let wide = |(row, fen): (usize, &i128)| if row == faulty { 1_234_567_890_123_456_789 } else { *fen };
    let wide = Decimal128Array::from_iter_values(amounts.iter().enumerate().map(wide));
    let wide: ArrayRef = Arc::new(wide.with_precision_and_scale(38, 2)?);
    let fault = in_row("amount_range", faulty, "amount", "nineteen digits of fen");
    files.refused("amount_range.parquet", &parquet_bytes(&replaced(good, "amount", wide)?)?, fault)?;
    let null = |row| (row != faulty).then_some("C");
    let directions: ArrayRef = Arc::new((0..good.num_rows()).map(null).collect::<StringArray>());
    let fault = in_row("null_required", faulty, "direction", "no direction");
    files.refused("null_required.parquet", &parquet_bytes(&replaced(good, "direction", directions)?)?, fault)?;
    let kept: Vec<usize> =
        (0..good.num_columns()).filter(|at| good.schema().field(*at).name() != "direction").collect();
    let fault = in_column("missing_column", "direction", "a required column is absent");
    files.refused("missing_column.parquet", &parquet_bytes(&good.project(&kept)?)?, fault)
}

/// 货款 and 江州商贸有限公司 in GB18030.
const GB_SUMMARY: &[u8] = b"\xBB\xF5\xBF\xEE";
const GB_NAME: &[u8] = b"\xBD\xAD\xD6\xDD\xC9\xCC\xC3\xB3\xD3\xD0\xCF\xDE\xB9\xAB\xCB\xBE";
/// A byte that occurs neither in UTF-8 nor in GB18030.
const NO_TEXT: u8 = 0xFF;

/// Text that is in no known encoding, or not in the declared one.
fn bad_text(files: &mut Files<'_>, good: &Table) -> Result<(), Error> {
    let mut broken = "货款".as_bytes().to_vec();
    broken.insert(3, NO_TEXT);
    let fault = in_file("bad_encoding", "UTF-8 with a byte that is no text");
    files.refused("bad_encoding-utf8.csv", &good.with("summary", &broken).csv(), fault)?;
    let chinese = in_gb18030(good);
    // The first half of a character, followed by the comma that ends the field.
    let halved = chinese.with("summary", b"\xBB\xF5\xBF");
    let fault = in_file("bad_encoding", "GB18030 with half a character in a field");
    files.refused("bad_encoding-gb18030.csv", &halved.csv(), fault)?;
    let marked = [b"\xEF\xBB\xBF".as_slice(), &chinese.csv()].concat();
    let fault = in_file("bad_encoding", "GB18030 behind the byte order mark of UTF-8");
    files.refused("bad_encoding-mark.csv", &marked, fault)?;
    let fault = in_file("bad_encoding", "GB18030 with a byte that is no text; compressed");
    let lie = chinese.with("remark", &[b"\xBB\xF5".as_slice(), &[NO_TEXT], b"\xBF\xEE"].concat());
    files.refused("bad_encoding.csv.gz", &gzip(&lie.csv())?, fault)
}

/// The rows with all Chinese text replaced by a few words in GB18030.
fn in_gb18030(good: &Table) -> Table {
    let mut table = good.clone();
    for row in 0..table.rows.len() {
        for (column, value) in [("counterparty_name", GB_NAME), ("summary", GB_SUMMARY), ("remark", GB_SUMMARY)] {
            if let Some(field) = table.field(row, column) {
                *field = value.to_vec();
            }
        }
    }
    table
}

/// Files that end before their content does.
fn truncated(files: &mut Files<'_>, good: &RecordBatch, table: &Table) -> Result<(), Error> {
    let (parquet, stream, file) = (parquet_bytes(good)?, stream_bytes(good)?, file_bytes(good)?);
    let text = table.csv();
    let (gzip, zstd) = (gzip(&text)?, zstd(&text)?);
    let half = |bytes: &[u8]| bytes.len() / 2;
    let open_quote = [text.as_slice(), b"\"6001000000000000"].concat();
    let cuts: [(&str, &[u8], usize, &'static str); 11] = [
        ("footer.parquet", &parquet, parquet.len() - 6, "cut in the footer"),
        ("middle.parquet", &parquet, half(&parquet), "cut in the middle"),
        ("middle.csv.gz", &gzip, half(&gzip), "cut in the middle"),
        ("checksum.csv.gz", &gzip, gzip.len() - 5, "cut before the end of its checksum"),
        ("middle.csv.zst", &zstd, half(&zstd), "cut in the middle"),
        ("end.csv.zst", &zstd, zstd.len() - 1, "without its last byte"),
        ("mark.arrows", &stream, stream.len() - 8, "a stream without its end mark"),
        ("middle.arrows", &stream, half(&stream), "a stream cut in the middle"),
        ("middle.arrow", &file, half(&file), "cut in the middle"),
        ("footer.arrow", &file, file.len() - 6, "cut in the footer"),
        ("quote.csv", &open_quote, open_quote.len(), "ends within a quoted field"),
    ];
    for (name, bytes, kept, description) in cuts {
        let bytes = bytes.get(..kept).unwrap_or_default();
        files.refused(&format!("truncated_file-{name}"), bytes, in_file("truncated_file", description))?;
    }
    Ok(())
}

/// Files that are damaged or do not have the format of their extension.
fn unreadable(files: &mut Files<'_>, good: &RecordBatch, table: &Table) -> Result<(), Error> {
    let text = table.csv();
    let parquet = parquet_bytes(good)?;
    let mut no_footer = parquet.clone();
    // The length of the footer, before the four bytes that end the file.
    let length = parquet.len() - 8..parquet.len() - 4;
    no_footer[length].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x7F]);
    let mut wrong_sum = gzip(&text)?;
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let wrongs: [(&str, &[u8], &'static str); 6] = [
        ("magic.parquet", &text, "text that is called Parquet"),
        ("length.parquet", &no_footer, "a footer longer than the file"),
        ("magic.csv.gz", &text, "text that is called gzip"),
        ("checksum.csv.gz", &wrong_sum, "a wrong checksum"),
        ("magic.csv.zst", &text, "text that is called zstd"),
        ("magic.arrow", &parquet, "Parquet that is called Arrow"),
    ];
    for (name, bytes, description) in wrongs {
        files.refused(&format!("unreadable_file-{name}"), bytes, in_file("unreadable_file", description))?;
    }
    Ok(())
}

/// `batch` with another nullable column of the same name.
fn replaced(batch: &RecordBatch, name: &str, column: ArrayRef) -> Result<RecordBatch, Error> {
    let at = batch.schema().index_of(name)?;
    let mut fields: Vec<Arc<Field>> = batch.schema().fields().iter().map(Arc::clone).collect();
    let mut columns = batch.columns().to_vec();
    fields[at] = Arc::new(Field::new(name, column.data_type().clone(), true));
    columns[at] = column;
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

fn parquet_bytes(batch: &RecordBatch) -> Result<Vec<u8>, Error> {
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None)?;
    writer.write(batch)?;
    Ok(writer.into_inner()?)
}

fn stream_bytes(batch: &RecordBatch) -> Result<Vec<u8>, Error> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn file_bytes(batch: &RecordBatch) -> Result<Vec<u8>, Error> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(output::io(Path::new(".csv.gz")))
}

fn zstd(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    zstd::encode_all(bytes, 3).map_err(output::io(Path::new(".csv.zst")))
}
