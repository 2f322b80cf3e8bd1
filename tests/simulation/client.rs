//! The model behind the program's own boundaries: what a process's clients do, with lost answers,
//! messages that arrive late or never, and fetches that bring less than there is.

use std::time::Duration;

use goshawk::runtime::error::RunError;
use goshawk::runtime::standby::Brokers;
use goshawk::sink::Message;
use goshawk::sink::Stream;
use goshawk::sink::kafka::writer::{Ends, Refusal, Writer};
use goshawk::source::kafka::journal::{JournalLog, Next};
use goshawk::source::kafka::lag::Lag;
use goshawk::source::kafka::log::{Begin, Clock, Held, Log, Queue, Served, Taken};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::cluster::{Found, Record};
use super::world::{Sabotage, Seat, State, UnderWay};

/// What an idle reader waits at most.
const PATIENCE: Duration = Duration::from_millis(100);

/// A process's connection to the model.
pub struct Model {
    pub seat: Seat,
    /// `None`: no transactions.
    pub id: Option<String>,
    pub journal: String,
}

impl Brokers for Model {
    type Log = ModelLog;
    type Journal = ModelJournal;
    type Writer = ModelWriter;

    fn log(&self, topics: &[String]) -> Result<ModelLog, RunError> {
        Ok(ModelLog { seat: self.seat.clone(), topics: topics.to_vec() })
    }

    fn journal(&self) -> Result<ModelJournal, RunError> {
        let (seat, topic) = (self.seat.clone(), self.journal.clone());
        Ok(ModelJournal { seat, topic, at: 0, told_end: false })
    }

    fn writer(&self) -> Result<ModelWriter, RunError> {
        Ok(ModelWriter { seat: self.seat.clone(), id: self.id.clone(), epoch: 0, broken: false })
    }
}

fn unanswered() -> KafkaError {
    KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut)
}

/// Whether this call goes without an answer.
fn silent(state: &mut State) -> bool {
    let share = state.faults.silence;
    share > 0 && state.random.below(1_000) < share
}

fn asked<T>(seat: &Seat, name: &str, ask: impl FnOnce(&mut State) -> T) -> KafkaResult<T> {
    let answer = seat.call(name, |state| match silent(state) {
        true => None,
        false => Some(ask(state)),
    });
    answer.flatten().ok_or_else(unanswered)
}

/// The input topics.
pub struct ModelLog {
    seat: Seat,
    topics: Vec<String>,
}

impl Log for ModelLog {
    type Queue = ModelQueue;

    fn clock(&self) -> &dyn Clock {
        &self.seat
    }

    fn partitions(&self, topic: &str) -> KafkaResult<Option<i32>> {
        asked(&self.seat, "partitions", |state| state.cluster.partitions(topic))
    }

    fn bounds(&self, topic: &str, partition: i32) -> KafkaResult<(i64, i64)> {
        asked(&self.seat, "bounds", |state| state.cluster.bounds(topic, partition))
    }

    fn assign(&mut self, begins: &[Begin<'_>]) -> KafkaResult<Vec<ModelQueue>> {
        let queue = |begin: &Begin<'_>| ModelQueue {
            seat: self.seat.clone(),
            topic: begin.topic.to_owned(),
            partition: begin.partition,
            at: begin.offset,
            told_end: false,
        };
        Ok(begins.iter().map(queue).collect())
    }

    fn serve(&mut self) -> Option<Served> {
        None
    }

    fn news(&mut self) -> Option<Vec<i32>> {
        self.seat.look(|state| {
            let look = state.random.chance(5);
            let count = |topic| state.cluster.partitions(topic);
            look.then(|| self.topics.iter().map(|topic| count(topic)).collect()).flatten()
        })
    }

    fn wait(&self, most: Duration) {
        self.seat.sleep(most);
    }

    fn lag(&self) -> Lag {
        Lag::default()
    }
}

/// One partition of them.
pub struct ModelQueue {
    seat: Seat,
    topic: String,
    partition: i32,
    /// The next offset to look at; `None`: whatever is there first.
    at: Option<i64>,
    told_end: bool,
}

