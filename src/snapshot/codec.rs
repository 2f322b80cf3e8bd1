//! Parts to blocks and back.
//!
//! What is inside a block is postcard: small, documented, and the same on every machine. Version 1
//! holds the images of [`crate::engine::image`] as they are now.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::block::{self, BlockError, Envelope, Kind};
use super::manifest::Manifest;
use super::trials::TrialsPart;
use crate::engine::image::{ActImage, ConsultImage, HeldImage, LedgersImage};

/// What a block holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Of the consult phase.
    Consult(ConsultImage),
    /// Of the visits.
    Ledgers(LedgersImage),
    /// Of the act phase.
    Act(ActImage),
    /// Some of the events taken lately.
    Held(HeldImage),
    /// What is on trial.
    Trials(TrialsPart),
    /// The set's manifest.
    Manifest(Manifest),
}

/// Writes one part behind `file`; its bytes before compression.
///
/// # Errors
/// [`BlockError`], when it is larger than a part may be.
pub fn write(
    file: &mut Vec<u8>,
    (kind, shard, step, pack): (Kind, u16, u64, &[u8; 32]),
    part: &impl Serialize,
) -> Result<usize, BlockError> {
    let raw = postcard::to_stdvec(part).map_err(|error| BlockError::Wrong(error.to_string()))?;
    block::write(file, (kind, shard, step, pack), &raw)?;
    Ok(raw.len())
}

/// Reads one part.
///
/// # Errors
/// [`BlockError`], for anything but a whole part of a version that is known.
pub fn read(envelope: &Envelope, content: &[u8]) -> Result<Part, BlockError> {
    read_unpacked(envelope, &block::unpack(envelope, content)?)
}

/// Reads one part from its bytes before compression.
///
/// # Errors
/// As [`read`].
pub fn read_unpacked(envelope: &Envelope, raw: &[u8]) -> Result<Part, BlockError> {
    let part = match envelope.kind {
        Kind::Consult => Part::Consult(decode(raw)?),
        Kind::Ledgers => Part::Ledgers(decode(raw)?),
        Kind::Act => Part::Act(decode(raw)?),
        Kind::Held => Part::Held(decode(raw)?),
        Kind::Trials => Part::Trials(decode(raw)?),
        Kind::Manifest => Part::Manifest(decode(raw)?),
    };
    let says = match &part {
        Part::Consult(image) => image.shard,
        Part::Ledgers(image) => image.shard,
        Part::Held(image) => image.number,
        Part::Act(_) | Part::Trials(_) | Part::Manifest(_) => 0,
    };
    if says != envelope.shard {
        return Err(BlockError::Wrong("it is another part than its envelope says".to_owned()));
    }
    Ok(part)
}

fn decode<T: DeserializeOwned>(raw: &[u8]) -> Result<T, BlockError> {
    let (part, rest) = postcard::take_from_bytes(raw)
        .map_err(|error| BlockError::Wrong(format!("cannot be read: {error}")))?;
    match rest {
        [] => Ok(part),
        _ => Err(BlockError::Wrong("something follows its end".to_owned())),
    }
}
