//! Examples beside the rules: a small table of events in, findings out. Reading only; running them
//! needs the engine and is the business of `rules test`.
//!
//! One event a line; `#` begins a remark. Times are clock times of a made-up day, another day goes
//! before them: `10:03:10`, `-400d 10:00`, `+1d 09:00:00.500`.
//!
//! [`forms`] has every sort of line with its options, and `rules/README.md` is printed from it.
//!
//! Accounts are persons unless `type=` says otherwise (`type=none`: not known), and account `A`
//! belongs to customer `cus-A`. Payments are `settled`, ordered on `mobile`.
//!
//! Beside a rule stand its findings. `examples.toml` is about the whole pack, and expects alerts:
//! what the policy makes of findings. `from` leaves out alerts before a moment.

mod alert;
mod crowd;
pub mod forms;
mod line;

pub use alert::AlertExpectation;

use super::SourceFile;
use super::diagnostics::{Diagnostic, Sink, place};
use super::document::Text;
use super::source::{self, ExampleDoc, Pack};
use crate::model::event::Batch;
use crate::model::measure::Action;
use crate::model::money::Currency;
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

/// Midnight of the made-up day, 2026-03-05 in UTC+8.
pub const MIDNIGHT_MS: Millis = 20_517 * DAY - 8 * HOUR;

/// What stands for the rule's id where an example is about the whole pack.
pub const OF_PACK: &str = "pack";

/// What an example shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Findings of its rule and of those it names.
    Findings,
    /// Alerts of the whole pack.
    Alerts {
        /// From this moment on.
        from_ms: Millis,
    },
}

/// One example of one rule, or of the whole pack.
#[derive(Debug)]
pub struct Example {
    /// The rule's id, or [`OF_PACK`].
    pub rule: String,
    /// What it shows.
    pub shows: Shows,
    /// The rule's file.
    pub path: String,
    /// What it shows.
    pub name: String,
    /// Its events, in the order of its lines.
    pub batch: Batch,
    /// Findings that must come, as `10:04 M02 A`; other findings of the same rules must not. Of the
    /// whole pack: alerts, as `10:04 raise A review`; others must not come.
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
            let expect = doc.expect.iter().map(|text| finding(text, pack, sink)).collect();
            let of = (rule.id.value.as_str(), Shows::Findings);
            examples.push(example(of, (rule.file, doc), expect, currency, sink));
        }
    }
    for (file, doc) in &pack.examples {
        let from = doc.from.as_ref().map(|text| moment(text, sink));
        let shows = Shows::Alerts { from_ms: from.unwrap_or(Millis::MIN) };
        let expect = doc.expect.iter().map(|text| alert(text, sink)).collect();
        examples.push(example((OF_PACK, shows), (*file, doc), expect, currency, sink));
    }
    examples
}

fn example(
    (rule, shows): (&str, Shows),
    (file, doc): (usize, &ExampleDoc),
    expect: Vec<String>,
    currency: Currency,
    sink: &mut Sink<'_>,
) -> Example {
    let mut batch = Batch::default();
    read_lines(&doc.given, currency, &mut batch, sink);
    Example {
        rule: rule.to_owned(),
        shows,
        path: sink.path(file).to_owned(),
        name: doc.name.value.clone(),
        batch,
        expect,
        line: place(sink.text(file), doc.name.span.start).0,
    }
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
            let (place, hint) = (given.place(span), Some(problem.hint));
            sink.report(given.file, place, problem.message, "in this line", hint);
        }
    }
}

fn moment(text: &Text, sink: &mut Sink<'_>) -> Millis {
    let words: Vec<&str> = text.value.split_whitespace().collect();
    match line::split_time(&words) {
        (Ok(time_ms), []) => time_ms,
        _ => {
            let message = format!("`{}` is not a moment", text.value);
            let hint = Some("as \"10:04\" or \"+1d 10:04\"".to_owned());
            sink.report(text.file, text.span.clone(), message, "here", hint);
            Millis::MIN
        }
    }
}

/// An expected alert in its usual form.
fn alert(text: &Text, sink: &mut Sink<'_>) -> String {
    if let Some(alert) = AlertExpectation::parse(&text.value) {
        return alert.line();
    }
    let message = format!("`{}` is not an expected alert", text.value);
    let hint = "as \"10:04 raise A review\"; after it may stand freeze, instead_of=MEASURE, \
                score=N, within=30m, for=48h, extensions=N";
    sink.report(text.file, text.span.clone(), message, "here", Some(hint.to_owned()));
    text.value.clone()
}