impl Queue for ModelQueue {
    fn take(&mut self, most: usize, mut each: impl FnMut(Taken)) {
        let Self { seat, topic, partition, at, told_end } = self;
        let mut taken = Vec::new();
        seat.look(|state| {
            // Nothing has been fetched lately, or not all of it.
            let most = match state.random.below(8) {
                0 | 1 => return,
                2..=4 => most.min(1 + state.random.below(3) as usize),
                _ => most.min(50),
            };
            let start = state.cluster.bounds(topic, *partition).0;
            let at = at.get_or_insert(start);
            while taken.len() < most {
                match state.cluster.read(topic, *partition, *at) {
                    Found::Record(offset, record) => {
                        let Record { key, body, time_ms } = record.clone();
                        taken.push(Taken::Record(Held::copied(offset, Some(time_ms), body, key)));
                        (*at, *told_end) = (offset + 1, false);
                    }
                    Found::End(end) => {
                        // Told once, and again only after more has come.
                        if !*told_end || *at < end {
                            taken.push(Taken::End(end));
                        }
                        (*at, *told_end) = (end, true);
                        return;
                    }
                    Found::Gone => {
                        taken.push(Taken::Trouble(RDKafkaErrorCode::OffsetOutOfRange));
                        return;
                    }
                }
            }
        });
        taken.into_iter().for_each(&mut each);
    }
}

/// The journal.
pub struct ModelJournal {
    seat: Seat,
    topic: String,
    at: i64,
    told_end: bool,
}

impl JournalLog for ModelJournal {
    fn clock(&self) -> &dyn Clock {
        &self.seat
    }

    fn partitions(&self) -> KafkaResult<Option<i32>> {
        asked(&self.seat, "journal partitions", |state| state.cluster.partitions(&self.topic))
    }

    fn seek(&mut self, offset: Option<i64>) -> KafkaResult<()> {
        let start = self.seat.look(|state| state.cluster.bounds(&self.topic, 0).0);
        (self.at, self.told_end) = (offset.unwrap_or(start).max(start), false);
        Ok(())
    }

    fn next(&mut self, each: &mut dyn FnMut(i64, &[u8])) -> KafkaResult<Next> {
        let Self { seat, topic, at, told_end } = self;
        let found = seat.call("journal", |state| {
            if state.random.below(8) == 0 {
                return None;
            }
            Some(match state.cluster.read(topic, 0, *at) {
                Found::Record(offset, record) => Ok((offset, record.body.clone())),
                Found::End(end) => Err(end),
                Found::Gone => panic!("nobody deletes the journal"),
            })
        });
        match found.flatten() {
            Some(Ok((offset, body))) => {
                (*at, *told_end) = (offset + 1, false);
                each(offset, &body);
                Ok(Next::Record)
            }
            Some(Err(end)) if !*told_end || *at < end => {
                (*at, *told_end) = (end, true);
                Ok(Next::End)
            }
            Some(Err(_)) | None => {
                seat.sleep(PATIENCE);
                Ok(Next::Nothing)
            }
        }
    }
}

/// The topics written to.
pub struct ModelWriter {
    seat: Seat,
    id: Option<String>,
    epoch: u32,
    /// A message was refused since the transaction was begun.
    broken: bool,
}

impl ModelWriter {
    fn id(&self) -> &str {
        self.id.as_deref().expect("only called with transactions")
    }

    /// A call whose answer may be lost, before or after it did what it does.
    fn call(
        &mut self,
        name: &str,
        act: impl FnOnce(&mut State, &str, u32) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let (id, mut epoch) = (self.id().to_owned(), self.epoch);
        let lost = || Err(Refusal::Again("the answer was lost".to_owned()));
        let outcome = self.seat.call(name, |state| {
            if silent(state) {
                return lost();
            }
            if state.sabotage == Sabotage::FencingIgnored {
                epoch = state.cluster.newest_epoch(&id);
            }
            act(state, &id, epoch)?;
            if silent(state) { lost() } else { Ok(()) }
        });
        outcome.unwrap_or_else(|| Err(Refusal::Lasting("dead".to_owned())))
    }
}

/// Brings the oldest message of a process that is under way to the brokers.
pub fn deliver(state: &mut State, process: usize) -> Option<Result<(), Refusal>> {
    let queue = state.under_way.get_mut(&process).filter(|queue| !queue.is_empty())?;
    let UnderWay { sender, place: (topic, partition), record } = queue.remove(0);
    let now = state.now;
    Some(match sender {
        Some((id, mut epoch)) => {
            if state.sabotage == Sabotage::FencingIgnored {
                epoch = state.cluster.newest_epoch(&id);
            }
            state.cluster.append_in((&id, epoch), (&topic, partition), record, now)
        }
        None => {
            state.cluster.append(&topic, partition, record);
            Ok(())
        }
    })
}

