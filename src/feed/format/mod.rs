//! The formats that the files of a feed come in.
//!
//! Owns: the trait of a format, the registry, the choice of a format for a file, and opening a file as one of the feed's
//! tables. Does not own: which files there are ([`find`](super::find)), or what rows must be ([`check`](super::check)).
//!
//! A format is one file of this folder that implements [`FeedFormat`], and one line in [`FORMATS`].

mod arrow_file;
mod arrow_stream;
mod camt;
mod csv;
mod fault;
mod frame;
mod mt940;
mod numbered;
mod panics;
mod parquet;
mod statement;
mod whole;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

pub use self::panics::is_in_reader;
use super::guard::Limits;
use super::mapping::TableMapping;
use super::raw::RawBatches;
use super::reject::{Code, FileFault};
use super::schema::{Column, Typing, check_schema, unknown_columns};
use super::text::COMPRESSED_ENDINGS;

/// The formats. The first whose ending, or else whose first bytes, a file has is the file's format.
pub static FORMATS: [&dyn FeedFormat; 6] =
    [&parquet::Parquet, &arrow_file::ArrowFile, &arrow_stream::ArrowStream, &csv::Csv, &camt::Camt053, &mt940::Mt940];

/// The format of standard input, and of pipes without the ending of a format.
static OF_PIPES: &dyn FeedFormat = &arrow_stream::ArrowStream;

/// The format of a file with a mapping, and of one that neither its ending nor its first bytes give away.
static OF_TEXT: &dyn FeedFormat = &csv::Csv;

/// A format that files of a feed come in.
pub trait FeedFormat: Send + Sync {
    /// Its name, for messages and help.
    fn name(&self) -> &'static str;

    /// The endings of its files, in lower case and with the point; the usual one first.
    fn endings(&self) -> &'static [&'static str];

    /// Whether `.gz` or `.zst` may follow an ending.
    fn may_be_compressed(&self) -> bool;

    /// Whether it is read once from front to back, so that a pipe will do.
    fn reads_pipes(&self) -> bool;

    /// Whether a file that begins with these bytes is of this format. Only files without a known ending are asked.
    fn recognises(&self, head: &[u8]) -> bool;

    /// Opens a file, far enough to know its slices.
    ///
    /// # Errors
    /// Every fault of the file that shows without reading its rows.
    fn open(&self, path: &Path, options: &OpenOptions<'_>) -> Result<Arc<dyn OpenedFile>, Vec<FileFault>>;
}

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions<'a> {
    /// The table that the file holds rows of.
    pub table: &'static [Column],
    /// The layout, where it is not the feed's own.
    pub mapping: Option<&'a TableMapping>,
    /// The bounds that the file must keep.
    pub limits: Limits,
}

/// A file that its format has opened.
pub trait OpenedFile: Send + Sync {
    /// How its columns are typed.
    fn typing(&self) -> Typing;

    /// Its columns, where they are known before rows are read. Else reading a slice checks them.
    fn schema(&self) -> Option<SchemaRef>;

    /// Its rows, where they are known before they are read.
    fn rows(&self) -> Option<u64>;

    /// The slices that workers read in parallel, in the order of rows. Together they give what [`OpenedFile::whole`] gives.
    fn slices(self: Arc<Self>) -> Vec<FileSlice>;

    /// The file as one slice.
    fn whole(self: Arc<Self>) -> FileSlice;
}

/// Reads the rows of a slice.
type ReadSlice = dyn Fn() -> Result<SliceReading, Vec<FileFault>> + Send + Sync;

/// A part of a file that one worker reads. Owned, and cheap to clone.
#[derive(Clone)]
pub struct FileSlice {
    /// Data rows of the file before it.
    pub rows_before: u64,
    read: Arc<ReadSlice>,
}

impl FileSlice {
    /// A slice that `read` reads.
    fn new(
        rows_before: u64,
        read: impl Fn() -> Result<SliceReading, Vec<FileFault>> + Send + Sync + 'static,
    ) -> FileSlice {
        FileSlice { rows_before, read: Arc::new(read) }
    }

    /// Reads the slice from its start.
    ///
    /// # Errors
    /// Every fault of the file as a whole that shows before the first row.
    pub fn read(&self) -> Result<SliceReading, Vec<FileFault>> {
        (self.read)()
    }
}

impl fmt::Debug for FileSlice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileSlice").field("rows_before", &self.rows_before).finish_non_exhaustive()
    }
}

/// The rows of a slice, and the unknown columns of a file whose header is read with its rows.
pub struct SliceReading {
    /// The rows; the first fault ends them.
    pub batches: RawBatches,
    /// Columns that the table does not have, for a warning.
    pub unknown_columns: Vec<String>,
}

/// A file opened as one of the feed's tables: its columns fit, as far as they are known before rows are read.
pub struct OpenedTable {
    /// How its columns are typed.
    pub typing: Typing,
    /// Columns that the table does not have, for a warning.
    pub unknown_columns: Vec<String>,
    file: Arc<dyn OpenedFile>,
}

impl OpenedTable {
    /// The slices that workers read in parallel, in the order of rows.
    pub fn slices(&self) -> Vec<FileSlice> {
        Arc::clone(&self.file).slices()
    }

    /// The file as one slice.
    pub fn whole(&self) -> FileSlice {
        Arc::clone(&self.file).whole()
    }

    /// Its rows, where they are known before they are read.
    pub fn rows(&self) -> Option<u64> {
        self.file.rows()
    }
}

