//! Records become events. The only place that knows the inner formats of the input topics.
//!
//! A record is validated once, here, into types; what fails becomes a [`Reject`] with a typed
//! reason and the path of the field, never a value from the record. Fields are taken in a fixed
//! order, so the reason does not depend on the order in which a sender writes them. Unknown fields
//! are ignored, unknown words of closed sets become `other`, `null` is the same as absent. A key
//! that occurs twice is refused: the two could disagree.
//!
//! - [`json`]: objects as raw field texts, without allocation
//! - [`time`]: times in the accepted forms
//! - `payment`, `reference`: the formats

mod json;
mod payment;
mod reference;
pub mod time;

use jiff::tz::TimeZone;

use crate::limits;
use crate::model::event::{Batch, Body, Event, Position};
use crate::model::reject::{Reject, RejectReason};
use crate::model::time::Millis;

/// How records are read.
#[derive(Clone, Debug)]
pub struct DecodeConfig {
    /// Zone of times that carry no offset.
    pub zone: TimeZone,
    /// How far an event's time may lie after its record's timestamp.
    pub skew_ms: Millis,
}

/// Why a record is refused: the reason, and the field or the parser's words.
pub(crate) type Fault = (RejectReason, String);

/// Decodes records of every input format.
#[derive(Clone, Debug)]
pub struct Decoder {
    config: DecodeConfig,
}

/// What a format's decoder makes of a record.
struct Decoded {
    time_ms: Millis,
    body: Body,
}

impl Decoder {
    /// A decoder.
    #[must_use]
    pub fn new(config: DecodeConfig) -> Self {
        Self { config }
    }

    /// Zone of times that carry no offset.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.config.zone
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
        let outcome = self.read(record, record_time_ms, batch).and_then(|decoded| {
            let late = record_time_ms.is_some_and(|at| decoded.time_ms > at + self.config.skew_ms);
            if late {
                return Err((RejectReason::FromTheFuture, "event time".to_owned()));
            }
            Ok(decoded)
        });
        match outcome {
            Ok(Decoded { time_ms, body }) => {
                let record_time_ms = record_time_ms.unwrap_or(time_ms);
                batch.events.push(Event { position, record_time_ms, time_ms, body });
                Ok(())
            }
            Err((reason, detail)) => {
                batch.text.truncate(text_len);
                let record_time_ms = record_time_ms.unwrap_or_default();
                Err(Reject { position, record_time_ms, reason, detail })
            }
        }
    }

    fn read(
        &self,
        record: &[u8],
        record_time_ms: Option<Millis>,
        batch: &mut Batch,
    ) -> Result<Decoded, Fault> {
        if record.is_empty() {
            return Err((RejectReason::Empty, "no bytes".to_owned()));
        }
        if record.len() > limits::RECORD_BYTES_MAX {
            return Err((RejectReason::TooLarge, format!("{} bytes", record.len())));
        }
        let text = std::str::from_utf8(record)
            .map_err(|error| (RejectReason::NotUtf8, format!("at byte {}", error.valid_up_to())))?;
        json::check_depth(text)?;
        let zone = &self.config.zone;
        // Read as a payment, which almost every record is: its schema comes with its other fields.
        let fields = payment::find(text)?;
        match fields.need(payment::SCHEMA)?.string()?.as_ref() {
            "payment.v1" => payment::decode(&fields, zone, batch),
            "account.v1" => reference::account(text, zone, batch),
            "list.v1" => reference::list(text, zone, record_time_ms, batch),
            "control.v1" => reference::control(text, zone, record_time_ms, batch),
            _ => Err((RejectReason::UnknownSchema, "schema".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
