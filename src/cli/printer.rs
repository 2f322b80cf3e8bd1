//! The only place that prints. Data to stdout, talk to stderr; a closed pipe ends the talk quietly.

use std::io::Write as _;

use clap::ValueEnum;

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object or array.
    Json,
    /// Comma-separated, with a header.
    Csv,
}

/// Prints, as loudly as the user asked for.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    quiet: bool,
}

impl Printer {
    /// A printer; a quiet one only prints data and errors.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether talk is wanted.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of data.
    pub fn data(&self, line: &str) {
        // A reader that went away (`| head`) is not an error of ours.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }

    /// A line of talk.
    pub fn talk(&self, line: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// A line that must be seen even when quiet.
    pub fn warn(&self, line: &str) {
        let _ = writeln!(std::io::stderr().lock(), "Warning: {line}");
    }

    /// An error with its causes.
    pub fn error(&self, error: &anyhow::Error) {
        let _ = writeln!(std::io::stderr().lock(), "Error: {error:#}");
    }
}
