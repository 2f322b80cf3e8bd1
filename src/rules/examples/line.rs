//! One line of an example: one event, or several of the same kind.

use std::collections::BTreeMap;

use super::forms::{
    ACCOUNT, CONTROL, FEEDBACK, FORMS, Form, LIST, OF_PAYEE, OPERATIONS, PAYMENT, REGISTRY,
    SUBJECT_KINDS, TICK,
};
use super::{MIDNIGHT_MS, crowd};
use crate::limits;
use crate::model::country::Country;
use crate::model::event::{
    AccountClass, AccountEvent, AccountEventKind, Batch, Body, Category, Channel, ControlEvent,
    CustomerType, Event, FeedbackEvent, FeedbackStage, Geo, ListCategory, ListEvent, ListLevel,
    OpeningReason, Party, PayeeCheck, Payment, PaymentStatus, PaymentType, Position, RegistryEvent,
    RegistryStatus, RiskGrade, Text, Verdict,
};
use crate::model::measure::Action;
use crate::model::money::{Currency, Money, parse_decimal};
use crate::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};
use crate::rules::catalogue::SESSION_BITS;
use crate::rules::compile::duration;
use crate::rules::diagnostics::{did_you_mean, meant_or_list};

/// Why a line is not an event, and what to write instead.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) hint: String,
}

/// What is given of a line's options.
#[derive(Clone, Debug)]
struct Options<'a> {
    /// The sort of line: its options are taken, and no others.
    form: &'static Form,
    given: BTreeMap<&'a str, &'a str>,
}

impl<'a> Options<'a> {
    fn take(&mut self, name: &str) -> Option<&'a str> {
        debug_assert!(self.form.option(name).is_some(), "`{name}` is not in the table of forms");
        self.given.remove(name)
    }
}

/// Reads a line into the batch.
pub(super) fn read(line: &str, currency: Currency, batch: &mut Batch) -> Result<(), Problem> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (time, rest) = split_time(&words);
    let generally = |message| Problem { message, hint: format!("as `{}`", PAYMENT.example) };
    let time_ms = time.map_err(generally)?;
    let (plain, options): (Vec<&str>, Vec<&str>) =
        rest.iter().partition(|word| !word.contains('='));
    let Some(form) = form_of(&plain) else {
        return Err(no_form(&plain));
    };
    let mut given = BTreeMap::new();
    for word in options {
        let Some((key, value)) = word.split_once('=') else { continue };
        if form.option(key).is_none() {
            let message = format!("unknown option `{key}`");
            return Err(Problem { message, hint: form.known_options(key) });
        }
        if given.insert(key, value).is_some() {
            return Err(generally(format!("`{key}` is given twice")));
        }
    }
    event(&plain, time_ms, currency, batch, Options { form, given })
        .map_err(|message| Problem { message, hint: format!("as `{}`", form.example) })
}

/// The sort of line that words without options make.
fn form_of(plain: &[&str]) -> Option<&'static Form> {
    Some(match plain {
        ["list", _, _] | ["list", _, _, _] => &LIST,
        ["control", _, _] => &CONTROL,
        ["registry", _, _] => &REGISTRY,
        ["feedback", _, _] => &FEEDBACK,
        ["account", _, _] => &ACCOUNT,
        [_, "->", _, _] => &PAYMENT,
        ["tick"] => &TICK,
        _ => return None,
    })
}

/// What is said of a line that is none of them.
fn no_form(plain: &[&str]) -> Problem {
    let first = plain.first().copied().unwrap_or_default();
    let begins = |form: &&&Form| form.written.split(' ').next() == Some(first);
    let message = "this is not an event".to_owned();
    let hint = match FORMS.iter().find(begins) {
        Some(form) => format!("{} is `{}`, as `{}`", form.called, form.written, form.example),
        None => {
            let words = FORMS.iter().filter_map(|form| form.written.split(' ').next());
            let meant = did_you_mean(first, words.filter(|word| *word != "PAYER"));
            let forms: Vec<String> =
                FORMS.iter().map(|form| format!("`{}`", form.written)).collect();
            let forms = format!("after the time stands one of {}", forms.join(", "));
            meant.map_or(forms.clone(), |meant| format!("{meant} {forms}"))
        }
    };
    Problem { message, hint }
}

