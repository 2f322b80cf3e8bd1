//! Each reason is reached, order and unknown fields do not matter, rubbish never panics.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::event::{Body, Channel, CustomerType, PaymentStatus};

const WHOLE: &str = r#"{"schema":"payment.v1","event_id":"e-1","payment_id":"p-1","status":"initiated","event_time":"2026-03-05T10:03:10+08:00","amount":"49700.00","currency":"CNY","payer":{"account":"tok:9f","bank":"313452060150","name":"李\u96f7","customer":"cus:71","customer_type":"person","account_class":"I","opened_at":"2026-02-28","balance_after":"112.00","age_years":71},"payee":{"account":"tok:b2","bank":"102452000017","customer_type":"person"},"payment_type":"transfer","channel":"mobile","device":{"id":"dev:55","ip":"203.0.113.7","geo":{"lat":36.0671,"lon":"120.3826","accuracy_km":0.05}},"session":{"flags":["screen_share","new_flag"]},"payee_check":{"result":"no_match"},"hold_deadline":"2026-03-05T10:03:12+08:00","end_to_end_id":"E2E"}"#;

fn decoder() -> Decoder {
    let zone = TimeZone::get("Asia/Shanghai").expect("the zone is in the database");
    Decoder::new(DecodeConfig { zone, skew_ms: limits::SKEW_DEFAULT })
}

fn decode(record: &[u8]) -> Result<Batch, (RejectReason, String)> {
    let mut batch = Batch::default();
    let kept = batch.push_text("kept");
    let position = Position { topic: 1, partition: 2, offset: 3 };
    match decoder().decode(record, position, None, &mut batch) {
        Ok(()) => Ok(batch),
        Err(reject) => {
            assert_eq!(reject.position, position);
            assert!(batch.events.is_empty() && batch.text == "kept" && batch.text(kept) == "kept");
            Err((reject.reason, reject.detail))
        }
    }
}

#[test]
fn every_field_of_a_payment_is_read() {
    let batch = decode(WHOLE.as_bytes()).expect("valid");
    let Body::Payment(p) = &batch.events[0].body else { panic!("a payment") };
    assert_eq!(batch.text(p.payer.account), "tok:9f");
    assert_eq!(batch.text(p.payer.name), "李雷");
    assert_eq!(p.status, PaymentStatus::Initiated);
    assert_eq!(p.amount.minor, 4_970_000);
    assert_eq!(p.payer.balance_after_minor, Some(11_200));
    assert_eq!(p.payer.customer_type, Some(CustomerType::Person));
    assert_eq!(p.payer.age_years, Some(71));
    assert_eq!(p.channel, Channel::Mobile);
    let geo = p.device_geo.expect("a place");
    assert_eq!((geo.lat_udeg, geo.lon_udeg, geo.accuracy_m), (36_067_100, 120_382_600, Some(50)));
    assert_eq!(p.session_flags, Some(1 | 128));
    assert_eq!(p.hold_deadline_ms, Some(batch.events[0].time_ms + 2_000));
    assert_eq!(batch.events[0].time_ms, 1_772_676_190_000);
}

fn with(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    WHOLE.replacen(from, to, 1)
}

