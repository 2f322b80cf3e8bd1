//! Style as a test: what is not checked is not a rule. Headers, line length, layers, purity,
//! leftovers.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of `src` from the top down: a file may import from its own folder and from later ones.
const LAYERS: &[&[&str]] = &[
    &["main.rs", "lib.rs"],
    &["cli"],
    &["runtime", "backtest"],
    &["http"],
    &["generate"],
    &["telemetry"],
    &["source", "sink", "wire", "snapshot"],
    &["engine"],
    &["rules"],
    &["model", "limits.rs"],
];

fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("folder is readable");
            open.extend(entries.map(|e| e.expect("entry is readable").path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).expect("source is UTF-8");
            let name = path.strip_prefix(root).expect("inside").to_string_lossy().into_owned();
            found.push((name, text));
        }
    }
    found.sort();
    found
}

/// The part of a file before its tests.
fn production(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn assert_none(what: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{what}:\n{}", offenders.join("\n"));
}

#[test]
fn every_file_says_what_it_owns() {
    let all = sources("src").into_iter().chain(sources("tests")).chain(sources("benches"));
    let bad: Vec<_> = all.filter(|(_, text)| !text.starts_with("//!")).map(|(n, _)| n).collect();
    assert_none("files without a header", &bad);
}

#[test]
fn lines_fit() {
    let mut bad = Vec::new();
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        for (number, line) in text.lines().enumerate() {
            // rustfmt holds the code; comments and diagrams are ours to keep.
            let comment = line.trim_start().starts_with("//");
            if comment && line.chars().count() > 100 {
                bad.push(format!("{name}:{}", number + 1));
            }
        }
    }
    assert_none("lines over 100 columns", &bad);
}

#[test]
fn nothing_unfinished_is_left() {
    // Put together here, so that this file does not find itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|halves| halves.concat());
    let mut bad = Vec::new();
    for (name, text) in sources("src").into_iter().chain(sources("tests")) {
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|m| line.contains(m.as_str())) {
                bad.push(format!("{name}:{}", number + 1));
            }
        }
    }
    assert_none("leftover markers", &bad);
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&folder))
}

#[test]
fn imports_point_down() {
    let mut bad = Vec::new();
    for (name, text) in sources("src") {
        let parts: PathBuf = name.into();
        let own = parts.iter().nth(1).expect("src/x").to_string_lossy().into_owned();
        let Some(from) = layer(&own) else { panic!("{own} has no layer") };
        for (number, line) in production(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            for (at, _) in code.match_indices("crate::") {
                let rest = &code[at + "crate::".len()..];
                let to: String =
                    rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let Some(target) = layer(&to).or_else(|| layer(&format!("{to}.rs"))) else {
                    continue;
                };
                if target < from {
                    bad.push(format!("{}:{} imports {to}", parts.display(), number + 1));
                }
            }
        }
    }
    assert_none("imports that point up", &bad);
}

#[test]
fn engine_rules_and_model_are_pure() {
    let forbidden = [
        "SystemTime",
        "Instant::now",
        "std::env",
        "std::fs",
        "std::net",
        "std::thread",
        "tokio::",
        "rand",
        "println!",
        "tracing::",
        "async ",
        ".await",
    ];
    let mut bad = Vec::new();
    for (name, text) in sources("src") {
        if !["src/engine", "src/rules", "src/model"].iter().any(|p| name.starts_with(p)) {
            continue;
        }
        for (number, line) in production(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            let found = forbidden.iter().find(|word| {
                code.match_indices(**word).any(|(at, _)| {
                    let before = code[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                })
            });
            if let Some(word) = found {
                bad.push(format!("{name}:{} uses {word}", number + 1));
            }
        }
    }
    assert_none("impure lines", &bad);
}

#[test]
fn documents_name_files_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut bad = Vec::new();
    for document in ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(root.join(document)).expect("document exists");
        for piece in text.split("](").skip(1) {
            let target = piece.split(')').next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            let local = !path.is_empty() && !path.contains("://");
            if local && !root.join(path).exists() {
                bad.push(format!("{document}: {target}"));
            }
        }
    }
    assert_none("dead links", &bad);
}
