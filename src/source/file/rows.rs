//! The CSV source: rows become `payment.v1` texts by a mapping and pass through the same decoder as
//! everything else, so a row is refused for the same reasons as a record.

use std::collections::{HashMap, VecDeque};
use std::io::BufRead;
use std::path::Path;

use csv_core::ReadRecordResult;
use jiff::civil::DateTime;
use jiff::{Timestamp, fmt::strtime};

use super::columns::{ColumnRule, Columns, FIELDS, TimeKind, nearest};
use super::labels::read_columns;
use super::lines::{BYTE_ORDER_MARK, read_line};
use super::{STEP_EVENTS, unreadable};
use crate::limits;
use crate::model::event::{Body, Position};
use crate::model::label::Label;
use crate::model::reject::{Reject, RejectReason};
use crate::model::time::Millis;
use crate::source::{Progress, RejectedRecord, Run, Source, SourceError, Step};
use crate::wire::decode::Decoder;

type Object = serde_json::Map<String, serde_json::Value>;

/// A row on its way.
#[derive(Debug)]
struct Row {
    number: i64,
    bytes: Vec<u8>,
    cells: Vec<String>,
    /// Its time, where the file's times are coarse.
    time_ms: Option<Millis>,
}

/// What came of reading on.
enum Read {
    Row(Row),
    /// A row was read and refused.
    Refused,
    End,
}

/// A row that cannot be split into cells, or the cells.
enum Split {
    Cells(Vec<String>),
    Broken(RejectReason, String),
}

/// A CSV file.
pub struct Csv {
    topics: [String; 1],
    reader: Box<dyn BufRead + Send>,
    decoder: Decoder,
    columns: Columns,
    /// Place of each rule's column in the row.
    places: Vec<usize>,
    keep: Option<usize>,
    label: Option<(usize, Option<usize>)>,
    kinds: HashMap<String, String>,
    width: usize,
    /// Number of the next row to read, and of the first that no step has covered yet.
    number: i64,
    covered: i64,
    /// Rows refused, some of them read ahead of the step that covers them.
    refused: Vec<RejectedRecord>,
    /// A row read ahead, and the rows of one coarse time.
    ahead: Option<Row>,
    group: VecDeque<Row>,
    labels: Vec<Label>,
}

