//! Overlays: what an institution changes of the pack, and what is said when it cannot be so.

use std::path::Path;
use std::process::{Command, Output};

use goshawk::cli::rules::render;
use goshawk::model::measure::Action;
use goshawk::rules::plan::{Mode, Plan};
use goshawk::rules::{SourceFile, compile, shipped};

const MANIFEST: &str = "name = \"our bank\"\nauthor = \"li.na\"\napprover = \"wang.wei\"\n\
                        valid_from = \"2026-12-01\"\n";

/// The shipped pack with files of overlays beside it.
fn pack(overlays: &[(&str, &str)]) -> Vec<SourceFile> {
    let mut files = shipped::files();
    files.extend(
        overlays
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() }),
    );
    files
}

fn plan(overlays: &[(&str, &str)]) -> Plan {
    let files = pack(overlays);
    compile(&files).unwrap_or_else(|defects| panic!("{}", render(&defects, &files)))
}

fn rule<'p>(plan: &'p Plan, id: &str) -> &'p goshawk::rules::plan::RulePlan {
    plan.rules.iter().find(|rule| rule.id == id).expect("a rule of the pack")
}

#[test]
fn an_overlay_changes_what_it_names_and_nothing_else() {
    let base = plan(&[]);
    let change = "changes = \"M02\"\nweight = 30\nmode = \"shadow\"\n\
                  title = { en = \"Many payments out\" }\n[params]\nmin_sum = \"20000.00\"\n\
                  window = { value = \"15m\" }\n[text]\nen = \"{out_count} within {window}\"\n";
    let merged = plan(&[("bank/manifest.toml", MANIFEST), ("bank/m02.toml", change)]);
    let (before, after) = (rule(&base, "M02"), rule(&merged, "M02"));
    assert_eq!((before.weight, after.weight), (35, 30));
    assert_eq!((before.mode, after.mode), (Mode::Live, Mode::Shadow));
    assert_eq!(after.title.en, "Many payments out");
    assert_eq!(after.title.zh, before.title.zh);
    let windows = |plan: &Plan, id| -> Vec<i64> {
        rule(plan, id).evidence.iter().filter_map(|e| e.window.map(|w| w.window_ms)).collect()
    };
    assert!(windows(&base, "M02").iter().all(|ms| *ms == 600_000));
    assert!(windows(&merged, "M02").iter().all(|ms| *ms == 900_000));
    assert_eq!(windows(&base, "M01"), windows(&merged, "M01"));
    assert_eq!(base.rules.len(), merged.rules.len());
    assert_ne!(base.pack_sha256, merged.pack_sha256);
    assert_eq!(merged.overlays.len(), 1);
    let overlay = &merged.overlays[0];
    assert_eq!((overlay.folder.as_str(), overlay.name.as_str()), ("bank", "our bank"));
    assert_eq!(overlay.approver.as_deref(), Some("wang.wei"));
    assert_eq!(overlay.touches, ["M02"]);
}

#[test]
fn an_overlay_brings_the_examples_of_its_policy() {
    let example = "[[examples]]\nname = \"ours\"\ngiven = \"10:00 A -> B 5\"\nexpect = []\n";
    let files = pack(&[("bank/manifest.toml", MANIFEST), ("bank/examples.toml", example)]);
    let all = goshawk::rules::examples::of(&files).expect("they can be read");
    let whole = all.iter().filter(|e| e.rule == goshawk::rules::examples::OF_PACK);
    assert_eq!(whole.map(|e| e.name.as_str()).collect::<Vec<_>>(), ["ours"]);
    let files = pack(&[("bank/manifest.toml", MANIFEST)]);
    let all = goshawk::rules::examples::of(&files).expect("they can be read");
    assert!(all.iter().all(|e| e.rule != goshawk::rules::examples::OF_PACK));
    let twice = pack(&[
        ("bank/manifest.toml", MANIFEST),
        ("bank/examples.toml", example),
        ("other/manifest.toml", MANIFEST),
        ("other/examples.toml", example),
    ]);
    let defects = compile(&twice).expect_err("which of the two?");
    assert!(defects.iter().any(|d| d.message.contains("replaced twice")), "{defects:#?}");
}

