//! Notices new partitions, from a thread of its own: asking the broker blocks.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rdkafka::consumer::BaseConsumer;

use super::ask;
use super::client::Context;

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
                    // Trouble shows in reading; here it only means no news.
                    let count = |topic| ask::partitions(&consumer, topic).ok().flatten();
                    if let Some(counts) = topics.iter().map(|topic| count(topic)).collect() {
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
