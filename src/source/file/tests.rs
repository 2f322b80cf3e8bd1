//! Files as a user has them: foreign columns, compression, broken rows, labels.

use std::io::Write as _;
use std::path::PathBuf;

use jiff::tz::TimeZone;

use super::*;
use crate::limits;
use crate::model::event::{Batch, Body};
use crate::model::reject::RejectReason;
use crate::source::{Progress, Step};

const AMLSIM: &str = "tran_id,orig_acct,bene_acct,tx_type,base_amt,tran_timestamp,is_sar,alert_id
1,252,117,TRANSFER,145.42,2017-01-01T00:00:00Z,False,-1
2,770,30,TRANSFER,397.77,2017-01-01T00:00:00Z,True,7
3,475,7,TRANSFER,much,2017-01-01T00:00:00Z,False,-1
4,475,7,TRANSFER
5,684,56,\"TRANS\"\"FER\",492.59,2017-01-02T00:00:00Z,False,-1
";

fn decode() -> DecodeConfig {
    DecodeConfig { zone: TimeZone::fixed(jiff::tz::offset(8)), skew_ms: limits::SKEW_DEFAULT }
}

fn write(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::File::create(&path).and_then(|mut f| f.write_all(bytes)).expect("written");
    path
}

fn read_all(source: &mut dyn Source) -> (Step, u64) {
    let mut step = Step::default();
    let mut steps = 0;
    while source.next(&mut step).expect("readable") != Progress::End {
        steps += 1;
    }
    (step, steps)
}

fn payments(batch: &Batch) -> Vec<(String, i64, i64)> {
    let of = |e: &crate::model::event::Event| {
        let Body::Payment(p) = &e.body else { panic!("a payment") };
        (batch.text(p.payer.account).to_owned(), p.amount.minor, e.time_ms)
    };
    batch.events.iter().map(of).collect()
}

#[test]
fn foreign_columns_become_payments_spread_over_their_day() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(&folder, "transactions.csv", AMLSIM.as_bytes());
    write(&folder, "alert_transactions.csv", b"alert_id,alert_type,x\n7,fan_in,1\n");
    let columns = Columns::builtin("amlsim").expect("shipped");
    let mut source = open(&path, Some(&columns), decode()).expect("opens");
    let (step, _) = read_all(&mut *source);
    let day = 1_483_228_800_000;
    let expect = [
        ("252".to_owned(), 1_454_200, day),
        ("770".to_owned(), 3_977_700, day + 28_800_000),
        ("684".to_owned(), 4_925_900, day + 86_400_000),
    ];
    assert_eq!(payments(&step.batch), expect);
    let rejected: Vec<_> = step
        .rejected
        .iter()
        .map(|r| (r.reject.position.offset, r.reject.reason.word(), r.bytes.as_slice()))
        .collect();
    assert_eq!((rejected[0].0, rejected[0].1), (2, "bad_amount"));
    assert_eq!(rejected[1], (3, "malformed_row", b"4,475,7,TRANSFER".as_slice()));
    let labels = source.take_labels();
    assert_eq!(labels.len(), 1);
    assert_eq!((labels[0].pattern.as_str(), labels[0].kind.as_str()), ("7", "fan_in"));
}

#[test]
fn keep_map_default_and_scale_do_what_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "a,b,amt,n,action\nx,y,0.5,3,CASH_OUT\nx,y,1,4,FEE\nx,y,2,5,WIRE\n";
    let path = write(&folder, "steps.csv", text.as_bytes());
    let columns = r#"
payer = "a"
payee = "b"
amount = { column = "amt", scale = "0.1" }
time = { column = "n", kind = "count", step = "1h", from = "2026-01-01T00:00:00+08:00" }
payment_type = { column = "action", map = { CASH_OUT = "cash_out" }, default = "transfer" }
keep = { column = "action", in = ["CASH_OUT", "WIRE"] }
constants = { currency = "CNY", channel = "mobile", status = "settled" }
"#;
    let columns = Columns::load(columns, "steps.toml").expect("a mapping");
    let mut source = open(&path, Some(&columns), decode()).expect("opens");
    let (step, _) = read_all(&mut *source);
    let from = 1_767_196_800_000;
    let expect =
        [("x".to_owned(), 5, from + 3 * 3_600_000), ("x".to_owned(), 20, from + 5 * 3_600_000)];
    assert_eq!(payments(&step.batch), expect);
    assert_eq!(step.skipped, 1);
}