#[rstest]
#[case::no_id(r#""event_id":"e-1","#, "", RejectReason::MissingField, "event_id")]
#[case::null_id(r#""e-1""#, "null", RejectReason::MissingField, "event_id")]
#[case::empty_id(r#""e-1""#, r#""""#, RejectReason::MissingField, "event_id")]
#[case::number_id(r#""e-1""#, "1", RejectReason::WrongType, "event_id")]
#[case::no_payee(r#""account":"tok:b2","#, "", RejectReason::MissingField, "payee.account")]
#[case::array_payer(r#""payee_check":{"#, r#""payee_check":[{"#, RejectReason::MalformedJson, "")]
#[case::text_payee(
    r#"{"account":"tok:b2","bank":"102452000017","customer_type":"person"}"#,
    "7",
    RejectReason::WrongType,
    "payee"
)]
#[case::day_only("2026-03-05T10:03:10+08:00", "2026-03-05", RejectReason::BadTime, "event_time")]
#[case::no_schema(r#""payment.v1""#, "null", RejectReason::MissingField, "schema")]
#[case::words(r#""49700.00""#, r#""much""#, RejectReason::BadAmount, "amount")]
#[case::exponent(r#""49700.00""#, "1e3", RejectReason::BadAmount, "amount")]
#[case::zero(r#""49700.00""#, r#""0.00""#, RejectReason::NonPositiveAmount, "amount")]
#[case::negative(r#""49700.00""#, "-5", RejectReason::NonPositiveAmount, "amount")]
#[case::digits(r#""49700.00""#, r#""1.234""#, RejectReason::TooManyDigits, "amount")]
#[case::overflow(r#""49700.00""#, "99999999999999999999", RejectReason::AmountOverflow, "amount")]
#[case::currency(r#""CNY""#, r#""yuan""#, RejectReason::BadCurrency, "currency")]
#[case::time("2026-03-05T10:03:10+08:00", "yesterday", RejectReason::BadTime, "event_time")]
#[case::local(
    "2026-03-05T10:03:10+08:00",
    "2026-03-05T10:03:10",
    RejectReason::BadTime,
    "event_time"
)]
#[case::balance(r#""112.00""#, r#""a lot""#, RejectReason::BadAmount, "payer.balance_after")]
#[case::age(r#""age_years":71"#, r#""age_years":200"#, RejectReason::BadValue, "payer.age_years")]
#[case::schema("payment.v1", "payment.v9", RejectReason::UnknownSchema, "schema")]
#[case::twice(
    r#""currency":"CNY""#,
    r#""currency":"CNY","currency":"USD""#,
    RejectReason::MalformedJson,
    "currency occurs twice"
)]
#[case::flags(r#"["screen_share","new_flag"]"#, "7", RejectReason::WrongType, "session.flags")]
fn each_defect_has_its_reason(
    #[case] from: &str,
    #[case] to: &str,
    #[case] reason: RejectReason,
    #[case] detail: &str,
) {
    let (seen, words) = decode(with(from, to).as_bytes()).expect_err("refused");
    assert_eq!(seen, reason, "{words}");
    assert!(words.contains(detail), "{words:?}");
}

