//! The files that the paths of a feed lead to.
//!
//! Owns: paths, folders, globs and standard input. Does not own: formats, or opening a file ([`super::format`](mod@super::format)).

use std::io;
use std::path::{Path, PathBuf};

use super::error::FeedError;
use super::format;

/// One file of a feed, found but not opened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FoundFile {
    /// The path as messages and `rejects.csv` show it; `-` is standard input.
    pub name: String,
    path: PathBuf,
}

impl FoundFile {
    /// The path to open; `-` is standard input.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is a regular file, which can be read more than once.
    pub fn is_file(&self) -> bool {
        self.path.is_file()
    }
}

/// Finds the files of paths, folders and globs: each once, in ascending order of the bytes of their paths.
///
/// In folders only files with the ending of a format are taken, at any depth; names that begin with a point are skipped.
///
/// # Errors
/// [`FeedError::Usage`] for a path that does not exist, and for a folder or glob without a feed file;
/// [`FeedError::Io`] for a folder that cannot be read.
pub fn find(paths: &[PathBuf]) -> Result<Vec<FoundFile>, FeedError> {
    let mut found = Vec::new();
    for path in paths {
        let name = path.to_string_lossy();
        let before = found.len();
        if name == "-" || path.is_file() {
            found.push(path.clone());
        } else if path.is_dir() {
            find_in(path, &mut found)?;
        } else if name.contains(['*', '?', '[']) {
            let matches = glob::glob(&name)
                .map_err(|error| FeedError::Usage(format!("`{name}` is no valid pattern: {}", error.msg)))?;
            for path in matches {
                let path = path.map_err(|error| {
                    let at = error.path().to_path_buf();
                    FeedError::io("cannot read", &at, error.into())
                })?;
                match path.is_dir() {
                    true => find_in(&path, &mut found)?,
                    false => found.push(path),
                }
            }
        } else if path.exists() {
            // A pipe or a device: it is read once, as it comes.
            found.push(path.clone());
        } else {
            return Err(FeedError::Usage(format!("`{name}` does not exist; give a file, a folder, a glob or `-`")));
        }
        if found.len() == before {
            return Err(FeedError::Usage(format!("`{name}` holds no feed file ({})", format::endings())));
        }
    }
    let named = |path: PathBuf| FoundFile { name: path.to_string_lossy().into_owned(), path };
    let mut found: Vec<FoundFile> = found.into_iter().map(named).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

fn find_in(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), FeedError> {
    walk(folder, found).map_err(|error| FeedError::io("cannot read the folder", folder, error))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // `file_type` does not follow links, so a cycle of links ends here. A broken link with the ending of a format is
        // taken, and refused when it is opened: a file of the feed may not disappear without a message.
        if entry.file_type()?.is_dir() {
            walk(&path, found)?;
        } else if format::by_name(&path).is_some() {
            found.push(path);
        }
    }
    Ok(())
}
