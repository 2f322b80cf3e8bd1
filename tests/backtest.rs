//! Judging packs by `backtest`: figures that add up, one pack against another, a parameter swept.
//! What a comparison or a curve says is held against plain runs of the same packs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

/// A generated town with labels, and packs beside it.
struct Town {
    folder: tempfile::TempDir,
}

static TOWN: LazyLock<Town> = LazyLock::new(|| {
    let town = Town { folder: tempfile::tempdir().expect("a folder") };
    let args = "generate --accounts 1500 --events 12000 --seed 5 --planted 5000";
    let output = town.goshawk(
        &args
            .split(' ')
            .chain(["--out", "town.jsonl", "--labels", "labels.csv"])
            .collect::<Vec<_>>(),
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A pack whose bursts begin later, without one of the rules.
    town.pack("other", "min_count  = { value = 5", "min_count  = { value = 8");
    std::fs::remove_file(town.path("other/victim/v10_payee_name_mismatch.toml")).expect("there");
    town
});

impl Town {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The shipped pack with something in M02 written otherwise.
    fn pack(&self, name: &str, from: &str, to: &str) {
        for (path, text) in goshawk::rules::shipped::FILES {
            let file = self.path(name).join(path);
            std::fs::create_dir_all(file.parent().expect("inside")).expect("writable");
            let mut text = (*text).to_owned();
            if path.ends_with("m02_burst_out.toml") {
                assert!(text.contains(from), "{from} in {text}");
                text = text.replace(from, to);
            }
            std::fs::write(file, text).expect("writable");
        }
    }

    fn goshawk(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_goshawk"))
            .arg("--quiet")
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .expect("the program runs")
    }

    fn backtest(&self, args: &[&str]) -> String {
        let all: Vec<&str> = ["backtest", "town.jsonl", "--labels", "labels.csv"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let output = self.goshawk(&all);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn report(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
        let mut report: Value = serde_json::from_str(&self.backtest(&args)).expect("one object");
        // Wall clock: the only figures that differ from run to run.
        for place in ["", "/against/report"] {
            if let Some(Value::Object(report)) = report.pointer_mut(place) {
                report.remove("events_per_second");
                report.remove("decision_latency_us");
            }
        }
        report
    }

    /// Target and id of every episode that was published.
    fn episodes(&self, file: &str) -> BTreeSet<[String; 2]> {
        let text = std::fs::read_to_string(self.path(file)).expect("alerts were written");
        let alerts = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let episode = |alert: Value| {
            let target = &alert["target"];
            let named = [&target["kind"], &target["payment_id"], &target["account"]];
            let held = if named[1].is_null() { named[2] } else { named[1] };
            [format!("{} {held}", named[0]), alert["alert_id"].to_string()]
        };
        alerts.map(episode).collect()
    }

    /// Accounts that published alerts are about.
    fn alerted(&self, file: &str) -> BTreeSet<String> {
        let text = std::fs::read_to_string(self.path(file)).expect("alerts were written");
        let alerts = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let account = |alert: Value| alert["target"]["account"].as_str().expect("clear").to_owned();
        alerts.map(account).collect()
    }
}

/// Two figures that differ by no more than how they are written and read.
fn assert_close(figure: &Value, expected: f64) {
    let figure = figure.as_f64().expect("a figure");
    assert!((figure - expected).abs() < 1e-12, "{figure} and {expected}");
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn rule<'a>(report: &'a Value, id: &str) -> &'a Value {
    let rules = report["rules"].as_array().expect("rules");
    rules.iter().find(|rule| rule["id"] == id).unwrap_or_else(|| panic!("{id} is reported"))
}

fn labelled_accounts(town: &Town) -> BTreeSet<String> {
    let labels = std::fs::read_to_string(town.path("labels.csv")).expect("labels");
    let events: BTreeSet<&str> =
        labels.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let payments = std::fs::read_to_string(town.path("town.jsonl")).expect("payments");
    let mut accounts = BTreeSet::new();
    for line in payments.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        if event["event_id"].as_str().is_some_and(|id| events.contains(id)) {
            let parties = ["payer", "payee"].map(|p| event[p]["account"].as_str());
            accounts.extend(parties.into_iter().flatten().map(str::to_owned));
        }
    }
    accounts
}

#[test]
fn the_figures_of_a_report_agree_with_each_other_and_with_the_alerts() {
    let report = TOWN.report(&["--alerts", "plain.jsonl"]);
    let alerted = TOWN.alerted("plain.jsonl");
    assert_eq!(number(&report["accounts_alerted"]), alerted.len() as u64);
    let planted = labelled_accounts(&TOWN);
    let found = alerted.intersection(&planted).count() as f64;
    assert!(found > 20.0, "{found} accounts are found");
    let labels = &report["labels"];
    assert_close(&labels["precision"], found / alerted.len() as f64);
    assert_close(&labels["recall"], found / planted.len() as f64);

    let days = report["days"].as_array().expect("days");
    assert!(days.len() > 1, "{days:?}");
    let mut with_findings = 0;
    for rule in report["rules"].as_array().expect("rules") {
        let by_day = rule["findings_by_day"].as_array().expect("by day");
        assert_eq!(by_day.len(), days.len());
        let sum: u64 = by_day.iter().map(number).sum();
        assert_eq!(sum, number(&rule["findings"]), "{rule}");
        assert!(rule["accounts_alone"].as_u64() <= rule["accounts"].as_u64());
        with_findings += u64::from(sum > 0);
        let accounts = number(&rule["accounts"]);
        let found = number(&rule["labels"]["accounts_found"]);
        match &rule["labels"]["precision"] {
            Value::Null => assert_eq!(accounts, 0),
            precision => assert_close(precision, found as f64 / accounts as f64),
        }
    }
    assert!(with_findings > 3, "{report:#}");
    let sum = |key: &str| days.iter().map(|day| number(&day[key])).sum::<u64>() as f64;
    let rate = sum("accounts_alerted") / sum("accounts_active");
    assert_close(&report["alerted_per_active_account_day"], rate);
    assert_eq!(report["within_budget"].as_bool(), Some(rate <= 0.01));
    let overlap = report["overlap"].as_array().expect("pairs");
    assert!(!overlap.is_empty());
    for pair in overlap {
        let of =
            |at: usize| number(&rule(&report, pair["rules"][at].as_str().expect("id"))["accounts"]);
        let share = number(&pair["accounts"]) as f64 / of(0).min(of(1)) as f64;
        assert_close(&pair["share"], share);
        assert!(share <= 1.0);
    }
}

#[test]
fn a_pack_against_itself_gains_and_loses_nothing() {
    let plain = TOWN.report(&["--alerts", "alone.jsonl"]);
    let mut both = TOWN.report(&["--against", "shipped", "--alerts", "beside.jsonl"]);
    let against = both.as_object_mut().expect("an object").remove("against").expect("compared");
    assert_eq!(both, plain);
    assert_eq!(against["report"], plain);
    let bytes = |name: &str| std::fs::read(TOWN.path(name)).expect("alerts");
    assert!(bytes("alone.jsonl") == bytes("beside.jsonl"), "the other pack changes no alert");
    assert_eq!(against["accounts_both"], plain["accounts_alerted"]);
    for key in ["accounts_gained", "accounts_lost", "patterns_gained", "patterns_lost"] {
        assert_eq!(against[key]["count"], 0, "{key}");
    }
    assert_eq!(against["measure_stronger"], 0);
    let episodes = &against["episodes"];
    for key in ["would_raise", "would_drop", "would_strengthen", "would_weaken"] {
        assert_eq!(episodes[key]["episodes"], 0, "{key}");
    }
    assert_eq!(
        number(&episodes["unchanged"]["episodes"]),
        TOWN.episodes("alone.jsonl").len() as u64
    );
    assert_eq!(episodes["carried_over"], 0);
    for change in against["rules"].as_array().expect("rules") {
        assert_eq!(change["findings"], change["findings_before"]);
    }
}

#[test]
fn what_a_change_gained_and_lost_is_what_two_runs_differ_by() {
    let before = TOWN.report(&["--alerts", "before.jsonl"]);
    let after = TOWN.report(&["--rules", "other", "--alerts", "after.jsonl"]);
    let both = TOWN.report(&["--rules", "other", "--against", "shipped"]);
    let against = &both["against"];
    assert_eq!(against["report"], before);
    assert_eq!(both["rules"], after["rules"]);
    let (old, new) = (TOWN.alerted("before.jsonl"), TOWN.alerted("after.jsonl"));
    let lost: BTreeSet<&String> = old.difference(&new).collect();
    assert!(!lost.is_empty(), "the other pack loses something");
    let planted = labelled_accounts(&TOWN);
    assert_eq!(number(&against["accounts_lost"]["count"]), lost.len() as u64);
    let labelled = lost.iter().filter(|account| planted.contains(**account)).count() as u64;
    assert_eq!(number(&against["accounts_lost"]["labelled"]), labelled);
    let gained = new.difference(&old).count() as u64;
    assert_eq!(number(&against["accounts_gained"]["count"]), gained);
    assert_eq!(number(&against["accounts_both"]), old.intersection(&new).count() as u64);
    for example in against["accounts_lost"]["examples"].as_array().expect("examples") {
        let account = example["account"].as_str().expect("clear").to_owned();
        assert!(lost.contains(&account), "{example}");
        assert_eq!(example["labelled"].as_bool(), Some(planted.contains(&account)));
    }
    // A target that one pack alone speaks of has as many episodes there as alert ids.
    let (old, new) = (TOWN.episodes("before.jsonl"), TOWN.episodes("after.jsonl"));
    let only = |of: &BTreeSet<[String; 2]>, without: &BTreeSet<[String; 2]>| {
        let known: BTreeSet<&String> = without.iter().map(|[target, _]| target).collect();
        of.iter().filter(|[target, _]| !known.contains(target)).count() as u64
    };
    let episodes = &against["episodes"];
    let of = |key: &str| number(&episodes[key]["episodes"]);
    assert!(only(&old, &new) > 0 && of("would_drop") >= only(&old, &new), "{episodes}");
    assert!(of("would_raise") >= only(&new, &old), "{episodes}");
    let both = of("would_strengthen") + of("would_weaken") + of("unchanged");
    assert!(of("would_drop") + both >= old.len() as u64, "{episodes}");
    assert!(of("would_raise") + both >= new.len() as u64, "{episodes}");
    assert!(of("would_drop") + of("would_raise") + both <= (old.len() + new.len()) as u64);

    let changes = against["rules"].as_array().expect("rules");
    let change = |id: &str| changes.iter().find(|change| change["id"] == id).expect("compared");
    assert_eq!(change("V10")["findings"], Value::Null);
    assert_eq!(change("V10")["findings_before"], rule(&before, "V10")["findings"]);
    assert_eq!(change("M02")["findings"], rule(&after, "M02")["findings"]);
    assert!(number(&change("M02")["accounts_lost"]) > 0);

    let csv = TOWN.backtest(&["--rules", "other", "--against", "shipped", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), changes.len() + 1);
    for (row, change) in rows.iter().zip(changes.iter().chain([&against["total"]])) {
        assert_eq!(row["id"], change["id"].as_str().expect("an id"));
        assert_eq!(row["accounts_lost"], change["accounts_lost"].to_string());
    }
    let table = TOWN.backtest(&["--rules", "other", "--against", "shipped"]);
    for part in ["budget of 1 %", "accounts lost: ", "patterns lost: ", "total", "V10"] {
        assert!(table.contains(part), "{part} in {table}");
    }
}

#[test]
fn alerts_of_shadow_rules_are_written_apart_as_run_publishes_them() {
    TOWN.pack("trial", "weight  = 35", "weight  = 35\nmode    = \"shadow\"");
    let files = ["--rules", "trial", "--alerts", "live.jsonl", "--shadow-alerts", "shadow.jsonl"];
    TOWN.report(&files);
    let read = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(TOWN.path(name)).expect("written");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let speaks = |alert: &Value| {
        let reasons = alert["reasons"].as_array().expect("reasons");
        reasons.iter().any(|reason| reason["rule_id"] == "M02")
    };
    let (live, shadow) = (read("live.jsonl"), read("shadow.jsonl"));
    assert!(live.len() > 3 && live.iter().all(|a| a["shadow"] != true && !speaks(a)));
    assert!(shadow.len() > 5, "{} alerts", shadow.len());
    assert!(shadow.iter().all(|a| a["shadow"] == true && speaks(a)));
}

#[test]
fn accounts_of_a_comparison_are_masked_with_a_key() {
    std::fs::write(TOWN.path("token.key"), "0123456789abcdef".repeat(4)).expect("writable");
    let both =
        TOWN.report(&["--rules", "other", "--against", "shipped", "--key-file", "token.key"]);
    let examples = both["against"]["accounts_lost"]["examples"].as_array().expect("examples");
    assert!(!examples.is_empty());
    for example in examples {
        assert!(example["account"].as_str().is_some_and(|a| a.contains('*')), "{example}");
    }
}

#[test]
fn each_point_of_a_sweep_is_the_pack_with_that_value() {
    let swept = TOWN.report(&["--sweep", "M02.min_count=4..8/3"]);
    let points = swept["sweep"]["points"].as_array().expect("points");
    let values: Vec<&str> = points.iter().filter_map(|point| point["value"].as_str()).collect();
    // The pack's own value has a point as well.
    assert_eq!(values, ["4", "5", "6", "8"]);
    assert_eq!(swept["sweep"]["written"], "5");
    let own = points.iter().filter(|point| point["in_pack"] == true);
    assert_eq!(own.filter_map(|point| point["value"].as_str()).collect::<Vec<_>>(), ["5"]);
    let mut findings = BTreeSet::new();
    for point in points {
        let value = point["value"].as_str().expect("a value");
        let name = format!("count{value}");
        let to = format!("min_count  = {{ value = {value}");
        TOWN.pack(&name, "min_count  = { value = 5", &to);
        findings.insert(number(&point["findings"]));
        if value == "6" {
            continue;
        }
        let plain = TOWN.report(&["--rules", &name]);
        let m02 = rule(&plain, "M02");
        for key in ["findings", "accounts", "accounts_per_active_account_day"] {
            assert_eq!(point[key], m02[key], "{key} at {value}");
        }
        assert_eq!(point["rule_recall"], m02["labels"]["recall"]);
        for key in ["accounts_alerted", "alerted_per_active_account_day", "within_budget"] {
            assert_eq!(point[key], plain[key], "{key} at {value}");
        }
        assert_eq!(point["recall"], plain["labels"]["recall"]);
    }
    assert_eq!(findings.len(), 4, "the parameter matters: {findings:?}");
    let csv = TOWN.backtest(&["--sweep", "M02.min_count=4..8/3", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().map(|row| row.expect("a row")).collect();
    for (row, point) in rows.iter().zip(points) {
        assert_eq!(row["findings"], point["findings"].to_string());
    }
    assert_eq!(rows.len(), 4);
    let table = TOWN.backtest(&["--sweep", "M02.min_count=5..8/2"]);
    assert!(table.contains("M02.min_count is 5 in the pack (marked *)"), "{table}");
    assert_eq!(table.matches(" 5 * ").count(), 1, "{table}");
}

#[test]
fn a_value_that_does_not_compile_is_told_even_when_quiet() {
    for (spec, value, said) in [
        ("M01.window=10m..30d/3", "15d5m", "a window is at most 7 days long"),
        ("M01.min_in=-5..20000/3", "-5.00", "the amount is out of range"),
    ] {
        let output = TOWN.goshawk(&["backtest", "town.jsonl", "--sweep", spec]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{spec}: {stderr}");
        for words in [value, said, "m01_pass_through.toml"] {
            assert!(stderr.contains(words), "{words}: {stderr}");
        }
    }
}

#[test]
fn labels_of_another_file_are_warned_of() {
    std::fs::write(TOWN.path("other.csv"), "event_id,pattern,kind\nnowhere,p1,pass\n")
        .expect("writable");
    let output = TOWN.goshawk(&["backtest", "town.jsonl", "--labels", "other.csv"]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("None of the 1 labels is about an event of this file"), "{stderr}");
    let output = TOWN.goshawk(&["backtest", "town.jsonl", "--labels", "labels.csv"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn what_cannot_be_swept_is_told() {
    for (spec, said) in [
        ("M02.min_cuont=4..8", "did you mean `min_count`?"),
        ("M92.min_count=4..8", "no rule M92"),
        ("M02.min_count=many..8", "is not a whole number"),
        ("M02.min_count=8..4", "goes upwards"),
        ("M02.min_count", "as M01.min_in=2000..20000"),
    ] {
        let output = TOWN.goshawk(&["backtest", "town.jsonl", "--sweep", spec]);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{spec}: {stderr}");
        assert!(stderr.contains(said), "{spec}: {stderr}");
    }
    let at = Path::new("town.jsonl").to_str().expect("plain");
    let output =
        TOWN.goshawk(&["backtest", at, "--sweep", "M02.min_count=4..8", "--against", "shipped"]);
    assert_eq!(output.status.code(), Some(2));
}

/// The section of a page with this id.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    let from = page.find(&format!("<section id=\"{id}\">")).unwrap_or_else(|| panic!("{id}"));
    page[from..].split("</section>").next().expect("closed")
}

/// The figures of the row that begins with a word.
fn figures<'a>(section: &'a str, word: &str) -> Vec<&'a str> {
    let start = format!("<tr><td class=\"text\">{word}</td>");
    let from = section.find(&start).unwrap_or_else(|| panic!("{word} in {section}"));
    let row = section[from + start.len()..].split("</tr>").next().expect("closed");
    let cells = row.split("<td").skip(1).filter(|cell| !cell.starts_with(" class=\"words\""));
    cells.filter_map(|cell| cell.split('>').nth(1)?.split('<').next()).collect()
}

fn assert_self_contained(page: &str) {
    for word in ["://", "src=", "<link", "<script", "url(", "@import", "<iframe", "<img", "srcset"]
    {
        assert!(!page.contains(word), "{word} in the page");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("default-src 'none'"));
    for tag in ["section", "table", "svg", "details", "summary", "rect", "title", "p", "dl"] {
        let count = |what: String| page.matches(&what).count();
        let opened = count(format!("<{tag}>")) + count(format!("<{tag} "));
        assert_eq!(opened, count(format!("</{tag}>")), "{tag} is opened and closed");
    }
}

#[test]
fn a_page_holds_the_figures_of_the_report_and_nothing_from_elsewhere() {
    let args = ["--rules", "other", "--against", "shipped", "--report", "change.html"];
    let both = TOWN.report(&args);
    let page = std::fs::read_to_string(TOWN.path("change.html")).expect("a page");
    assert_self_contained(&page);
    let rules = section(&page, "rules");
    for rule in both["rules"].as_array().expect("rules") {
        let cells = figures(rules, rule["id"].as_str().expect("an id"));
        assert_eq!(cells[0], rule["mode"]);
        for (cell, key) in cells[1..].iter().zip(["findings", "accounts", "accounts_alone"]) {
            assert_eq!(*cell, rule[key].to_string(), "{key} of {}", rule["id"]);
        }
        for language in ["zh", "en"] {
            let title = rule["title"][language].as_str().expect("a title").replace('\'', "&#39;");
            assert!(rules.contains(&title), "{title}");
        }
    }
    let rate = section(&page, "rate");
    for day in both["days"].as_array().expect("days") {
        let cells = figures(rate, day["day"].as_str().expect("a day"));
        assert_eq!(cells[0], day["accounts_active"].to_string());
        assert_eq!(cells[1], day["accounts_alerted"].to_string());
    }
    let patterns = section(&page, "patterns");
    for pattern in both["labels"]["patterns"].as_array().expect("patterns") {
        let cells = figures(patterns, pattern["kind"].as_str().expect("a kind"));
        assert_eq!(cells[0], format!("{} / {}", pattern["found"], pattern["planted"]));
    }
    let overlap = section(&page, "overlap");
    for pair in both["overlap"].as_array().expect("pairs") {
        let cells = figures(overlap, pair["rules"][0].as_str().expect("an id"));
        assert!(cells.contains(&pair["accounts"].to_string().as_str()), "{pair}");
    }
    let against = &both["against"];
    let change = section(&page, "change");
    for row in against["rules"].as_array().expect("rules") {
        let cells = figures(change, row["id"].as_str().expect("an id"));
        assert_eq!(cells[2], row["accounts_gained"].to_string());
        assert_eq!(cells[3], row["accounts_lost"].to_string());
    }
    let lost = against["accounts_lost"]["examples"].as_array().expect("examples");
    assert!(!lost.is_empty());
    assert!(change.matches("<details>").count() >= lost.len());
    for example in lost {
        let summary =
            format!("<details><summary>{} ·", example["account"].as_str().expect("clear"));
        assert!(change.contains(&summary), "{summary}");
    }
    let hits = section(&page, "hits");
    let cell = both["rules"].as_array().expect("rules").iter().find_map(|rule| {
        let at = rule["findings_by_day"].as_array()?.iter().position(|n| number(n) > 0)?;
        let (day, hits) = (&both["days"][at]["day"], &rule["findings_by_day"][at]);
        Some(format!("{} {}: {hits}<", rule["id"].as_str()?, day.as_str()?))
    });
    assert!(hits.contains(&cell.expect("something was found")));
}

#[test]
fn a_page_draws_the_curve_and_escapes_what_it_is_given() {
    TOWN.pack("marked", "en = \"Burst", "en = \"<script>alert('1')</script> & Burst");
    let args = ["--rules", "marked", "--sweep", "M02.min_count=4..8/3", "--report", "sweep.html"];
    let swept = TOWN.report(&args);
    let page = std::fs::read_to_string(TOWN.path("sweep.html")).expect("a page");
    assert_self_contained(&page);
    assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; Burst"));
    let curve = section(&page, "sweep");
    let points = swept["sweep"]["points"].as_array().expect("points");
    for point in points {
        let value = point["value"].as_str().expect("a value");
        let cells = figures(curve, value);
        assert_eq!(cells[0], point["findings"].to_string());
        assert!(curve.contains(&format!("<title>{value}: {}</title>", point["findings"])));
    }
    // Alert rate, findings and accounts, precision and recall of rule and pack.
    assert_eq!(curve.matches("<polyline").count(), 7);
    assert!(curve.matches("<circle").count() >= 3 * points.len());
}
