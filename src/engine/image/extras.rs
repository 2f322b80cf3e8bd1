//! What only some entities have: long memory, notes of what was taken back, controls, profile, what
//! happened to them. Rows of fixed kinds; an entity's row says how many it has of each.

use serde::{Deserialize, Serialize};

use super::super::extra::Extra;
use super::super::features::{Known, Opening, Place};
use super::super::long::{DayBucket, Long, Pair, SketchCell};
use super::super::reference::{ControlEntry, Profile, ReferenceData};
use super::super::table::Table;
use super::{
    Column, ImageError, country_of, currency_of, letters, of_number, of_number_or_none, take,
    take_text,
};
use crate::model::entity::Reference;
use crate::model::event::{AccountClass, AccountEventKind, CustomerType, RiskGrade, Verdict};
use crate::model::measure::Action;
use crate::model::money::Money;
use crate::model::time::Millis;

/// By entity that has any of it; what belongs to one lies in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtrasImage {
    entities: Vec<ExtraRow>,
    days: Vec<DayRow>,
    /// Day, bucket, number.
    sketch: Vec<(i32, u16, u32)>,
    pairs: Vec<PairRow>,
    payers: Vec<PairRow>,
    /// Fingerprint, time.
    voids: Vec<(u32, Millis)>,
    controls: Vec<ControlRow>,
    profiles: Vec<ProfileRow>,
    known: Vec<KnownRow>,
    marks: Vec<(Millis, u8)>,
    /// Time, minor units, currency.
    raises: Vec<(Millis, i64, [u8; 3])>,
    blocks: Vec<(Millis, u32)>,
    /// Time, number of the verdict, length of the payee.
    verdicts: Vec<(Millis, u8, u32)>,
    /// Time, fingerprint of the payment, where.
    places: Vec<(Millis, u32, PlaceRow)>,
    bases: Vec<(i32, Millis, PlaceRow)>,
    /// Fingerprint, length of the terminal.
    cash: Vec<(u32, u32)>,
    terminals: Vec<(u32, u32)>,
    countries: Vec<(Millis, u32, [u8; 2])>,
    openings: Vec<(Millis, u64, u64)>,
    bound: Vec<u64>,
    /// By entity: what its rows say the length of, in the order of the fields above.
    texts: Column<u8>,
}

/// An entity, and how many rows it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ExtraRow {
    slot: u32,
    last_debit_ms: Option<Millis>,
    pairs_truncated: bool,
    forgotten: u32,
    turns: u32,
    lost_until_ms: Option<Millis>,
    days: u32,
    sketch: u32,
    pairs: u32,
    payers: u32,
    voids: u32,
    controls: u32,
    has_profile: bool,
    has_known: bool,
}

/// Sums of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DayRow {
    day: i32,
    counts: [u32; 2],
    sums: [i64; 2],
    night_debits: u32,
    hours: [u32; 2],
}

/// What is remembered of a payee or payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PairRow {
    party: u64,
    first_day: i32,
    last_day: i32,
    count: u32,
    last_turn: u32,
    weeks: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ControlRow {
    id_len: u32,
    kind: u8,
    from_ms: Millis,
    to_ms: Millis,
}

/// What account events said. Of words one more than their number; 0: none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ProfileRow {
    opened_at_ms: Option<Millis>,
    customer_type: u8,
    account_class: u8,
    risk_grade: u8,
    branch_len: Option<u32>,
    opening_device_len: Option<u32>,
    opening_place: Option<PlaceRow>,
}

/// How many rows it has of each; the register of enterprises is with the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KnownRow {
    marks: u32,
    raises: u32,
    blocks: u32,
    verdicts: u32,
    places: u32,
    bases: u32,
    cash: u32,
    terminals: u32,
    countries: u32,
    openings: u32,
    bound: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PlaceRow {
    lat_udeg: i32,
    lon_udeg: i32,
    accuracy_m: u32,
}

const WHAT: &str = "what some entities have";

impl ExtrasImage {
    pub(super) fn clear(&mut self) {
        let Self {
            entities,
            days,
            sketch,
            pairs,
            payers,
            voids,
            controls,
            profiles,
            known,
            marks,
            raises,
            blocks,
            verdicts,
            places,
            bases,
            cash,
            terminals,
            countries,
            openings,
            bound,
            texts,
        } = self;
        entities.clear();
        days.clear();
        sketch.clear();
        [pairs, payers].into_iter().for_each(Vec::clear);
        voids.clear();
        controls.clear();
        profiles.clear();
        known.clear();
        marks.clear();
        raises.clear();
        blocks.clear();
        verdicts.clear();
        places.clear();
        bases.clear();
        [cash, terminals].into_iter().for_each(Vec::clear);
        countries.clear();
        openings.clear();
        bound.clear();
        texts.clear();
    }

