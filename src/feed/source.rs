//! The files of a feed: which there are, of which format, and their rows as raw batches.
//!
//! Owns: paths, folders, globs and standard input; formats; the slices of a file that workers can read side by
//! side. Does not own: what the rows must be (`feed::check`).

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use arrow::datatypes::{DECIMAL64_MAX_PRECISION, DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Encoding, Type as PhysicalType};
use parquet::file::metadata::ColumnChunkMetaData;

use super::csv;
use super::error::FeedError;
use super::guard::{self, Limits};
use super::mapping::TableMapping;
use super::raw::{RawBatch, RawBatches, RowNumbers};
use super::reject::{Code, FileFault};
use super::schema::{ACCOUNTS, Column, Typing, check_schema, unknown_columns};
use super::statement::{self, Syntax};

/// Rows of a raw batch.
pub const BATCH_ROWS: usize = 8192;

/// Rows of a CSV file that are read at once, if they are not too long: what is found out of a text is so for all of them.
const CSV_BATCH_ROWS: usize = 8 * BATCH_ROWS;

/// About so many rows of a Parquet file make a slice.
const SLICE_ROWS: u64 = 262_144;

/// About so many bytes of a plain CSV file make a slice.
const CSV_SLICE_BYTES: u64 = 16 << 20;

/// The formats a feed may come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Parquet,
    IpcFile,
    IpcStream,
    Csv,
    Statement(Syntax),
}

/// One file of a feed, found but not opened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Found {
    /// The path as messages and `rejects.csv` show it; `-` is standard input.
    pub name: String,
    path: PathBuf,
}

impl Found {
    /// Whether it is a file, which can be read more than once.
    pub fn is_file(&self) -> bool {
        self.path.is_file()
    }
}

/// Finds the files of paths, folders and globs, ascending by the path's bytes, each once.
///
/// Of a folder only files with a feed's ending are taken, at any depth; hidden ones are passed over.
///
/// # Errors
/// [`FeedError::Usage`] where a path leads nowhere, or a folder or glob to no feed file.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Found>, FeedError> {
    let mut found = Vec::new();
    for path in paths {
        let name = path.to_string_lossy();
        let before = found.len();
        if name == "-" || path.is_file() {
            found.push(path.clone());
        } else if path.is_dir() {
            walk(path, &mut found).map_err(|error| FeedError::io("cannot read the folder", path, error))?;
        } else if name.contains(['*', '?', '[']) {
            let matches = glob::glob(&name)
                .map_err(|error| FeedError::Usage(format!("`{name}` is no valid pattern: {}", error.msg)))?;
            for path in matches {
                let path = path.map_err(|error| {
                    let at = error.path().to_path_buf();
                    FeedError::io("cannot read", &at, error.into())
                })?;
                match path.is_dir() {
                    true => walk(&path, &mut found)
                        .map_err(|error| FeedError::io("cannot read the folder", &path, error))?,
                    false => found.push(path),
                }
            }
        } else if path.exists() {
            // A pipe or device: read as it comes, once.
            found.push(path.clone());
        } else {
            return Err(FeedError::Usage(format!("`{name}` does not exist; give a file, a folder, a glob or `-`")));
        }
        if found.len() == before {
            return Err(FeedError::Usage(format!(
                "`{name}` holds no feed file (.parquet, .arrow, .arrows, .feather, .ipc, .csv, .csv.gz, .csv.zst, .xml, .sta, ..)"
            )));
        }
    }
    let named = |path: PathBuf| Found { name: path.to_string_lossy().into_owned(), path };
    let mut found: Vec<Found> = found.into_iter().map(named).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // `file_type` does not follow links, so a loop of links is not walked. A link to nowhere with a feed's ending
        // is taken, and refused when it is opened: it may not vanish silently.
        if entry.file_type()?.is_dir() {
            walk(&path, found)?;
        } else if format_by_name(&path).is_some() {
            found.push(path);
        }
    }
    Ok(())
}

