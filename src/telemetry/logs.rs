//! Where log lines go: standard error, as text for people or JSON for machines.

use tracing_subscriber::EnvFilter;

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

/// Sends log lines that pass `filter` to standard error.
///
/// # Errors
/// [`LogError`].
pub fn set_up(filter: &str, format: LogFormat) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|cause| LogError::Filter { filter: filter.into(), cause: cause.to_string() })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(true);
    match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|cause| LogError::Already(cause.to_string()))
}
