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
//! 09:00 account A limit_changed before=50000 after=200000
//! 09:00 list A allow supplier with=B     only between the two
//! 09:00 list A allow analyst with=B author=an approver=ap
//! 09:00 registry cus-A cancelled as_of=-4d
//! 10:05 feedback A executed action=stop_payment payment=p1 payee=B   (a payment with id=p1)
//! 12:00 tick                             time has passed until then
//! ```
//!
//! Accounts are persons unless `type=` says otherwise (`type=none`: not known), and account `A`
//! belongs to customer `cus-A`. Payments are `settled`, ordered on `mobile`.

mod line;

use super::SourceFile;
use super::diagnostics::{Diagnostic, Sink, place};
use super::document::Text;
use super::source::{self, Pack};
use crate::model::event::Batch;
use crate::model::measure::Action;
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
    /// Line of its name in the file, from 1.
    pub line: usize,
}

/// A finding that must come: `[day] clock RULE ACCOUNT [removed] [floor=MEASURE] [weight=N]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// When.
    pub time_ms: Millis,
    /// Of which rule.
    pub rule: String,
    /// About which account.
    pub account: String,
    /// A guard removes it.
    pub removed: bool,
    /// The measure it asks for on its own, if the example says: escalations and guards included,
    /// `none` where it asks for none.
    pub floor: Option<Option<Action>>,
    /// Its weight, if the example says.
    pub weight: Option<u32>,
}

impl Expectation {
    /// Reads a line.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (time, rest) = line::split_time(&words);
        let [rule, account, options @ ..] = rest else { return None };
        let (rule, account) = ((*rule).to_owned(), (*account).to_owned());
        let mut expectation =
            Self { time_ms: time.ok()?, rule, account, removed: false, floor: None, weight: None };
        for option in options {
            match option.split_once('=') {
                None if *option == "removed" => expectation.removed = true,
                Some(("floor", "none")) => expectation.floor = Some(None),
                Some(("floor", word)) => expectation.floor = Some(Some(Action::parse(word)?)),
                Some(("weight", word)) => expectation.weight = Some(word.parse().ok()?),
                _ => return None,
            }
        }
        Some(expectation)
    }

    /// Its time as examples write it.
    #[must_use]
    pub fn time_word(&self) -> String {
        time_word(self.time_ms)
    }

    /// As a line, in the usual order.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = format!("{} {} {}", self.time_word(), self.rule, self.account);
        if self.removed {
            line += " removed";
        }
        if let Some(floor) = self.floor {
            line += &format!(" floor={}", floor.map_or("none", Action::word));
        }
        if let Some(weight) = self.weight {
            line += &format!(" weight={weight}");
        }
        line
    }
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
                expect: doc.expect.iter().map(usual_line).collect(),
                line: place(sink.text(rule.file), doc.name.span.start).0,
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

/// An expectation in its usual form; one that cannot be read as it is, for the message about it.
fn usual_line(text: &Text) -> String {
    Expectation::parse(&text.value).map_or_else(|| text.value.clone(), |e| e.line())
}

fn check_expectation(text: &Text, pack: &Pack, sink: &mut Sink<'_>) {
    let Some(expectation) = Expectation::parse(&text.value) else {
        let message = format!("`{}` is not an expected finding", text.value);
        let hint = "as \"10:04 M02 A\"; after it may stand removed, floor=MEASURE, weight=N";
        sink.report(text.file, text.span.clone(), message, "here", Some(hint.to_owned()));
        return;
    };
    if !pack.rule_ids.contains(&expectation.rule) {
        let message = format!("there is no rule `{}`", expectation.rule);
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
