//! Snapshots as the configuration asks for them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::writer::{ByHand, Settings, Writing};
use super::{Door, Pace, Roller};
use crate::engine::EngineConfig;
use crate::runtime::config::Config;
use crate::runtime::error::RunError;
use crate::snapshot::manifest::Identity;
use crate::snapshot::store::folder::Folder;
use crate::snapshot::{Store, StoreError};
use crate::telemetry::Telemetry;

/// Where snapshots lie, if any are wanted. A place that cannot be had is no reason not to score: it
/// is told, and the journal is repeated.
#[must_use]
pub fn store(config: &Config) -> Option<Arc<dyn Store>> {
    if config.snapshots.interval == 0 {
        return None;
    }
    let opened = match &config.snapshots.object_store {
        Some(address) => objects(address),
        None => Folder::open(&config.snapshot_folder()).map(|folder| Arc::new(folder) as _),
    };
    match opened {
        Ok(store) => Some(store),
        Err(error) => {
            let remedy = error.remedy();
            tracing::error!(%error, remedy, "no snapshots: their place cannot be had");
            None
        }
    }
}

#[cfg(feature = "object-store")]
fn objects(address: &str) -> Result<Arc<dyn Store>, StoreError> {
    let objects = crate::snapshot::store::object::Objects::open(address)?;
    Ok(Arc::new(objects))
}

#[cfg(not(feature = "object-store"))]
fn objects(address: &str) -> Result<Arc<dyn Store>, StoreError> {
    Err(StoreError::File {
        verb: "cannot open",
        file: address.to_owned(),
        cause: "this program was built without the feature object-store".to_owned(),
        is_full: false,
    })
}

/// The thread that writes, and what decides what it is given. `stands`: where the inputs stand;
/// `next_step` is the first that is not
/// durable yet.
///
/// # Errors
/// When the system gives no thread.
pub fn take(
    config: &Config,
    engine: &EngineConfig,
    store: Arc<dyn Store>,
    telemetry: &Arc<Telemetry>,
    stands: &BTreeMap<(String, i32), i64>,
    next_step: u64,
) -> Result<(Writing, Roller), RunError> {
    let settings = Settings {
        store,
        keep: config.snapshots.keep,
        identity: Identity::of(&engine.tenant, engine.hash_key, engine.utc_offset_ms),
        telemetry: Arc::clone(telemetry),
    };
    let (writing, door) =
        Writing::start(settings).map_err(|error| RunError::System(error.to_string()))?;
    let interval = Duration::from_millis(config.snapshots.interval.unsigned_abs());
    let topics = config.kafka.topics.inputs();
    Ok((writing, roller(door, (interval, Pace::ByClock), topics, stands, next_step)))
}

/// The same for who has no thread for it and no clock: sets follow one another, so many `parts` are
/// copied between two steps, and what is to be written is written when asked for.
#[must_use]
pub fn by_hand(
    settings: Settings,
    parts: usize,
    topics: Vec<String>,
    stands: &BTreeMap<(String, i32), i64>,
    next_step: u64,
) -> (ByHand, Roller) {
    let (hand, door) = ByHand::of(settings);
    let pace = (Duration::ZERO, Pace::Parts(parts));
    (hand, roller(door, pace, topics, stands, next_step))
}

fn roller(
    door: Door,
    pace: (Duration, Pace),
    topics: Vec<String>,
    stands: &BTreeMap<(String, i32), i64>,
    next_step: u64,
) -> Roller {
    door.between.commit(next_step - 1);
    let stands = stands.iter().filter_map(|((topic, partition), next)| {
        let place = topics.iter().position(|input| input == topic)?;
        Some(((place as u16, *partition), *next))
    });
    let stands = stands.collect();
    Roller::new(door, pace, topics, stands)
}
