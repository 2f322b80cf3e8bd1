//! Rubbish in a pack's folder: a clear error with the file's name, never a panic, never a hang.

use std::path::Path;
use std::time::{Duration, Instant};

use goshawk::limits;
use goshawk::rules::diagnostics::Diagnostic;
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

/// Every defect of a pack with one more file, and the same pack with a mistake in another file too.
fn defects_with(name: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let folder = folder_with(name, bytes);
    let alone = found(load(&folder));
    let mistake = rule("total >= params.min_sum", "totl >= params.min_sum");
    write(&folder.path().join("own/z_mistake.toml"), mistake.as_bytes());
    let both = found(load(&folder));
    assert_eq!(both[..alone.len()], alone, "the defect of one file comes first");
    assert!(both.len() > alone.len(), "and hides nothing of the other: {both:?}");
    assert!(both[alone.len()..].iter().all(|d| d.path == "own/z_mistake.toml"), "{both:?}");
    alone
}

fn found(error: PackError) -> Vec<Diagnostic> {
    match error {
        PackError::Wrong { found, .. } => found,
        error => panic!("{error}"),
    }
}

#[test]
fn a_binary_file_is_named_with_the_byte() {
    let defects = defects_with("own/photo.toml", &[0x4a, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a]);
    assert_eq!(defects.len(), 1, "{defects:?}");
    assert_eq!(defects[0].path, "own/photo.toml");
    assert_eq!(defects[0].message, "the file is not UTF-8: byte 1 is 0xD8");
    let defects = defects_with("own/wide.toml", b"\xff\xfei\0d\0");
    assert_eq!(defects[0].message, "the file is not UTF-8: byte 0 begins UTF-16, low byte first");
    assert_eq!(defects[0].hint.as_deref(), Some("save the file as UTF-8"));
}

#[test]
fn text_in_another_encoding_is_named_and_the_rest_of_it_is_read() {
    // GB 18030 for the Chinese title of a rule that is good but for that, and then one that is not.
    let rule = rule("zh = \"示例\"", "zh = \"\u{1}\"");
    let as_gb = |text: &str| {
        let (before, after) = text.split_once('\u{1}').expect("there");
        [before.as_bytes(), b"\xb6\xe0\xb1\xca", after.as_bytes()].concat()
    };
    let at = rule.find('\u{1}').expect("there");
    let defects = defects_with("own/gb.toml", &as_gb(&rule));
    assert_eq!(defects.len(), 1, "{defects:?}");
    assert_eq!(defects[0].message, format!("the file is not UTF-8: byte {at} is 0xB6"));
    assert_eq!((defects[0].line, defects[0].span.start), (rule[..at].lines().count(), at));
    assert!(defects[0].hint.as_deref().is_some_and(|hint| hint.contains("GBK")));
    let folder =
        folder_with("own/gb.toml", &as_gb(&rule.replace("params.min_sum", "params.min_smu")));
    let both = found(load(&folder));
    assert!(both.len() == 2 && both[1].path == "own/gb.toml", "{both:?}");
}

#[test]
fn a_rule_of_ten_megabytes_is_refused_before_it_is_parsed() {
    let bytes = "# much\n".repeat(1_500_000);
    let defects = defects_with("own/big.toml", bytes.as_bytes());
    assert_eq!((defects.len(), defects[0].path.as_str()), (1, "own/big.toml"));
    assert!(defects[0].message.contains(&limits::RULE_FILE_BYTES_MAX.to_string()));
    assert!(defects[0].hint.is_some());
}

#[test]
fn several_unfit_files_are_told_at_once() {
    let folder = folder_with("own/a.toml", b"title = \"\xb6\"\n");
    write(&folder.path().join("own/b.toml"), &[0, 0xff]);
    write(&folder.path().join("own/c.toml"), &vec![b' '; limits::RULE_FILE_BYTES_MAX + 1]);
    let defects = found(load(&folder));
    let not_text =
        |d: &&Diagnostic| d.message.contains("is not UTF-8") || d.message.contains("larger");
    let named: Vec<&str> = defects.iter().filter(not_text).map(|d| d.path.as_str()).collect();
    assert_eq!(named, ["own/a.toml", "own/b.toml", "own/c.toml"]);
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
#[cfg(unix)]
fn pipes_circles_and_hidden_names_do_no_harm() {
    let folder = folder_with(".m02_burst_out.toml.swp.toml", b"\xff\xfe no rule");
    assert!(pack::load(Some(folder.path())).is_ok(), "what an editor keeps is no rule");
    // As a configuration map is mounted: files are links into a folder beside them.
    let mounted = tempfile::tempdir().expect("a folder");
    let data = mounted.path().join("..2026_03_05");
    for (path, text) in shipped::FILES {
        let flat = path.replace('/', "_");
        write(&data.join(&flat), text.as_bytes());
        std::os::unix::fs::symlink(Path::new("..data").join(&flat), mounted.path().join(&flat))
            .expect("a link");
    }
    std::os::unix::fs::symlink("..2026_03_05", mounted.path().join("..data")).expect("a link");
    assert!(pack::load(Some(mounted.path())).is_ok(), "each file once");

    let pipe = folder.path().join("own.toml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    let defects = found(load(&folder));
    assert!(defects[0].path == "own.toml" && defects[0].message.contains("no plain file"));
    std::fs::remove_file(&pipe).expect("there");
    std::os::unix::fs::symlink("nowhere", &pipe).expect("a link");
    assert_eq!(found(load(&folder))[0].path, "own.toml", "a link to nothing");
    std::fs::remove_file(&pipe).expect("there");
    std::os::unix::fs::symlink(".", folder.path().join("circle")).expect("a link");
    assert!(matches!(load(&folder), PackError::Unreadable { .. }));
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

#[test]
fn a_line_of_thousands_of_characters_is_shown_around_the_caret() {
    let condition = format!(
        "alert = '{}totl >= params.min_sum{}'",
        "total > params.min_sum || ".repeat(100),
        " || false".repeat(100)
    );
    let text = rule("alert = 'total >= params.min_sum'", &condition);
    let mut files = shipped::files();
    files.push(SourceFile { path: "own/long.toml".to_owned(), text: text.clone() });
    let Err(PackError::Wrong { found, files }) = pack::compile(files) else { panic!("a mistake") };
    assert_eq!(found.len(), 1, "{found:?}");
    let drawn = goshawk::cli::rules::render(&found, &files);
    assert!(drawn.contains(" totl >= params.min_sum"), "{drawn}");
    assert!(drawn.lines().all(|line| line.chars().count() < 160), "{drawn}");
    let line = text[..text.find("totl").expect("there")].lines().count();
    assert!(drawn.contains(&format!(" {line} │ …")), "{drawn}");
}