impl Writer for ModelWriter {
    fn clock(&self) -> &dyn Clock {
        &self.seat
    }

    fn take_over(&mut self) -> Result<(), Refusal> {
        let id = self.id().to_owned();
        let answer = self.seat.call("take over", |state| {
            if silent(state) {
                return Err(Refusal::Again("the answer was lost".to_owned()));
            }
            let epoch = state.cluster.take_over(&id)?;
            match silent(state) {
                true => Err(Refusal::Again("the answer was lost".to_owned())),
                false => Ok(epoch),
            }
        });
        self.epoch = answer.unwrap_or_else(|| Err(Refusal::Lasting("dead".to_owned())))?;
        Ok(())
    }

    fn begin(&mut self) -> Result<(), Refusal> {
        self.broken = false;
        Ok(())
    }

    fn send(&mut self, topic: &str, message: &Message) -> Result<(), Refusal> {
        let process = self.seat.process;
        let sender = self.id.clone().map(|id| (id, self.epoch));
        let left_out = message.stream == Stream::Journal
            && self.seat.look(|state| {
                state.sabotage == Sabotage::JournalLeftOut && state.random.chance(20)
            });
        if left_out {
            return Ok(());
        }
        let record = Record {
            key: Some(message.key.clone()).filter(|key| !key.is_empty()),
            body: message.body.clone(),
            time_ms: 0,
        };
        let sent = self.seat.call("send", |state| {
            let place = (topic.to_owned(), 0);
            let message = UnderWay { sender, place, record };
            state.under_way.entry(process).or_default().push(message);
            // Some are there before anybody waits for them.
            while state.random.chance(30) {
                match deliver(state, process) {
                    Some(Ok(())) => {}
                    Some(Err(refusal)) => return Some(refusal),
                    None => break,
                }
            }
            None
        });
        match sent {
            Some(None) => Ok(()),
            Some(Some(refusal)) => Err(refusal),
            None => Err(Refusal::Lasting("dead".to_owned())),
        }
    }

    fn answers(&mut self) -> Result<(), Refusal> {
        let process = self.seat.process;
        loop {
            let outcome = self.seat.call("answers", |state| {
                let share = state.faults.broken;
                if share > 0 && state.random.below(1_000) < share && self.id.is_some() {
                    // It gave up waiting; none, some or all of them had arrived.
                    while state.random.chance(50) && deliver(state, process).is_some() {}
                    state.under_way.remove(&process);
                    self.broken = true;
                    if state.sabotage == Sabotage::RefusalForgotten {
                        return None;
                    }
                    return Some(Err(Refusal::Broken("a message timed out".to_owned())));
                }
                deliver(state, process)
            });
            match outcome {
                None => return Err(Refusal::Lasting("dead".to_owned())),
                Some(None) => return Ok(()),
                Some(Some(Ok(()))) => {}
                Some(Some(Err(refusal))) => return Err(refusal),
            }
        }
    }

    fn send_offsets(&mut self, ends: &Ends) -> Result<(), Refusal> {
        self.call("offsets", |state, id, epoch| {
            if state.sabotage == Sabotage::OffsetsOutside {
                state.cluster.commit_offsets(ends);
                return Ok(());
            }
            let now = state.now;
            state.cluster.offsets_in((id, epoch), ends, now)
        })
    }

    fn commit(&mut self) -> Result<(), Refusal> {
        let broken = self.broken;
        self.call("commit", |state, id, epoch| {
            let forgotten = state.sabotage == Sabotage::RefusalForgotten;
            assert!(!broken || forgotten, "committed although a message was refused");
            state.cluster.end(id, epoch, true)
        })
    }

    fn abort(&mut self) -> Result<(), Refusal> {
        let process = self.seat.process;
        self.call("abort", |state, id, epoch| {
            state.under_way.remove(&process);
            if state.sabotage == Sabotage::NotAborted {
                return Ok(());
            }
            state.cluster.end(id, epoch, false)
        })
    }

    fn commit_offsets(&mut self, ends: &Ends, _wait: bool) -> Result<(), Refusal> {
        let done = self.seat.call("commit offsets", |state| state.cluster.commit_offsets(ends));
        done.ok_or_else(|| Refusal::Lasting("dead".to_owned()))
    }

    fn committed(&self, _topics: &[String]) -> KafkaResult<Ends> {
        let answer = asked(&self.seat, "committed", |state| state.cluster.committed())?;
        answer.ok_or_else(unanswered)
    }

    fn serve(&mut self) {}
}
