//! The input topics at real brokers: one consumer, every partition assigned to it with a queue of
//! its own.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::ask;
use super::client::{self, Context, KafkaSettings};
use super::lag::Lag;
use super::log::{Begin, Clock, Held, Log, Served, SystemClock};
use super::queue::PartitionQueue;
use super::watch::{Loss, News, Watch};
use crate::limits;

/// A connection to the brokers.
pub struct KafkaLog {
    consumer: Arc<BaseConsumer<Context>>,
    assigned: bool,
    wake: (Sender<()>, Receiver<()>),
    watch: Watch,
    lost: Option<(usize, Loss)>,
    lag: Lag,
}

impl KafkaLog {
    /// Connects.
    ///
    /// # Errors
    /// When a property is refused.
    pub fn open(settings: &KafkaSettings, topics: &[String]) -> KafkaResult<Self> {
        let own = [
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("statistics.interval.ms", "1000"),
            ("fetch.wait.max.ms", "100"),
            ("queued.max.messages.kbytes", limits::SOURCE_QUEUE_KIB),
        ];
        let consumer = client::consumer(settings, &own)?;
        let lag = consumer.context().lag.clone();
        let consumer = Arc::new(consumer);
        let watch = Watch::start(Arc::clone(&consumer), topics.to_vec());
        Ok(Self { consumer, assigned: false, wake: bounded(1), watch, lost: None, lag })
    }
}

impl Log for KafkaLog {
    type Queue = PartitionQueue;

    fn clock(&self) -> &dyn Clock {
        &SystemClock
    }

    fn partitions(&self, topic: &str) -> KafkaResult<Option<i32>> {
        ask::partitions(&self.consumer, topic)
    }

    fn bounds(&self, topic: &str, partition: i32) -> KafkaResult<(i64, i64)> {
        self.consumer.fetch_watermarks(topic, partition, ask::ASK_TIMEOUT)
    }

    fn assign(&mut self, begins: &[Begin<'_>]) -> KafkaResult<Vec<PartitionQueue>> {
        let mut list = TopicPartitionList::new();
        for begin in begins {
            let offset = begin.offset.map_or(Offset::Beginning, Offset::Offset);
            list.add_partition_offset(begin.topic, begin.partition, offset)?;
        }
        if self.assigned {
            self.consumer.incremental_assign(&list)?;
        } else {
            self.consumer.assign(&list)?;
        }
        self.assigned = true;
        let split = |begin: &Begin<'_>| {
            let queue = PartitionQueue::split(&self.consumer, begin.topic, begin.partition);
            let mut queue = queue.ok_or_else(|| {
                let place = format!("{}/{} has no queue", begin.topic, begin.partition);
                KafkaError::ClientCreation(place)
            })?;
            let wake = self.wake.0.clone();
            // Full means that a wake-up is pending already.
            queue.on_arrival(move || {
                let _ = wake.try_send(());
            });
            Ok(queue)
        };
        begins.iter().map(split).collect()
    }

    fn serve(&mut self) -> Option<Served> {
        let served = match self.consumer.poll(Duration::ZERO)? {
            Ok(message) => Served::Early {
                topic: message.topic().to_owned(),
                partition: message.partition(),
                held: Held::copied(
                    message.offset(),
                    message.timestamp().to_millis(),
                    message.payload().unwrap_or_default().to_vec(),
                    message.key().map(<[u8]>::to_vec),
                ),
            },
            Err(KafkaError::PartitionEOF(_)) => Served::Nothing,
            Err(error) => Served::Trouble(error),
        };
        Some(served)
    }

    fn news(&mut self) -> Option<Vec<i32>> {
        match self.watch.news()? {
            News::Partitions(counts) => Some(counts),
            News::Lost(topic, loss) => {
                self.lost = Some((topic, loss));
                None
            }
        }
    }

    fn lost(&self) -> Option<(usize, Loss)> {
        self.lost
    }

    fn wait(&self, most: Duration) {
        let _ = self.wake.1.recv_timeout(most);
    }

    fn lag(&self) -> Lag {
        self.lag.clone()
    }
}
