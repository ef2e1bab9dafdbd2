//! The `liushui` command: arguments, run, exit code.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

// A build allocates and frees many lists of a few kibibytes, for which the system's allocator is slow. The library leaves
// the choice of an allocator to the program.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // A panic's message may contain a value of a feed, so only its place is printed.
    std::panic::set_hook(Box::new(|panic| {
        if liushui::feed::format::is_in_reader() {
            // Some readers panic on damaged content; the panic is caught and the file is refused.
            return;
        }
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        cli::report(&format!("internal: panic at {place}"));
    }));
    let arguments = cli::Arguments::parse();
    match cli::run(arguments) {
        Ok(code) => code,
        Err(error) => cli::fail(&error),
    }
}
