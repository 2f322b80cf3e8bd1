//! Deployment files: they name metrics that exist, and promtool accepts them.

use std::path::{Path, PathBuf};
use std::process::Command;

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

#[test]
fn promtool_accepts_configuration_and_rules() {
    let checks: [&[&str]; 3] = [
        // Without the secret's file, which only a running deployment has.
        &["check", "config", "--syntax-only", "prometheus.yml"],
        &["check", "rules", "alerts.yml"],
        &["test", "rules", "alerts_test.yml"],
    ];
    for arguments in checks {
        let ran = Command::new("promtool")
            .args(arguments)
            .current_dir(folder().join("prometheus"))
            .output();
        match ran {
            Ok(output) => assert!(
                output.status.success(),
                "{arguments:?}: {}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            ),
            Err(error) => {
                assert!(
                    std::env::var("CI").as_deref() != Ok("true"),
                    "promtool is needed: {error}"
                );
                eprintln!("SKIPPED: promtool (Debian package prometheus) is not installed");
                return;
            }
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