#[test]
fn the_order_of_overlays_means_nothing() {
    let a = [("a/manifest.toml", MANIFEST), ("a/m02.toml", "changes = \"M02\"\nweight = 30\n")];
    let b = [
        ("b/manifest.toml", MANIFEST),
        ("b/m02.toml", "changes = \"M02\"\nmode = \"shadow\"\n"),
        ("b/policy.toml", "[external_codes]\nBURST_OUT = \"1204\"\n[episodes]\nidle = \"48h\"\n"),
    ];
    let one = plan(&[&a[..], &b[..]].concat());
    let other = plan(&[&b[..], &a[..]].concat());
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
    assert_eq!(one.policy.external_codes["BURST_OUT"], "1204");
    assert_eq!(one.policy.episode_idle_ms, 48 * 3_600_000);
    assert_eq!(one.policy.cool_down_ms, plan(&[]).policy.cool_down_ms);
    assert_eq!(one.overlays[1].touches, ["M02", "policy"]);
}

#[test]
fn an_overlay_says_the_festivals_of_another_year() {
    let text = "[[festivals]]\nname = \"2027\"\nfrom = \"2027-02-06\"\nto = \"2027-02-12\"\n";
    let merged = plan(&[("bank/manifest.toml", MANIFEST), ("bank/policy.toml", text)]);
    assert_eq!(merged.policy.festivals.len(), 1, "they take the place of the shipped ones");
    assert!(plan(&[]).policy.festivals.len() > 1);
}

#[test]
fn a_private_rule_stands_beside_the_shipped_ones() {
    let text = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    let merged = plan(&[("bank/manifest.toml", MANIFEST), ("bank/l01.toml", &text)]);
    assert_eq!(merged.rules.len(), plan(&[]).rules.len() + 1);
    assert_eq!(rule(&merged, "L01").floor, Some(Action::Review));
    assert_eq!(merged.overlays[0].touches, ["L01"]);
}

/// What an overlay without an approver is told.
fn alone(overlay: &[(&str, &str)]) -> Result<Plan, String> {
    let manifest = MANIFEST.replace("approver = \"wang.wei\"\n", "");
    let files = pack(&[&[("bank/manifest.toml", &*manifest)], overlay].concat());
    compile(&files).map_err(|defects| {
        let messages: Vec<String> = defects.into_iter().map(|d| d.message).collect();
        messages.join("; ")
    })
}

fn needs_approver(overlay: &[(&str, &str)], what: &str) {
    let said = alone(overlay).map(|_| ()).expect_err(what);
    assert!(said.contains("an approver is needed") && said.ends_with(what), "{said}");
    let approved = [&[("bank/manifest.toml", MANIFEST)], overlay].concat();
    plan(&approved);
}

#[test]
fn words_and_rules_on_trial_need_nobody_else() {
    let words = "changes = \"V09\"\n[text]\nen = \"listed\"\n\
                 [title]\nen = \"Payee of a case\"\n";
    let meaning = "changes = \"M02\"\n[params]\nwindow = { doc = \"ten minutes\" }\n";
    let codes = "[external_codes]\nBURST_OUT = \"1204\"\n[customer_reasons.review]\n\
                 zh = \"核实中\"\nen = \"We are checking this.\"\n";
    let rule = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    let stops = rule.replace("floor   = \"review\"", "floor   = \"stop_payment\"");
    let on_trial = stops.replace("floor ", "mode = \"shadow\"\nfloor ");
    let off = stops.replace("floor ", "mode = \"off\"\nfloor ");
    for overlay in [
        ("bank/v09.toml", words),
        ("bank/m02.toml", meaning),
        ("bank/policy.toml", codes),
        ("bank/l01.toml", &on_trial),
        ("bank/l01.toml", &off),
    ] {
        assert!(alone(&[overlay]).is_ok(), "{overlay:?}: {:?}", alone(&[overlay]).err());
    }
}

