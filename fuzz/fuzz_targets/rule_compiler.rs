//! Any text as a rule file beside the shipped policy and guards: a plan or defects, never a panic; every
//! defect has a place inside its file.

#![no_main]

use goshawk::rules::{SourceFile, compile, shipped};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut files: Vec<SourceFile> = shipped::files()
        .into_iter()
        .filter(|file| file.path == "policy.toml" || file.path == "guards.toml")
        .collect();
    files.push(SourceFile { path: "fuzzed.toml".to_owned(), text: text.to_owned() });
    if let Err(defects) = compile(&files) {
        assert!(!defects.is_empty());
        for defect in defects {
            let file =
                files.iter().find(|file| file.path == defect.path).expect("a file of the pack");
            assert!(defect.span.end <= file.text.len() && defect.span.start <= defect.span.end);
        }
    }
});