impl Csv {
    pub(super) fn new(
        path: &Path,
        mut reader: Box<dyn BufRead + Send>,
        columns: Option<Columns>,
        decoder: Decoder,
    ) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let problem =
            |problem: String| SourceError::Mapping { path: path.display().to_string(), problem };
        let mut bytes = Vec::new();
        read_row(&mut *reader, &mut bytes).map_err(|cause| unreadable(path, &cause))?;
        let header = match split(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes)) {
            Split::Cells(header) => header,
            Split::Broken(_, what) => return Err(problem(format!("the header: {what}"))),
        };
        let columns = columns.unwrap_or_else(|| Columns::native(&header));
        if columns.rules.is_empty() {
            return Err(problem("no column carries a field's name; give a mapping".to_owned()));
        }
        let place = |column: &str| {
            header.iter().position(|h| h == column).ok_or_else(|| {
                let near = nearest(column, header.iter().map(String::as_str));
                let hint = near.map(|n| format!("; did you mean {n:?}?")).unwrap_or_default();
                problem(format!("no column {column:?}{hint}; there are {}", header.join(", ")))
            })
        };
        let places = columns.rules.iter().map(|r| place(&r.column)).collect::<Result<_, _>>()?;
        let keep = columns.keep.as_ref().map(|k| place(&k.column)).transpose()?;
        let label = match &columns.label {
            Some(rule) => {
                let pattern = rule.pattern.as_deref().map(place).transpose()?;
                Some((place(&rule.column)?, pattern))
            }
            None => None,
        };
        let mut kinds = HashMap::new();
        if let Some(rule) = columns.label.as_ref().and_then(|l| l.kinds.as_ref()) {
            let file = path.parent().unwrap_or(Path::new("")).join(&rule.file);
            // Only named beside the data: without the file every pattern is of one kind.
            if file.exists() {
                let rows = read_columns(&file, [&rule.key, &rule.kind, &rule.kind])?;
                kinds = rows.into_iter().map(|[key, kind, _]| (key, kind)).collect();
            }
        }
        Ok(Self {
            topics: [name],
            reader,
            decoder,
            columns,
            places,
            keep,
            label,
            kinds,
            width: header.len(),
            number: 0,
            covered: 0,
            refused: Vec::new(),
            ahead: None,
            group: VecDeque::new(),
            labels: Vec::new(),
        })
    }

    /// The next row that is kept. Skipped rows are passed over, a broken one is refused.
    fn read(&mut self, step: &mut Step) -> Result<Read, SourceError> {
        loop {
            let mut bytes = Vec::new();
            let more = read_row(&mut *self.reader, &mut bytes).map_err(|cause| {
                SourceError::File { path: self.topics[0].clone(), cause: cause.to_string() }
            })?;
            if !more {
                return Ok(Read::End);
            }
            let number = self.number;
            self.number += 1;
            let cells = match split(&bytes) {
                Split::Cells(cells) if cells.len() == self.width => cells,
                Split::Cells(cells) => {
                    let what = format!("{} cells, the header has {}", cells.len(), self.width);
                    self.refuse(number, bytes, RejectReason::MalformedRow, what);
                    return Ok(Read::Refused);
                }
                Split::Broken(reason, what) => {
                    self.refuse(number, bytes, reason, what);
                    return Ok(Read::Refused);
                }
            };
            let kept = |place: usize| {
                self.columns.keep.as_ref().is_none_or(|k| k.values.contains(&cells[place]))
            };
            if !self.keep.is_none_or(kept) {
                step.skipped += 1;
                continue;
            }
            return Ok(Read::Row(Row { number, bytes, cells, time_ms: None }));
        }
    }

    /// The next row, with its time set where times are coarse.
    fn next_row(&mut self, step: &mut Step) -> Result<Read, SourceError> {
        let Some(step_ms) = self.columns.step_ms else { return self.read(step) };
        if self.group.is_empty() && !self.fill_group(step, step_ms)? {
            return Ok(Read::End);
        }
        Ok(self.group.pop_front().map_or(Read::Refused, Read::Row))
    }

    /// Reads the rows of one coarse time and spreads them evenly inside it; `false` at the end.
    fn fill_group(&mut self, step: &mut Step, step_ms: Millis) -> Result<bool, SourceError> {
        let mut coarse = None;
        let mut any = false;
        while self.group.len() + self.refused.len() < limits::COARSE_ROWS_MAX {
            let row = match self.ahead.take() {
                Some(row) => row,
                None => match self.read(step)? {
                    Read::Row(row) => row,
                    Read::Refused => {
                        any = true;
                        continue;
                    }
                    Read::End => break,
                },
            };
            any = true;
            let time_ms = self.time_of(&row.cells);
            let Some(time_ms) = time_ms else {
                let what = "event_time".to_owned();
                self.refuse(row.number, row.bytes, RejectReason::BadTime, what);
                continue;
            };
            if *coarse.get_or_insert(time_ms) != time_ms {
                self.ahead = Some(row);
                break;
            }
            self.group.push_back(row);
        }
        let rows = self.group.len() as i64;
        for (index, row) in self.group.iter_mut().enumerate() {
            row.time_ms = coarse.map(|at| at + step_ms * index as i64 / rows);
        }
        Ok(any)
    }

    fn time_of(&self, cells: &[String]) -> Option<Millis> {
        let is_time = |r: &ColumnRule| FIELDS[r.field].0 == "time";
        let rule = self.columns.rules.iter().position(is_time)?;
        let cell = cells[self.places[rule]].trim();
        match &self.columns.time {
            TimeKind::Rfc3339 => self.decoder.clock().parse(cell),
            TimeKind::EpochMs => cell.parse().ok(),
            TimeKind::Count { from_ms, step_ms } => {
                Some(from_ms + cell.parse::<i64>().ok()?.checked_mul(*step_ms)?)
            }
            TimeKind::Pattern(pattern) => {
                let parsed = strtime::parse(pattern, cell).ok()?;
                let timestamp = parsed.to_timestamp().ok();
                let local = || parsed.to_datetime().ok().and_then(|d: DateTime| self.local(d));
                timestamp.or_else(local).map(|t| t.as_millisecond())
            }
        }
    }

    fn local(&self, at: DateTime) -> Option<Timestamp> {
        self.decoder.clock().zone().to_timestamp(at).ok()
    }

    fn refuse(&mut self, number: i64, bytes: Vec<u8>, reason: RejectReason, detail: String) {
        let position = Position { topic: 0, partition: 0, offset: number };
        let reject = Reject { position, record_time_ms: 0, reason, detail };
        self.refused.push(RejectedRecord { reject, bytes, key: None });
    }

    /// Writes the row as `payment.v1`.
    fn record(&self, row: &Row) -> Result<Vec<u8>, (RejectReason, String)> {
        let mut values: Vec<Option<String>> = vec![None; FIELDS.len()];
        for (field, constant) in &self.columns.constants {
            values[*field] = Some(constant.clone());
        }
        for (rule, place) in self.columns.rules.iter().zip(&self.places) {
            let cell = row.cells[*place].trim();
            let mapped = match rule.map.get(cell) {
                Some(mapped) => Some(mapped.as_str()),
                None if rule.map.is_empty() && !cell.is_empty() => Some(cell),
                None => rule.default.as_deref(),
            };
            if let Some(value) = mapped {
                values[rule.field] = Some(match rule.scale {
                    Some(scale) => scaled(value, scale).ok_or_else(|| {
                        (RejectReason::BadAmount, FIELDS[rule.field].2.to_owned())
                    })?,
                    None => value.to_owned(),
                });
            }
        }
        let place = |key: &str| super::columns::field(key).unwrap_or_default();
        let plain_time = self.columns.time == TimeKind::Rfc3339;
        let time_ms = match row.time_ms {
            Some(time_ms) => Some(time_ms),
            None if plain_time => None,
            None => Some(
                self.time_of(&row.cells)
                    .ok_or_else(|| (RejectReason::BadTime, "event_time".to_owned()))?,
            ),
        };
        if let Some(time_ms) = time_ms {
            let bad = || (RejectReason::BadTime, "event_time".to_owned());
            let at = Timestamp::from_millisecond(time_ms).map_err(|_| bad())?;
            values[place("time")] = Some(at.to_string());
        }
        let number = row.number.to_string();
        let event_id = values[place("event_id")].get_or_insert(number).clone();
        values[place("payment_id")].get_or_insert(event_id);
        let mut object = Object::new();
        object.insert("schema".to_owned(), "payment.v1".into());
        let has = |wanted: &str, of: &[&str]| {
            let mut there = FIELDS.iter().zip(&values).filter(|(_, value)| value.is_some());
            there.any(|((_, parent, field), _)| *parent == wanted && of.contains(field))
        };
        // How sure somebody is of a place that is not there says nothing.
        let placeless: Vec<&str> =
            PLACES.into_iter().filter(|parent| !has(parent, &["lat", "lon"])).collect();
        for ((key, parent, field), value) in FIELDS.iter().zip(values) {
            let Some(value) = value.filter(|_| !placeless.contains(parent)) else { continue };
            let value = if *key == "session_flags" { flags(&value) } else { value.into() };
            if let Some(into) = inner(&mut object, parent) {
                into.insert((*field).to_owned(), value);
            }
        }
        serde_json::to_vec(&object).map_err(|e| (RejectReason::MalformedRow, e.to_string()))
    }

    fn note_label(&mut self, row: &Row, step: &Step) {
        let (Some((column, pattern)), Some(rule)) = (self.label, &self.columns.label) else {
            return;
        };
        let Some(event) = step.batch.events.last().filter(|_| row.cells[column] == rule.yes) else {
            return;
        };
        let Body::Payment(payment) = &event.body else { return };
        let text = |span| step.batch.text(span).to_owned();
        let pattern = pattern.map_or_else(|| text(payment.event_id), |p| row.cells[p].clone());
        self.labels.push(Label {
            event_id: text(payment.event_id),
            kind: self.kinds.get(&pattern).cloned().unwrap_or_else(|| "labelled".to_owned()),
            pattern,
            time_ms: event.time_ms,
            amount_minor: payment.amount.minor,
            payer: text(payment.payer.account),
            payee: text(payment.payee.account),
        });
    }
}

