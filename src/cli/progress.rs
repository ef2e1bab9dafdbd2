//! Progress on standard error: a bar on a terminal, nothing elsewhere.

use std::sync::Mutex;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use liushui::observer::{Observer, Stage};

/// A progress bar.
pub struct Bar {
    bar: Mutex<ProgressBar>,
    hidden: bool,
}

impl Bar {
    /// A bar; a hidden one still prints warnings.
    pub fn new(hidden: bool) -> Bar {
        Bar { bar: Mutex::new(ProgressBar::hidden()), hidden }
    }

    /// Removes the bar from the terminal.
    pub fn clear(&self) {
        self.current().finish_and_clear();
    }

    fn current(&self) -> ProgressBar {
        self.bar.lock().map_or_else(|poisoned| poisoned.into_inner().clone(), |bar| bar.clone())
    }

    /// Begins a bar of length `total`.
    pub fn begin(&self, name: &'static str, unit: &str, total: Option<u64>) {
        self.clear();
        if self.hidden {
            return;
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(8));
        let shape = match total {
            Some(_) => "{msg:>9} [{bar:30}] {human_pos}/{human_len} UNIT  {per_sec}  {eta} left",
            None => "{msg:>9} {spinner} {human_pos} UNIT  {per_sec}",
        };
        let style = ProgressStyle::with_template(&shape.replace("UNIT", unit));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar.set_message(name);
        if let Ok(mut current) = self.bar.lock() {
            *current = bar;
        }
    }

    /// Advances the bar.
    pub fn advance(&self, count: u64) {
        self.current().inc(count);
    }
}

impl Observer for Bar {
    fn stage(&self, stage: Stage, total: Option<u64>) {
        match stage {
            Stage::Read => self.begin("reading", "rows", total),
            Stage::Products => self.begin("products", "accounts", total),
            Stage::Accounts => self.begin("accounts", "accounts", total),
            Stage::Send => self.begin("sending", "rows", total),
        }
    }

    fn advance(&self, count: u64) {
        Bar::advance(self, count);
    }

    fn warn(&self, message: &str) {
        self.current().suspend(|| super::report(&format!("warning: {message}")));
    }
}
