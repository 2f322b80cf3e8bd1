//! Where log lines go: standard error, as text for people or JSON for machines.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Form of a line.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error(
        "`{filter}` is not a log filter such as `info` or `goshawk=debug,rdkafka=warn`: {cause}"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What the parser said.
        cause: String,
    },
    /// Logging has been set up already.
    #[error("logging is already set up: {0}")]
    Already(String),
}

/// Reads a filter: a level, or directives `target=level`.
///
/// A lone word must be a level. Tracing would take any other for a module that may say everything
/// while all others are silent, so that a mistyped level would silence the program.
///
/// # Errors
/// [`LogError::Filter`].
pub fn read_filter(text: &str) -> Result<EnvFilter, LogError> {
    let wrong = |cause: String| LogError::Filter { filter: text.into(), cause };
    let lone = text.split(',').map(str::trim).filter(|part| !part.contains(['=', '[']));
    for word in lone {
        if word.parse::<LevelFilter>().is_err() || word.is_empty() {
            return Err(wrong(format!(
                "{word:?} is none of off, error, warn, info, debug, trace, and not target=level"
            )));
        }
    }
    EnvFilter::try_new(text).map_err(|cause| wrong(cause.to_string()))
}

/// Sends log lines that pass `filter`, and are no wordier than `most`, to standard error.
///
/// # Errors
/// [`LogError`].
pub fn set_up(filter: &str, most: LevelFilter, format: LogFormat) -> Result<(), LogError> {
    let filter = read_filter(filter)?;
    // Colours are for people who look; codes in a file or a collector's lines are dirt.
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(true)
        .with_ansi(colours);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(most)
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|cause| LogError::Already(cause.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_level_is_refused_instead_of_silencing_all() {
        for good in ["info", "WARN", "off", "warn,goshawk=debug", "goshawk::http=trace, error"] {
            assert!(read_filter(good).is_ok(), "{good}");
        }
        for bad in ["inof", "", "warn,goshwk", "goshawk=loud", "info,"] {
            let error = read_filter(bad).expect_err(bad).to_string();
            assert!(error.contains("is not a log filter"), "{error}");
        }
    }
}
