//! Rubbish in a pack's folder: a clear error with the file's name, never a panic, never a hang.

use std::path::Path;
use std::time::{Duration, Instant};

use goshawk::limits;
use goshawk::rules::{SourceFile, compile, shipped};
use goshawk::runtime::pack::{self, PackError};

/// The shipped pack in a folder, with one more file.
fn folder_with(name: &str, bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in shipped::FILES {
        write(&folder.path().join(path), text.as_bytes());
    }
    write(&folder.path().join(name), bytes);
    folder
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("inside")).expect("writable");
    std::fs::write(path, bytes).expect("writable");
}

fn load(folder: &tempfile::TempDir) -> PackError {
    let started = Instant::now();
    let outcome = pack::load(Some(folder.path()));
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    outcome.expect_err("rubbish does not compile")
}

/// The messages of a pack with one more rule of this text.
fn messages(text: &str) -> Vec<String> {
    let mut files = shipped::files();
    files.push(SourceFile { path: "own/rubbish.toml".to_owned(), text: text.to_owned() });
    match pack::compile(files) {
        Err(PackError::Wrong { found, .. }) => {
            found.iter().map(|defect| format!("{}: {}", defect.path, defect.message)).collect()
        }
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    }
}

/// The plain rule of the remarks' tests, with one text in place of another.
fn rule(from: &str, to: &str) -> String {
    let text = include_str!("lint/clean.toml");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn a_binary_file_is_named() {
    let folder = folder_with("own/photo.toml", &[0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a]);
    let error = load(&folder);
    assert!(matches!(&error, PackError::NotText { path } if path.ends_with("own/photo.toml")));
    assert!(error.to_string().contains("is not UTF-8"));
}

#[test]
fn text_in_another_encoding_is_named() {
    // GB 18030 for a Chinese title.
    let folder = folder_with("own/gb.toml", b"title = \"\xb6\xe0\xb1\xca\"\n");
    assert!(matches!(load(&folder), PackError::NotText { path } if path.ends_with("own/gb.toml")));
}

#[test]
fn a_rule_of_ten_megabytes_is_refused_before_it_is_parsed() {
    let folder = folder_with("own/big.toml", "# much\n".repeat(1_500_000).as_bytes());
    let error = load(&folder);
    assert!(matches!(&error, PackError::TooLarge { path } if path.ends_with("own/big.toml")));
    assert!(error.to_string().contains(&limits::RULE_FILE_BYTES_MAX.to_string()));
}

#[test]
fn null_bytes_and_control_characters_are_said_to_be_no_toml() {
    for text in ["id = \"\u{0}\"\n", "\u{0}\u{1}\u{2}\n", "id = \"X\u{1b}[31m\"\n"] {
        let found = messages(text);
        assert!(found[0].starts_with("own/rubbish.toml: not TOML"), "{found:?}");
    }
}

#[test]
fn nesting_is_bounded_wherever_it_hides() {
    let deep = [
        format!("{}true{}", "(".repeat(1_900), ")".repeat(1_900)),
        format!("{}true", "!".repeat(3_000)),
        "true ? true : ".repeat(250) + "true",
        format!("payer{}", ".debits".repeat(500)),
        "[".repeat(2_000),
    ];
    for expression in deep {
        let started = Instant::now();
        let found = messages(&rule("total >= params.min_sum", &expression));
        assert!(found.iter().any(|m| m.starts_with("own/rubbish.toml: ")), "{expression:.60}");
        assert!(started.elapsed() < Duration::from_secs(5), "{expression:.60}");
    }
    let arrays = format!("id = {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    assert!(!messages(&arrays).is_empty());
    let tables = format!("[{}]\n", vec!["a"; 5_000].join("."));
    assert!(!messages(&tables).is_empty());
}

#[test]
fn a_long_chain_of_features_is_no_recursion() {
    // Each feature doubles the one before: as text it would be 2^400 long, as a plan it is 400
    // nodes; the bound on depth is far away.
    let mut features = String::from("total = 'payer.debits(params.window).sum()'\nf0 = 'total'\n");
    for index in 1..400 {
        features += &format!("f{index} = 'max(f{}, f{})'\n", index - 1, index - 1);
    }
    let text = rule("total = 'payer.debits(params.window).sum()'", &features).replacen(
        "alert = 'total",
        "alert = 'f399",
        1,
    );
    let found = messages(&text);
    assert!(found.is_empty(), "{found:?}");
    let deeper: String = (400..2_000)
        .map(|index| format!("f{index} = 'max(f{}, f{})'\n", index - 1, index - 1))
        .collect();
    let text = text.replacen("\n[when]", &format!("{deeper}\n[when]"), 1);
    let text = text.replacen("alert = 'f399", "alert = 'f1999", 1);
    assert!(messages(&text).iter().any(|m| m.contains("deeper than")), "the bound holds");
}

#[test]
fn the_same_id_twice_is_said_once_and_at_the_second() {
    let mut files = shipped::files();
    let again = files.iter().find(|f| f.path.contains("m02_")).expect("shipped").text.clone();
    files.push(SourceFile { path: "own/m02_again.toml".to_owned(), text: again });
    let defects = compile(&files).expect_err("given twice");
    let mut messages: Vec<&str> = defects.iter().map(|d| d.message.as_str()).collect();
    messages.sort_unstable();
    assert_eq!(
        messages,
        [
            "the reason code `BURST_OUT` is given twice",
            "the rule id `M02` is given twice",
            "the rule name `burst_out` is given twice",
        ]
    );
    assert!(defects.iter().all(|defect| defect.path == "own/m02_again.toml"), "{defects:#?}");
}

#[test]
fn an_empty_folder_and_one_that_is_not_there_are_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(pack::load(Some(folder.path())), Err(PackError::Empty { .. })));
    let gone = folder.path().join("gone");
    assert!(matches!(pack::load(Some(&gone)), Err(PackError::Unreadable { .. })));
}

#[test]
fn a_bad_file_does_not_hide_the_defects_of_the_others() {
    let mut files = shipped::files();
    files.push(SourceFile { path: "own/a.toml".to_owned(), text: "id = \n".to_owned() });
    files.push(SourceFile { path: "own/b.toml".to_owned(), text: rule("= 35", "= 350") });
    let defects = compile(&files).expect_err("two are bad");
    let paths: std::collections::BTreeSet<&str> =
        defects.iter().map(|defect| defect.path.as_str()).collect();
    assert_eq!(paths.into_iter().collect::<Vec<_>>(), ["own/a.toml", "own/b.toml"]);
}