#[test]
fn whatever_can_change_what_is_asked_for_needs_four_eyes() {
    let rule = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    // Each alone asks for nothing strong; together, or with shipped ones, they do.
    let light = |id: &str, family: &str, weight: &str| {
        rule.replace("L01", id)
            .replace("remarked_on", &id.to_lowercase())
            .replace("REMARKED_ON", id)
            .replace("family  = \"flow\"", &format!("family  = \"{family}\""))
            .replace("weight  = 35", &format!("weight  = {weight}"))
            .replace("floor   = \"review\"\n", "")
    };
    let two = [
        ("bank/x01.toml", &*light("X01", "flow", "59")),
        ("bank/x02.toml", &*light("X02", "victim", "59")),
    ];
    needs_approver(&two, "rule X01, rule X02");
    let support = light("X01", "profile", "1");
    needs_approver(&[("bank/x01.toml", &support)], "rule X01");
    let guard = "[[guards]]\nid = \"GX\"\ntitle = { zh = \"一\", en = \"one\" }\n\
                 when = \"payment.amount >= money('1.00')\"\neffect = \"remove\"\n";
    needs_approver(&[("bank/guards.toml", guard)], "guard GX");
    let everywhere = format!("{guard}scope = \"all\"\n");
    needs_approver(&[("bank/guards.toml", &everywhere)], "guard GX");
    let calendar = "[[holidays]]\nname = \"a year\"\nfrom = \"2026-01-01\"\n\
                    to = \"2026-12-30\"\n";
    needs_approver(&[("bank/calendar.toml", calendar)], "the calendar");
    for change in [
        "changes = \"V03\"\n[params]\nmin_sum = \"99999999.00\"\n",
        "changes = \"V03\"\nmode = \"off\"\n",
        "changes = \"V03\"\nmode = \"shadow\"\n",
        "changes = \"V03\"\nweight = 29\n",
        "changes = \"V03\"\n[params]\nmin_sum = { by_grade = { high = \"3000.00\" } }\n",
    ] {
        needs_approver(&[("bank/v03.toml", change)], "rule V03");
    }
    // Whoever is asked about its signals counts too.
    let signal = "changes = \"R08a\"\nmode = \"off\"\n";
    needs_approver(&[("bank/r08a.toml", signal)], "rule R08a");
    for policy in [
        "[breaker]\nstrong_max = 5000\n",
        "[episodes]\nidle = \"48h\"\n",
        "[families]\nflow = 60\n",
        "[[festivals]]\nname = \"2027\"\nfrom = \"2027-02-06\"\nto = \"2027-02-12\"\n",
    ] {
        needs_approver(&[("bank/policy.toml", policy)], "the policy");
    }
}

#[test]
fn everything_that_an_overlay_touches_is_named() {
    let guard = "[[guards]]\nid = \"GX\"\ntitle = { zh = \"一\", en = \"one\" }\n\
                 when = \"payment.amount >= money('1.00')\"\neffect = \"lower\"\n";
    let calendar = "[[workdays]]\nname = \"a Sunday\"\nday = \"2026-02-15\"\n";
    let merged = plan(&[
        ("bank/manifest.toml", MANIFEST),
        ("bank/guards.toml", guard),
        ("bank/calendar.toml", calendar),
        ("bank/policy.toml", "[external_codes]\nBURST_OUT = \"1204\"\n"),
        ("bank/m02.toml", "changes = \"M02\"\nweight = 30\n"),
    ]);
    assert_eq!(merged.overlays[0].touches, ["M02", "calendar", "guard GX", "policy"]);
}