    pub(super) fn copy(&mut self, slot: u32, extra: &Extra) {
        // Lists are in a part of their own; running sums are made anew when they are asked for.
        let Extra { long, voids, hot: _, reference, lost_until_ms } = extra;
        let ReferenceData { lists: _, controls, profile, known } = reference;
        let has_profile = !profile.is_empty();
        self.copy_long(long);
        let Long { last_debit_ms, days, sketch, pairs, payers, pairs_truncated, forgotten, turns } =
            long;
        self.entities.push(ExtraRow {
            slot,
            last_debit_ms: *last_debit_ms,
            pairs_truncated: *pairs_truncated,
            forgotten: *forgotten,
            turns: *turns,
            lost_until_ms: *lost_until_ms,
            days: days.len() as u32,
            sketch: sketch.len() as u32,
            pairs: pairs.len() as u32,
            payers: payers.len() as u32,
            voids: voids.len() as u32,
            controls: controls.len() as u32,
            has_profile,
            has_known: known.is_some(),
        });
        self.voids.extend_from_slice(voids);
        for control in controls {
            let ControlEntry { id, kind, from_ms, to_ms } = control;
            self.controls.push(ControlRow {
                id_len: id.len() as u32,
                kind: *kind as u8,
                from_ms: *from_ms,
                to_ms: *to_ms,
            });
            self.texts.0.extend_from_slice(id.as_bytes());
        }
        if has_profile {
            self.copy_profile(profile);
        }
        if let Some(known) = known.as_deref() {
            self.copy_known(known);
        }
    }

    fn copy_long(&mut self, long: &Long) {
        self.days.extend(long.days.iter().map(|bucket| {
            let DayBucket { day, counts, sums, night_debits, hours } = *bucket;
            DayRow { day, counts, sums, night_debits, hours }
        }));
        self.sketch.extend(long.sketch.iter().map(|cell| {
            let SketchCell { day, bucket, count } = *cell;
            (day, bucket, count)
        }));
        let row = |pair: &Pair| {
            let Pair { party, first_day, last_day, count, last_turn, weeks } = *pair;
            PairRow { party: party.bits(), first_day, last_day, count, last_turn, weeks }
        };
        self.pairs.extend(long.pairs.iter().map(row));
        self.payers.extend(long.payers.iter().map(row));
    }

    fn copy_profile(&mut self, profile: &Profile) {
        let len = |text: &Option<Box<str>>| text.as_ref().map(|text| text.len() as u32);
        let Profile {
            opened_at_ms,
            customer_type,
            account_class,
            risk_grade,
            branch,
            opening_device,
            opening_place,
        } = profile;
        self.profiles.push(ProfileRow {
            opened_at_ms: *opened_at_ms,
            customer_type: customer_type.map_or(0, |word| word as u8 + 1),
            account_class: account_class.map_or(0, |word| word as u8 + 1),
            risk_grade: risk_grade.map_or(0, |word| word as u8 + 1),
            branch_len: len(branch),
            opening_device_len: len(opening_device),
            opening_place: opening_place.map(place_row),
        });
        let texts = [branch, opening_device];
        texts.into_iter().flatten().for_each(|t| self.texts.0.extend_from_slice(t.as_bytes()));
    }

    fn copy_known(&mut self, known: &Known) {
        let Known {
            marks,
            raises,
            blocks,
            verdicts,
            places,
            bases,
            cash,
            terminals,
            countries,
            openings,
            bound,
            // With the lists.
            registry: _,
        } = known;
        self.known.push(KnownRow {
            marks: marks.len() as u32,
            raises: raises.len() as u32,
            blocks: blocks.len() as u32,
            verdicts: verdicts.len() as u32,
            places: places.len() as u32,
            bases: bases.len() as u32,
            cash: cash.len() as u32,
            terminals: terminals.len() as u32,
            countries: countries.len() as u32,
            openings: openings.len() as u32,
            bound: bound.len() as u32,
        });
        self.marks.extend(marks.iter().map(|(at, kind)| (*at, *kind as u8)));
        let raised =
            |(at, limit): &(Millis, Money)| (*at, limit.minor, letters(limit.currency.code()));
        self.raises.extend(raises.iter().map(raised));
        self.blocks.extend_from_slice(blocks);
        for (at, verdict, payee) in verdicts {
            self.verdicts.push((*at, *verdict as u8, payee.len() as u32));
            self.texts.0.extend_from_slice(payee.as_bytes());
        }
        let places = places.iter().map(|(at, payment, place)| (*at, *payment, place_row(*place)));
        self.places.extend(places);
        let bases = bases.iter().map(|(day, at, place)| (*day, *at, place_row(*place)));
        self.bases.extend(bases);
        for (used, rows) in [(cash, &mut self.cash), (terminals, &mut self.terminals)] {
            for (fingerprint, terminal) in used {
                rows.push((*fingerprint, terminal.len() as u32));
                self.texts.0.extend_from_slice(terminal.as_bytes());
            }
        }
        let countries = countries.iter().map(|(at, payment, c)| (*at, *payment, letters(c.code())));
        self.countries.extend(countries);
        let opening = |opening: &Opening| {
            let Opening { time_ms, account, customer } = *opening;
            (time_ms, account.bits(), customer.bits())
        };
        self.openings.extend(openings.iter().map(opening));
        self.bound.extend(bound.iter().map(|who| who.bits()));
    }

