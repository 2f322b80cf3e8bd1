//! Generated records into Kafka topics.

use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use crate::model::time::Millis;
use crate::source::kafka::client::{self, Context, KafkaSettings};

/// Wait for the broker's answers, one slice. `poll` does not return early, hence short ones.
const SLICE: Duration = Duration::from_millis(1);
/// How long the last records may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(60);

/// An idempotent producer: every record once and in order, as long as this process lives.
pub struct Feed {
    producer: BaseProducer<Context>,
}

/// Why records could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The client could not be made; a property is wrong.
    #[error("kafka: {0}")]
    Client(KafkaError),
    /// The topic does not exist, or the broker cannot be asked.
    #[error("kafka: topic {topic}: {cause}")]
    Topic {
        /// The topic.
        topic: String,
        /// What the client said.
        cause: String,
    },
    /// A record was refused for good.
    #[error("kafka: record refused: {0}")]
    Refused(String),
    /// The last records were not acknowledged in time.
    #[error("kafka: {0} records unacknowledged after a minute")]
    Unacknowledged(i32),
}

impl Feed {
    /// Connects, and makes sure that the topics are there. Of the settings those of a group are not
    /// read.
    ///
    /// # Errors
    /// [`FeedError`], when a property is wrong, or a topic is not there.
    pub fn new(settings: &KafkaSettings, topics: &[&str]) -> Result<Self, FeedError> {
        let mut settings = settings.clone();
        // Throughput first, unless the settings say otherwise.
        for (key, value) in [("compression.type", "lz4"), ("linger.ms", "5")] {
            let said = settings.properties.contains_key(key);
            if !said {
                settings.producer.entry(key.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        let producer = client::producer(&settings, &[]).map_err(FeedError::Client)?;
        for topic in topics {
            let problem = |cause: String| FeedError::Topic { topic: (*topic).to_owned(), cause };
            let metadata = producer
                .client()
                .fetch_metadata(Some(topic), Duration::from_secs(10))
                .map_err(|error| problem(error.to_string()))?;
            let there = metadata.topics().first().is_some_and(|t| !t.partitions().is_empty());
            if !there {
                return Err(problem("not there; create it first".to_owned()));
            }
        }
        Ok(Self { producer })
    }

    /// Hands a record over; waits while the queue is full.
    ///
    /// # Errors
    /// [`FeedError::Refused`], when this or an earlier record was refused.
    pub fn send(
        &self,
        topic: &str,
        key: &str,
        body: &[u8],
        time_ms: Millis,
    ) -> Result<(), FeedError> {
        let mut record = BaseRecord::to(topic).key(key).payload(body).timestamp(time_ms);
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.poll()?;
                }
                Err((error, _)) => return Err(FeedError::Refused(error.to_string())),
            }
        }
    }

    /// Takes what the broker has answered.
    ///
    /// # Errors
    /// [`FeedError::Refused`], when a record was refused.
    pub fn poll(&self) -> Result<(), FeedError> {
        self.producer.poll(SLICE);
        match self.producer.context().take_refusal() {
            Some(problem) => Err(FeedError::Refused(problem.to_string())),
            None => Ok(()),
        }
    }

    /// Waits until all is acknowledged.
    ///
    /// # Errors
    /// [`FeedError`], when a record was refused or takes too long.
    pub fn flush(&self) -> Result<(), FeedError> {
        let began = Instant::now();
        while self.producer.in_flight_count() > 0 {
            self.poll()?;
            if began.elapsed() > FLUSH_TIMEOUT {
                return Err(FeedError::Unacknowledged(self.producer.in_flight_count()));
            }
        }
        self.poll()
    }
}
