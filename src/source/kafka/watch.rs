//! Notices new partitions, and topics that were made anew, from a thread of its own: asking the
//! broker blocks.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rdkafka::consumer::BaseConsumer;

use super::client::Context;
use super::{ask, identity};

/// How often the broker is asked.
const INTERVAL: Duration = Duration::from_secs(3);

/// Looks in a row that find a topic missing before it is taken for deleted: a broker that has just
/// started may not know its topics yet.
const LOOKS_MISSING: u32 = 3;

/// What a look at the brokers found.
#[derive(Debug)]
pub enum News {
    /// Partitions by topic.
    Partitions(Vec<i32>),
    /// The topic of this number is another one than when reading began, or none.
    Lost(usize, Loss),
}

/// What became of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It was deleted.
    Deleted,
    /// It was deleted and made again under its name.
    MadeAnew,
}

/// The running watch; ends when dropped.
pub struct Watch {
    news: Receiver<News>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins with the topics as they are now.
    pub fn start(consumer: Arc<BaseConsumer<Context>>, topics: Vec<String>) -> Self {
        let (tell, news) = bounded(1);
        let (stop, stopped) = bounded::<()>(0);
        let mut known = identity::ids(&consumer, &topics);
        let thread = std::thread::Builder::new()
            .name("goshawk-partitions".to_owned())
            .spawn(move || {
                let mut missing = vec![0; topics.len()];
                while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    let ids = identity::ids(&consumer, &topics);
                    let anew = made_anew(known.as_deref(), ids.as_deref());
                    known = known.or(ids);
                    // Trouble shows in reading; here it only means no news.
                    let asked = topics.iter().map(|topic| ask::partitions(&consumer, topic));
                    let counts: Vec<_> = asked.map(Result::ok).collect();
                    for (looks, count) in missing.iter_mut().zip(&counts) {
                        *looks = if *count == Some(None) { *looks + 1 } else { 0 };
                    }
                    let deleted = missing.iter().position(|looks| *looks >= LOOKS_MISSING);
                    let lost = anew.map(|topic| (topic, Loss::MadeAnew));
                    let lost = lost.or(deleted.map(|topic| (topic, Loss::Deleted)));
                    if let Some((topic, loss)) = lost {
                        // Until it is heard: nothing else matters any more.
                        let _ = tell.send(News::Lost(topic, loss));
                    } else if let Some(counts) = counts.into_iter().map(Option::flatten).collect() {
                        drop(tell.try_send(News::Partitions(counts)));
                    }
                }
            })
            .ok();
        Self { news, stop: Some(stop), thread }
    }

    /// What was found since the last call.
    pub fn news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }
}

/// The first topic whose id is another one now. Unknown is not another.
fn made_anew(before: Option<&[Option<u128>]>, now: Option<&[Option<u128>]>) -> Option<usize> {
    let mut pairs = before?.iter().zip(now?);
    pairs.position(|pair| matches!(pair, (Some(before), Some(now)) if before != now))
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        // What it is about to tell nobody hears.
        while self.news.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            // It holds nothing that a panic could spoil.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_id_is_another_topic() {
        let before = [Some(1), None, Some(3)];
        let found = |now: &[Option<u128>]| made_anew(Some(&before), Some(now));
        assert_eq!(found(&[Some(1), Some(2), Some(3)]), None);
        assert_eq!(found(&[Some(1), Some(2), None]), None);
        assert_eq!(found(&[Some(1), None, Some(4)]), Some(2));
        assert_eq!(made_anew(None, Some(&before)), None);
    }
}
