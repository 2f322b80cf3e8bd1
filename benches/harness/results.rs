//! Raw results as files, so that a figure can be traced to a commit, a machine and a method.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// Writes `benches/results/NAME.json`: what was measured, where, and how.
pub fn write(name: &str, method: &str, figures: Value) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("benches/results");
    std::fs::create_dir_all(&folder).expect("a folder for results");
    let path = folder.join(format!("{name}.json"));
    let result = json!({
        "benchmark": name,
        "commit": said(root, "git", &["rev-parse", "HEAD"]),
        "has_changes": !said(root, "git", &["status", "--porcelain"]).is_empty(),
        "date": jiff::Timestamp::now().to_string(),
        "machine": machine(root),
        "method": method,
        "figures": figures,
    });
    let text = serde_json::to_string_pretty(&result).expect("plain data");
    std::fs::write(&path, text + "\n").expect("a result is written");
    println!("\nwritten to benches/results/{name}.json");
}

fn machine(root: &Path) -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let line = |text: String, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).map(str::to_owned);
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    json!({
        "cores": std::thread::available_parallelism().map_or(1, Into::into),
        "processor": line(read("/proc/cpuinfo"), "model name"),
        "memory": line(read("/proc/meminfo"), "MemTotal"),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        // What else ran: a figure of a busy machine is worth less.
        "load_before": read("/proc/loadavg").split(' ').next(),
        "rustc": said(root, "rustc", &["--version"]),
    })
}

fn said(at: &Path, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(at).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}