fn event(
    plain: &[&str],
    time_ms: Millis,
    currency: Currency,
    batch: &mut Batch,
    options: Options<'_>,
) -> Result<(), String> {
    match plain {
        ["list", subject, category] => list(batch, time_ms, subject, category, None, options),
        ["list", subject, category, level] => {
            list(batch, time_ms, subject, category, Some(level), options)
        }
        ["control", account, kind] => control(batch, time_ms, account, kind, options),
        ["registry", enterprise, status] => registry(batch, time_ms, enterprise, status, options),
        ["feedback", payer, stage] => feedback(batch, time_ms, payer, stage, options),
        ["account", account, kind] => {
            account_event(batch, time_ms, account, kind, currency, options)
        }
        [payers, "->", payees, amount] => {
            payments(batch, time_ms, (payers, payees), amount, currency, options)
        }
        // Time has passed until then: what is waited for comes by the watermark.
        ["tick"] => {
            push(batch, time_ms + limits::LATENESS_DEFAULT, Body::Tick);
            Ok(())
        }
        _ => Err("this is not an event".to_owned()),
    }
}

/// Takes the time off the front of a line.
pub(super) fn split_time<'w, 'a>(words: &'w [&'a str]) -> (Result<Millis, String>, &'w [&'a str]) {
    let (day, rest) = match words {
        [first, rest @ ..] if first.ends_with('d') && !first.contains(':') => (day(first), rest),
        _ => (Some(0), words),
    };
    let (clock, rest) = match rest {
        [first, rest @ ..] => (clock(first), rest),
        [] => (None, rest),
    };
    match (day, clock) {
        (Some(day), Some(clock)) => (Ok(MIDNIGHT_MS + day + clock), rest),
        _ => (Err("the line must begin with a time, as 10:03:10 or -2d 09:00".to_owned()), rest),
    }
}

/// `-6d`, `+1d`, `0d`
fn day(word: &str) -> Option<Millis> {
    let days: i64 = word.strip_suffix('d')?.parse().ok()?;
    (days.abs() < 10_000).then_some(days * DAY)
}

/// `10:03`, `10:03:10`, `10:03:10.500`
fn clock(word: &str) -> Option<Millis> {
    let (word, ms) = match word.split_once('.') {
        Some((word, ms)) if ms.len() == 3 => (word, ms.parse::<Millis>().ok()?),
        Some(_) => return None,
        None => (word, 0),
    };
    let parts: Option<Vec<Millis>> =
        word.split(':').map(|p| p.parse().ok().filter(|n| *n >= 0)).collect();
    match parts?.as_slice() {
        [h, m] if *h < 24 && *m < 60 => Some(h * HOUR + m * MINUTE + ms),
        [h, m, s] if *h < 24 && *m < 60 && *s < 60 => Some(h * HOUR + m * MINUTE + s * SECOND + ms),
        _ => None,
    }
}

/// An option's time: `-6d` or `0d+10:00`.
fn moment(word: &str) -> Result<Millis, String> {
    let parsed = match word.split_once("d+") {
        Some((days, time)) => day(&format!("{days}d")).zip(clock(time)).map(|(d, c)| d + c),
        None => day(word),
    };
    match parsed {
        Some(since) => Ok(MIDNIGHT_MS + since),
        None => Err(format!("`{word}` is not a moment, as -6d or 0d+10:00")),
    }
}

/// A word of a closed set.
fn known<T: Copy>(what: &str, word: &str, set: &[(&str, T)]) -> Result<T, String> {
    let hint = || meant_or_list(word, set.iter().map(|(w, _)| *w));
    set.iter()
        .find(|(w, _)| *w == word)
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("`{word}` is not a known {what}; {}", hint()))
}

fn push(batch: &mut Batch, time_ms: Millis, body: Body) {
    let position = Position { topic: 0, partition: 0, offset: batch.events.len() as i64 };
    batch.events.push(Event { position, record_time_ms: time_ms, time_ms, body });
}

/// Every option has been read: what the table of forms has and nobody reads is told.
fn done(options: &Options<'_>) -> Result<(), String> {
    match options.given.keys().next() {
        Some(key) => Err(format!("`{key}` means nothing here")),
        None => Ok(()),
    }
}

