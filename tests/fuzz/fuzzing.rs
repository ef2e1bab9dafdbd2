//! The runner of a target: reads bytes as a file; a panic of this project's code ends the run.

#[path = "reading.rs"]
mod reading;

/// Reads bytes as a target does. A panic of a library's reader is caught and reported as damage; any other is a finding.
pub fn run(target: &str, bytes: &[u8]) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            if !liushui::feed::format::is_in_reader() {
                eprintln!("{panic}");
                std::process::abort();
            }
        }));
    });
    reading::read(target, bytes);
}
