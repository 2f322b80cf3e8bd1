//! The policy file, compiled.

use super::literal;
use crate::model::alert::Bilingual;
use crate::model::country::Country;
use crate::model::measure::Action;
use crate::model::money::Currency;
use crate::model::time::{Millis, day_of_date};
use crate::rules::diagnostics::{Sink, meant_or_list};
use crate::rules::document::Text;
use crate::rules::plan::calendar::Calendar;
use crate::rules::plan::policy::{Band, Breaker, Family, Policy};
use crate::rules::source::{Bi, CalendarDoc, PolicyDoc};

/// Reads a measure's word.
pub(super) fn action(text: &Text, sink: &mut Sink<'_>) -> Option<Action> {
    let found = Action::parse(&text.value);
    if found.is_none() {
        let hint = meant_or_list(&text.value, Action::WORDS.iter().map(|(word, _)| *word));
        let message = format!("`{}` is not a measure", text.value);
        sink.report(text.file, text.span.clone(), message, "unknown measure", Some(hint));
    }
    found
}

/// A text in both languages, as data.
pub(super) fn bilingual(text: &Bi) -> Bilingual {
    Bilingual { zh: text.zh.value.clone(), en: text.en.value.clone() }
}

fn duration(text: &Text, sink: &mut Sink<'_>) -> Option<Millis> {
    let found = literal::duration(&text.value);
    if found.is_none() {
        let message = format!("`{}` is not a duration", text.value);
        let hint = "durations look like \"10m\", \"24h\", \"7d\"".to_owned();
        sink.report(text.file, text.span.clone(), message, "here", Some(hint));
    }
    found
}

fn date(text: &Text, sink: &mut Sink<'_>) -> Option<i32> {
    let found = day_of_date(&text.value);
    if found.is_none() {
        let message = format!("`{}` is not a date", text.value);
        let hint = "dates look like \"2026-02-16\"".to_owned();
        sink.report(text.file, text.span.clone(), message, "here", Some(hint));
    }
    found
}

/// The pack's currency.
pub(super) fn currency(doc: &PolicyDoc, sink: &mut Sink<'_>) -> Option<Currency> {
    let found = Currency::parse(&doc.currency.value);
    if found.is_none() {
        let message = format!("`{}` is not a currency code", doc.currency.value);
        sink.report(doc.file, doc.currency.span.clone(), message, "three capital letters", None);
    }
    found
}

/// The pack's home country, if it names one.
pub(super) fn country(doc: &PolicyDoc, sink: &mut Sink<'_>) -> Option<Country> {
    let text = doc.country.as_ref()?;
    let found = Country::parse(&text.value);
    if found.is_none() {
        let message = format!("`{}` is not a country code", text.value);
        sink.report(text.file, text.span.clone(), message, "two capital letters", None);
    }
    found
}

/// First and last day; a stretch that ends before it begins is reported.
fn days((from, to): &(Text, Text), what: &str, sink: &mut Sink<'_>) -> Option<(i32, i32)> {
    let (first, last) = (date(from, sink)?, date(to, sink)?);
    if last < first {
        let message = format!("the {what} ends before it begins");
        sink.report(to.file, to.span.clone(), message, "before `from`", None);
    }
    Some((first, last))
}

/// Compiles the calendars; it knows the whole years that they name.
pub(super) fn calendar(docs: &[CalendarDoc], sink: &mut Sink<'_>) -> Calendar {
    let mut calendar = Calendar::default();
    let mut years: Vec<&str> = Vec::new();
    for doc in docs {
        calendar.holidays.extend(doc.holidays.iter().filter_map(|h| days(h, "holiday", sink)));
        calendar.workdays.extend(doc.workdays.iter().filter_map(|day| date(day, sink)));
        let texts = doc.holidays.iter().flat_map(|(from, to)| [from, to]).chain(&doc.workdays);
        years.extend(texts.filter_map(|text| text.value.get(..4)));
    }
    years.sort_unstable();
    let day = |year: Option<&&str>, day: &str| day_of_date(&format!("{}{day}", year?));
    calendar.covers = day(years.first(), "-01-01").zip(day(years.last(), "-12-31"));
    calendar
}

/// Compiles the policy.
pub(super) fn compile(
    doc: &PolicyDoc,
    calendars: &[CalendarDoc],
    sink: &mut Sink<'_>,
) -> Option<Policy> {
    let mut families: Vec<Family> = doc
        .families
        .iter()
        .map(|(name, cap)| Family {
            name: name.value.clone(),
            cap: cap.value as u32,
            is_weak: doc.is_weak(&name.value),
        })
        .collect();
    families.sort_by(|a, b| a.name.cmp(&b.name));
    let mut bands = Vec::new();
    for band in &doc.bands {
        let (account, payment) = (action(&band.account, sink), action(&band.payment, sink));
        if let (Some(account), Some(payment)) = (account, payment) {
            bands.push(Band { from: band.from.value as u32, account, payment });
        }
    }
    let share = literal::millionths(&doc.breaker.share_max.value)
        .and_then(|ppm| u32::try_from(ppm).ok())
        .filter(|ppm| *ppm <= 1_000_000);
    if share.is_none() {
        let share = &doc.breaker.share_max;
        sink.report(share.file, share.span.clone(), "not a share of one", "as \"0.002\"", None);
    }
    let breaker_window = duration(&doc.breaker.window, sink);
    let [cool_down, idle, act_within, stop, delay] =
        [&doc.cool_down, &doc.idle, &doc.act_within, &doc.stop_duration, &doc.delay_duration]
            .map(|text| duration(text, sink));
    let mut customer_reasons = std::collections::BTreeMap::new();
    for (measure, text) in &doc.customer_reasons {
        if let Some(measure) = action(measure, sink) {
            customer_reasons.insert(measure, bilingual(text));
        }
    }
    let external_codes = doc
        .external_codes
        .iter()
        .map(|(code, external)| (code.value.clone(), external.value.clone()))
        .collect();
    let festivals: Vec<_> =
        doc.festivals.iter().map(|festival| days(festival, "festival", sink)).collect();
    let calendar = calendar(calendars, sink);
    Some(Policy {
        families,
        bands,
        freeze_proposal_from: doc.freeze_proposal_from,
        cool_down_ms: cool_down?,
        episode_idle_ms: idle?,
        act_within_ms: act_within?,
        stop_duration_ms: stop?,
        stop_extensions_max: doc.stop_extensions_max,
        delay_duration_ms: delay?,
        breaker: Breaker {
            window_ms: breaker_window?,
            strong_max: doc.breaker.strong_max,
            share_ppm_max: share?,
            share_from: doc.breaker.share_from,
        },
        customer_reasons,
        external_codes,
        festivals: festivals.into_iter().collect::<Option<_>>()?,
        calendar,
    })
}
