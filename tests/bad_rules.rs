//! One defect a file, named after it; the whole message is a snapshot, since the words are part of
//! the product.

use goshawk::cli::rules::render;
use goshawk::rules::{SourceFile, compile, shipped};

#[test]
fn every_defect_has_its_message() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad_rules");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    assert!(names.len() >= 60);
    for name in names {
        let text = std::fs::read_to_string(format!("{folder}/{name}")).expect("readable");
        let mut files: Vec<SourceFile> = shipped::files()
            .into_iter()
            .filter(|file| file.path == "policy.toml" || file.path == "guards.toml")
            .collect();
        files.push(SourceFile { path: name.clone(), text });
        let defects = compile(&files).expect_err(&name);
        insta::with_settings!({ snapshot_path => "bad_rules", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name.trim_end_matches(".toml"), render(&defects, &files));
        });
    }
}

/// Three mistakes in one rule of the shipped pack, each in a part that is read at another time: all
/// are reported, and the rules that name this one are not told that it is missing.
#[test]
fn every_mistake_of_a_rule_is_reported_at_once() {
    let mut files = shipped::files();
    let file = files.iter_mut().find(|f| f.path.ends_with("m02_burst_out.toml")).expect("shipped");
    file.text = file
        .text
        .replacen("\"flow\"", "\"flwo\"", 1)
        .replacen("weight  = 35", "weight  = 350", 1)
        .replacen("&& out_count", "&& out_cuont", 1);
    let messages: Vec<String> =
        compile(&files).expect_err("three mistakes").into_iter().map(|d| d.message).collect();
    for word in ["flwo", "350", "out_cuont"] {
        assert!(messages.iter().any(|m| m.contains(word)), "{word}: {messages:?}");
    }
    assert!(!messages.iter().any(|m| m.contains("there is no rule")), "{messages:?}");
}

/// Examples of the whole pack are read with the same care as those of a rule.
#[test]
fn what_is_wrong_with_an_example_of_the_whole_pack_is_said() {
    let mut files = shipped::files();
    let file = files.iter_mut().find(|file| file.path == "examples.toml").expect("shipped");
    file.text = "[[examples]]\nname = \"wrong\"\ngiven = '''\n  10:00 A -> B1..C9 5 every=1s\n  \
                 10:00 B1..B900000 -> A 5 every=1s\n  10:01 A1..A2 -> B1..B3 5 every=1s\n'''\n\
                 from = \"noon\"\nexpect = [\"10:00 raise A reviev\", \"10:00 M02 A\"]\nwhen = 1\n"
        .to_owned();
    let defects = compile(&files).expect_err("a bad example");
    insta::with_settings!({ snapshot_path => "bad_rules", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("an_example_of_the_whole_pack", render(&defects, &files));
    });
}
