//! Leadership: membership in a consumer group on the one-partition journal topic. Who is given the
//! partition leads; everybody else waits. The broker decides, by sessions; no election of our own.
//!
//! A leader that hangs does no harm to the output: its successor fences its transactional id. For
//! the same reason an outage of the brokers, in which every session ends, does not stop a leader at
//! once: it is in doubt, works on, and either gets the partition again or learns that another has
//! it. Without a transactional id (`at_least_once`) nothing would fence it, so that there it stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{ClientContext, TopicPartitionList};

use super::stop::{Stop, Why};
use crate::model::time::Millis;
use crate::sink::kafka::Guarantee;
use crate::source::kafka::client::{self, Context, KafkaSettings};

const WAITING: u8 = 0;
const HELD: u8 = 1;
const LOST: u8 = 2;
/// The session ended; who leads is not known yet.
const DOUBT: u8 = 3;

/// Where a member of the group stands. The group's news come from outside, in any order.
#[derive(Debug)]
pub struct Standing {
    state: AtomicU8,
    /// Whether a successor fences what this process writes.
    may_doubt: bool,
    /// Set when leadership is lost after it was held.
    stop: Stop,
}

impl Standing {
    /// A member that waits.
    #[must_use]
    pub fn new(guarantee: Guarantee, stop: Stop) -> Self {
        let may_doubt = guarantee == Guarantee::ExactlyOnce;
        Self { state: AtomicU8::new(WAITING), may_doubt, stop }
    }

    /// Whether this process leads.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.state.load(Ordering::Acquire) == HELD
    }

    /// The partition was taken away: because the member's session had ended, or in good order.
    pub fn revoked(&self, session_ended: bool) {
        if !self.is_held() {
            return;
        }
        if self.may_doubt && session_ended {
            self.state.store(DOUBT, Ordering::Release);
            tracing::warn!("the leader's session ended; working on until it is known who leads");
        } else {
            self.lose();
        }
    }

    /// The group has settled: whether this member was given the partition.
    pub fn assigned(&self, given: bool) {
        let state = self.state.load(Ordering::Acquire);
        if !given && state == DOUBT {
            self.lose();
        }
        // Once lost, never again in this process: its state is behind.
        if given && state != LOST {
            self.state.store(HELD, Ordering::Release);
        }
    }

    fn lose(&self) {
        self.state.store(LOST, Ordering::Release);
        self.stop.because(Why::LeadershipLost);
    }
}

/// Membership of the leaders' group.
pub struct Leadership {
    standing: Arc<Standing>,
    leave: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Leadership {
    /// Joins the group. When leadership is lost after it was held, `stop` is set.
    ///
    /// # Errors
    /// When a property is refused, or no thread is to be had.
    pub fn seek(
        settings: &KafkaSettings,
        journal: &str,
        guarantee: Guarantee,
        session_ms: Millis,
        stop: Stop,
    ) -> KafkaResult<Self> {
        let standing = Arc::new(Standing::new(guarantee, stop));
        let group = format!("{}-leader", settings.group_id);
        let chosen = |key: &str, default: &str| {
            settings.consumer.get(key).cloned().unwrap_or_else(|| default.to_owned())
        };
        let session = chosen("session.timeout.ms", &session_ms.to_string());
        let heartbeat = chosen("heartbeat.interval.ms", &(session_ms / 4).to_string());
        let own = [
            ("group.id", group.as_str()),
            ("group.protocol", "classic"),
            // The usual assignor hands a lone partition to the newcomer: leadership would flap.
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", &session),
            ("heartbeat.interval.ms", &heartbeat),
            ("auto.offset.reset", "latest"),
        ];
        let context = Member { client: Context::new(settings), standing: Arc::clone(&standing) };
        let consumer: BaseConsumer<Member> = client::consumer_config(settings, &own)
            .create_with_context(context)
            .map_err(client::discreet)?;
        consumer.subscribe(&[journal])?;
        let leave = Stop::default();
        let left = leave.clone();
        let thread = std::thread::Builder::new()
            .name("goshawk-leader".to_owned())
            .spawn(move || {
                while left.go_on() {
                    // Only the callbacks matter: the partition is paused.
                    if let Some(Err(error)) = consumer.poll(Duration::from_millis(100)) {
                        tracing::debug!(%error, "leader group");
                    }
                }
                consumer.unsubscribe();
            })
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self { standing, leave, thread: Some(thread) })
    }

    /// Whether this process leads.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.standing.is_held()
    }

    /// Leaves the group, so that the next process leads at once.
    pub fn leave(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.leave.because(Why::Asked);
        if let Some(thread) = self.thread.take() {
            // Its consumer closes with it; a panic there leaves the session to time out.
            let _ = thread.join();
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.end();
    }
}

/// A member's callbacks: the usual ones, and the state.
struct Member {
    client: Context,
    standing: Arc<Standing>,
}

impl ClientContext for Member {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.client.log(level, facility, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }

    fn generate_oauth_token(
        &self,
        config: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.client.generate_oauth_token(config)
    }
}

impl ConsumerContext for Member {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if matches!(rebalance, Rebalance::Revoke(gone) if gone.count() > 0) {
            self.standing.revoked(consumer.assignment_lost());
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Assign(partitions) = rebalance else { return };
        if partitions.count() > 0 {
            pause(consumer, partitions);
        }
        self.standing.assigned(partitions.count() > 0);
    }
}

fn pause(consumer: &BaseConsumer<Member>, partitions: &TopicPartitionList) {
    if let Err(error) = consumer.pause(partitions) {
        tracing::debug!(%error, "the journal is fetched for nothing");
    }
}
