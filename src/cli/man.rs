//! `liushui man`: the man pages. Hidden, since packagers make pages and users read them.
//!
//! Owns: the files and their names. The content comes from the clap definitions of all subcommands.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory as _};
use liushui::error::Error;

use super::Arguments;

/// Write the man pages, one for each subcommand
#[derive(Args)]
#[command(after_help = "Example:\n  liushui man man1 && man -l man1/liushui-build.1\n\n\
    Pages of an earlier run are replaced.")]
pub struct Man {
    /// Folder for the pages, made if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    /// Writes the pages.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let cannot_write = |error| Error::io("cannot write man pages to", &self.folder, error);
        std::fs::create_dir_all(&self.folder).map_err(cannot_write)?;
        // `help` repeats the pages of the other subcommands. Building gives each command its full name, `liushui-feed-check`.
        let mut command = Arguments::command().disable_help_subcommand(true);
        command.build();
        write_pages(&command, &self.folder).map_err(cannot_write)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the page of a command and those of its subcommands; hidden ones have none.
fn write_pages(command: &Command, folder: &Path) -> std::io::Result<()> {
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        write_pages(subcommand, folder)?;
    }
    // The footer names the program; without this it names the subcommand.
    let source = format!("liushui {}", env!("CARGO_PKG_VERSION"));
    clap_mangen::Man::new(command.clone()).source(source).generate_to(folder)?;
    Ok(())
}
