//! The options for a feed in another layout, and the help of `--transactions`.

use std::path::PathBuf;

use clap::Args;
use liushui::error::Error;
use liushui::feed::format;
use liushui::feed::mapping::Mapping;

#[derive(Args)]
pub struct LayoutArguments {
    /// A mapping for another layout: a TOML file, or the name of one that is shipped (abc, alipay, berka, boc, icbc)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// A column of the account, for a statement that does not contain it, such as account_id=6222, in place of
    /// --accounts; may be given several times
    #[arg(long, value_name = "COLUMN=TEXT", value_parser = parse_account)]
    account: Vec<(String, String)>,
}

impl LayoutArguments {
    /// The mapping, with its account; `None` for the feed's own layout.
    ///
    /// # Errors
    /// [`Error::Mapping`] for a mapping that cannot be read or is inconsistent.
    pub fn mapping(&self) -> Result<Option<Mapping>, Error> {
        Ok(match &self.mapping {
            Some(path) => Some(Mapping::load(path, &self.account)?),
            None if self.account.is_empty() => None,
            None => Some(Mapping::of_account(&self.account)?),
        })
    }
}

/// The help of `--transactions`.
pub fn transactions_help() -> String {
    format!("{}; `-` reads an Arrow stream", transaction_files_help())
}

/// The help where standard input is not read.
pub fn transaction_files_help() -> String {
    format!("Files, folders or globs of `transactions` ({})", format::formats())
}

/// A column of `accounts` and its text, as `account_id=6222`.
pub fn parse_account(text: &str) -> Result<(String, String), String> {
    let (column, text) = text.split_once('=').ok_or("give a column of `accounts` and its text, as account_id=6222")?;
    Ok((column.to_string(), text.to_string()))
}