    pub(super) fn restore(&self, table: &mut Table) -> Result<(), ImageError> {
        let mut rest = Rest::of(self);
        for row in &self.entities {
            let header = table.headers.get_mut(row.slot as usize);
            let header = header.ok_or(ImageError::Impossible("a row names an unknown entity"))?;
            let mut extra = Box::new(Extra {
                long: rest.long(row)?,
                voids: take(&mut rest.voids, row.voids, WHAT)?.to_vec(),
                lost_until_ms: row.lost_until_ms,
                ..Extra::default()
            });
            extra.reference.controls = rest.controls(row.controls)?;
            if row.has_profile {
                extra.reference.profile = rest.profile()?;
            }
            if row.has_known {
                extra.reference.known = Some(Box::new(rest.known()?));
            }
            header.extra = Some(extra);
        }
        if rest.is_empty() { Ok(()) } else { Err(ImageError::Columns(WHAT)) }
    }
}

fn place_row(place: Place) -> PlaceRow {
    let Place { lat_udeg, lon_udeg, accuracy_m } = place;
    PlaceRow { lat_udeg, lon_udeg, accuracy_m }
}

fn place_of(row: PlaceRow) -> Place {
    let PlaceRow { lat_udeg, lon_udeg, accuracy_m } = row;
    Place { lat_udeg, lon_udeg, accuracy_m }
}

/// What has not been taken yet.
struct Rest<'a> {
    days: &'a [DayRow],
    sketch: &'a [(i32, u16, u32)],
    pairs: &'a [PairRow],
    payers: &'a [PairRow],
    voids: &'a [(u32, Millis)],
    controls: &'a [ControlRow],
    profiles: &'a [ProfileRow],
    known: &'a [KnownRow],
    marks: &'a [(Millis, u8)],
    raises: &'a [(Millis, i64, [u8; 3])],
    blocks: &'a [(Millis, u32)],
    verdicts: &'a [(Millis, u8, u32)],
    places: &'a [(Millis, u32, PlaceRow)],
    bases: &'a [(i32, Millis, PlaceRow)],
    cash: &'a [(u32, u32)],
    terminals: &'a [(u32, u32)],
    countries: &'a [(Millis, u32, [u8; 2])],
    openings: &'a [(Millis, u64, u64)],
    bound: &'a [u64],
    texts: &'a [u8],
}

impl<'a> Rest<'a> {
    fn of(image: &'a ExtrasImage) -> Self {
        Self {
            days: &image.days,
            sketch: &image.sketch,
            pairs: &image.pairs,
            payers: &image.payers,
            voids: &image.voids,
            controls: &image.controls,
            profiles: &image.profiles,
            known: &image.known,
            marks: &image.marks,
            raises: &image.raises,
            blocks: &image.blocks,
            verdicts: &image.verdicts,
            places: &image.places,
            bases: &image.bases,
            cash: &image.cash,
            terminals: &image.terminals,
            countries: &image.countries,
            openings: &image.openings,
            bound: &image.bound,
            texts: &image.texts.0,
        }
    }

    fn is_empty(&self) -> bool {
        let money = self.days.is_empty() && self.sketch.is_empty() && self.pairs.is_empty();
        let data = self.payers.is_empty() && self.voids.is_empty() && self.controls.is_empty();
        let known = self.profiles.is_empty() && self.known.is_empty() && self.marks.is_empty();
        let acts = self.raises.is_empty() && self.blocks.is_empty() && self.verdicts.is_empty();
        let places = self.places.is_empty() && self.bases.is_empty() && self.cash.is_empty();
        let more = self.countries.is_empty() && self.openings.is_empty() && self.bound.is_empty();
        let more = more && self.terminals.is_empty();
        money && data && known && acts && places && more && self.texts.is_empty()
    }

    fn text(&mut self, len: u32) -> Result<Box<str>, ImageError> {
        take_text(&mut self.texts, len as usize, WHAT).map(Into::into)
    }