#[test]
fn a_pack_that_asks_for_nothing_strong_needs_no_four_eyes() {
    let keep =
        |file: &SourceFile| ["guards.toml", "policy.toml", "calendar.toml"].contains(&&*file.path);
    let mut files: Vec<SourceFile> = shipped::files().into_iter().filter(keep).collect();
    let mut add = |path: &str, text: &str| {
        files.push(SourceFile { path: path.to_owned(), text: text.to_owned() });
    };
    let rule = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    add("l01.toml", &rule);
    add("bank/manifest.toml", &MANIFEST.replace("approver = \"wang.wei\"\n", ""));
    add("bank/l01.toml", "changes = \"L01\"\nweight = 40\n");
    assert!(compile(&files).is_ok(), "review at most: {:?}", compile(&files).err());
    files.last_mut().expect("a file").text = "changes = \"L01\"\nweight = 80\n".to_owned();
    // The family counts 70 at most: counter_only from 75 on stays out of reach.
    assert!(compile(&files).is_ok(), "{:?}", compile(&files).err());
    let policy = files.iter_mut().find(|f| f.path == "policy.toml").expect("shipped");
    policy.text = policy.text.replace("flow    = 70", "flow    = 80");
    assert!(compile(&files).is_err(), "80 is a stop of a payment");
}

/// Of two that are called the same the overlay's can be called otherwise.
#[test]
fn a_name_that_is_taken_is_blamed_on_the_overlay() {
    let guard = "[[guards]]\nid = \"G10\"\ntitle = { zh = \"一\", en = \"one\" }\n\
                 when = \"payment.amount >= money('1.00')\"\neffect = \"lower\"\n";
    let rule = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    let same = rule.replace("id      = \"L01\"", "id      = \"m02\"").replace("L01", "m02");
    for (path, text, said) in [
        ("bank/guards.toml", guard, "the guard id `G10` is given twice"),
        ("bank/a.toml", &same, "the rule id `m02` is given twice"),
    ] {
        let defects = compile(&pack(&[("bank/manifest.toml", MANIFEST), (path, text)]));
        let defects = defects.expect_err(path);
        let told: Vec<_> = defects.iter().map(|d| (d.path.as_str(), &*d.message)).collect();
        assert_eq!(told, [(path, said)]);
    }
}

#[test]
fn a_pack_without_guards_is_told_once() {
    let mut files = shipped::files();
    files.retain(|file| file.path != "guards.toml");
    let defects = compile(&files).expect_err("no guards");
    assert_eq!(defects.len(), 1, "{defects:#?}");
    assert!(defects[0].message.contains("no guards.toml"), "{defects:#?}");
}