fn format_by_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let plain = name.strip_suffix(".gz").or(name.strip_suffix(".zst")).unwrap_or(&name);
    let ends_packed = |endings: &[&str]| endings.iter().any(|ending| plain.ends_with(ending));
    match () {
        () if ends(&[".parquet"]) => Some(Format::Parquet),
        () if ends(&[".arrow", ".feather", ".ipc"]) => Some(Format::IpcFile),
        () if ends(&[".arrows"]) => Some(Format::IpcStream),
        () if ends(&[".csv", ".csv.gz", ".csv.zst"]) => Some(Format::Csv),
        () if ends_packed(&[".xml", ".camt", ".camt053"]) => Some(Format::Statement(Syntax::Camt053)),
        () if ends_packed(&[".sta", ".mt940", ".940"]) => Some(Format::Statement(Syntax::Mt940)),
        () => None,
    }
}

/// A file of a feed, opened far enough to know that its columns fit.
pub struct Opened {
    path: PathBuf,
    content: Content,
    /// How its columns are typed.
    pub typing: Typing,
    /// Columns that the feed does not know.
    pub unknown_columns: Vec<String>,
    table: &'static [Column],
    limits: Limits,
}

enum Content {
    Parquet(ArrowReaderMetadata),
    IpcFile,
    IpcStream,
    Csv(Option<TableMapping>),
    Statement(Syntax),
}

/// A part of a file that one worker reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Slice {
    /// All of it.
    Whole,
    /// A part of a plain CSV file.
    Part(csv::Part),
    /// Some row groups of a Parquet file.
    RowGroups {
        /// Which.
        groups: Range<usize>,
        /// Rows of the file before them.
        rows_before: u64,
    },
}

/// Rows of a slice, and columns that the feed does not know where they show only now.
pub struct Reading {
    /// The rows; the first fault ends them.
    pub batches: RawBatches,
    /// For a warning.
    pub unknown_columns: Vec<String>,
}

impl Reading {
    fn of(batches: impl Iterator<Item = Result<RawBatch, FileFault>> + Send + 'static) -> Reading {
        Reading { batches: Box::new(batches), unknown_columns: Vec::new() }
    }
}

/// Opens a file and holds its columns against the table, where they show without reading it. A mapping makes it CSV,
/// whatever its name.
///
/// # Errors
/// Every fault of the file as a whole that shows without reading its rows.
pub fn open(
    found: &Found,
    table: &'static [Column],
    mapping: Option<&TableMapping>,
    limits: Limits,
) -> Result<Opened, Vec<FileFault>> {
    let one = |fault: FileFault| vec![fault];
    let format = if mapping.is_some() { Format::Csv } else { format_of(found).map_err(one)? };
    // What is opened more than once must be a file; opening a pipe might never end.
    if format != Format::IpcStream && found.path.exists() && !found.path.is_file() {
        let hint = "not a regular file; of pipes only Arrow streams are read";
        return Err(one(FileFault::whole(Code::UnreadableFile, hint)));
    }
    let (content, schema) = match format {
        Format::Parquet => {
            let metadata = unpanicked(|| parquet_metadata(&found.path, &limits)).flatten().map_err(one)?;
            let schema = Arc::clone(metadata.schema());
            (Content::Parquet(metadata), Some(schema))
        }
        Format::IpcFile => {
            let reader = unpanicked(|| ipc_file(&found.path, &limits)).flatten().map_err(one)?;
            (Content::IpcFile, Some(reader.schema()))
        }
        // What is read from front to back is opened once, when it is read.
        Format::IpcStream => (Content::IpcStream, None),
        Format::Csv => (Content::Csv(mapping.cloned()), None),
        Format::Statement(syntax) => (Content::Statement(syntax), None),
    };
    let is_text = matches!(format, Format::Csv | Format::Statement(_));
    let typing = if is_text { Typing::AllText } else { Typing::Typed };
    let mut unknown = Vec::new();
    if let Some(schema) = schema {
        let faults = check_schema(table, &schema, typing);
        if !faults.is_empty() {
            return Err(faults);
        }
        unknown = unknown_columns(table, &schema);
    }
    Ok(Opened { path: found.path.clone(), content, typing, unknown_columns: unknown, table, limits })
}

