//! Questions to the brokers, asked again until they are answered.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::client::Context;
use super::log::Clock;
use crate::source::SourceError;

/// How long one question may take.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a question that nobody answered, doubled up to the most.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// How soon a pause ends when work must not go on.
const SLICE: Duration = Duration::from_millis(50);

/// Why there is no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// The broker said no, and would say so again.
    Refused(KafkaError),
    /// It was asked to stop.
    Stopped,
}

impl From<Unanswered> for SourceError {
    fn from(why: Unanswered) -> Self {
        match why {
            Unanswered::Refused(error) => Self::Kafka(error.to_string()),
            Unanswered::Stopped => Self::Stopped,
        }
    }
}

/// Asks until there is an answer: brokers that cannot be reached are waited for. `what` is for the
/// log.
///
/// # Errors
/// [`Unanswered`], when the broker refuses, or `go_on` says no.
pub fn patiently<T>(
    what: &str,
    clock: &dyn Clock,
    go_on: &dyn Fn() -> bool,
    mut ask: impl FnMut() -> KafkaResult<T>,
) -> Result<T, Unanswered> {
    let mut pause = PAUSE;
    loop {
        let error = match ask() {
            Ok(answer) => return Ok(answer),
            Err(error) if !is_passing(&error) => return Err(Unanswered::Refused(error)),
            Err(error) => error,
        };
        let again_ms = pause.as_millis() as u64;
        tracing::warn!(what, %error, again_ms, "the brokers do not answer; asking again");
        if !rest(pause, clock, go_on) {
            return Err(Unanswered::Stopped);
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Pauses; `false` as soon as work must not go on.
pub fn rest(pause: Duration, clock: &dyn Clock, go_on: &dyn Fn() -> bool) -> bool {
    let until = clock.now() + pause;
    while go_on() {
        let left = until.saturating_sub(clock.now());
        if left.is_zero() {
            return true;
        }
        clock.sleep(left.min(SLICE));
    }
    false
}

/// Whether the same question may be answered later.
pub fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::Resolve
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::WaitingForCoordinator
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::BrokerNotAvailable
                | Code::ReplicaNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::NetworkException
                | Code::OffsetNotAvailable
        )
    )
}

/// Number of partitions of a topic; `None` if there is no such topic.
///
/// # Errors
/// When the broker cannot be asked.
pub fn partitions(client: &BaseConsumer<Context>, topic: &str) -> KafkaResult<Option<i32>> {
    let metadata = client.fetch_metadata(Some(topic), ASK_TIMEOUT)?;
    let Some(found) = metadata.topics().first() else { return Ok(None) };
    match found.error().map(RDKafkaErrorCode::from) {
        None if found.partitions().is_empty() => Ok(None),
        None => Ok(Some(found.partitions().len() as i32)),
        Some(RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownTopicOrPartition) => {
            Ok(None)
        }
        Some(code) => Err(KafkaError::MetadataFetch(code)),
    }
}

/// The error that names a topic which is not there.
pub fn missing(topic: &str) -> String {
    format!("topic {topic} does not exist; create it, or correct its name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::kafka::log::SystemClock;

    #[test]
    fn outages_are_waited_out_and_refusals_are_not() {
        let mut asked = 0;
        let answer = patiently("a test", &SystemClock, &|| true, || {
            asked += 1;
            let error = KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure);
            if asked < 3 { Err(error) } else { Ok(asked) }
        });
        assert!(matches!(answer, Ok(3)));
        let refuse =
            || Err::<(), _>(KafkaError::MetadataFetch(RDKafkaErrorCode::TopicAuthorizationFailed));
        assert!(matches!(
            patiently("a test", &SystemClock, &|| true, refuse),
            Err(Unanswered::Refused(_))
        ));
    }

    #[test]
    fn waiting_ends_when_asked() {
        let down = || Err::<(), _>(KafkaError::MetadataFetch(RDKafkaErrorCode::AllBrokersDown));
        assert!(matches!(
            patiently("a test", &SystemClock, &|| false, down),
            Err(Unanswered::Stopped)
        ));
    }
}