impl Source for Csv {
    fn topics(&self) -> &[String] {
        &self.topics
    }

    fn next(&mut self, step: &mut Step) -> Result<Progress, SourceError> {
        for _ in 0..STEP_EVENTS {
            let row = match self.next_row(step)? {
                Read::Row(row) => row,
                Read::Refused => continue,
                Read::End => break,
            };
            let position = Position { topic: 0, partition: 0, offset: row.number };
            match self.record(&row) {
                Ok(record) => match self.decoder.decode(&record, position, None, &mut step.batch) {
                    Ok(()) => self.note_label(&row, step),
                    Err(reject) => {
                        self.refuse(row.number, row.bytes, reject.reason, reject.detail);
                    }
                },
                Err((reason, what)) => self.refuse(row.number, row.bytes, reason, what),
            }
        }
        let waiting = self.group.front().or(self.ahead.as_ref());
        let to = waiting.map_or(self.number, |row| row.number);
        if to == self.covered {
            return Ok(Progress::End);
        }
        self.refused.sort_by_key(|refused| refused.reject.position.offset);
        let ours = self.refused.partition_point(|refused| refused.reject.position.offset < to);
        step.rejected.extend(self.refused.drain(..ours));
        step.runs.push(Run { topic: 0, partition: 0, from: self.covered, to });
        self.covered = to;
        Ok(Progress::Step)
    }

