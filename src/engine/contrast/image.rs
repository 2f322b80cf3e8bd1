//! A comparison as plain data, and back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Cell, Contrast, Matter, Pair, Said, Target};
use crate::engine::image::{ImageError, TARGET_KINDS, of_number, of_number_or_none};
use crate::model::measure::Action;
use crate::model::time::Millis;
use crate::rules::plan::Plan;

/// A comparison so far. Of measures one more than their number; 0: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContrastImage {
    matters: Vec<MatterRow>,
    /// What the views ask for, before and after; episodes, minor units.
    table: Vec<(u8, u8, u64, i128)>,
    carried_over: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MatterRow {
    kind: u8,
    id: String,
    sides: [Option<SaidRow>; 2],
    last_ms: Millis,
    carried_over: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SaidRow {
    alert_id: String,
    measure: u8,
    minor: i64,
    last_ms: Millis,
}

fn number_of(measure: Option<Action>) -> u8 {
    measure.map_or(0, |measure| measure as u8 + 1)
}

fn measure_of(number: u8) -> Result<Option<Action>, ImageError> {
    of_number_or_none("measure", Action::WORDS, number)
}

impl Contrast {
    /// As plain data.
    #[must_use]
    pub fn image(&self) -> ContrastImage {
        // Currency and idle time are the plans', the order of touching follows from the matters.
        let Self { currency: _, idle_ms: _, matters, touched: _, table, carried_over } = self;
        let said = |said: &Said| {
            let Said { alert_id, measure, minor, last_ms } = said;
            let (alert_id, measure) = (alert_id.clone(), number_of(*measure));
            SaidRow { alert_id, measure, minor: *minor, last_ms: *last_ms }
        };
        let matter = |((kind, id), matter): (&Target, &Matter)| {
            let Matter { sides, last_ms, carried_over } = matter;
            MatterRow {
                kind: *kind as u8,
                id: id.to_string(),
                sides: sides.each_ref().map(|side| side.as_ref().map(said)),
                last_ms: *last_ms,
                carried_over: *carried_over,
            }
        };
        let cell = |(pair, cell): (&Pair, &Cell)| {
            let ([before, after], Cell { episodes, minor }) = (pair.map(number_of), *cell);
            (before, after, episodes, minor)
        };
        ContrastImage {
            matters: matters.iter().map(matter).collect(),
            table: table.iter().map(cell).collect(),
            carried_over: *carried_over,
        }
    }

    /// The comparison of two plans as it was.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn restore(before: &Plan, after: &Plan, image: &ContrastImage) -> Result<Self, ImageError> {
        let (mut matters, mut touched) = (BTreeMap::new(), BTreeSet::new());
        let said = |row: &SaidRow| {
            let (alert_id, measure) = (row.alert_id.clone(), measure_of(row.measure)?);
            Ok(Said { alert_id, measure, minor: row.minor, last_ms: row.last_ms })
        };
        for row in &image.matters {
            let kind = of_number("target", TARGET_KINDS, row.kind)?;
            let target: Target = (kind, row.id.as_str().into());
            let [old, new] = row.sides.each_ref().map(|side| side.as_ref().map(said).transpose());
            let (sides, last_ms, carried_over) = ([old?, new?], row.last_ms, row.carried_over);
            touched.insert((last_ms, target.clone()));
            matters.insert(target, Matter { sides, last_ms, carried_over });
        }
        let mut table = BTreeMap::new();
        for &(before, after, episodes, minor) in &image.table {
            let pair: Pair = [measure_of(before)?, measure_of(after)?];
            table.insert(pair, Cell { episodes, minor });
        }
        let mut counted = table.clone();
        for matter in matters.values().filter(|matter: &&Matter| !matter.carried_over) {
            let cell = counted.get_mut(&matter.pair()).filter(|cell| cell.episodes > 0);
            let cell = cell.ok_or(ImageError::Impossible("a comparison has not counted all"))?;
            cell.episodes -= 1;
        }
        let carried_over = image.carried_over;
        Ok(Self { matters, touched, table, carried_over, ..Self::new(before, after) })
    }
}
