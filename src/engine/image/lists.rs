//! The lists that entities of one shard are on, and what the register of enterprises says of them.

use serde::{Deserialize, Serialize};

use super::super::reference::{ListEntry, ReferenceData};
use super::super::table::Table;
use super::{Column, ImageError, of_number, of_number_or_none, take, take_text};
use crate::model::event::{ListCategory, ListLevel, RegistryStatus};
use crate::model::time::Millis;

/// By entity that is on a list or in the register; what belongs to one lies in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListsImage {
    entities: Vec<ListedRow>,
    entries: Vec<EntryRow>,
    /// When the register was asked, since when it says so, number of what it says.
    registry: Vec<(Millis, Millis, u8)>,
    /// By list entry: its id, its other side.
    texts: Column<u8>,
}

/// An entity, and how many rows it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ListedRow {
    slot: u32,
    entries: u32,
    registry: u32,
}

/// One list entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EntryRow {
    category: u8,
    /// One more than its number; 0: none.
    level: u8,
    from_ms: Millis,
    to_ms: Millis,
    id_len: u32,
    counterparty_len: u32,
}

impl ListsImage {
    pub(super) fn copy(&mut self, table: &Table) {
        self.entities.clear();
        self.entries.clear();
        self.registry.clear();
        self.texts.clear();
        for (slot, header) in (0u32..).zip(&table.headers).filter(|(_, header)| header.is_listed) {
            let Some(extra) = header.extra.as_deref() else { continue };
            // The others belong to the visits.
            let ReferenceData { lists, controls: _, profile: _, known } = &extra.reference;
            let registry = known.as_deref().map_or(&[][..], |known| &known.registry);
            self.entities.push(ListedRow {
                slot,
                entries: lists.len() as u32,
                registry: registry.len() as u32,
            });
            let rows =
                registry.iter().map(|(asked, as_of, status)| (*asked, *as_of, *status as u8));
            self.registry.extend(rows);
            for entry in lists {
                let ListEntry { id, category, level, counterparty, from_ms, to_ms } = entry;
                self.entries.push(EntryRow {
                    category: *category as u8,
                    level: level.map_or(0, |level| level as u8 + 1),
                    from_ms: *from_ms,
                    to_ms: *to_ms,
                    id_len: id.len() as u32,
                    counterparty_len: counterparty.len() as u32,
                });
                self.texts.0.extend_from_slice(id.as_bytes());
                self.texts.0.extend_from_slice(counterparty.as_bytes());
            }
        }
    }

    /// Adds them to entities that are there.
    pub(super) fn restore(&self, table: &mut Table) -> Result<(), ImageError> {
        const WHAT: &str = "lists";
        let (mut entries, mut registry) = (self.entries.as_slice(), self.registry.as_slice());
        let mut texts = self.texts.0.as_slice();
        for row in &self.entities {
            let header = table.headers.get_mut(row.slot as usize);
            let header = header.ok_or(ImageError::Impossible("a list names an unknown entity"))?;
            header.is_listed = true;
            let data = &mut header.extra.get_or_insert_default().reference;
            for entry in take(&mut entries, row.entries, WHAT)? {
                data.lists.push(ListEntry {
                    id: take_text(&mut texts, entry.id_len as usize, WHAT)?.into(),
                    category: of_number("list category", ListCategory::WORDS, entry.category)?,
                    level: of_number_or_none("list level", ListLevel::WORDS, entry.level)?,
                    counterparty: take_text(&mut texts, entry.counterparty_len as usize, WHAT)?
                        .into(),
                    from_ms: entry.from_ms,
                    to_ms: entry.to_ms,
                });
            }
            let rows = take(&mut registry, row.registry, WHAT)?;
            if !rows.is_empty() {
                let known = data.known.get_or_insert_default();
                for (asked_ms, as_of_ms, status) in rows {
                    let status = of_number("registry status", RegistryStatus::WORDS, *status)?;
                    known.registry.push((*asked_ms, *as_of_ms, status));
                }
            }
        }
        let all = entries.is_empty() && registry.is_empty() && texts.is_empty();
        if all { Ok(()) } else { Err(ImageError::Columns(WHAT)) }
    }
}