    fn take_labels(&mut self) -> Vec<Label> {
        std::mem::take(&mut self.labels)
    }
}

/// Objects that hold a place.
const PLACES: [&str; 2] = ["device.geo", "terminal_geo"];

/// Reads one row: a line, and more while a quote is open.
fn read_row(reader: &mut dyn BufRead, row: &mut Vec<u8>) -> std::io::Result<bool> {
    row.clear();
    let mut line = Vec::new();
    let mut quotes = 0;
    loop {
        let more = read_line(reader, &mut line)?;
        if !more {
            return Ok(!row.is_empty());
        }
        if row.is_empty() && line.is_empty() {
            continue;
        }
        if !row.is_empty() {
            row.push(b'\n');
        }
        row.extend_from_slice(&line);
        quotes += line.iter().filter(|b| **b == b'"').count();
        if quotes % 2 == 0 || row.len() > limits::RECORD_BYTES_MAX {
            return Ok(true);
        }
    }
}

fn split(row: &[u8]) -> Split {
    if row.len() > limits::RECORD_BYTES_MAX {
        return Split::Broken(RejectReason::TooLarge, format!("over {} bytes", row.len() - 1));
    }
    let mut reader = csv_core::Reader::new();
    let mut out = vec![0; row.len() + 1];
    let mut ends = vec![0; row.iter().filter(|b| **b == b',').count() + 2];
    let (ended, read, mut written, mut fields) = reader.read_record(row, &mut out, &mut ends);
    if ended == ReadRecordResult::Record {
        // A quote inside of a cell has drawn the next line in: what lies there is another row.
        if row[read..].iter().any(|byte| !byte.is_ascii_whitespace()) {
            let what = "a quote inside of a cell that is not quoted".to_owned();
            return Split::Broken(RejectReason::MalformedRow, what);
        }
    } else {
        // Nothing more comes: the last cell ends here.
        let (_, _, more, last) = reader.read_record(&[], &mut out[written..], &mut ends[fields..]);
        (written, fields) = (written + more, fields + last);
    }
    let mut start = 0;
    let mut cells = Vec::with_capacity(fields);
    for end in &ends[..fields] {
        let end = (*end).min(written);
        match std::str::from_utf8(&out[start..end]) {
            Ok(cell) => cells.push(cell.to_owned()),
            Err(_) => {
                return Split::Broken(RejectReason::NotUtf8, format!("cell {}", cells.len() + 1));
            }
        }
        start = end;
    }
    Split::Cells(cells)
}

/// The object that a path leads to, dots between its parts; made where it is not there yet.
fn inner<'a>(object: &'a mut Object, path: &str) -> Option<&'a mut Object> {
    let mut at = object;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        at = at.entry(part).or_insert_with(|| Object::new().into()).as_object_mut()?;
    }
    Some(at)
}

/// The words of a cell that holds several, separated by `,` or `|`.
fn flags(cell: &str) -> serde_json::Value {
    cell.split([',', '|']).map(str::trim).filter(|word| !word.is_empty()).collect()
}

/// `text × factor / 10^digits`, exactly, as a decimal text.
fn scaled(text: &str, (factor, digits): (i128, u32)) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = format!("{whole}{fraction}");
    let unsigned = plain.strip_prefix('-').unwrap_or(&plain);
    let valid = !unsigned.is_empty() && unsigned.len() <= 20;
    if !valid || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value = plain.parse::<i128>().ok()?.checked_mul(factor)?;
    let places = fraction.len() + digits as usize;
    let sign = if value < 0 { "-" } else { "" };
    let padded = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (head, tail) = padded.split_at(padded.len() - places);
    Some(if tail.is_empty() { format!("{sign}{head}") } else { format!("{sign}{head}.{tail}") })
}
