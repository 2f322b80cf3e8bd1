//! Why a start or a run ended badly, and whose fault it was.

use super::pack::PackError;
use super::pipeline::PipelineError;
use super::recovery::RecoveryError;
use super::recovery::replay::ReplayError;
use crate::http::HttpError;
use crate::sink::SinkError;
use crate::source::SourceError;

/// Why the process ended badly.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The rules.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The key of the tokens.
    #[error("{place}: {problem}")]
    Secret {
        /// File or variable.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// The settings of Kafka clients.
    #[error("kafka: {0}")]
    Settings(String),
    /// HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Recovery.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// The source, while opening or replaying.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The sink, while opening.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The pipeline.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// Kafka, before there is work.
    #[error("kafka: {0}")]
    Kafka(String),
    /// The system gave no threads, signals or metrics.
    #[error("cannot start: {0}")]
    System(String),
    /// Another process leads.
    #[error("leadership was lost: another process has taken over; this one has stopped")]
    LeadershipLost,
}

impl RunError {
    /// Whether the configuration is at fault: the same start cannot succeed until it is changed.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Pack(error) => !matches!(error, PackError::Compiler),
            Self::Secret { .. } | Self::Settings(_) => true,
            _ => false,
        }
    }
}

impl From<ReplayError> for RunError {
    fn from(why: ReplayError) -> Self {
        match why {
            ReplayError::Recovery(error) => Self::Recovery(error),
            ReplayError::Source(error) => Self::Source(error),
        }
    }
}