#[test]
fn compressed_lines_read_like_plain_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = r#"{"schema":"payment.v1","event_id":"e","payment_id":"p","status":"settled","event_time":"2026-03-05T10:03:10+08:00","amount":5,"currency":"CNY","payer":{"account":"A"},"payee":{"account":"B"},"payment_type":"transfer","channel":"web"}"#;
    let text = format!("{line}\n\nnot json\n{line}\r\n");
    let zst = zstd::encode_all(text.as_bytes(), 1).expect("compresses");
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).expect("compresses");
    let gz = gz.finish().expect("compresses");
    for (name, bytes) in [("a.jsonl", text.as_bytes()), ("a.jsonl.zst", &zst), ("a.jsonl.gz", &gz)]
    {
        let path = write(&folder, name, bytes);
        let mut source = open(&path, None, decode()).expect("opens");
        let (step, _) = read_all(&mut *source);
        assert_eq!(step.batch.events.len(), 2, "{name}");
        assert_eq!(step.batch.events[1].position.offset, 3);
        assert_eq!(step.rejected.len(), 1);
        assert_eq!(step.rejected[0].bytes, b"not json");
    }
}

#[test]
fn a_byte_order_mark_is_passed_over_at_the_beginning_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let line = r#"{"schema":"payment.v1","event_id":"e","payment_id":"p","status":"settled","event_time":"2026-03-05T10:03:10+08:00","amount":"5.00","currency":"CNY","payer":{"account":"A"},"payee":{"account":"B"},"payment_type":"transfer","channel":"web"}"#;
    let path = write(&folder, "a.jsonl", format!("\u{feff}{line}\n\u{feff}{line}\n").as_bytes());
    let (step, _) = read_all(&mut *open(&path, None, decode()).expect("opens"));
    assert_eq!((step.batch.events.len(), step.rejected.len()), (1, 1));
    assert_eq!(step.rejected[0].reject.position.offset, 1);
}