impl Opened {
    /// The slices that workers read.
    pub fn slices(&self) -> Vec<Slice> {
        if let Content::Csv(mapping) = &self.content {
            let parts = csv::cut(&self.path, mapping.as_ref(), CSV_SLICE_BYTES);
            return if parts.is_empty() { vec![Slice::Whole] } else { parts.into_iter().map(Slice::Part).collect() };
        }
        let Content::Parquet(metadata) = &self.content else { return vec![Slice::Whole] };
        let mut slices = Vec::new();
        let (mut first, mut rows_before, mut rows) = (0, 0, 0);
        let groups = metadata.metadata().row_groups();
        for (group, group_rows) in groups.iter().map(|group| group.num_rows().max(0) as u64).enumerate() {
            rows += group_rows;
            if rows >= SLICE_ROWS || group + 1 == groups.len() {
                slices.push(Slice::RowGroups { groups: first..group + 1, rows_before });
                (first, rows_before, rows) = (group + 1, rows_before + rows, 0);
            }
        }
        slices
    }

    /// Rows, where the file tells without being read.
    pub fn rows(&self) -> Option<u64> {
        match &self.content {
            Content::Parquet(metadata) => u64::try_from(metadata.metadata().file_metadata().num_rows()).ok(),
            _ => None,
        }
    }

    /// Reads a slice.
    ///
    /// # Errors
    /// Every fault of the file as a whole that shows before the first row.
    pub fn read(&self, slice: &Slice) -> Result<Reading, Vec<FileFault>> {
        let one = |fault: FileFault| vec![fault];
        match (&self.content, slice) {
            (Content::Parquet(metadata), slice) => {
                let (groups, rows_before) = match slice {
                    Slice::RowGroups { groups, rows_before } => (groups.clone(), *rows_before),
                    Slice::Whole | Slice::Part(_) => (0..metadata.metadata().num_row_groups(), 0),
                };
                let readers = self.parquet_readers(metadata, groups).map_err(one)?;
                Ok(Reading::of(numbered(readers, rows_before, |fault| fault)))
            }
            (Content::IpcFile, _) => {
                let reader = unpanicked(|| ipc_file(&self.path, &self.limits)).flatten().map_err(one)?;
                Ok(Reading::of(numbered(reader, 0, |error| unreadable(&error))))
            }
            (Content::IpcStream, _) => ipc_stream(&self.path, self.table, self.limits),
            (Content::Csv(mapping), Slice::Part(part)) => self.csv(mapping.as_ref(), Some(part)),
            (Content::Csv(mapping), _) => self.csv(mapping.as_ref(), None),
            (Content::Statement(_), _) if self.table == ACCOUNTS.as_slice() => {
                let hint = "a bank statement is no table of accounts; give its account by --account COLUMN=TEXT";
                Err(one(FileFault::whole(Code::UnreadableFile, hint)))
            }
            (Content::Statement(syntax), _) => {
                let batches = statement::open(&self.path, *syntax, BATCH_ROWS).map_err(one)?;
                Ok(Reading { batches, unknown_columns: Vec::new() })
            }
        }
    }

    fn csv(&self, mapping: Option<&TableMapping>, part: Option<&csv::Part>) -> Result<Reading, Vec<FileFault>> {
        let wanted: Vec<&str> = self.table.iter().map(|column| column.name).collect();
        let options = csv::CsvOptions { mapping, batch_rows: CSV_BATCH_ROWS, numbered: true };
        let csv::Opened { mut batches, unknown_columns } =
            csv::open_part(&self.path, &wanted, options, part).map_err(|fault| vec![fault])?;
        // There is at least one batch, if an empty one; its columns are the file's.
        let first = batches.next();
        if let Some(Ok(raw)) = &first {
            let faults = check_schema(self.table, &raw.batch.schema(), Typing::AllText);
            if !faults.is_empty() {
                return Err(faults);
            }
        }
        let batches = first.into_iter().chain(batches);
        let batches = batches.flat_map(|raw| match raw {
            Ok(raw) => raw.pieces(BATCH_ROWS).into_iter().map(Ok).collect::<Vec<_>>(),
            Err(fault) => vec![Err(fault)],
        });
        Ok(Reading { batches: Box::new(batches), unknown_columns })
    }

