//! The state as plain data, part by part, and back: what a snapshot is made of.
//!
//! Images are structs of their own, not the live ones: the live ones may change from version to
//! version, an image is read for ever. Nothing in one is a pointer, a capacity, or the layout of a
//! hash table.
//!
//! A shard's state is two parts, and what is kept in order of events a third:
//!
//! 1. what the *consult* phase keeps ([`ConsultImage`]): payments ([`payments`]) and lists
//!    ([`lists`]). A ledger in another shard depends on what it says of an event
//! 2. what the *visits* keep ([`LedgersImage`], [`ledgers`]): entities, entries, long memory
//!    ([`extras`]). Nothing in another shard depends on it before an event is judged
//! 3. what the *act* phase keeps ([`ActImage`]): episodes, signals, breaker, and the payments that
//!    rules wait for ([`waits`]); and the events taken lately ([`held`]), which it may have judged
//!    again. That reads ledgers and changes none
//!
//! So parts may be taken one after the other while work goes on, as long as all of the first kind
//! are taken before any of the second, and the third last: each then goes on from its own step with
//! all it depends on at hand ([`resume`]).

mod column;
pub mod event;
pub mod extras;
pub mod held;
pub mod ledgers;
pub mod lists;
pub mod payments;
pub mod resume;
pub mod waits;

pub use column::{Column, Fixed};
pub use event::{AccountRow, PaymentEvent};
pub use extras::ExtrasImage;
pub use held::{HeldCopy, HeldImage};
pub use ledgers::LedgersImage;
pub use lists::ListsImage;
pub use payments::PaymentsImage;
pub use resume::Resume;
pub use waits::WaitsImage;

pub use super::act::image::{ActCopy, ActImage};

use std::sync::RwLock;

use serde::{Deserialize, Serialize};

use super::group::{Group, ShardState};
use super::register::Register;
use super::step::{Engine, write};
use crate::limits;
use crate::model::alert::TargetKind;
use crate::model::country::Country;
use crate::model::entity::Shard;
use crate::model::money::Currency;
use crate::model::time::Millis;

/// What the consult phase keeps of one shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsultImage {
    /// The shard.
    pub shard: Shard,
    /// Greatest event time seen when it was taken.
    pub greatest_ms: Millis,
    /// Number of the next event then.
    pub next_event: u64,
    /// Its payments.
    pub payments: PaymentsImage,
    /// Its lists.
    pub lists: ListsImage,
}