fn list(
    batch: &mut Batch,
    time_ms: Millis,
    subject: &str,
    category: &str,
    level: Option<&str>,
    mut options: Options<'_>,
) -> Result<(), String> {
    let event = ListEvent {
        entry_id: Text::NONE,
        op: known("operation", options.take("op").unwrap_or("upsert"), OPERATIONS)?,
        subject_kind: known("subject", options.take("kind").unwrap_or("account"), SUBJECT_KINDS)?,
        subject: batch.push_text(subject),
        counterparty: batch.push_text(options.take("with").unwrap_or("")),
        category: known("list category", category, ListCategory::WORDS)?,
        level: level.map(|l| known("list level", l, ListLevel::WORDS)).transpose()?,
        valid_from_ms: options.take("from").map(moment).transpose()?,
        valid_to_ms: options.take("to").map(moment).transpose()?,
        source: Text::NONE,
        legal_basis: Text::NONE,
        purpose: Text::NONE,
        author: batch.push_text(options.take("author").unwrap_or("")),
        approver: batch.push_text(options.take("approver").unwrap_or("")),
    };
    done(&options)?;
    push(batch, time_ms, Body::List(Box::new(event)));
    Ok(())
}

fn control(
    batch: &mut Batch,
    time_ms: Millis,
    account: &str,
    kind: &str,
    mut options: Options<'_>,
) -> Result<(), String> {
    let id = format!("control-{}", batch.events.len());
    let event = ControlEvent {
        control_id: batch.push_text(options.take("id").unwrap_or(&id)),
        account: batch.push_text(account),
        kind: known("control", kind, Action::WORDS)?,
        mode: None,
        amount: None,
        from_ms: options.take("from").map(moment).transpose()?.unwrap_or(time_ms),
        to_ms: options.take("to").map(moment).transpose()?,
        extension_no: None,
        authority: Text::NONE,
        released_at_ms: options.take("released").map(moment).transpose()?,
    };
    done(&options)?;
    push(batch, time_ms, Body::Control(Box::new(event)));
    Ok(())
}

fn account_event(
    batch: &mut Batch,
    time_ms: Millis,
    account: &str,
    kind: &str,
    currency: Currency,
    mut options: Options<'_>,
) -> Result<(), String> {
    let word = |options: &mut Options<'_>, key| options.take(key).map(str::to_owned);
    let customer = word(&mut options, "customer").unwrap_or_else(|| format!("cus-{account}"));
    let (class, grade) = (word(&mut options, "class"), word(&mut options, "grade"));
    let customer_type = word(&mut options, "type");
    let reason = word(&mut options, "reason");
    let geo = options.take("at").map(geo).transpose()?;
    let mut token = |key: &str, batch: &mut Batch| match options.take(key) {
        Some(word) => batch.push_text(word),
        None => Text::NONE,
    };
    let (opening_device, phone_token) = (token("device", batch), token("phone", batch));
    let (agent_token, branch) = (token("agent", batch), token("branch", batch));
    let mut limit = |key: &str| {
        let minor = options.take(key).map(|w| parse_decimal(w, currency.exponent()));
        let minor = minor.transpose().map_err(|error| format!("`{key}`: {error}"))?;
        Ok::<_, String>(minor.map(|minor| Money { minor, currency }))
    };
    let (limit_before, limit_after) = (limit("before")?, limit("after")?);
    let event = AccountEvent {
        event_id: Text::NONE,
        kind: known("kind of account event", kind, AccountEventKind::WORDS)?,
        account: batch.push_text(account),
        customer: batch.push_text(&customer),
        branch,
        opening_device,
        phone_token,
        agent_token,
        employer_token: Text::NONE,
        reason: reason.map(|w| known("opening reason", &w, OpeningReason::WORDS)).transpose()?,
        geo,
        customer_type: customer_type
            .map(|w| known("customer type", &w, CustomerType::WORDS))
            .transpose()?,
        account_class: class.map(|w| known("class", &w, AccountClass::WORDS)).transpose()?,
        risk_grade: grade.map(|w| known("grade", &w, RiskGrade::WORDS)).transpose()?,
        limit_before,
        limit_after,
    };
    done(&options)?;
    push(batch, time_ms, Body::Account(Box::new(event)));
    Ok(())
}

