//! CPU time and memory of processes, as Linux tells them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed if the benchmark ends early.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program that ran to its end cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// All threads, user and system.
    pub cpu_s: f64,
    /// Peak resident memory in MiB.
    pub peak_mib: f64,
}

/// Runs a program to its end and says what it cost. Its output goes nowhere.
pub fn cost_of(command: &mut Command) -> Cost {
    let began = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let mut child = Running(child);
    let stat = format!("/proc/{}/stat", child.0.id());
    let mut peak: f64 = 0.0;
    // A process that has ended keeps its times until it is waited for, but not its memory.
    while state(Path::new(&stat)) != Some('Z') {
        peak = peak.max(peak_mib(child.0.id()));
        std::thread::sleep(Duration::from_millis(5));
    }
    let wall = began.elapsed();
    let cpu_s = ticks(Path::new(&stat));
    let status = child.0.wait().expect("ours");
    assert!(status.success(), "{command:?} ended with {status}");
    Cost { wall, cpu_s, peak_mib: peak }
}

/// Peak resident memory of a process so far in MiB; 0 where the system does not say.
pub fn peak_mib(process: u32) -> f64 {
    status_mib(process, "VmHWM:")
}

/// Resident memory of a process now in MiB; 0 where the system does not say.
pub fn resident_mib(process: u32) -> f64 {
    status_mib(process, "VmRSS:")
}

/// CPU time of a process's threads since its start, by their names without numbers.
pub fn cpu_by_thread(process: u32) -> BTreeMap<String, f64> {
    let mut threads = BTreeMap::new();
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    for task in tasks {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        *threads.entry(name.to_owned()).or_insert(0.0) += ticks(&task.path().join("stat"));
    }
    threads
}

/// CPU time of a process so far, all threads, in seconds; 0 where the system does not say.
pub fn cpu_s(process: u32) -> f64 {
    ticks(Path::new(&format!("/proc/{process}/stat")))
}

/// CPU time that a `stat` file tells, in seconds.
fn ticks(stat: &Path) -> f64 {
    let Ok(text) = std::fs::read_to_string(stat) else { return 0.0 };
    // After the name, which may hold anything but ends in the last bracket: utime is the 12th.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = |field: usize| -> f64 {
        after.split_whitespace().nth(field).and_then(|t| t.parse().ok()).unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

/// The letter of a process's state.
fn state(stat: &Path) -> Option<char> {
    let text = std::fs::read_to_string(stat).ok()?;
    text.rsplit(')').next()?.trim().chars().next()
}

fn status_mib(process: u32, name: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1_024.0
}