/// Why an image cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// Columns that belong together have different lengths.
    #[error("{0}: columns do not fit together")]
    Columns(&'static str),
    /// A number that stands for nothing this version knows.
    #[error("{what}: nothing has number {number}")]
    Unknown {
        /// What it should stand for.
        what: &'static str,
        /// The number.
        number: u64,
    },
    /// A value that cannot be.
    #[error("{0}")]
    Impossible(&'static str),
}

/// What an alert can be about, by number.
pub(super) const TARGET_KINDS: &[(&str, TargetKind)] = &[
    ("payment", TargetKind::Payment),
    ("account", TargetKind::Account),
    ("opening", TargetKind::Opening),
];

/// What stands under a number.
pub(super) fn of_number<T: Copy>(
    what: &'static str,
    words: &[(&'static str, T)],
    number: u8,
) -> Result<T, ImageError> {
    let found = words.get(usize::from(number)).map(|(_, value)| *value);
    found.ok_or(ImageError::Unknown { what, number: u64::from(number) })
}

/// The same for what may be absent: 0 is absent, else one more than the number.
pub(super) fn of_number_or_none<T: Copy>(
    what: &'static str,
    words: &[(&'static str, T)],
    number: u8,
) -> Result<Option<T>, ImageError> {
    number.checked_sub(1).map(|number| of_number(what, words, number)).transpose()
}

/// The letters of a code.
fn letters<const N: usize>(code: &str) -> [u8; N] {
    code.as_bytes().first_chunk().copied().unwrap_or([0; N])
}

/// The country of a code's letters.
fn country_of(letters: &[u8]) -> Result<Country, ImageError> {
    let country = std::str::from_utf8(letters).ok().and_then(Country::parse);
    country.ok_or(ImageError::Impossible("a country has no code"))
}

/// The currency of a code's letters.
fn currency_of(letters: &[u8]) -> Result<Currency, ImageError> {
    let currency = std::str::from_utf8(letters).ok().and_then(Currency::parse);
    currency.ok_or(ImageError::Impossible("a currency has no code"))
}

/// The next `len` bytes as text.
pub(super) fn take_text<'a>(
    texts: &mut &'a [u8],
    len: usize,
    what: &'static str,
) -> Result<&'a str, ImageError> {
    let (text, rest) = texts.split_at_checked(len).ok_or(ImageError::Columns(what))?;
    *texts = rest;
    std::str::from_utf8(text).map_err(|_| ImageError::Impossible("a text is not UTF-8"))
}

/// The next `len` items.
pub(super) fn take<'a, T>(
    items: &mut &'a [T],
    len: u32,
    what: &'static str,
) -> Result<&'a [T], ImageError> {
    let (taken, rest) = items.split_at_checked(len as usize).ok_or(ImageError::Columns(what))?;
    *items = rest;
    Ok(taken)
}

impl Engine {
    /// Copies what the consult phase keeps of a shard; the image's memory is used again.
    ///
    /// # Panics
    /// When there is no such shard.
    pub fn copy_consult(&mut self, shard: Shard, image: &mut ConsultImage) {
        let horizon_ms = self.horizon_ms();
        (image.shard, image.greatest_ms) = (shard, self.greatest_ms);
        image.next_event = self.held.next_number();
        let mut group = write(group_of(self, shard));
        let state = group.shard(shard);
        // When payments leave the register depends on the number of threads, which must not show.
        horizon_ms.into_iter().for_each(|horizon_ms| state.register.evict(horizon_ms));
        image.payments.copy(&state.register);
        image.lists.copy(&state.table);
    }

    /// Copies what the visits keep of a shard; the image's memory is used again.
    ///
    /// # Panics
    /// When there is no such shard.
    pub fn copy_ledgers(&mut self, shard: Shard, image: &mut LedgersImage) {
        let horizon_ms = self.horizon_ms();
        (image.shard, image.greatest_ms) = (shard, self.greatest_ms);
        let mut group = write(group_of(self, shard));
        image.copy(group.shard(shard), horizon_ms, self.config.utc_offset_ms);
    }

    /// Takes what the visits keep of a shard in, in place of all that is there of it. May be called
    /// from several threads.
    ///
    /// # Errors
    /// [`ImageError`]; the shard is as it was then.
    pub fn restore_ledgers(&self, image: &LedgersImage) -> Result<(), ImageError> {
        let group = checked_group(self, image.shard)?;
        let state = image.restore()?;
        *write(group).shard(image.shard) = state;
        Ok(())
    }

    /// Takes what the consult phase keeps of a shard in, after [`Engine::restore_ledgers`]: lists
    /// are of entities that those name. May be called from several threads.
    ///
    /// # Errors
    /// [`ImageError`]; the shard is of no use then.
    pub fn restore_consult(&self, image: &ConsultImage) -> Result<(), ImageError> {
        let group = checked_group(self, image.shard)?;
        let mut register = Register::default();
        image.payments.restore(image.shard, &mut register)?;
        let mut group = write(group);
        let state = group.shard(image.shard);
        state.register = register;
        image.lists.restore(&mut state.table)
    }

    /// Lets go of a shard's state.
    ///
    /// # Panics
    /// When there is no such shard.
    pub fn drop_shard(&self, shard: Shard) {
        *write(group_of(self, shard)).shard(shard) = ShardState::default();
    }
}

fn group_of(engine: &Engine, shard: Shard) -> &RwLock<Group> {
    let each = limits::SHARDS.div_ceil(engine.config.threads.clamp(1, limits::SHARDS));
    &engine.groups[usize::from(shard) / each]
}

fn checked_group(engine: &Engine, shard: Shard) -> Result<&RwLock<Group>, ImageError> {
    if usize::from(shard) < limits::SHARDS {
        return Ok(group_of(engine, shard));
    }
    Err(ImageError::Unknown { what: "shard", number: u64::from(shard) })
}
