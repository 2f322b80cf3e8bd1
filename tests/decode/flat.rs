//! An event as paths and values, by the names of the formats. Absent fields are left out.

use std::collections::BTreeMap;

use goshawk::model::entity::EntityKind;
use goshawk::model::event::{
    AccountEvent, Batch, Body, ControlEvent, Event, FeedbackEvent, Geo, ListEvent, ListOp, Party,
    Payment, RegistryEvent, Text,
};
use goshawk::model::measure::ControlMode;

/// Paths with values.
pub type Flat = BTreeMap<String, String>;

/// Writes an event down. Every field of the model is named here, so that a new one cannot be
/// forgotten.
pub fn flat(batch: &Batch, event: &Event) -> Flat {
    let mut into = Into { batch, flat: Flat::new() };
    let time = match &event.body {
        Body::Payment(_) => "event_time",
        _ => "time",
    };
    into.value(time, Some(event.time_ms));
    match &event.body {
        Body::Payment(payment) => into.payment(payment),
        Body::Account(account) => into.account(account),
        Body::List(list) => into.list(list),
        Body::Control(control) => into.control(control),
        Body::Registry(registry) => into.registry(registry),
        Body::Feedback(feedback) => into.feedback(feedback),
        Body::Tick => {}
    }
    into.flat
}

struct Into<'a> {
    batch: &'a Batch,
    flat: Flat,
}