fn registry(
    batch: &mut Batch,
    time_ms: Millis,
    enterprise: &str,
    status: &str,
    mut options: Options<'_>,
) -> Result<(), String> {
    let event = RegistryEvent {
        enterprise: batch.push_text(enterprise),
        status: known("registry status", status, RegistryStatus::WORDS)?,
        as_of_ms: options.take("as_of").map(moment).transpose()?,
        source: Text::NONE,
    };
    done(&options)?;
    push(batch, time_ms, Body::Registry(Box::new(event)));
    Ok(())
}

fn feedback(
    batch: &mut Batch,
    time_ms: Millis,
    payer: &str,
    stage: &str,
    mut options: Options<'_>,
) -> Result<(), String> {
    let (action, verdict) = (options.take("action"), options.take("verdict"));
    let event = FeedbackEvent {
        feedback_id: Text::NONE,
        alert_id: Text::NONE,
        stage: known("stage of feedback", stage, FeedbackStage::WORDS)?,
        action: action.map(|w| known("measure", w, Action::WORDS)).transpose()?,
        verdict: verdict.map(|w| known("verdict", w, Verdict::WORDS)).transpose()?,
        payer: batch.push_text(payer),
        payee: batch.push_text(options.take("payee").unwrap_or("")),
        payment_id: batch.push_text(options.take("payment").unwrap_or("")),
    };
    done(&options)?;
    push(batch, time_ms, Body::Feedback(Box::new(event)));
    Ok(())
}

fn payments(
    batch: &mut Batch,
    time_ms: Millis,
    (payers, payees): (&str, &str),
    amount: &str,
    currency: Currency,
    mut options: Options<'_>,
) -> Result<(), String> {
    let every = match options.take("every") {
        Some(word) => duration(word).ok_or_else(|| format!("`{word}` is not a duration"))?,
        None => 0,
    };
    let (payers, payees) = (crowd::parties(payers)?, crowd::parties(payees)?);
    let count = payers.len().max(payees.len());
    // As many payers as payees: the first pays the first, the second the second.
    if payers.len() > 1 && payees.len() > 1 && payers.len() != payees.len() {
        return Err("several payers and several payees, and not as many of each".to_owned());
    }
    if (count > 1) != (every > 0) {
        return Err("several parties need `every=`, one does not".to_owned());
    }
    for index in 0..count {
        let at = |names: &[String]| names[index % names.len()].clone();
        let (payer, payee) = (at(&payers), at(&payees));
        let time_ms = time_ms + every * index as Millis;
        let mut options = options.clone();
        let payment = payment(batch, (&payer, &payee), amount, currency, &mut options)?;
        done(&options)?;
        push(batch, time_ms, Body::Payment(payment));
    }
    Ok(())
}

fn payment(
    batch: &mut Batch,
    (payer, payee): (&str, &str),
    amount: &str,
    pack_currency: Currency,
    options: &mut Options<'_>,
) -> Result<Payment, String> {
    let number = batch.events.len();
    let currency = match options.take("currency") {
        Some(word) => Currency::parse(word).ok_or_else(|| format!("`{word}` is no currency"))?,
        None => pack_currency,
    };
    let minor = match parse_decimal(amount, currency.exponent()) {
        Ok(minor) if minor > 0 => minor,
        Ok(_) => return Err("an amount is above zero".to_owned()),
        Err(error) => return Err(format!("`{amount}`: {error}")),
    };
    let payer = party(batch, payer, "", currency, options)?;
    let payee = party(batch, payee, OF_PAYEE, currency, options)?;
    let mut session_flags = None;
    for word in options.take("session").into_iter().flat_map(|words| words.split(',')) {
        let bit = if word == "none" { 0 } else { known("session flag", word, SESSION_BITS)? };
        session_flags = Some(session_flags.unwrap_or(0) | bit);
    }
    let status = options.take("status").unwrap_or("settled");
    let channel = options.take("channel").unwrap_or("mobile");
    let payment_type = options.take("payment_type").unwrap_or("transfer");
    let id = options.take("id").map_or_else(|| format!("p-{number}"), str::to_owned);
    let category = options.take("category");
    let check = options.take("check");
    let mut payment = Payment::new(
        batch.push_text(&format!("e-{number}")),
        batch.push_text(&id),
        known("status", status, PaymentStatus::WORDS)?,
        Money { minor, currency },
        payer,
        payee,
        known("payment type", payment_type, PaymentType::WORDS)?,
        known("channel", channel, Channel::WORDS)?,
    );
    payment.category = category.map(|w| known("category", w, Category::WORDS)).transpose()?;
    payment.mcc = batch.push_text(options.take("mcc").unwrap_or(""));
    payment.terminal_geo = options.take("at").map(geo).transpose()?;
    payment.device_geo = options.take("device_at").map(geo).transpose()?;
    payment.terminal_id = batch.push_text(options.take("terminal").unwrap_or(""));
    payment.terminal_country = options.take("country").map(country).transpose()?;
    payment.device_country = options.take("device_country").map(country).transpose()?;
    payment.device_ip = batch.push_text(options.take("ip").unwrap_or(""));
    payment.device_bssid = batch.push_text(options.take("wifi").unwrap_or(""));
    payment.device_id = batch.push_text(options.take("device").unwrap_or(""));
    payment.session_flags = session_flags;
    payment.payee_check = check.map(|w| known("name check", w, PayeeCheck::WORDS)).transpose()?;
    Ok(payment)
}

