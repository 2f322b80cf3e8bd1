//! An alert that an example of the whole pack expects.

use super::{line, time_word};
use crate::model::alert::{Alert, AlertKind};
use crate::model::measure::Action;
use crate::model::time::Millis;
use crate::rules::compile::duration;
use crate::rules::spelling;

/// An alert that must come: `[day] clock KIND ACCOUNT MEASURE [freeze] [instead_of=MEASURE]
/// [score=N] [within=30m] [for=48h] [extensions=N]`. The first two are always compared, the others
/// where the example says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertExpectation {
    time_ms: Millis,
    kind: AlertKind,
    account: String,
    measure: Action,
    /// A freeze is proposed beside it.
    freeze: bool,
    /// The measure before the circuit breaker lowered it.
    instead_of: Option<Action>,
    score: Option<u32>,
    /// How long the request is useful.
    within_ms: Option<Millis>,
    /// How long the control is to last.
    for_ms: Option<Millis>,
    /// How often it may be extended.
    extensions: Option<u32>,
}

impl AlertExpectation {
    /// Reads a line.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (time, rest) = line::split_time(&words);
        let [kind, account, measure, options @ ..] = rest else { return None };
        let mut alert = Self {
            time_ms: time.ok()?,
            kind: AlertKind::WORDS.iter().find(|(word, _)| word == kind)?.1,
            account: (*account).to_owned(),
            measure: Action::parse(measure)?,
            freeze: false,
            instead_of: None,
            score: None,
            within_ms: None,
            for_ms: None,
            extensions: None,
        };
        for option in options {
            match option.split_once('=') {
                None if *option == "freeze" => alert.freeze = true,
                Some(("instead_of", word)) => alert.instead_of = Some(Action::parse(word)?),
                Some(("score", word)) => alert.score = Some(word.parse().ok()?),
                Some(("within", word)) => alert.within_ms = Some(duration(word)?),
                Some(("for", word)) => alert.for_ms = Some(duration(word)?),
                Some(("extensions", word)) => alert.extensions = Some(word.parse().ok()?),
                _ => return None,
            }
        }
        Some(alert)
    }

    /// What came, saying as much as the expectation of it, if there is one.
    #[must_use]
    pub fn of(alert: &Alert, expected: &[Self]) -> Self {
        let control = alert.control.as_ref();
        let mut seen = Self {
            time_ms: alert.event_time_ms,
            kind: alert.kind,
            account: alert.target.account.clone(),
            measure: alert.action,
            freeze: alert.proposal == Some(Action::Freeze),
            instead_of: alert.downgraded_from,
            score: Some(alert.score),
            within_ms: Some(alert.act_by_ms - alert.event_time_ms),
            for_ms: control.and_then(|control| control.duration_ms),
            extensions: control.map(|control| control.extensions_max),
        };
        let asked = expected
            .iter()
            .find(|e| (e.time_ms, e.kind, &e.account) == (seen.time_ms, seen.kind, &seen.account));
        seen.score = seen.score.filter(|_| asked.is_some_and(|e| e.score.is_some()));
        seen.within_ms = seen.within_ms.filter(|_| asked.is_some_and(|e| e.within_ms.is_some()));
        seen.for_ms = seen.for_ms.filter(|_| asked.is_some_and(|e| e.for_ms.is_some()));
        seen.extensions = seen.extensions.filter(|_| asked.is_some_and(|e| e.extensions.is_some()));
        seen
    }

    /// As a line, in the usual order.
    #[must_use]
    pub fn line(&self) -> String {
        let time = time_word(self.time_ms);
        let (kind, measure) = (self.kind.word(), self.measure.word());
        let mut line = format!("{time} {kind} {} {measure}", self.account);
        if self.freeze {
            line += " freeze";
        }
        let options = [
            ("instead_of", self.instead_of.map(|measure| measure.word().to_owned())),
            ("score", self.score.map(|score| score.to_string())),
            ("within", self.within_ms.map(spelling::duration)),
            ("for", self.for_ms.map(spelling::duration)),
            ("extensions", self.extensions.map(|number| number.to_string())),
        ];
        for (key, value) in options {
            line += &value.map(|value| format!(" {key}={value}")).unwrap_or_default();
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_written() {
        let whole = "+1d 10:00:00.500 escalate A stop_payment freeze instead_of=freeze score=90 \
                     within=30m for=2d extensions=1";
        let alert = AlertExpectation::parse(whole).expect("it is read");
        assert_eq!(alert.line(), whole);
        assert_eq!(
            AlertExpectation::parse("10:00 raise A review").expect("").line(),
            "10:00 raise A review"
        );
        for wrong in [
            "10:00 raise A",
            "10:00 rise A review",
            "10:00 raise A look",
            "raise A review",
            "10:00 raise A review scor=4",
            "10:00 raise A review score=x",
        ] {
            assert_eq!(AlertExpectation::parse(wrong), None, "{wrong}");
        }
    }
}
