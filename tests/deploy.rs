//! Deployment files: they name metrics that exist, promtool accepts them, the image has what its
//! build reads, and the service reads every topic that is fed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use goshawk::runtime::config::{self, Config};
use goshawk::telemetry::metric::Metric;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn rules_and_dashboard_name_metrics_that_exist() {
    for path in ["prometheus/alerts.yml", "grafana/dashboards/goshawk.json"] {
        let text = read(path);
        let mut found = 0;
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            if !word.starts_with("goshawk_") {
                continue;
            }
            found += 1;
            let known = Metric::ALL.iter().any(|metric| {
                let histogram = metric.kind() == "histogram";
                word == metric.name() || (histogram && word == format!("{}_bucket", metric.name()))
            });
            assert!(known, "{path} names {word}, which is no metric");
        }
        assert!(found > 5, "{path} names hardly any metric");
    }
    serde_json::from_str::<serde_json::Value>(&read("grafana/dashboards/goshawk.json"))
        .expect("the dashboard is JSON");
}

/// Known to `/metrics` and of no use to somebody who looks at a running service.
const NOT_SHOWN: &[Metric] = &[
    // Files are read by commands that end.
    Metric::RowsSkipped,
    // The alert rules watch the difference.
    Metric::AmountConsumed,
];

#[test]
fn every_metric_is_on_the_dashboard_or_watched() {
    let shown = read("grafana/dashboards/goshawk.json") + &read("prometheus/alerts.yml");
    let missing: Vec<_> = Metric::ALL
        .iter()
        .filter(|metric| !NOT_SHOWN.contains(metric) && !shown.contains(metric.name()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn promtool_accepts_every_question_of_the_dashboard() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&read("grafana/dashboards/goshawk.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let rules: String = targets
        .enumerate()
        .map(|(index, target)| {
            let expr = target["expr"].as_str().expect("a question");
            format!("  - record: asked:number{index}\n    expr: {expr:?}\n")
        })
        .collect();
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("groups:\n- name: dashboard\n  rules:\n{rules}"))
        .expect("writable");
    promtool(&["check", "rules", file.path().to_str().expect("UTF-8")]);
    let mut ids: Vec<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), panels.len(), "ids of panels are their own");
}

#[test]
fn promtool_accepts_configuration_and_rules() {
    let checks: [&[&str]; 3] = [
        // Without the secret's file, which only a running deployment has.
        &["check", "config", "--syntax-only", "prometheus.yml"],
        &["check", "rules", "alerts.yml"],
        &["test", "rules", "alerts_test.yml"],
    ];
    checks.into_iter().for_each(promtool);
}

/// Runs promtool, which must be content.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn promtool(arguments: &[&str]) {
    let ran =
        Command::new("promtool").args(arguments).current_dir(folder().join("prometheus")).output();
    match ran {
        Ok(output) => assert!(
            output.status.success(),
            "{arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "promtool is needed: {error}");
            eprintln!("SKIPPED: promtool (Debian package prometheus) is not installed");
        }
    }
}

#[test]
fn compose_keeps_to_loopback_and_pins_its_images() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-compose.yml");
    let compose = std::fs::read_to_string(path).expect("there");
    let mut in_ports = false;
    for line in compose.lines().map(str::trim) {
        if let Some(image) = line.strip_prefix("image: ") {
            assert!(image.contains(':') && !image.ends_with(":latest"), "{image} is not pinned");
        }
        in_ports = line == "ports:" || (in_ports && line.starts_with('-'));
        if in_ports && line != "ports:" {
            assert!(line.starts_with("- \"127.0.0.1:"), "{line} is open to the network");
        }
    }
}

/// Every Rust file below a folder.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `a/b/../c` without its dots.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

#[test]
fn the_image_is_built_from_everything_that_is_compiled_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignore = std::fs::read_to_string(root.join(".dockerignore")).expect("there");
    let allowed: BTreeSet<&str> = ignore.lines().filter_map(|l| l.strip_prefix('!')).collect();
    assert!(ignore.lines().any(|line| line == "*") && allowed.contains("src"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    let mut outside = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("UTF-8");
        for marker in ["include_str!(", "include_bytes!("] {
            for (at, _) in text.match_indices(marker) {
                // The first text of the call; of `concat!("../x/", …)` that is the folder.
                let call = &text[at + marker.len()..];
                let named = call.split('"').nth(1).expect("a path");
                let path = plain(&file.parent().expect("inside").join(named));
                let inside = path.strip_prefix(root).expect("inside the package");
                let top = inside.iter().next().expect("a name").to_str().expect("UTF-8");
                assert!(allowed.contains(top), "{}: the image lacks {named}", file.display());
                outside += usize::from(top != "src");
            }
        }
    }
    assert!(outside >= 2, "columns and rules are compiled in");
}

/// Words of a text after each of these, without quotes.
fn after<'a>(text: &'a str, flags: &[&str]) -> BTreeSet<&'a str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).filter(|pair| flags.contains(&pair[0])).map(|pair| pair[1]).collect()
}

#[test]
fn every_topic_that_traffic_feeds_is_made_and_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker-compose.yml");
    let compose = std::fs::read_to_string(path).expect("there");
    let flags = ["--topic", "--accounts-topic", "--lists-topic", "--controls-topic"];
    let (_, traffic) = compose.split_once("exec goshawk generate").expect("a generator");
    let (traffic, _) = traffic.split_once("\n    read_only").expect("its end");
    let fed = after(traffic, &flags);
    assert_eq!(fed.len(), flags.len(), "{fed:?}");
    let (_, made) = compose.split_once("for topic in ").expect("topics are made");
    let made: BTreeSet<&str> = made.split(';').next().unwrap_or("").split_whitespace().collect();
    let environment = compose.lines().filter_map(|line| {
        let (name, value) = line.trim().split_once(": ")?;
        name.starts_with("GOSHAWK_").then(|| (name.to_owned(), value.to_owned()))
    });
    let (config, warnings) = config::load(None, environment, &[], Config::problems).expect("valid");
    assert!(warnings.is_empty(), "{warnings:?}");
    let inputs = config.kafka.topics.inputs();
    let read: BTreeSet<&str> = inputs.iter().map(String::as_str).collect();
    assert_eq!(read, fed, "compose");
    let written = config.kafka.topics.outputs().map(String::as_str);
    assert!(read.iter().chain(&written[..3]).all(|topic| made.contains(topic)), "{made:?}");

    let manifest = read_manifest();
    let (config, _) = config::load(
        Some((Path::new("goshawk.toml"), &manifest)),
        [].into_iter(),
        &[],
        Config::problems,
    )
    .expect("valid");
    assert_eq!(config.kafka.topics.inputs(), inputs, "Kubernetes");
    assert!(config.require_runnable().is_empty());
}

/// The configuration inside the Kubernetes manifest.
fn read_manifest() -> String {
    let manifest = read("kubernetes/goshawk.yaml");
    let (_, text) = manifest.split_once("goshawk.toml: |\n").expect("a configuration");
    let lines = text.lines().take_while(|line| line.starts_with("    "));
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}
