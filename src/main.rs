//! The `liushui` command: arguments, run, exit code.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

// A build takes and gives back many lists of some kibibytes, at which the system's allocator is slow. A library leaves this
// to the program that it is part of.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A panic's message may quote a value of a feed; the place is enough to mend it.
    std::panic::set_hook(Box::new(|panic| {
        if liushui::feed::format::is_in_reader() {
            // Some readers panic on damaged content; the file is refused and told so.
            return;
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        cli::tell(&format!("internal: panic at {place}"));
    }));
    let arguments = cli::Arguments::parse();
    match cli::run(arguments) {
        Ok(code) => code,
        Err(error) => cli::fail(&error),
    }
}
