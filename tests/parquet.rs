//! Parquet against CSV: the same table in both gives the same alerts, refusals and figures; what
//! cannot be read is told by row and column.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

/// A table of a generated town: names of columns, and rows of cells.
struct Table {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn goshawk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .arg("--quiet")
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program runs")
}

fn flatten(parent: &str, value: &Value, into: &mut Vec<(String, String)>) {
    let Value::Object(fields) = value else { return };
    for (key, value) in fields {
        let name = if parent.is_empty() { key.clone() } else { format!("{parent}_{key}") };
        match value {
            Value::Object(_) => flatten(&name, value, into),
            Value::String(text) => into.push((name, text.clone())),
            other => into.push((name, other.to_string())),
        }
    }
}

fn table(folder: &Path) -> Table {
    let args = ["generate", "--accounts", "800", "--events", "6000", "--seed", "3"];
    let all = [&args[..], &["--planted", "4000", "--out", "town.jsonl"]].concat();
    assert!(goshawk(folder, &all).status.success());
    let text = std::fs::read_to_string(folder.join("town.jsonl")).expect("generated");
    let known = ["event_id", "payment_id", "status", "event_time", "amount", "currency"];
    let parties = ["account", "bank", "name", "customer", "customer_type"];
    let mut names: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
    names.extend(["payment_type", "channel", "category"].map(str::to_owned));
    names.extend(["device_id", "device_ip"].map(str::to_owned));
    for side in ["payer", "payee"] {
        names.extend(parties.iter().map(|field| format!("{side}_{field}")));
    }
    let rows = text.lines().filter_map(|line| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        (event["schema"] == "payment.v1").then(|| {
            let mut cells = Vec::new();
            flatten("", &event, &mut cells);
            let cell = |name: &String| {
                cells.iter().find(|(key, _)| key == name).map_or_else(String::new, |c| c.1.clone())
            };
            names.iter().map(cell).collect()
        })
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    // A refusal must be the same, too, and so must a cell that a CSV puts in quotes.
    rows[10][4] = "many".to_owned();
    rows[20][12] = "a,\"b\"\nc".to_owned();
    Table { names, rows }
}

/// Writes the table with every column as text, but for those that are named.
fn write(path: &Path, table: &Table, typed: &[(&str, &str, &dyn Fn(&str) -> i64)]) {
    let column = |name: &String| {
        let of = typed.iter().find(|(typed, ..)| typed == name);
        match of {
            Some((_, kind, _)) => format!("optional int64 {name} ({kind});"),
            None => format!("optional binary {name} (UTF8);"),
        }
    };
    let columns: Vec<String> = table.names.iter().map(column).collect();
    let schema = parse_message_type(&format!("message m {{ {} }}", columns.join(" ")));
    let file = File::create(path).expect("writable");
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(schema.expect("a schema")), properties)
            .expect("begins");
    for rows in table.rows.chunks(700) {
        let mut group = writer.next_row_group().expect("a group");
        for (place, name) in table.names.iter().enumerate() {
            let cells = rows.iter().map(|row| row[place].as_str());
            let levels: Vec<i16> = cells.clone().map(|cell| i16::from(!cell.is_empty())).collect();
            let there = cells.filter(|cell| !cell.is_empty());
            let mut column = group.next_column().expect("a column").expect("as many");
            match typed.iter().find(|(typed, ..)| typed == name) {
                Some((.., read)) => {
                    let values: Vec<i64> = there.map(read).collect();
                    column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)
                }
                None => {
                    let values: Vec<ByteArray> = there.map(ByteArray::from).collect();
                    column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)
                }
            }
            .expect("written");
            column.close().expect("whole");
        }
        group.close().expect("whole");
    }
    writer.close().expect("whole");
}

fn write_csv(path: &Path, table: &Table) {
    let mut writer = csv::Writer::from_path(path).expect("writable");
    writer.write_record(&table.names).expect("written");
    table.rows.iter().for_each(|row| writer.write_record(row).expect("written"));
    writer.flush().expect("written");
}

