//! Records become events. The only place that knows the inner formats of the input topics.
//!
//! A record is validated once, here, into types; what fails becomes a [`Reject`] with a typed
//! reason and the path of the field, never a value from the record. Fields are taken in a fixed
//! order, so the reason does not depend on the order in which a sender writes them. Unknown fields
//! are ignored, unknown words of closed sets become `other`, `null` is the same as absent. A key
//! that occurs twice is refused: the two could disagree.
//!
//! - [`scan`]: one pass over a record that checks it and notes where its values lie
//! - [`json`]: those values by type
//! - [`texts`]: where an event's texts lie
//! - [`time`]: times in the accepted forms
//! - `payment`, `reference`: the formats

mod json;
mod payment;
mod reference;
mod scan;
mod texts;
pub mod time;

use jiff::tz::TimeZone;

use self::texts::Texts;
use self::time::Clock;
use crate::limits;
use crate::model::event::{Batch, Body, Event, Position};
use crate::model::reject::{Reject, RejectReason};
use crate::model::time::{DAY, Millis};

/// How records are read.
#[derive(Clone, Debug)]
pub struct DecodeConfig {
    /// Zone of times that carry no offset.
    pub zone: TimeZone,
    /// How far an event's time may lie after its record's timestamp.
    pub skew_ms: Millis,
}

/// Why a record is refused: the reason, and the field or the parser's words. Boxed, so that a
/// result with it fits in registers: most fields are read without a fault.
#[derive(Debug)]
struct Fault(Box<(RejectReason, String)>);

impl Fault {
    #[cold]
    fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self(Box::new((reason, detail.into())))
    }

    fn reason(&self) -> RejectReason {
        self.0.0
    }
}

/// Decodes records of every input format.
#[derive(Clone, Debug)]
pub struct Decoder {
    skew_ms: Millis,
    /// Holds records without a timestamp of their own against each other.
    jump: Jump,
    clock: Clock,
    /// Learnt from the records seen; makes the next ones faster and has no other effect.
    orders: payment::Orders,
}

/// The formats that are read.
enum Schema {
    Payment,
    Account,
    List,
    Control,
    Registry,
    Feedback,
}

impl Schema {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "payment.v1" => Some(Self::Payment),
            "account.v1" => Some(Self::Account),
            "list.v1" => Some(Self::List),
            "control.v1" => Some(Self::Control),
            "registry.v1" => Some(Self::Registry),
            "feedback.v1" => Some(Self::Feedback),
            _ => None,
        }
    }
}

/// What a format's decoder makes of a record.
struct Decoded {
    time_ms: Millis,
    body: Body,
}

/// How far the times of records that have no timestamp of their own may leap ahead.
#[derive(Clone, Copy, Debug, Default)]
struct Jump {
    /// At most; absent: as far as they like.
    max_ms: Option<Millis>,
    /// The greatest time of a payment so far.
    greatest_ms: Option<Millis>,
}

/// What is known about a record beside its bytes.
#[derive(Clone, Copy)]
struct Envelope {
    position: Position,
    record_time_ms: Option<Millis>,
}

impl Decoder {
    /// A decoder.
    #[must_use]
    pub fn new(config: DecodeConfig) -> Self {
        let orders = payment::Orders::default();
        let (skew_ms, jump) = (config.skew_ms, Jump::default());
        Self { skew_ms, jump, clock: Clock::new(config.zone), orders }
    }

    /// Refuses as *from the future* what lies more than `max_ms` after every payment before it and
    /// has no timestamp of its own to be held against. One wrong year would else make everything
    /// after it too late.
    #[must_use]
    pub fn with_max_jump(self, max_ms: Option<Millis>) -> Self {
        Self { jump: Jump { max_ms, greatest_ms: None }, ..self }
    }

    /// How times are read.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Appends the record's event to the batch; a refused record leaves the batch as it was.
    ///
    /// `record_time_ms` is the record's own timestamp; a file's lines have none, and then the
    /// event's time stands for it.
    ///
    /// # Errors
    /// [`Reject`], with the reason.
    pub fn decode(
        &mut self,
        record: &[u8],
        position: Position,
        record_time_ms: Option<Millis>,
        batch: &mut Batch,
    ) -> Result<(), Reject> {
        let text_len = batch.text.len();
        let envelope = Envelope { position, record_time_ms };
        self.read(record, envelope, batch).map_err(|fault| {
            let (reason, detail) = *fault.0;
            batch.text.truncate(text_len);
            let record_time_ms = record_time_ms.unwrap_or_default();
            Reject { position, record_time_ms, reason, detail }
        })
    }

    fn read(&mut self, record: &[u8], envelope: Envelope, batch: &mut Batch) -> Result<(), Fault> {
        if record.is_empty() {
            return Err(Fault::new(RejectReason::Empty, "no bytes"));
        }
        if record.len() > limits::RECORD_BYTES_MAX {
            return Err(Fault::new(RejectReason::TooLarge, format!("{} bytes", record.len())));
        }
        let text = std::str::from_utf8(record).map_err(|error| {
            Fault::new(RejectReason::NotUtf8, format!("at byte {}", error.valid_up_to()))
        })?;
        // Laid out as a payment, which almost every record is: its schema comes with its other
        // fields.
        let layout = payment::lay_out(text, &mut self.orders)?;
        let fields = layout.fields(text)?;
        let (clock, record_time_ms) = (&self.clock, envelope.record_time_ms);
        let mut texts = Texts::of(text, batch);
        let texts = &mut texts;
        let decoded = match fields.need(payment::SCHEMA)?.read(Schema::parse)? {
            Some(Schema::Payment) => {
                let (time_ms, payment) = payment::decode(text, &layout, &fields, clock, texts)?;
                return self.admit(envelope, time_ms, Body::Payment(payment), batch);
            }
            Some(Schema::Account) => reference::account(text, clock, texts),
            Some(Schema::List) => reference::list(text, clock, record_time_ms, texts),
            Some(Schema::Control) => reference::control(text, clock, record_time_ms, texts),
            Some(Schema::Registry) => reference::registry(text, clock, record_time_ms, texts),
            Some(Schema::Feedback) => reference::feedback(text, clock, record_time_ms, texts),
            None => Err(Fault::new(RejectReason::UnknownSchema, "schema")),
        }?;
        self.admit(envelope, decoded.time_ms, decoded.body, batch)
    }

    #[inline(always)]
    fn admit(
        &mut self,
        envelope: Envelope,
        time_ms: Millis,
        body: Body,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let Envelope { position, record_time_ms } = envelope;
        match record_time_ms {
            Some(at) if time_ms > at + self.skew_ms => {
                return Err(Fault::new(RejectReason::FromTheFuture, "event time"));
            }
            Some(_) => {}
            None => self.jump.check(time_ms, matches!(body, Body::Payment(_)))?,
        }
        let record_time_ms = record_time_ms.unwrap_or(time_ms);
        batch.events.push(Event { position, record_time_ms, time_ms, body });
        Ok(())
    }
}

impl Jump {
    /// Only payments lead: what is known about an account may be years older than the first.
    #[inline(always)]
    fn check(&mut self, time_ms: Millis, payment: bool) -> Result<(), Fault> {
        let Some(max_ms) = self.max_ms else { return Ok(()) };
        if self.greatest_ms.is_some_and(|greatest| time_ms > greatest.saturating_add(max_ms)) {
            let days = max_ms / DAY;
            let detail = format!("event time: over {days} days after every payment before it");
            return Err(Fault::new(RejectReason::FromTheFuture, detail));
        }
        if payment {
            self.greatest_ms = self.greatest_ms.max(Some(time_ms));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
