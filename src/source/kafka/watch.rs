//! Notices new partitions, from a thread of its own: asking the broker blocks.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rdkafka::consumer::BaseConsumer;

use super::client::{self, Context};
use crate::source::SourceError;

/// How often the broker is asked.
const INTERVAL: Duration = Duration::from_secs(3);

/// The running watch; ends when dropped.
pub struct Watch {
    news: Receiver<Vec<i32>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub fn start(consumer: Arc<BaseConsumer<Context>>, topics: Vec<String>) -> Self {
        let (tell, news) = bounded(1);
        let (stop, stopped) = bounded::<()>(0);
        let thread = std::thread::Builder::new()
            .name("goshawk-partitions".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    let counts: Result<Vec<i32>, _> =
                        topics.iter().map(|topic| count_of(&consumer, topic)).collect();
                    // Trouble shows in reading; here it only means no news.
                    if let Ok(counts) = counts {
                        drop(tell.try_send(counts));
                    }
                }
            })
            .ok();
        Self { news, stop: Some(stop), thread }
    }

    /// Partitions by topic, if the broker has been asked since the last call.
    pub fn news(&self) -> Option<Vec<i32>> {
        self.news.try_recv().ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic could spoil.
            let _ = thread.join();
        }
    }
}

/// Number of partitions.
pub fn count_of(consumer: &BaseConsumer<Context>, topic: &str) -> Result<i32, SourceError> {
    let asked = client::partitions(consumer, topic)
        .map_err(|error| SourceError::Kafka(format!("cannot ask about topic {topic}: {error}")))?;
    asked.ok_or_else(|| {
        SourceError::Kafka(format!("topic {topic} does not exist; create it, or correct its name"))
    })
}
