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
    assert!(names.len() >= 25);
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
