//! The output formats of products.
//!
//! Owns: the trait of a format and the registry. Does not own: how a product is laid out in a format
//! ([`crate::product::render`]), or the list of files ([`super::files`]).
//!
//! A format is one file of this folder that implements [`ProductFormat`], and one line in [`FORMATS`].

mod ndjson;
mod parquet;

use std::fmt;
use std::io::BufWriter;

use tempfile::NamedTempFile;

pub use self::ndjson::Ndjson;
pub use self::parquet::Parquet;
use super::error::PublishError;
use crate::product::dictionary::Dictionary;
use crate::product::render::CheckedProduct;

/// The formats, the default first.
pub static FORMATS: [OutputFormat; 2] = [&Parquet, &Ndjson];

/// A format of [`FORMATS`].
pub type OutputFormat = &'static dyn ProductFormat;

/// A file of products under its temporary name.
pub type File = BufWriter<NamedTempFile>;

/// A format that products are written in.
pub trait ProductFormat: Sync {
    /// Its name, as `--format` takes it.
    fn name(&self) -> &'static str;

    /// The ending of its files, without the point.
    fn ending(&self) -> &'static str;

    /// Begins a file of one product.
    ///
    /// # Errors
    /// Files that cannot be written.
    fn create(
        &self,
        file: File,
        dictionary: &Dictionary,
        options: FileOptions,
    ) -> Result<Box<dyn ProductFile>, PublishError>;
}

impl fmt::Debug for dyn ProductFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The format with this name.
pub fn find(name: &str) -> Option<OutputFormat> {
    FORMATS.into_iter().find(|format| format.name() == name)
}

/// How a file is written.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// The most bytes of encoded output that waits for earlier groups.
    pub waiting_bytes_max: usize,
}

/// A file of one product, written by groups of accounts. The rules of [`super::Sink::begin`] hold for its groups.
pub trait ProductFile: Send + Sync {
    /// Begins a group of accounts.
    ///
    /// # Errors
    /// Those of the format.
    fn begin(&self, group: usize) -> Result<Box<dyn FileGroup + '_>, PublishError>;

    /// Ends the file, after the last group.
    ///
    /// # Errors
    /// Files that cannot be written; a group that was begun and not finished.
    fn finish(self: Box<Self>) -> Result<File, PublishError>;
}

/// A group of accounts in one file.
pub trait FileGroup {
    /// Adds the product of one account.
    ///
    /// # Errors
    /// Those of the format.
    fn append(&mut self, account_id: &str, product: CheckedProduct<'_>) -> Result<(), PublishError>;

    /// Ends the group.
    ///
    /// # Errors
    /// Those of the format.
    fn finish(self: Box<Self>) -> Result<(), PublishError>;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_and_endings_are_distinct() {
        let count = |of: fn(OutputFormat) -> &'static str| FORMATS.into_iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!([count(|format| format.name()), count(|format| format.ending())], [FORMATS.len(); 2]);
        for format in FORMATS {
            assert_eq!(find(format.name()).map(|found| found.ending()), Some(format.ending()));
        }
        assert!(find("xlsx").is_none());
    }
}
