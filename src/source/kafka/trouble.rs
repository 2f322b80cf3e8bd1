//! What is waited out, and what ends the source with a remedy.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::Start;
use super::log::Loss;
use crate::source::SourceError;

/// Passing trouble is told and waited out; the rest ends the source. `place` begins the message.
pub fn judge(error: &KafkaError, place: &str) -> Result<(), SourceError> {
    let remedy = match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
            "the topic no longer holds the next offset: records were deleted before they were read. \
             Lengthen the topic's retention; to go on without them, start a new group_id and journal"
        }
        Some(RDKafkaErrorCode::TopicAuthorizationFailed) => "grant READ on the topic",
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            "the topic was deleted; create it again with a new group_id and journal"
        }
        _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => "the client gave up",
        Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::AllBrokersDown) => {
            // The client's own log tells it, with repeats held back.
            return Ok(());
        }
        _ => {
            tracing::warn!(%error, place, "kafka source waits");
            return Ok(());
        }
    };
    Err(SourceError::Kafka(format!("{place}{error}; {remedy}")))
}

/// The end of a source whose topic is not the one it was.
pub fn lost(topic: &str, loss: Loss) -> SourceError {
    SourceError::Kafka(match loss {
        Loss::Deleted => format!(
            "topic {topic}: the topic was deleted; create it again with a new group_id and journal"
        ),
        Loss::MadeAnew => format!(
            "topic {topic} was made anew: its records are not those that were read before. Start a new \
             group_id and journal"
        ),
    })
}

/// Where to begin reading: `None` for the topic's beginning. Deleted records that the journal has
/// are a loss of state, told loudly; deleted records that nobody has read are a stop.
pub fn begin_of(
    topic: &str,
    partition: i32,
    start: Option<Start>,
    (low, end): (i64, i64),
) -> Result<Option<i64>, SourceError> {
    let Some(start) = start else { return Ok(None) };
    if start.end > end {
        return Err(SourceError::Kafka(format!(
            "{topic}/{partition}: the next offset is {}, the topic ends at {end}: it was made anew, or lost \
             records. Start a new group_id and journal",
            start.end
        )));
    }
    if low > start.end {
        return Err(SourceError::Kafka(format!(
            "{topic}/{partition}: the next offset is {}, the topic begins at {low}: records were deleted \
             before they were read. Lengthen the topic's retention; to go on without them, start a new \
             group_id and journal",
            start.end
        )));
    }
    if low > start.from {
        tracing::warn!(
            topic,
            partition,
            from = start.from,
            low,
            "records that the journal names were deleted: state is rebuilt without them"
        );
    }
    Ok(Some(start.from.max(low)))
}
