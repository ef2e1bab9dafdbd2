//! The output folder: all files are written under temporary names and renamed into place at the end.
//!
//! **Invariant:** a folder never has products of one run beside the report of another. The files of an earlier run are
//! removed before the new files are put into place, even if the new run was refused and has no products; `run.json` is the
//! last. Files are readable only by their owner.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::run_report::RunReport;
use crate::error::Error;
use crate::feed::reject::FeedVerdict;
use crate::product::ProductKind;
use crate::publish::files::ProductFiles;
use crate::publish::format::FORMATS;

/// The folder that a build writes to.
pub struct Outputs {
    folder: PathBuf,
}

impl Outputs {
    /// Creates the folder if it does not exist.
    pub fn create(folder: &Path) -> Result<Outputs, Error> {
        std::fs::create_dir_all(folder).map_err(|error| Error::io("cannot create the folder", folder, error))?;
        Ok(Outputs { folder: folder.to_path_buf() })
    }

    /// Puts all files into place: products, if there are any, then `rejects.csv`, then `run.json`.
    pub fn commit(
        &self,
        products: Option<ProductFiles>,
        verdict: &FeedVerdict,
        report: &RunReport,
    ) -> Result<(), Error> {
        let mut files = products.map(ProductFiles::finish).transpose()?.unwrap_or_default();
        files.push(("rejects.csv".to_string(), self.temporary(|file| verdict.write_csv(file))?));
        let report = serde_json::to_string_pretty(report).map_err(|error| Error::Internal(error.to_string()))?;
        files.push(("run.json".to_string(), self.temporary(|file| writeln!(file, "{report}"))?));
        self.put_into_place(files)
    }

    /// Puts the products alone into place.
    pub fn commit_products(&self, products: ProductFiles) -> Result<(), Error> {
        self.put_into_place(products.finish()?)
    }

    fn put_into_place(&self, files: Vec<(String, NamedTempFile)>) -> Result<(), Error> {
        self.remove_earlier()?;
        for (name, file) in files {
            let path = self.folder.join(name);
            file.as_file().sync_all().map_err(|error| Error::io("cannot write", &path, error))?;
            file.persist(&path).map_err(|error| Error::io("cannot write", &path, error.error))?;
        }
        Ok(())
    }

    fn temporary(&self, write: impl FnOnce(&mut NamedTempFile) -> std::io::Result<()>) -> Result<NamedTempFile, Error> {
        let cannot = |error| Error::io("cannot write into", &self.folder, error);
        let mut file = NamedTempFile::with_prefix_in(".liushui-", &self.folder).map_err(cannot)?;
        write(&mut file).map_err(cannot)?;
        Ok(file)
    }

    /// Removes the files of an earlier run, its report first: without a report, the folder is not a finished run.
    fn remove_earlier(&self) -> Result<(), Error> {
        let products =
            ProductKind::ALL.iter().flat_map(|kind| FORMATS.map(|of| format!("{}.{}", kind.code(), of.ending())));
        for name in ["run.json".to_string()].into_iter().chain(products) {
            let path = self.folder.join(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("cannot replace", &path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