/// Paths of a schema's leaves, dots between them.
fn leaves(object: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    for (name, below) in object["properties"].as_object().expect("an object") {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if below["type"] == "object" {
            leaves(below, &path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn every_field_of_a_payment_can_come_from_a_column() {
    let published = include_str!("../../../schemas/payment.v1.json");
    let mut fields = Vec::new();
    leaves(&serde_json::from_str(published).expect("JSON"), "", &mut fields);
    fields.retain(|field| field != "schema");
    fields.sort();
    let mut mapped: Vec<_> = columns::FIELDS
        .iter()
        .map(|(_, object, field)| format!("{object}.{field}").trim_start_matches('.').to_owned())
        .collect();
    mapped.sort();
    assert_eq!(mapped, fields);
}

#[test]
fn flags_and_places_come_from_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "payer,payee,amount,time,currency,channel,status,payment_type,session_flags,\
        device_geo_lat,device_geo_lon,device_geo_accuracy_km,terminal_geo_lat,terminal_geo_lon\n\
        A,B,5.00,2026-03-05T10:00:00Z,CNY,mobile,settled,transfer,in_call | screen_share,\
        36.067,120.38,1.5,-36.5,-0.25\n\
        A,B,5.00,2026-03-05T10:00:01Z,CNY,mobile,settled,transfer,\"in_call,emulator\",,,,,\n\
        A,B,5.00,2026-03-05T10:00:02Z,CNY,mobile,settled,transfer,,,,0.05,,\n\
        A,B,5.00,2026-03-05T10:00:03Z,CNY,mobile,settled,transfer,,36.067,,0.05,,\n";
    let path = write(&folder, "a.csv", text.as_bytes());
    let (step, _) = read_all(&mut *open(&path, None, decode()).expect("opens"));
    // Half a place is a mistake.
    let rejected: Vec<_> =
        step.rejected.iter().map(|r| (r.reject.position.offset, r.reject.reason)).collect();
    assert_eq!(rejected, [(3, RejectReason::MissingField)], "{:?}", step.rejected);
    let payment = |at: usize| match &step.batch.events[at].body {
        Body::Payment(payment) => payment,
        _ => panic!("a payment"),
    };
    use crate::model::event::{Geo, session};
    assert_eq!(payment(0).session_flags, Some(session::IN_CALL | session::SCREEN_SHARE));
    let geo = |lat_udeg, lon_udeg, accuracy_m| Some(Geo { lat_udeg, lon_udeg, accuracy_m });
    assert_eq!(payment(0).device_geo, geo(36_067_000, 120_380_000, Some(1_500)));
    assert_eq!(payment(0).terminal_geo, geo(-36_500_000, -250_000, None));
    assert_eq!(payment(1).session_flags, Some(session::IN_CALL | session::EMULATOR));
    for at in [1, 2] {
        assert_eq!((payment(at).device_geo, payment(at).terminal_geo), (None, None));
    }
}

#[test]
fn wrong_mappings_say_what_and_where() {
    let problem = |text: &str| Columns::load(text, "m.toml").expect_err("refused").to_string();
    assert_eq!(
        problem("payer = \"a\"\npayeee = \"b\"\n"),
        "m.toml: line 2, column 10: payeee: no such field; did you mean \"payee\"?"
    );
    assert!(problem("payer = \"a\"").contains("nothing says where \"time\" comes from"));
    assert!(problem("payer = 1").contains("a column's name, or a table"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(
        &folder,
        "t.csv",
        b"tran_id,orig_act,bene_acct,base_amt,tran_timestamp,is_sar,alert_id\n",
    );
    let columns = Columns::builtin("amlsim").expect("shipped");
    let error = open(&path, Some(&columns), decode()).err().expect("refused").to_string();
    assert!(error.contains("no column \"orig_acct\"; did you mean \"orig_act\"?"), "{error}");
}

/// Every row lies in exactly one run, in order, though rows are read ahead of the step that covers
/// them.
#[test]
fn runs_cover_every_row_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = 3 * STEP_EVENTS as i64;
    let mut text =
        "tran_id,orig_acct,bene_acct,tx_type,base_amt,tran_timestamp,is_sar,alert_id\n".to_owned();
    for row in 0..rows {
        let time = if row % 3 == 0 { "never" } else { "2017-01-01T00:00:00Z" };
        text += &format!("{row},1,2,TRANSFER,5.00,{time},False,-1\n");
    }
    let path = write(&folder, "t.csv", text.as_bytes());
    let columns = Columns::builtin("amlsim").expect("shipped");
    let mut source = open(&path, Some(&columns), decode()).expect("opens");
    let (mut step, mut covered, mut events, mut refused) = (Step::default(), 0, 0, 0);
    while source.next(&mut step).expect("readable") != Progress::End {
        assert_eq!(step.runs.len(), 1);
        let run = step.runs[0];
        assert_eq!(run.from, covered);
        covered = run.to;
        let of_events = step.batch.events.iter().map(|e| e.position.offset);
        let of_refused = step.rejected.iter().map(|r| r.reject.position.offset);
        assert!(of_events.chain(of_refused).all(|offset| (run.from..run.to).contains(&offset)));
        events += step.batch.events.len() as i64;
        refused += step.rejected.len() as i64;
        step.clear();
    }
    assert_eq!((covered, events, refused), (rows, rows / 3 * 2, rows / 3));
}

#[test]
fn times_are_read_by_pattern_and_from_the_epoch() {
    let folder = tempfile::tempdir().expect("a folder");
    for (kind, cell, expect) in [
        ("%Y/%m/%d %H:%M:%S", "2026/03/05 10:03:10", 1_772_676_190_000),
        ("%Y/%m/%d", "2026/03/05", 1_772_640_000_000),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-03-05T02:03:10+0000", 1_772_676_190_000),
        ("epoch_ms", "1772676190000", 1_772_676_190_000),
        ("rfc3339", "20260305100310", 1_772_676_190_000),
    ] {
        let path = write(&folder, "t.csv", format!("a,b,m,t\nx,y,1,{cell}\n").as_bytes());
        let columns = format!(
            "payer = \"a\"\npayee = \"b\"\namount = \"m\"\ntime = {{ column = \"t\", kind = \"{kind}\" }}\n\
             constants = {{ currency = \"CNY\", channel = \"web\", status = \"settled\", payment_type = \"transfer\" }}"
        );
        let columns = Columns::load(&columns, "t.toml").expect("a mapping");
        let mut source = open(&path, Some(&columns), decode()).expect("opens");
        let (step, _) = read_all(&mut *source);
        assert!(step.rejected.is_empty(), "{kind}: {:?}", step.rejected);
        assert_eq!(payments(&step.batch), [("x".to_owned(), 100, expect)], "{kind}");
    }
}

#[test]
fn a_row_of_another_century_does_not_carry_the_rest_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let row = |id: u32, time: &str| format!("{id},A,B,1.00,CNY,{time}\n");
    let rows = [
        row(1, "2026-03-05T10:00:00Z"),
        row(2, "2099-01-01T00:00:00Z"),
        row(3, "2026-03-05T10:00:01Z"),
        // Four hundred days on, and a second more than that.
        row(4, "2027-04-09T10:00:01Z"),
        row(5, "2028-05-13T10:00:02Z"),
    ];
    let csv = format!("event_id,payer,payee,amount,currency,time\n{}", rows.concat());
    let constants =
        "[constants]\nchannel = \"web\"\nstatus = \"settled\"\npayment_type = \"transfer\"\n";
    let mapping = ["event_id", "payer", "payee", "amount", "currency", "time"]
        .map(|name| format!("{name} = {name:?}\n"))
        .concat();
    let columns = Columns::load(&format!("{mapping}{constants}"), "test").expect("a mapping");
    let path = write(&folder, "rows.csv", csv.as_bytes());
    let read = |max_ms| {
        let decoder = Decoder::new(decode()).with_max_jump(max_ms);
        let mut source = open_with(&path, Some(&columns), decoder).expect("opens");
        let (step, _) = read_all(&mut *source);
        let of = |r: &crate::source::RejectedRecord| (r.reject.reason, r.reject.position.offset);
        (step.batch.events.len(), step.rejected.iter().map(of).collect::<Vec<_>>())
    };
    let future = crate::model::reject::RejectReason::FromTheFuture;
    assert_eq!(read(Some(limits::JUMP_DEFAULT)), (3, vec![(future, 1), (future, 4)]));
    assert_eq!(read(None), (5, vec![]));
}

#[test]
fn an_old_list_entry_may_come_before_the_first_payment() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = |time: &str| {
        format!(
            r#"{{"schema":"list.v1","op":"upsert","subject":{{"kind":"account","id":"B"}},"category":"case_account","event_time":"{time}"}}"#
        )
    };
    let payment = r#"{"schema":"payment.v1","event_id":"e","payment_id":"p","status":"settled","event_time":"2026-03-05T10:03:10+08:00","amount":"5.00","currency":"CNY","payer":{"account":"A"},"payee":{"account":"B"},"payment_type":"transfer","channel":"web"}"#;
    let [old, future] = ["2010-01-01T00:00:00Z", "2099-01-01T00:00:00Z"].map(list);
    let text = format!("{old}\n{payment}\n{old}\n{future}\n{payment}\n");
    let path = write(&folder, "mixed.jsonl", text.as_bytes());
    let (step, _) = read_all(&mut *open(&path, None, decode()).expect("opens"));
    assert_eq!((step.batch.events.len(), step.rejected.len()), (4, 1));
    assert_eq!(step.rejected[0].reject.position.offset, 3);
}

#[test]
fn a_quote_inside_of_a_cell_is_a_broken_row_and_no_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    // The quote draws the next line in, and the line after that has a cell more.
    let columns = Columns::load(MINIMAL, "columns").expect("a mapping");
    let text = "id,from,to,amt,day\n1,a\"x,b,1,2026-01-01T00:00:00Z\n2,\"a,b\",c,1,2026-01-01T00:00:00Z,7\n";
    let path = write(&folder, "quotes.csv", text.as_bytes());
    let (step, _) = read_all(&mut *open(&path, Some(&columns), decode()).expect("opens"));
    let reasons: Vec<_> = step.rejected.iter().map(|r| r.reject.reason).collect();
    assert_eq!((step.batch.events.len(), reasons), (0, vec![RejectReason::MalformedRow]));
    // The same in a header.
    let path = write(&folder, "header.csv", b"id,fr\"om,to\nx,\"amt,day\n");
    assert!(open(&path, None, decode()).is_err());
}

/// A mapping of what a payment cannot do without.
const MINIMAL: &str = "event_id = \"id\"\npayer = \"from\"\npayee = \"to\"\namount = \"amt\"\n\
                       time = { column = \"day\", kind = \"rfc3339\" }\n\
                       constants = { currency = \"CNY\", status = \"settled\", payment_type = \"transfer\" }\n";
