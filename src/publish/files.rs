//! The files of products: one file per product and format, written by groups of accounts.
//!
//! Owns: the files under temporary names. Workers encode groups in parallel, and each file gets them in ascending order
//! ([`super::in_order`]). The division into groups depends on the number of accounts alone, so the bytes of a file do not
//! depend on threads or memory. Does not own: the formats ([`super::format`]), or putting finished files into place.

use std::io::BufWriter;
use std::path::Path;

use tempfile::NamedTempFile;

use super::error::PublishError;
use super::format::{FileGroup, FileOptions, OutputFormat, ProductFile};
use super::plan::ProductPlan;
use super::sink::{GroupSink, Sink};
use crate::account::Account;
use crate::product::render::CheckedProduct;

/// The files of one run, under temporary names.
pub struct ProductFiles {
    files: Vec<OpenFile>,
}

struct OpenFile {
    /// The name of the finished file.
    name: String,
    /// The place of its product in the list of products.
    product: usize,
    file: Box<dyn ProductFile>,
}

impl ProductFiles {
    /// Begins one file per product and format, under temporary names in the folder of the finished files. Encoded output
    /// that waits for earlier groups takes at most `waiting_bytes_max`.
    ///
    /// # Errors
    /// [`PublishError::Create`]; those of the formats.
    pub fn create(
        folder: &Path,
        plans: &[ProductPlan],
        formats: &[OutputFormat],
        waiting_bytes_max: usize,
    ) -> Result<ProductFiles, PublishError> {
        let mut files = Vec::new();
        let options = FileOptions { waiting_bytes_max: waiting_bytes_max / (plans.len() * formats.len()).max(1) };
        for (plan, product) in plans.iter().zip(0..) {
            for format in formats {
                let file = NamedTempFile::with_prefix_in(".liushui-", folder)
                    .map_err(|source| PublishError::Create { path: folder.to_path_buf(), source })?;
                let file = BufWriter::with_capacity(1 << 20, file);
                files.push(OpenFile {
                    name: format!("{}.{}", plan.dictionary().product(), format.ending()),
                    product,
                    file: format.create(file, plan.dictionary(), options)?,
                });
            }
        }
        Ok(ProductFiles { files })
    }

    /// Ends the files, after the last group. Each comes with the name of the finished file.
    ///
    /// # Errors
    /// Those of the formats.
    pub fn finish(self) -> Result<Vec<(String, NamedTempFile)>, PublishError> {
        let finish = |file: OpenFile| {
            let inner = file.file.finish()?.into_inner().map_err(|error| error.into_error())?;
            Ok((file.name, inner))
        };
        self.files.into_iter().map(finish).collect()
    }
}

impl Sink for ProductFiles {
    fn begin(&self, group: usize) -> Result<Box<dyn GroupSink + '_>, PublishError> {
        let groups = self.files.iter().map(|file| Ok((file.product, file.file.begin(group)?)));
        Ok(Box::new(GroupOfFiles { files: groups.collect::<Result<_, PublishError>>()? }))
    }
}

/// One group in all files.
struct GroupOfFiles<'f> {
    /// By file: the place of its product, and the group in it.
    files: Vec<(usize, Box<dyn FileGroup + 'f>)>,
}

impl GroupSink for GroupOfFiles<'_> {
    fn append(&mut self, product: usize, account: &Account, value: CheckedProduct<'_>) -> Result<(), PublishError> {
        let of_product = self.files.iter_mut().filter(|(of, _)| *of == product);
        of_product.map(|(_, group)| group).try_for_each(|group| group.append(&account.account_id, value))
    }

    fn finish(self: Box<Self>) -> Result<(), PublishError> {
        self.files.into_iter().try_for_each(|(_, group)| group.finish())
    }
}