    /// The batches of some row groups, one group after another: a batch that crossed from one to the next would lose
    /// the groups' dictionaries.
    fn parquet_readers(
        &self,
        metadata: &ArrowReaderMetadata,
        groups: Range<usize>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, FileFault>> + Send + use<>, FileFault> {
        let file = File::open(&self.path).map_err(|error| cannot_open(&error))?;
        let known = metadata.schema().fields().iter().enumerate();
        let known = known.filter(|(_, field)| self.table.iter().any(|column| column.name == field.name()));
        let mask = ProjectionMask::roots(metadata.parquet_schema(), known.map(|(root, _)| root));
        let (metadata, limits) = (metadata.clone(), self.limits);
        let reader = move |group: usize| {
            let of_group = metadata.metadata().row_group(group);
            let wanted = of_group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
            let rows = of_group.num_rows().max(0) as u64;
            guard::parquet::pages(&file, wanted.map(|(_, chunk)| chunk), rows, &limits)?;
            let file = file.try_clone().map_err(|error| cannot_open(&error))?;
            let options = ArrowReaderOptions::new().with_schema(group_schema(&metadata, group));
            let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options);
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.map_err(|error| unreadable(&error))?)
                .with_projection(mask.clone())
                .with_row_groups(vec![group])
                .with_batch_size(BATCH_ROWS)
                .build()
                .map_err(|error| unreadable(&error))
        };
        Ok(groups.flat_map(move |group| {
            let (batches, fault) = match reader(group) {
                Ok(batches) => (Some(batches), None),
                Err(fault) => (None, Some(Err(fault))),
            };
            let batches = batches.into_iter().flatten().map(|batch| batch.map_err(|error| unreadable(&error)));
            batches.chain(fault)
        }))
    }
}

/// Numbers the rows of a reader's batches, cuts large batches to the usual size, and turns errors into faults. After a
/// fault nothing more comes.
fn numbered<E: 'static>(
    mut reader: impl Iterator<Item = Result<RecordBatch, E>>,
    rows_before: u64,
    fault: impl Fn(E) -> FileFault,
) -> impl Iterator<Item = Result<RawBatch, FileFault>> {
    let mut next_row = rows_before + 1;
    let mut rest: Option<RecordBatch> = None;
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let batch = match rest.take() {
            Some(batch) => batch,
            None => match unpanicked(|| reader.next()) {
                Ok(Some(Ok(batch))) => batch,
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    ended = true;
                    return Some(Err(fault(error)));
                }
                Err(panicked) => {
                    ended = true;
                    return Some(Err(panicked));
                }
            },
        };
        let now = batch.num_rows().min(BATCH_ROWS);
        if now < batch.num_rows() {
            rest = Some(batch.slice(now, batch.num_rows() - now));
        }
        let rows = RowNumbers::From(next_row);
        next_row += now as u64;
        Some(Ok(RawBatch { batch: batch.slice(0, now), rows, skips: Vec::new(), faults: Vec::new() }))
    })
}