impl Into<'_> {
    fn text(&mut self, path: &str, text: Text) {
        self.value(path, (!text.is_none()).then(|| self.batch.text(text).to_owned()));
    }

    fn value(&mut self, path: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.flat.insert(path.to_owned(), value.to_string());
        }
    }

    fn payment(&mut self, payment: &Payment) {
        let Payment {
            event_id,
            payment_id,
            end_to_end_id,
            instruction_id,
            uetr,
            status,
            amount,
            payer,
            payee,
            payment_type,
            category,
            mcc,
            purpose,
            channel,
            terminal_id,
            terminal_geo,
            terminal_country,
            device_id,
            device_ip,
            device_bssid,
            device_geo,
            device_country,
            session_flags,
            session_id,
            payee_check,
            memo,
            hold_deadline_ms,
            source_system,
            source_topic,
            source_time_ms,
        } = *payment;
        for (path, text) in [
            ("event_id", event_id),
            ("payment_id", payment_id),
            ("end_to_end_id", end_to_end_id),
            ("instruction_id", instruction_id),
            ("uetr", uetr),
            ("mcc", mcc),
            ("purpose", purpose),
            ("terminal_id", terminal_id),
            ("device.id", device_id),
            ("device.ip", device_ip),
            ("device.bssid", device_bssid),
            ("session.id", session_id),
            ("memo", memo),
            ("source.system", source_system),
            ("source.topic", source_topic),
        ] {
            self.text(path, text);
        }
        self.value("status", Some(status.word()));
        self.value("amount", Some(amount.minor));
        self.value("currency", Some(amount.currency));
        self.value("payment_type", Some(payment_type.word()));
        self.value("category", category.map(|word| word.word()));
        self.value("channel", Some(channel.word()));
        self.value("session.flags", session_flags);
        self.value("payee_check.result", payee_check.map(|word| word.word()));
        self.value("hold_deadline", hold_deadline_ms);
        self.value("source.ts", source_time_ms);
        self.party("payer", &payer);
        self.party("payee", &payee);
        self.place("terminal_geo", terminal_geo);
        self.place("device.geo", device_geo);
        self.value("terminal_country", terminal_country.map(|c| c.code().to_owned()));
        self.value("device.country", device_country.map(|c| c.code().to_owned()));
    }

    fn party(&mut self, side: &str, party: &Party) {
        let Party {
            account,
            account_scheme,
            bank,
            name,
            customer,
            id_token,
            customer_type,
            balance_after_minor,
            available_after_minor,
            account_class,
            opened_at_ms,
            risk_grade,
            age_years,
            occupation_class,
            income_monthly_minor,
        } = *party;
        for (field, text) in [
            ("account", account),
            ("acct_scheme", account_scheme),
            ("bank", bank),
            ("name", name),
            ("customer", customer),
            ("id_token", id_token),
            ("occupation_class", occupation_class),
        ] {
            self.text(&format!("{side}.{field}"), text);
        }
        self.value(&format!("{side}.customer_type"), customer_type.map(|word| word.word()));
        self.value(&format!("{side}.balance_after"), balance_after_minor);
        self.value(&format!("{side}.available_after"), available_after_minor);
        self.value(&format!("{side}.account_class"), account_class.map(|word| word.word()));
        self.value(&format!("{side}.opened_at"), opened_at_ms);
        self.value(&format!("{side}.risk_grade"), risk_grade.map(|word| word.word()));
        self.value(&format!("{side}.age_years"), age_years);
        self.value(&format!("{side}.income_monthly"), income_monthly_minor);
    }

    fn place(&mut self, path: &str, geo: Option<Geo>) {
        let Some(Geo { lat_udeg, lon_udeg, accuracy_m }) = geo else { return };
        self.value(&format!("{path}.lat"), Some(lat_udeg));
        self.value(&format!("{path}.lon"), Some(lon_udeg));
        self.value(&format!("{path}.accuracy_km"), accuracy_m);
    }

    fn account(&mut self, event: &AccountEvent) {
        let AccountEvent {
            event_id,
            kind,
            account,
            customer,
            branch,
            opening_device,
            phone_token,
            agent_token,
            employer_token,
            reason,
            geo,
            customer_type,
            account_class,
            risk_grade,
            limit_before,
            limit_after,
        } = *event;
        for (path, text) in [
            ("event_id", event_id),
            ("account", account),
            ("customer", customer),
            ("branch", branch),
            ("opening_device", opening_device),
            ("phone_token", phone_token),
            ("agent_token", agent_token),
            ("employer_token", employer_token),
        ] {
            self.text(path, text);
        }
        self.value("kind", Some(kind.word()));
        self.value("reason", reason.map(|word| word.word()));
        self.place("geo", geo);
        self.value("customer_type", customer_type.map(|word| word.word()));
        self.value("account_class", account_class.map(|word| word.word()));
        self.value("risk_grade", risk_grade.map(|word| word.word()));
        self.value("limit_before", limit_before.map(|limit| limit.minor));
        self.value("limit_after", limit_after.map(|limit| limit.minor));
        let currency = limit_before.or(limit_after).map(|limit| limit.currency);
        self.value("currency", currency);
    }

    fn registry(&mut self, event: &RegistryEvent) {
        let RegistryEvent { enterprise, status, as_of_ms, source } = *event;
        self.text("enterprise", enterprise);
        self.value("status", Some(status.word()));
        self.value("as_of", as_of_ms);
        self.text("source", source);
    }

    fn feedback(&mut self, event: &FeedbackEvent) {
        let FeedbackEvent {
            feedback_id,
            alert_id,
            stage,
            action,
            verdict,
            payer,
            payee,
            payment_id,
        } = *event;
        for (path, text) in [
            ("feedback_id", feedback_id),
            ("alert_id", alert_id),
            ("payer", payer),
            ("payee", payee),
            ("payment_id", payment_id),
        ] {
            self.text(path, text);
        }
        self.value("stage", Some(stage.word()));
        self.value("executed.action", action.map(|action| action.word()));
        self.value("verdict", verdict.map(|verdict| verdict.word()));
    }

    fn list(&mut self, event: &ListEvent) {
        let ListEvent {
            entry_id,
            op,
            subject_kind,
            subject,
            counterparty,
            category,
            level,
            valid_from_ms,
            valid_to_ms,
            source,
            legal_basis,
            purpose,
            author,
            approver,
        } = *event;
        for (path, text) in [
            ("entry_id", entry_id),
            ("subject.id", subject),
            ("counterparty", counterparty),
            ("source", source),
            ("legal_basis", legal_basis),
            ("purpose", purpose),
            ("author", author),
            ("approver", approver),
        ] {
            self.text(path, text);
        }
        let op = match op {
            ListOp::Upsert => "upsert",
            ListOp::Expire => "expire",
        };
        let kind = match subject_kind {
            EntityKind::Account => "account",
            EntityKind::Customer => "customer",
            EntityKind::Device => "device",
            EntityKind::Phone => "phone",
            EntityKind::Address => "ip",
            EntityKind::Payment => "payment",
            EntityKind::Agent => "agent",
        };
        self.value("op", Some(op));
        self.value("subject.kind", Some(kind));
        self.value("category", Some(category.word()));
        self.value("level", level.map(|word| word.word()));
        self.value("valid_from", valid_from_ms);
        self.value("valid_to", valid_to_ms);
    }

    fn control(&mut self, event: &ControlEvent) {
        let ControlEvent {
            control_id,
            account,
            kind,
            mode,
            amount,
            from_ms,
            to_ms,
            extension_no,
            authority,
            released_at_ms,
        } = *event;
        self.text("control_id", control_id);
        self.text("account", account);
        self.text("authority", authority);
        self.value("kind", Some(kind.word()));
        let mode = mode.map(|mode| match mode {
            ControlMode::Limited => "limited",
            ControlMode::Full => "full",
        });
        self.value("mode", mode);
        self.value("amount", amount.map(|amount| amount.minor));
        self.value("currency", amount.map(|amount| amount.currency));
        self.value("from", Some(from_ms));
        self.value("to", to_ms);
        self.value("extension_no", extension_no);
        self.value("released_at", released_at_ms);
    }
}