/// Opens a file, `-` being standard input, and checks its columns where they are known before rows are read. A file with a
/// mapping is CSV, whatever its name.
///
/// # Errors
/// Every fault of the file as a whole that shows without reading its rows.
pub fn open(path: &Path, options: &OpenOptions<'_>) -> Result<OpenedTable, Vec<FileFault>> {
    let format = if options.mapping.is_some() { OF_TEXT } else { format_of(path).map_err(|fault| vec![fault])? };
    // A file that is opened more than once must be regular; opening a pipe might block forever.
    if !format.reads_pipes() && path.exists() && !path.is_file() {
        let hint = "not a regular file; of pipes only Arrow streams are read";
        return Err(vec![FileFault::whole(Code::UnreadableFile, hint)]);
    }
    let file = format.open(path, options)?;
    let mut unknown = Vec::new();
    if let Some(schema) = file.schema() {
        let faults = check_schema(options.table, &schema, file.typing());
        if !faults.is_empty() {
            return Err(faults);
        }
        unknown = unknown_columns(options.table, &schema);
    }
    Ok(OpenedTable { typing: file.typing(), unknown_columns: unknown, file })
}

/// The format whose ending a file has.
pub fn by_name(path: &Path) -> Option<&'static dyn FeedFormat> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let uncompressed = COMPRESSED_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    let has_ending = |format: &&&dyn FeedFormat| {
        let name = if format.may_be_compressed() { uncompressed } else { &name };
        format.endings().iter().any(|ending| name.ends_with(ending))
    };
    FORMATS.iter().find(has_ending).copied()
}

/// The endings of all formats, for messages.
pub fn endings() -> String {
    let endings: Vec<&str> = FORMATS.iter().flat_map(|format| format.endings()).copied().collect();
    format!("{}; text also as {}", endings.join(", "), COMPRESSED_ENDINGS.join(" or "))
}

/// The formats with their usual endings, for help.
pub fn formats() -> String {
    let formats: Vec<String> =
        FORMATS.iter().filter_map(|format| Some(format!("{} {}", format.name(), format.endings().first()?))).collect();
    format!("{}; text also as {}", formats.join(", "), COMPRESSED_ENDINGS.join(" or "))
}

/// The format by the ending, or where the ending is unknown, by the first bytes.
fn format_of(path: &Path) -> Result<&'static dyn FeedFormat, FileFault> {
    if let Some(format) = by_name(path) {
        return Ok(format);
    }
    // Standard input and pipes can be read only once, so their first bytes cannot be inspected.
    if path == Path::new("-") || is_pipe(path) {
        return Ok(OF_PIPES);
    }
    let head = head(path)?;
    Ok(FORMATS.iter().find(|format| format.recognises(&head)).copied().unwrap_or(OF_TEXT))
}

/// Whether a path leads to something that is not a regular file.
fn is_pipe(path: &Path) -> bool {
    path.exists() && !path.is_file()
}

/// The first bytes of a file.
fn head(path: &Path) -> Result<Vec<u8>, FileFault> {
    let mut head = vec![0; 64];
    let mut file = File::open(path).map_err(|error| fault::cannot_open(&error))?;
    let read = file.read(&mut head).map_err(|error| fault::cannot_open(&error))?;
    head.truncate(read);
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_found_by_ending_in_any_case() {
        let cases = [
            ("a.parquet", Some("Parquet")),
            ("a.PARQUET", Some("Parquet")),
            ("a.parquet.gz", None),
            ("a.arrow", Some("Arrow file")),
            ("a.feather", Some("Arrow file")),
            ("a.ipc", Some("Arrow file")),
            ("a.arrows", Some("Arrow stream")),
            ("a.csv", Some("CSV")),
            ("a.csv.zst", Some("CSV")),
            ("a.csv.gz.zst", None),
            ("a.xml.gz", Some("camt.053")),
            ("a.camt053", Some("camt.053")),
            ("a.STA", Some("MT940")),
            ("a.940.zst", Some("MT940")),
            ("a.txt", None),
            (".gz", None),
            ("-", None),
        ];
        for (name, expected) in cases {
            assert_eq!(by_name(Path::new(name)).map(FeedFormat::name), expected, "{name}");
        }
    }

    #[test]
    fn a_format_is_found_by_first_bytes_where_the_ending_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let cases: [(&str, &[u8], &str); 9] = [
            ("a", b"PAR1....", "Parquet"),
            ("a", b"ARROW1\0\0", "Arrow file"),
            ("a.txt", b"a,b\n", "CSV"),
            ("a.txt", b"", "CSV"),
            ("a", b"\xEF\xBB\xBF \n<?xml?>", "camt.053"),
            ("a.txt", b"\r\n:20:X", "MT940"),
            ("a.txt", b"{1:F01", "MT940"),
            // The ending decides, whatever the content.
            ("a.csv", b"<?xml?>", "CSV"),
            ("a.arrow", b"\xFF\xFF\xFF\xFF", "Arrow file"),
        ];
        for (name, content, expected) in cases {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            assert_eq!(format_of(&path).unwrap().name(), expected, "{name}");
        }
        assert_eq!(format_of(Path::new("-")).unwrap().name(), "Arrow stream");
        assert_eq!(format_of(&dir.path().join("none")).err().unwrap().code, Code::UnreadableFile);
    }

    #[test]
    fn endings_differ_and_are_listed() {
        let mut endings: Vec<&str> = FORMATS.iter().flat_map(|format| format.endings()).copied().collect();
        let listed = super::endings();
        assert!(endings.iter().all(|ending| ending.starts_with('.') && *ending == ending.to_lowercase()));
        assert!(endings.iter().all(|ending| listed.contains(ending)));
        endings.sort_unstable();
        endings.dedup();
        assert_eq!(endings.len(), FORMATS.iter().map(|format| format.endings().len()).sum::<usize>());
        assert!(formats().contains("camt.053 .xml"));
    }
}