    fn long(&mut self, row: &ExtraRow) -> Result<Long, ImageError> {
        let day = |row: &DayRow| {
            let DayRow { day, counts, sums, night_debits, hours } = *row;
            DayBucket { day, counts, sums, night_debits, hours }
        };
        let cell = |&(day, bucket, count): &(i32, u16, u32)| SketchCell { day, bucket, count };
        let pair = |row: &PairRow| {
            let PairRow { party, first_day, last_day, count, last_turn, weeks } = *row;
            Pair {
                party: Reference::from_bits(party),
                first_day,
                last_day,
                count,
                last_turn,
                weeks,
            }
        };
        let sketch = take(&mut self.sketch, row.sketch, WHAT)?;
        if sketch.iter().any(|cell| usize::from(cell.1) >= super::super::long::BUCKETS) {
            return Err(ImageError::Impossible("an amount lies in no bucket"));
        }
        Ok(Long {
            last_debit_ms: row.last_debit_ms,
            days: take(&mut self.days, row.days, WHAT)?.iter().map(day).collect(),
            sketch: sketch.iter().map(cell).collect(),
            pairs: take(&mut self.pairs, row.pairs, WHAT)?.iter().map(pair).collect(),
            payers: take(&mut self.payers, row.payers, WHAT)?.iter().map(pair).collect(),
            pairs_truncated: row.pairs_truncated,
            forgotten: row.forgotten,
            turns: row.turns,
        })
    }

    fn controls(&mut self, len: u32) -> Result<Vec<ControlEntry>, ImageError> {
        let rows = take(&mut self.controls, len, WHAT)?;
        let control = |row: &ControlRow| {
            Ok(ControlEntry {
                id: self.text(row.id_len)?,
                kind: of_number("control", Action::WORDS, row.kind)?,
                from_ms: row.from_ms,
                to_ms: row.to_ms,
            })
        };
        rows.iter().map(control).collect()
    }

    fn profile(&mut self) -> Result<Profile, ImageError> {
        let row = take(&mut self.profiles, 1, WHAT)?[0];
        Ok(Profile {
            opened_at_ms: row.opened_at_ms,
            customer_type: of_number_or_none("customer", CustomerType::WORDS, row.customer_type)?,
            account_class: of_number_or_none("class", AccountClass::WORDS, row.account_class)?,
            risk_grade: of_number_or_none("risk grade", RiskGrade::WORDS, row.risk_grade)?,
            branch: row.branch_len.map(|len| self.text(len)).transpose()?,
            opening_device: row.opening_device_len.map(|len| self.text(len)).transpose()?,
            opening_place: row.opening_place.map(place_of),
        })
    }

    fn known(&mut self) -> Result<Known, ImageError> {
        let row = take(&mut self.known, 1, WHAT)?[0];
        let mut known = Known::default();
        for (at, kind) in take(&mut self.marks, row.marks, WHAT)? {
            known.marks.push((*at, of_number("event kind", AccountEventKind::WORDS, *kind)?));
        }
        for (at, minor, letters) in take(&mut self.raises, row.raises, WHAT)? {
            let currency = currency_of(letters)?;
            known.raises.push((*at, Money { minor: *minor, currency }));
        }
        known.blocks = take(&mut self.blocks, row.blocks, WHAT)?.to_vec();
        for (at, verdict, len) in take(&mut self.verdicts, row.verdicts, WHAT)? {
            let verdict = of_number("verdict", Verdict::WORDS, *verdict)?;
            known.verdicts.push((*at, verdict, self.text(*len)?));
        }
        let places = take(&mut self.places, row.places, WHAT)?;
        let place = |(at, payment, row): &(Millis, u32, PlaceRow)| (*at, *payment, place_of(*row));
        known.places = places.iter().map(place).collect();
        let bases = take(&mut self.bases, row.bases, WHAT)?;
        known.bases = bases.iter().map(|(day, at, row)| (*day, *at, place_of(*row))).collect();
        let cash = take(&mut self.cash, row.cash, WHAT)?;
        let terminals = take(&mut self.terminals, row.terminals, WHAT)?;
        for (rows, used) in [(cash, &mut known.cash), (terminals, &mut known.terminals)] {
            for (fingerprint, len) in rows {
                used.push((*fingerprint, self.text(*len)?));
            }
        }
        for (at, payment, letters) in take(&mut self.countries, row.countries, WHAT)? {
            known.countries.push((*at, *payment, country_of(letters)?));
        }
        let opening = |&(time_ms, account, customer): &(Millis, u64, u64)| {
            let [account, customer] = [account, customer].map(Reference::from_bits);
            Opening { time_ms, account, customer }
        };
        let openings = take(&mut self.openings, row.openings, WHAT)?;
        known.openings = openings.iter().map(opening).collect();
        let bound = take(&mut self.bound, row.bound, WHAT)?;
        known.bound = bound.iter().map(|bits| Reference::from_bits(*bits)).collect();
        Ok(known)
    }
}
