//! Any bytes as a `mapping` file.

#![no_main]

#[path = "../reading.rs"]
mod reading;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    abort_on_panics_of_our_own();
    reading::read("mapping", bytes);
});

/// A panic of a library's reader is caught and told as damage; any other is a finding.
fn abort_on_panics_of_our_own() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            if !liushui::feed::source::is_in_a_reader() {
                eprintln!("{panic}");
                std::process::abort();
            }
        }));
    });
}