/// An expected finding in its usual form.
fn finding(text: &Text, pack: &Pack, sink: &mut Sink<'_>) -> String {
    let Some(expectation) = Expectation::parse(&text.value) else {
        let message = format!("`{}` is not an expected finding", text.value);
        let hint = "as \"10:04 M02 A\"; after it may stand removed, floor=MEASURE, weight=N";
        sink.report(text.file, text.span.clone(), message, "here", Some(hint.to_owned()));
        return text.value.clone();
    };
    if !pack.rule_ids.contains(&expectation.rule) {
        let message = format!("there is no rule `{}`", expectation.rule);
        sink.report(text.file, text.span.clone(), message, "unknown rule", None);
    }
    expectation.line()
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

#[cfg(test)]
mod tests {
    use super::forms::{FORMS, Form, OF_PAYEE, Opt, PAYMENT};
    use super::*;

    fn read_line(line: &str) -> Result<Batch, String> {
        let mut batch = Batch::default();
        let read = line::read(line, Currency::CNY, &mut batch);
        read.map(|()| batch).map_err(|problem| format!("{line}: {}", problem.message))
    }

    /// A line of a form that has no options yet.
    fn bare(form: &Form, opt: &Opt) -> String {
        let words = form.example.split(' ').filter(|word| !word.contains('='));
        let line: Vec<&str> = words.collect();
        let line = line.join(" ");
        if opt.name == "every" { line.replace("-> B", "-> B,C") } else { line }
    }

    #[test]
    fn every_form_and_option_of_the_table_is_read() {
        for form in FORMS {
            read_line(form.example).expect(form.called);
            for opt in form.options {
                let base = bare(form, opt);
                for value in opt.words.map_or(Vec::new(), |words| words()) {
                    read_line(&format!("{base} {}={value}", opt.name)).expect(form.called);
                }
                let with = read_line(&format!("{base} {}={}", opt.name, opt.sample));
                let with = with.expect(form.called);
                assert!(!with.events.is_empty());
            }
            for opt in form.of_parties {
                for side in ["", OF_PAYEE] {
                    let line = format!("{} {side}{}={}", bare(form, opt), opt.name, opt.sample);
                    read_line(&line).expect(form.called);
                }
            }
        }
    }

    #[test]
    fn every_option_says_something() {
        for form in FORMS {
            let sides = form.of_parties.iter();
            for opt in form.options.iter().chain(sides).filter(|opt| opt.name != "every") {
                // What is said when nothing is said, as `status=settled`, must differ when another
                // word is given.
                let other = opt.words.map_or(Vec::new(), |words| words()).into_iter().next_back();
                let value = other.unwrap_or(opt.sample);
                let value = if opt.name == "customer" { "cus-9" } else { value };
                let base = bare(form, opt);
                let without = format!("{:?}", read_line(&base).expect("a line"));
                let with = read_line(&format!("{base} {}={value}", opt.name)).expect("a line");
                assert_ne!(format!("{with:?}"), without, "{} {}", form.called, opt.name);
            }
        }
    }

    #[test]
    fn an_option_that_is_not_there_is_answered_with_those_that_are() {
        let mut batch = Batch::default();
        let problem = line::read("10:00 A -> B 1 customer_type=person", Currency::CNY, &mut batch);
        let hint = problem.expect_err("no such option").hint;
        for opt in PAYMENT.options.iter().chain(PAYMENT.of_parties) {
            assert!(hint.contains(opt.name), "{}: {hint}", opt.name);
        }
        assert!(hint.contains("payee."), "{hint}");
        let problem = line::read("10:00 acount A opened", Currency::CNY, &mut batch);
        let hint = problem.expect_err("no such form").hint;
        assert!(hint.starts_with("did you mean `account`?"), "{hint}");
        let problem = line::read("10:00 tick every=1m", Currency::CNY, &mut batch);
        assert_eq!(problem.expect_err("no option").hint, "a tick has no options");
    }

    #[test]
    fn expected_findings_are_read_with_every_option_of_the_table() {
        for opt in forms::EXPECTED {
            for value in opt.words.map_or(vec![opt.sample], |words| words()) {
                let line = format!("10:04 M02 A {}={value}", opt.name);
                assert_eq!(Expectation::parse(&line).expect("read").line(), line);
            }
        }
    }
}
