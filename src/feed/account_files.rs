//! The accounts of a feed, read from its files or taken from its mapping.
//!
//! Owns: which source the accounts come from. Does not own: the checks of accounts ([`accounts`](super::accounts)).

use std::path::PathBuf;

use super::accounts::{AccountIndex, AccountsBuilder};
use super::error::FeedError;
use super::find::{FoundFile, find};
use super::format::{self, OpenOptions};
use super::guard::Limits;
use super::mapping::{AccountsMapping, Mapping};
use super::reject::{FileFault, FileRejects};
use super::schema::ACCOUNTS;
use super::warnings::Warnings;

/// The accounts, and the sources that they come from with their rejects, by name.
pub(super) struct ReadAccounts {
    pub(super) accounts: AccountIndex,
    pub(super) files: Vec<(String, FileRejects)>,
}

/// Reads all accounts of a feed.
///
/// # Errors
/// [`FeedError::Usage`] for paths that lead to no file, without paths where the mapping gives no account, and for paths
/// beside an account of the mapping. Faults of files and rows go to their rejects.
pub(super) fn read_accounts(
    paths: &[PathBuf],
    mapping: Option<&Mapping>,
    limits: Limits,
    warnings: &Warnings,
) -> Result<ReadAccounts, FeedError> {
    let mut builder = AccountsBuilder::default();
    let mapping = match mapping.map(|mapping| (&mapping.accounts, &mapping.name)) {
        Some((AccountsMapping::Constants(constants), name)) => {
            if !paths.is_empty() {
                return Err(FeedError::Usage("the mapping gives the account itself; leave --accounts out".to_string()));
            }
            let rejects = FileRejects::default();
            builder.add_constants(constants, &rejects)?;
            return Ok(ReadAccounts { accounts: builder.finish(), files: vec![(name.clone(), rejects)] });
        }
        Some((AccountsMapping::Table(table), _)) => Some(table),
        Some((AccountsMapping::Own, _)) | None => None,
    };
    if paths.is_empty() {
        return Err(FeedError::Usage("give the accounts of the feed: --accounts PATH".to_string()));
    }
    let options = OpenOptions { table: &ACCOUNTS, mapping, limits };
    let mut files = Vec::new();
    let mut is_incomplete = false;
    for found in find(paths)? {
        let rejects = FileRejects::default();
        if let Err(faults) = read_file(&found, &options, &mut builder, &rejects, warnings) {
            faults.into_iter().for_each(|fault| rejects.note_fault(fault));
            is_incomplete = true;
        }
        files.push((found.name, rejects));
    }
    let mut accounts = builder.finish();
    if is_incomplete {
        accounts.set_incomplete();
    }
    Ok(ReadAccounts { accounts, files })
}

fn read_file(
    found: &FoundFile,
    options: &OpenOptions<'_>,
    builder: &mut AccountsBuilder,
    rejects: &FileRejects,
    warnings: &Warnings,
) -> Result<(), Vec<FileFault>> {
    let opened = format::open(found.path(), options)?;
    let reading = opened.whole().read()?;
    warnings.add_unknown_columns(&found.name, &opened.unknown_columns);
    warnings.add_unknown_columns(&found.name, &reading.unknown_columns);
    for raw in reading.batches {
        let raw = raw.map_err(|fault| vec![fault])?;
        raw.faults.iter().for_each(|(row, code)| rejects.note(Some(*row), None, *code));
        builder.add(&raw, opened.typing, rejects);
    }
    Ok(())
}