#[test]
fn a_rule_that_is_off_is_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let bank = folder.path().join("bank");
    std::fs::create_dir_all(&bank).expect("writable");
    std::fs::write(bank.join("manifest.toml"), MANIFEST).expect("writable");
    std::fs::write(bank.join("v03.toml"), "changes = \"V03\"\nmode = \"off\"\n").expect("writable");
    let list = goshawk(folder.path(), &["rules", "list", "--overlay", "bank", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let rows = rows.as_array().expect("an array");
    let row = |id: &str| rows.iter().find(|row| row["id"] == id).expect("listed");
    assert_eq!((&row("V03")["mode"], &row("V02")["mode"]), (&"off".into(), &"live".into()));
    assert_eq!(row("M19a")["mode"], "signal");
    assert_eq!(row("M25")["subject"], "customer");
    let table = goshawk(folder.path(), &["rules", "list", "--overlay", "bank"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains(" off "));
}

#[test]
fn a_check_is_told_to_programs_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let bank = folder.path().join("bank");
    std::fs::create_dir_all(&bank).expect("writable");
    let write = |name: &str, text: &str| std::fs::write(bank.join(name), text).expect("writable");
    write("manifest.toml", &MANIFEST.replace("2026-12-01", "2999-12-01"));
    write("m02.toml", "changes = \"M02\"\nweight = 30\n");
    let check = |format| {
        goshawk(folder.path(), &["rules", "check", "--overlay", "bank", "--format", format])
    };
    let json = |output: &Output| -> serde_json::Value {
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    let good = check("json");
    assert!(good.status.success());
    let said = json(&good);
    assert_eq!((&said["good"], &said["defects"]), (&true.into(), &serde_json::json!([])));
    assert_eq!(said["pack"]["overlays"][0]["touches"], serde_json::json!(["M02"]));
    let table = check("table");
    assert!(String::from_utf8_lossy(&table.stdout).contains("2999-12-01, still to come"));
    write("m02.toml", "changes = \"M02\"\ntitle = { zh = \"短\", en = \"s\" }\nweight = 450\n");
    let bad = check("json");
    assert_eq!(bad.status.code(), Some(1));
    assert!(bad.stderr.is_empty(), "{}", String::from_utf8_lossy(&bad.stderr));
    let said = json(&bad);
    assert_eq!(said["good"], false);
    let defect = &said["defects"][0];
    assert_eq!((&defect["file"], &defect["line"]), (&"bank/m02.toml".into(), &3.into()));
    assert_eq!((&defect["column"], &defect["end_column"]), (&10.into(), &13.into()));
    assert_eq!(
        (&defect["message"], &defect["label"]),
        (&"450 is out of range".into(), &"1 to 100".into())
    );
    assert_eq!(check("csv").status.code(), Some(1));
}

#[test]
fn weak_rules_of_an_overlay_support_nothing() {
    let rule = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    let with = |support: &str| {
        let text = rule.replace(
            "[text]",
            &format!("[[support]]\n{support}\nfloor = \"counter_only\"\n\n[text]"),
        );
        let files = pack(&[("bank/manifest.toml", MANIFEST), ("bank/l01.toml", &text)]);
        compile(&files).map(|_| ()).map_err(|defects| defects[0].message.clone())
    };
    assert_eq!(with("rules = [\"M02\"]"), Ok(()));
    let said = with("rules = [\"M02\", \"M13\"]").expect_err("M13 is weak");
    assert!(said.contains("`M13` is weak"), "{said}");
}

/// A family is weak by its cap, whatever its name.
#[test]
fn a_family_below_the_alert_line_is_weak() {
    let rule = std::fs::read_to_string("tests/lint/clean.toml").expect("readable");
    let rule = rule.replace("family  = \"flow\"", "family  = \"noise\"");
    let with = |cap: u32| {
        let policy = format!("[families]\nnoise = {cap}\n");
        let files = pack(&[
            ("bank/manifest.toml", MANIFEST),
            ("bank/policy.toml", &policy),
            ("bank/l01.toml", &rule),
        ]);
        compile(&files).map_err(|defects| render(&defects, &files))
    };
    let said = with(39).map(|_| ()).expect_err("weak");
    assert!(said.contains("a rule of `noise` must not have a floor"), "{said}");
    assert!(said.contains("counts 39 at most, below the alert line of 40"), "{said}");
    let plan = with(40).expect("it can alert");
    let weak: Vec<&str> =
        plan.policy.families.iter().filter(|f| f.is_weak).map(|f| f.name.as_str()).collect();
    assert_eq!(weak, ["weak"]);
}

#[test]
fn an_overlay_gives_a_grade_a_value_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let bank = folder.path().join("bank");
    std::fs::create_dir_all(&bank).expect("writable");
    let given = |options: &str| format!("10:00 A -> B,C,D,E,F {options} every=1m");
    let example = |name: &str, given: &str, expect: &str| {
        format!("[[examples]]\nname = \"{name}\"\ngiven = \"{given}\"\nexpect = [{expect}]\n")
    };
    let fires = "\"10:04 M02 A\"";
    let change = [
        "changes = \"M02\"\n[params]\nmin_sum = { by_grade = { high = \"3000.00\" } }\n".to_owned(),
        example("high, enough", &given("600 grade=high"), fires),
        example("enough for all", &given("2000"), fires),
        example("high, a fen too little", &given("599.99 grade=high"), ""),
        example("not high", &given("600 grade=low"), ""),
    ];
    std::fs::write(bank.join("manifest.toml"), MANIFEST).expect("writable");
    std::fs::write(bank.join("m02.toml"), change.concat()).expect("writable");
    let test = goshawk(folder.path(), &["rules", "test", "--rule", "M02", "--overlay", "bank"]);
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stdout));
}