thread_local! {
    static IN_A_READER: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs a reader of a library's just now: a panic then is the file's fault, and is told as such.
pub fn is_in_a_reader() -> bool {
    IN_A_READER.get()
}

/// Runs a reader of a library's. Damaged content makes some of them panic; that too is the file's fault.
fn unpanicked<T>(read: impl FnOnce() -> T) -> Result<T, FileFault> {
    IN_A_READER.set(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    IN_A_READER.set(false);
    result.map_err(|_| unreadable(&()))
}

/// A pipe that nobody writes to would be waited for without end.
const PIPE_WAIT: Duration = Duration::from_secs(10);

/// Opens what is read from front to back, once: a file, a pipe or a device.
fn open_once(path: &Path) -> Result<File, FileFault> {
    if path.is_file() {
        return File::open(path).map_err(|error| cannot_open(&error));
    }
    let (sender, receiver) = mpsc::channel();
    let path = path.to_path_buf();
    // The thread outlives the wait only where nobody comes to write.
    std::thread::spawn(move || sender.send(File::open(path)));
    match receiver.recv_timeout(PIPE_WAIT) {
        Ok(opened) => opened.map_err(|error| cannot_open(&error)),
        Err(_) => Err(FileFault::whole(Code::UnreadableFile, "nobody writes to the pipe")),
    }
}

/// The format by ending, or where that tells nothing, by the first bytes.
fn format_of(found: &Found) -> Result<Format, FileFault> {
    let by_name = format_by_name(&found.path);
    if let Some(format @ (Format::Parquet | Format::Csv | Format::IpcStream | Format::Statement(_))) = by_name {
        return Ok(format);
    }
    // Standard input and pipes can be read once only, so no first bytes are looked at.
    if found.name == "-" || (found.path.exists() && !found.path.is_file()) {
        return Ok(Format::IpcStream);
    }
    let mut magic = [0; 64];
    let mut file = File::open(&found.path).map_err(|error| cannot_open(&error))?;
    let read = file.read(&mut magic).map_err(|error| cannot_open(&error))?;
    if by_name.is_none()
        && let Some(syntax) = statement::syntax_of(&magic[..read])
    {
        return Ok(Format::Statement(syntax));
    }
    Ok(match magic.get(..read) {
        Some(head) if head.starts_with(b"ARROW1") => Format::IpcFile,
        _ if by_name == Some(Format::IpcFile) => Format::IpcStream,
        Some(head) if head.starts_with(b"PAR1") => Format::Parquet,
        _ => Format::Csv,
    })
}

fn cannot_open(error: &io::Error) -> FileFault {
    FileFault::whole(Code::UnreadableFile, format!("the file cannot be opened: {}", error.kind()))
}

/// The error's own text may quote a value, so it is not told.
fn unreadable<E>(_error: &E) -> FileFault {
    let hint = "the content is damaged, or compressed in a way that is not read (read are snappy, zstd, lz4, gzip)";
    FileFault::whole(Code::UnreadableFile, hint)
}

fn truncated() -> FileFault {
    FileFault::whole(Code::TruncatedFile, "the file ends before its content does; have it sent again")
}

/// A Parquet file's footer.
fn parquet_metadata(path: &Path, limits: &Limits) -> Result<ArrowReaderMetadata, FileFault> {
    let file = File::open(path).map_err(|error| cannot_open(&error))?;
    framed(&file, b"PAR1", b"PAR1")?;
    // The types are the columns' own, whatever a writer noted of Arrow's.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guard::parquet::footer(&file, limits)?;
    let metadata = ArrowReaderMetadata::load(&file, options).map_err(|error| unreadable(&error))?;
    guard::parquet::counts(&file, metadata.metadata(), limits)?;
    Ok(metadata)
}

/// The schema by which a row group is read: a text column of which every page refers to a dictionary as that dictionary,
/// any other text column as views, and decimals that the file has in 64 bits so.
fn group_schema(metadata: &ArrowReaderMetadata, group: usize) -> SchemaRef {
    let leaves = metadata.parquet_schema();
    let read_as = |(root, field): (usize, &Arc<Field>)| {
        // A column of neither lists nor structs is a leaf of its own.
        let leaf = || (0..leaves.num_columns()).find(|leaf| leaves.get_column_root_idx(*leaf) == root);
        let chunk = || leaf().and_then(|leaf| metadata.metadata().row_groups().get(group)?.columns().get(leaf));
        let data_type = match field.data_type() {
            DataType::Utf8 if chunk().is_some_and(is_dictionary) => {
                DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
            }
            DataType::Utf8 => DataType::Utf8View,
            DataType::Decimal128(precision, scale)
                if *precision <= DECIMAL64_MAX_PRECISION
                    && chunk().is_some_and(|chunk| chunk.column_type() == PhysicalType::INT64) =>
            {
                DataType::Decimal64(*precision, *scale)
            }
            _ => return Field::clone(field),
        };
        field.as_ref().clone().with_data_type(data_type)
    };
    Arc::new(Schema::new(metadata.schema().fields().iter().enumerate().map(read_as).collect::<Vec<_>>()))
}

/// Whether all data pages of a column chunk refer to its dictionary, as far as the footer tells.
fn is_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    let only = |encoding| chunk.page_encoding_stats_mask().is_some_and(|pages| pages.is_only(encoding));
    chunk.dictionary_page_offset().is_some()
        && [Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY].into_iter().any(only)
}

/// A file that begins as its format does but does not end so was cut off.
fn framed(mut file: &File, head: &[u8], tail: &[u8]) -> Result<(), FileFault> {
    let mut first = vec![0; head.len()];
    file.seek(SeekFrom::Start(0)).map_err(|error| cannot_open(&error))?;
    match file.read_exact(&mut first) {
        Ok(()) if first == head => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(truncated()),
        Err(error) => return Err(cannot_open(&error)),
        Ok(()) => {
            let hint = "the file's first bytes are not its format's; is the ending right?";
            return Err(FileFault::whole(Code::UnreadableFile, hint));
        }
    }
    let mut last = vec![0; tail.len()];
    let end = SeekFrom::End(-(tail.len() as i64));
    let complete = file.seek(end).and_then(|_| file.read_exact(&mut last)).is_ok() && last == tail;
    file.seek(SeekFrom::Start(0)).map_err(|error| cannot_open(&error))?;
    if complete { Ok(()) } else { Err(truncated()) }
}

fn ipc_file(path: &Path, limits: &Limits) -> Result<FileReader<BufReader<File>>, FileFault> {
    let file = File::open(path).map_err(|error| cannot_open(&error))?;
    framed(&file, b"ARROW1", b"ARROW1")?;
    guard::ipc::file(&file, limits)?;
    (&file).seek(SeekFrom::Start(0)).map_err(|error| cannot_open(&error))?;
    FileReader::try_new(BufReader::new(file), None).map_err(|error| unreadable(&error))
}

/// An Arrow stream from a file or standard input. One that stops without its end mark was cut off.
fn ipc_stream(path: &Path, table: &'static [Column], limits: Limits) -> Result<Reading, Vec<FileFault>> {
    let mut input: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(open_once(path).map_err(|fault| vec![fault])?)
    };
    // Every message of a stream begins so; without it, the reader would take four bytes of anything for a length.
    const MESSAGE: [u8; 4] = [0xFF; 4];
    let mut start = [0; MESSAGE.len()];
    input.read_exact(&mut start).map_err(|_| vec![truncated()])?;
    if start != MESSAGE {
        let hint = "the content does not begin like an Arrow stream; does the file's ending tell its format?";
        return Err(vec![FileFault::whole(Code::UnreadableFile, hint)]);
    }
    let input = io::Cursor::new(start).chain(input);
    let fault = |error: ArrowError| match error {
        ArrowError::IoError(_, inner) if inner.kind() == io::ErrorKind::UnexpectedEof => truncated(),
        other => unreadable(&other),
    };
    // A file's size bounds what a message of it may claim; a pipe has none.
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map_or(u64::MAX, |file| file.len());
    let limits = limits.of_file(size);
    let input = guard::ipc::Stream::new(Tail::new(BufReader::new(input)), limits);
    let reader = unpanicked(|| StreamReader::try_new(input, None).map_err(fault));
    let mut reader = reader.flatten().map_err(|fault| vec![fault])?;
    let faults = check_schema(table, &reader.schema(), Typing::Typed);
    if !faults.is_empty() {
        return Err(faults);
    }
    let unknown_columns = unknown_columns(table, &reader.schema());
    let mut done = false;
    let batches = std::iter::from_fn(move || match reader.next() {
        _ if done => None,
        Some(batch) => {
            done = batch.is_err();
            Some(batch.map_err(|error| reader.get_mut().take_fault().unwrap_or_else(|| fault(error))))
        }
        None => {
            done = true;
            (!reader.get_ref().get_ref().ends_with_mark()).then(|| Err(truncated()))
        }
    });
    Ok(Reading { batches: Box::new(numbered(batches, 0, |fault| fault)), unknown_columns })
}

/// A reader that remembers the last eight bytes it gave.
struct Tail<R> {
    inner: R,
    last: [u8; 8],
}

impl<R> Tail<R> {
    fn new(inner: R) -> Tail<R> {
        Tail { inner, last: [0; 8] }
    }

    /// The mark that ends an Arrow stream: a continuation and a length of zero.
    fn ends_with_mark(&self) -> bool {
        self.last == [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]
    }
}

impl<R: Read> Read for Tail<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let given = &buffer[..count];
        let kept = self.last.len().saturating_sub(count);
        self.last.rotate_right(kept);
        let fresh = count.min(self.last.len());
        self.last[kept..].copy_from_slice(&given[count - fresh..]);
        Ok(count)
    }
}