/// Report without wall clock, alerts without the file's name, refusals.
fn outcome(folder: &Path, file: &str) -> [String; 3] {
    let output = goshawk(
        folder,
        &["backtest", file, "--format", "json", "--alerts", "a.jsonl", "--rejects", "r.jsonl"],
    );
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    let mut report: Value = serde_json::from_slice(&output.stdout).expect("one object");
    for key in ["events_per_second", "decision_latency_us"] {
        report.as_object_mut().expect("an object").remove(key);
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("written");
    [report.to_string(), read("a.jsonl").replace(file, "FILE"), read("r.jsonl")]
}

#[test]
fn the_same_table_gives_the_same_alerts() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let mut table = table(folder);
    write_csv(&folder.join("t.csv"), &table);
    write(&folder.join("t.parquet"), &table, &[]);
    let csv = outcome(folder, "t.csv");
    assert!(csv[1].lines().count() > 20 && csv[2].contains("bad_amount"), "{}", csv[2]);
    for (csv, parquet) in csv.iter().zip(outcome(folder, "t.parquet")) {
        assert!(*csv == parquet, "{csv:.500}\n{parquet:.500}");
    }
    // With types of its own, where every cell can have one.
    table.rows[10][4] = "12.00".to_owned();
    let minor = |cell: &str| {
        let (whole, cents) = cell.split_once('.').unwrap_or((cell, "00"));
        whole.parse::<i64>().expect("digits") * 100 + cents.parse::<i64>().expect("digits")
    };
    let millis = |cell: &str| cell.parse::<jiff::Timestamp>().expect("a time").as_millisecond();
    write_csv(&folder.join("t.csv"), &table);
    write(
        &folder.join("typed.parquet"),
        &table,
        &[("amount", "DECIMAL(18,2)", &minor), ("event_time", "TIMESTAMP(MILLIS,true)", &millis)],
    );
    let (csv, typed) = (outcome(folder, "t.csv"), outcome(folder, "typed.parquet"));
    assert!(csv[1] == typed[1], "typed columns");
}

#[test]
fn what_cannot_be_read_is_told_by_row_and_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let said = |file: &str| {
        let output = goshawk(folder, &["backtest", file]);
        assert_ne!(output.status.code(), Some(0), "{file}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    std::fs::write(folder.join("no.parquet"), b"PAR1 but nothing else").expect("writable");
    assert!(said("no.parquet").contains("no.parquet"));
    let names = ["event_id", "event_time", "amount"].map(str::to_owned).to_vec();
    let row = ["e1", "2026-03-05T00:00:00Z", "1.00"].map(str::to_owned).to_vec();
    let table = Table { names, rows: vec![row; 3] };
    write(&folder.join("cut.parquet"), &table, &[]);
    let mut bytes = std::fs::read(folder.join("cut.parquet")).expect("written");
    bytes.truncate(bytes.len() / 2);
    std::fs::write(folder.join("cut.parquet"), bytes).expect("writable");
    assert!(said("cut.parquet").contains("cut.parquet"));

    let schema = "message m { required binary event_id; optional group payer { optional binary account (UTF8); } }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let file = File::create(folder.join("nested.parquet")).expect("writable");
    let writer = SerializedFileWriter::new(file, schema, Arc::default()).expect("begins");
    writer.close().expect("whole");
    let nested = said("nested.parquet");
    assert!(nested.contains("\"payer\"") && nested.contains("structure"), "{nested}");

    let schema =
        Arc::new(parse_message_type("message m { required binary event_id; }").expect("one"));
    let file = File::create(folder.join("bytes.parquet")).expect("writable");
    let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).expect("begins");
    let mut group = writer.next_row_group().expect("a group");
    let mut column = group.next_column().expect("a column").expect("one");
    let values = [ByteArray::from("e1"), ByteArray::from(vec![0xff, 0xfe])];
    column.typed::<ByteArrayType>().write_batch(&values, None, None).expect("written");
    column.close().expect("whole");
    group.close().expect("whole");
    writer.close().expect("whole");
    let bytes = said("bytes.parquet");
    assert!(bytes.contains("row 1, column \"event_id\": the bytes are not UTF-8"), "{bytes}");
}