fn country(code: &str) -> Result<Country, String> {
    Country::parse(code).ok_or_else(|| format!("`{code}` is no country, as CN or HK"))
}

/// `36.0671,120.3826`, or with a radius of uncertainty in kilometres as a third number.
fn geo(word: &str) -> Result<Geo, String> {
    let wrong = || format!("`{word}` is no place, as 36.0671,120.3826 or 36.0671,120.3826,1.5");
    let numbers: Result<Vec<i64>, _> = word.split(',').map(|part| parse_decimal(part, 6)).collect();
    let numbers = numbers.map_err(|_| wrong())?;
    let degrees = |value: i64, most: i64| {
        i32::try_from(value).ok().filter(|v| i64::from(v.abs()) <= most * 1_000_000)
    };
    let (lat, lon, accuracy) = match numbers.as_slice() {
        [lat, lon] => (*lat, *lon, None),
        [lat, lon, km] => (*lat, *lon, Some(u32::try_from(km / 1_000).map_err(|_| wrong())?)),
        _ => return Err(wrong()),
    };
    let (lat_udeg, lon_udeg) = degrees(lat, 90).zip(degrees(lon, 180)).ok_or_else(wrong)?;
    Ok(Geo { lat_udeg, lon_udeg, accuracy_m: accuracy })
}

fn party(
    batch: &mut Batch,
    account: &str,
    prefix: &str,
    currency: Currency,
    options: &mut Options<'_>,
) -> Result<Party, String> {
    let mut take = |key: &str| options.take(format!("{prefix}{key}").as_str());
    let customer = take("customer").map_or_else(|| format!("cus-{account}"), str::to_owned);
    let customer = if customer == "none" { String::new() } else { customer };
    let customer_type = match take("type").unwrap_or("person") {
        "none" => None,
        word => Some(known("customer type", word, CustomerType::WORDS)?),
    };
    let money = |word: &str| {
        parse_decimal(word, currency.exponent()).map_err(|error| format!("`{word}`: {error}"))
    };
    Ok(Party {
        account: batch.push_text(account),
        name: batch.push_text(take("name").unwrap_or("")),
        customer: batch.push_text(&customer),
        id_token: batch.push_text(take("id_token").unwrap_or("")),
        customer_type,
        balance_after_minor: take("balance").map(money).transpose()?,
        available_after_minor: take("available").map(money).transpose()?,
        account_class: take("class").map(|w| known("class", w, AccountClass::WORDS)).transpose()?,
        opened_at_ms: take("opened").map(moment).transpose()?,
        risk_grade: take("grade").map(|w| known("grade", w, RiskGrade::WORDS)).transpose()?,
        age_years: take("age")
            .map(|w| w.parse().map_err(|_| format!("`{w}` is not an age")))
            .transpose()?,
        income_monthly_minor: take("income").map(money).transpose()?,
        ..Party::default()
    })
}
