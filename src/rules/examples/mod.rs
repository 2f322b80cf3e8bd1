//! Examples beside the rules: a small table of events in, findings out. Reading only; running them
//! needs the engine and is the business of `rules test`.
//!
//! One event a line; `#` begins a remark. Times are clock times of a made-up day, another day goes
//! before them: `10:03:10`, `-400d 10:00`, `+1d 09:00:00.500`.
//!
//! ```text
//! 10:00 A -> B 4900 balance=112.00 category=salary
//! 10:01 A -> C,D,E 4900 every=30s        one payment each, half a minute apart
//! 10:05 A,B,C -> X 9000 every=1m         likewise from several payers
//! -2d 09:00 list Q case_account confirmed_case from=-9d to=-1d
//! 09:00 control A credit_only from=0d+09:00
//! -6d 09:00 account A opened type=person
//! ```
//!
//! Accounts are persons unless `type=` says otherwise (`type=none`: not known), and account `A`
//! belongs to customer `cus-A`. Payments are `settled`, ordered on `mobile`.

mod line;

use super::SourceFile;
use super::diagnostics::{Diagnostic, Sink};
use super::document::Text;
use super::source::{self, Pack};
use crate::model::event::Batch;
use crate::model::money::Currency;
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

/// Midnight of the made-up day, 2026-03-05 in UTC+8.
pub const MIDNIGHT_MS: Millis = 20_517 * DAY - 8 * HOUR;

/// One example of one rule.
#[derive(Debug)]
pub struct Example {
    /// The rule's id.
    pub rule: String,
    /// The rule's file.
    pub path: String,
    /// What it shows.
    pub name: String,
    /// Its events, in the order of its lines.
    pub batch: Batch,
    /// Findings that must come, as `10:04 M02 A`; other findings of the same rules must not.
    pub expect: Vec<String>,
}

/// Reads the examples of every rule of a pack.
///
/// # Errors
/// What is wrong with the files.
pub fn of(files: &[SourceFile]) -> Result<Vec<Example>, Vec<Diagnostic>> {
    let files = super::sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    let examples = read(&pack, &mut sink);
    if sink.is_empty() { Ok(examples) } else { Err(sink.into_sorted()) }
}

/// Reads the examples; what is wrong goes to the sink.
pub(super) fn read(pack: &Pack, sink: &mut Sink<'_>) -> Vec<Example> {
    let code = pack.policy.as_ref().and_then(|policy| Currency::parse(&policy.currency.value));
    let currency = code.unwrap_or(Currency::CNY);
    let mut examples = Vec::new();
    for rule in &pack.rules {
        for doc in &rule.examples {
            let mut batch = Batch::default();
            read_lines(&doc.given, currency, &mut batch, sink);
            for text in &doc.expect {
                check_expectation(text, pack, sink);
            }
            examples.push(Example {
                rule: rule.id.value.clone(),
                path: sink.path(rule.file).to_owned(),
                name: doc.name.value.clone(),
                batch,
                expect: doc.expect.iter().map(|text| text.value.clone()).collect(),
            });
        }
    }
    examples
}

fn read_lines(given: &Text, currency: Currency, batch: &mut Batch, sink: &mut Sink<'_>) {
    let mut at = 0;
    for raw in given.value.split_inclusive('\n') {
        let words = raw.split('#').next().unwrap_or("").trim_end();
        let start = at + (words.len() - words.trim_start().len());
        let span = start..at + words.len();
        at += raw.len();
        if words.trim().is_empty() {
            continue;
        }
        if let Err(problem) = line::read(words.trim(), currency, batch) {
            let place = given.place(span);
            let hint = Some("as `10:00 A -> B 4900 balance=112.00`".to_owned());
            sink.report(given.file, place, problem, "in this line", hint);
        }
    }
}

/// `[day] clock RULE ACCOUNT [removed]`
fn check_expectation(text: &Text, pack: &Pack, sink: &mut Sink<'_>) {
    let words: Vec<&str> = text.value.split_whitespace().collect();
    let (time, rest) = line::split_time(&words);
    let is_well_formed = time.is_ok() && matches!(rest, [_, _] | [_, _, "removed"]);
    if !is_well_formed {
        let message = format!("`{}` is not an expected finding", text.value);
        let hint = Some("as \"10:04 M02 A\"".to_owned());
        sink.report(text.file, text.span.clone(), message, "here", hint);
    } else if !pack.rules.iter().any(|rule| rule.id.value == rest[0]) {
        let message = format!("there is no rule `{}`", rest[0]);
        sink.report(text.file, text.span.clone(), message, "unknown rule", None);
    }
}

/// A time of the made-up calendar as examples write it: the shortest form.
#[must_use]
pub fn time_word(time_ms: Millis) -> String {
    let since = time_ms - MIDNIGHT_MS;
    let (day, rest) = (since.div_euclid(DAY), since.rem_euclid(DAY));
    let mut word = format!("{:02}:{:02}", rest / HOUR, rest % HOUR / MINUTE);
    if rest % MINUTE != 0 {
        word += &format!(":{:02}", rest % MINUTE / SECOND);
    }
    if rest % SECOND != 0 {
        word += &format!(".{:03}", rest % SECOND);
    }
    if day == 0 { word } else { format!("{day:+}d {word}") }
}