#[test]
fn two_overlays_do_not_change_one_key() {
    let files = pack(&[
        ("a/manifest.toml", MANIFEST),
        ("a/m02.toml", "changes = \"M02\"\n[params]\nmin_sum = \"20000.00\"\n"),
        ("b/manifest.toml", MANIFEST),
        ("b/m02.toml", "changes = \"M02\"\n[params]\nmin_sum = { value = \"30000.00\" }\n"),
    ]);
    let defects = compile(&files).expect_err("changed twice");
    assert_eq!(defects.len(), 1, "{defects:#?}");
    assert_eq!(defects[0].path, "b/m02.toml");
    assert!(defects[0].hint.as_ref().is_some_and(|hint| hint.contains("a/m02.toml")));
}

#[test]
fn every_defect_of_an_overlay_has_its_message() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad_overlays");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 20);
    for name in names {
        let text = std::fs::read_to_string(format!("{folder}/{name}.toml")).expect("readable");
        let strong = "changes = \"M02\"\nweight = 30\n";
        let files = match &name {
            name if name.starts_with("manifest_") => {
                pack(&[("bank/manifest.toml", &text), ("bank/m02.toml", strong)])
            }
            name if name.starts_with("policy_") => {
                pack(&[("bank/manifest.toml", MANIFEST), ("bank/policy.toml", &text)])
            }
            _ => pack(&[("bank/manifest.toml", MANIFEST), ("bank/change.toml", &text)]),
        };
        let defects = compile(&files).expect_err(&name);
        assert!(defects.iter().all(|d| d.path.starts_with("bank/")), "{name}: {defects:#?}");
        insta::with_settings!({ snapshot_path => "bad_overlays", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.as_str(), render(&defects, &files));
        });
    }
}

fn goshawk(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(args)
        .current_dir(folder)
        .output()
        .expect("the program runs")
}

#[test]
fn the_commands_take_overlays() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let write = |path: &str, text: &str| {
        let path = at.join(path);
        std::fs::create_dir_all(path.parent().expect("inside")).expect("writable");
        std::fs::write(path, text).expect("writable");
    };
    write("bank/m02.toml", "changes = \"M02\"\nweight = 30\n");
    let without = goshawk(at, &["rules", "check", "--overlay", "bank"]);
    assert_eq!(without.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&without.stderr).contains("has no manifest.toml"));
    write("bank/manifest.toml", MANIFEST);
    let check = goshawk(at, &["rules", "check", "--overlay", "bank"]);
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    assert!(String::from_utf8_lossy(&check.stdout).contains(
        "overlay bank (our bank): M02; author li.na, approver wang.wei, valid from 2026-12-01"
    ));
    for args in [
        &["rules", "test", "--overlay", "bank"][..],
        &["rules", "lint", "--overlay", "bank"],
        &["rules", "list", "--overlay", "bank"],
    ] {
        let output = goshawk(at, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let explain = goshawk(at, &["rules", "explain", "M02", "--overlay", "bank"]);
    let explained = String::from_utf8_lossy(&explain.stdout).into_owned();
    assert!(explained.contains("our bank") && explained.contains("weight"), "{explained}");
    let twice = goshawk(at, &["rules", "check", "--overlay", "bank", "--overlay", "bank"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("needs another folder name"));
    let diff = goshawk(
        at,
        &["rules", "diff", "shipped", "shipped", "--overlay", "bank", "--format", "csv"],
    );
    let rows = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert!(rows.contains("changed,rule M02,weight,35,30"), "{rows}");
}