#[test]
fn what_is_not_a_record_is_refused() {
    let long =
        format!(r#"{{"schema":"payment.v1","memo":"{}"}}"#, "x".repeat(limits::RECORD_BYTES_MAX));
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let cases: &[(&[u8], RejectReason)] = &[
        (b"", RejectReason::Empty),
        (long.as_bytes(), RejectReason::TooLarge),
        (b"\xff\xfe", RejectReason::NotUtf8),
        (deep.as_bytes(), RejectReason::MalformedJson),
        (b"[]", RejectReason::MalformedJson),
        (b"null", RejectReason::MalformedJson),
        (b"{", RejectReason::MalformedJson),
        (b"{}", RejectReason::MissingField),
        (b"hello", RejectReason::MalformedJson),
    ];
    for (record, reason) in cases {
        let (seen, _) = decode(record).expect_err("refused");
        assert_eq!(seen, *reason, "{:?}", String::from_utf8_lossy(&record[..record.len().min(40)]));
    }
    let (seen, _) = decode(format!("{WHOLE} x").as_bytes()).expect_err("trailing text");
    assert_eq!(seen, RejectReason::MalformedJson);
    let (seen, _) = decode(format!("{WHOLE}}}").as_bytes()).expect_err("trailing brace");
    assert_eq!(seen, RejectReason::MalformedJson);
}

#[test]
fn depth_is_bounded_and_brackets_in_texts_do_not_count() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let record = |value: String| with(r#""channel""#, &format!(r#""extra":{value},"channel""#));
    decode(record(nested(limits::JSON_DEPTH_MAX - 1)).as_bytes()).expect("deep enough");
    let (seen, _) =
        decode(record(nested(limits::JSON_DEPTH_MAX)).as_bytes()).expect_err("too deep");
    assert_eq!(seen, RejectReason::MalformedJson);
    decode(record(format!(r#""\\\"{}""#, "[".repeat(100))).as_bytes()).expect("a text");
}

#[test]
fn long_ids_are_refused_and_long_texts_cut() {
    let id = "x".repeat(limits::ID_BYTES_MAX + 1);
    let (seen, path) = decode(with("tok:b2", &id).as_bytes()).expect_err("refused");
    assert_eq!((seen, path.as_str()), (RejectReason::TooLong, "payee.account"));
    let memo = "雷".repeat(400);
    let batch = decode(with(r#""channel""#, &format!(r#""memo":"{memo}","channel""#)).as_bytes());
    let batch = batch.expect("valid");
    let Body::Payment(p) = &batch.events[0].body else { panic!("a payment") };
    assert_eq!(batch.text(p.memo).chars().count(), limits::TEXT_BYTES_MAX / 3);
}

#[test]
fn a_record_from_the_future_is_refused_by_its_own_timestamp() {
    let mut batch = Batch::default();
    let time_ms = 1_772_676_190_000;
    for (record_time_ms, fine) in
        [(time_ms - limits::SKEW_DEFAULT, true), (time_ms - limits::SKEW_DEFAULT - 1, false)]
    {
        let outcome = decoder().decode(
            WHOLE.as_bytes(),
            Position::default(),
            Some(record_time_ms),
            &mut batch,
        );
        assert_eq!(outcome.is_ok(), fine);
    }
    let far = with("2026-03-05T10:03:10+08:00", "2099-01-01T00:00:00Z");
    let outcome = decoder().decode(far.as_bytes(), Position::default(), Some(time_ms), &mut batch);
    assert_eq!(outcome.expect_err("refused").reason, RejectReason::FromTheFuture);
}

#[test]
fn reference_events_are_read() {
    for record in [
        r#"{"schema":"account.v1","kind":"opened","account":"A","time":"20260305100310","branch":"0532-017"}"#,
        r#"{"schema":"list.v1","op":"upsert","subject":{"kind":"account","id":"A"},"category":"case_account","level":"confirmed_case","valid_from":"2026-03-01"}"#,
        r#"{"schema":"list.v1","op":"expire","subject_kind":"device","subject":"D","category":"allow","event_time":"2026-03-05T10:03:10Z"}"#,
        r#"{"schema":"control.v1","control_id":"c","account":"A","kind":"credit_only","mode":"limited","amount":"5.00","currency":"CNY","from":"2026-03-05T09:00:00+08:00"}"#,
    ] {
        decode(record.as_bytes()).expect(record);
    }
    let wrong = r#"{"schema":"control.v1","control_id":"c","account":"A","kind":"explode","from":"2026-03-05"}"#;
    assert_eq!(decode(wrong.as_bytes()).expect_err("refused").0, RejectReason::BadValue);
    let wrong = r#"{"schema":"list.v1","op":"upsert","subject_kind":"ship","subject":"D","category":"allow","event_time":"2026-03-05"}"#;
    assert_eq!(decode(wrong.as_bytes()).expect_err("refused").0, RejectReason::BadValue);
}

/// The values of an event, its texts resolved, so that arenas can be compared.
fn shown(batch: &Batch) -> String {
    let Body::Payment(p) = &batch.events[0].body else { panic!("a payment") };
    let texts = [
        p.event_id,
        p.payment_id,
        p.end_to_end_id,
        p.payer.account,
        p.payer.name,
        p.payer.bank,
        p.payer.customer,
        p.payee.account,
        p.payee.bank,
        p.device_id,
        p.device_ip,
    ];
    let texts: Vec<_> = texts.iter().map(|t| batch.text(*t)).collect();
    format!("{texts:?} {:?} {:?} {:?}", p.amount, p.status, batch.events[0].time_ms)
}

proptest! {
    #[test]
    fn order_and_unknown_fields_do_not_matter(order in Just((0..15usize).collect::<Vec<_>>()).prop_shuffle(),
                                              extra in "[a-z]{1,8}", at in 0..15usize) {
        let value: serde_json::Value = serde_json::from_str(WHOLE).expect("valid");
        let fields = value.as_object().expect("an object");
        let mut parts: Vec<String> = fields.iter().map(|(k, v)| format!("{k:?}:{v}")).collect();
        prop_assume!(!fields.contains_key(&extra));
        let shuffled: Vec<String> = order.iter()
            .filter_map(|i| parts.get_mut(*i).map(std::mem::take)).collect();
        let rest = parts.into_iter().filter(|p| !p.is_empty());
        let mut all: Vec<String> = rest.chain(shuffled).collect();
        all.insert(at.min(all.len()), format!(r#""x_{extra}":{{"deep":[1,{{"a":null}}]}}"#));
        let batch = decode(format!("{{ {} }}", all.join(" , ")).as_bytes()).expect("valid");
        prop_assert_eq!(shown(&batch), shown(&decode(WHOLE.as_bytes()).expect("valid")));
    }

    /// Whatever is done to a record, it is decoded or refused, and only JSON objects are decoded.
    #[test]
    fn rubbish_is_refused(cuts in prop::collection::vec((0..800usize, any::<u8>()), 1..6), drop in 0..40usize) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for (at, byte) in cuts {
            let len = bytes.len();
            bytes[at % len] = byte;
        }
        bytes.truncate(bytes.len() - drop);
        let json = serde_json::from_slice::<serde_json::Value>(&bytes).is_ok();
        let decoded = decode(&bytes).is_ok();
        prop_assert!(json || !decoded, "{}", String::from_utf8_lossy(&bytes));
    }
}
