//! `liushui completions`: scripts with which shells complete the command line.
//!
//! Owns: the choice of the shell and the output. The content comes from the clap definitions of all subcommands.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Arguments, print};

/// Print a completion script for a shell
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    liushui completions bash > ~/.local/share/bash-completion/completions/liushui\n  \
    liushui completions fish > ~/.config/fish/completions/liushui.fish\n  \
    liushui completions zsh > ~/.zfunc/_liushui\n\n\
    bash needs the package bash-completion. zsh needs the folder in its fpath before compinit runs:\n  \
    fpath+=~/.zfunc; autoload -Uz compinit; compinit")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        // The generator panics if its writer fails, as a closed pipe does. A buffer in memory does not fail.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "liushui", &mut script);
        print(&String::from_utf8(script)?)?;
        Ok(ExitCode::SUCCESS)
    }
}
