//! The only place that prints. Data to stdout, talk to stderr; a closed pipe ends the talk quietly.

use std::io::{self, ErrorKind, Write as _};
use std::sync::OnceLock;

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
#[derive(Debug)]
pub struct Printer {
    quiet: bool,
    /// The first refusal of data, kept until the command has ended.
    refused: OnceLock<io::Error>,
}

impl Printer {
    /// A printer; a quiet one only prints data and errors.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        Self { quiet, refused: OnceLock::new() }
    }

    /// Whether talk is wanted.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line of data. That it could not be written is answered by [`Printer::into_refusal`].
    pub fn data(&self, line: &str) {
        let mut out = io::stdout().lock();
        if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
            // A reader that went away (`| head`) is not an error of ours.
            if error.kind() != ErrorKind::BrokenPipe {
                let _ = self.refused.set(error);
            }
        }
    }

    /// Why data could not be written; a reader that went away is no reason.
    #[must_use]
    pub fn into_refusal(self) -> Option<io::Error> {
        self.refused.into_inner()
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

    /// What is wrong, in full: seen even when quiet.
    pub fn wrong(&self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// An error with its causes.
    pub fn error(&self, error: &anyhow::Error) {
        let _ = writeln!(std::io::stderr().lock(), "Error: {error:#}");
    }
}
