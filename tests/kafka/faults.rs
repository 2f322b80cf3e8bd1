//! Faults under load: processes killed at random moments, a broker that dies, a network that is
//! cut, a cluster that loses a member. Each time the alerts that a read-committed consumer sees
//! are, byte for byte, those of an undisturbed run over the journal's order.
//!
//! `GOSHAWK_KILLS=<n>` kills so often (25 unless set), `GOSHAWK_SEED=<n>` at the moments of another
//! run, which prints its seed.

use std::io::Write as _;
use std::process::Child;
use std::time::{Duration, Instant};

use super::alerts::assert_as_undisturbed;
use super::broker::cluster;
use super::lab::{Lab, Process, eventually_within, program, quick};
use super::proxy::{Network, Proxy};

/// How long the last of the work may take.
const WORK: Duration = Duration::from_secs(120);

/// Moments and choices from a seed that is printed.
struct Dice(u64);

impl Dice {
    fn of(test: &str) -> Self {
        let random =
            Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id()) << 20;
        let seed = number("GOSHAWK_SEED").unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            random ^ now.map_or(0, |now| now.as_nanos() as u64)
        });
        let said = format!("{test}: GOSHAWK_SEED={seed}\n");
        let _ = std::io::stderr().write_all(said.as_bytes());
        Self(seed)
    }

    /// Below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn rest(&mut self, from_ms: u64, to_ms: u64) {
        std::thread::sleep(Duration::from_millis(from_ms + self.below(to_ms - from_ms)));
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// Payments with planted fraud, so many a second.
fn feed(lab: &Lab, events: u64, rate: u64) -> Child {
    let accounts = (events / 20).max(500).to_string();
    program()
        .args(["generate", "--quiet", "--accounts", &accounts, "--planted", &accounts])
        .args(["--rate", &rate.to_string(), "--events", &events.to_string()])
        .args(["--brokers", &lab.broker.brokers, "--topic", &lab.topic("payments")])
        .spawn()
        .expect("starts")
}

/// Two processes of which one leads; either can be killed.
struct Pair<'a> {
    lab: &'a Lab,
    processes: [Process; 2],
}

impl<'a> Pair<'a> {
    fn start(lab: &'a Lab) -> Self {
        let processes = [0, 1].map(|_| lab.start_with("", &quick()));
        Self { lab, processes }
    }

    /// Kills one and starts another in its place.
    fn kill(&mut self, which: usize) {
        let process = &mut self.processes[which];
        process.signal("-KILL");
        assert_eq!(process.end(), None, "it had ended by itself:\n{}", process.log());
        *process = self.lab.start_with("", &quick());
    }

    /// Ends both in good order.
    fn stop(self) {
        self.processes.into_iter().for_each(Process::stop);
    }
}

/// Waits for all work, ends the processes and holds everything against an undisturbed run.
fn finish(lab: &Lab, mut feed: Child, events: u64, stop: impl FnOnce()) {
    assert!(feed.wait().expect("ours").success());
    // A producer that cannot know whether a record arrived before its broker died sends it again.
    let written = lab.written("payments");
    assert!(written >= events as i64, "{written}");
    eventually_within(WORK, "all work", || lab.covered() >= written);
    stop();
    assert_eq!(lab.covered(), written);
    assert_as_undisturbed(lab);
    let proven = program().arg("reconcile").arg("--config").arg(lab.config("")).output();
    let proven = proven.expect("the program runs");
    let said = String::from_utf8_lossy(&proven.stderr);
    let table = String::from_utf8_lossy(&proven.stdout);
    assert_eq!(proven.status.code(), Some(0), "{table}\n{said}");
}

#[test]
fn either_of_two_processes_is_killed_at_random_moments() {
    let Some(lab) = Lab::open("killed", 3) else { return };
    let kills = number("GOSHAWK_KILLS").unwrap_or(25);
    let mut dice = Dice::of("killed");
    let events = (kills * 1_500).max(6_000);
    let feed = feed(&lab, events, 1_200);
    let mut pair = Pair::start(&lab);
    for _ in 0..kills {
        dice.rest(50, 2_000);
        pair.kill(dice.below(2) as usize);
    }
    finish(&lab, feed, events, || pair.stop());
}

#[test]
fn a_broker_is_killed_under_load() {
    let Some(lab) = Lab::alone("brokerless", 2) else { return };
    let mut dice = Dice::of("brokerless");
    let events = 16_000;
    let feed = feed(&lab, events, 2_000);
    let process = lab.start_with("", &quick());
    for _ in 0..2 {
        dice.rest(500, 2_500);
        if !lab.broker.crash() {
            break;
        }
    }
    finish(&lab, feed, events, || process.stop());
}

#[test]
fn the_network_is_slow_then_cut_then_stalled() {
    let Some(lab) = Lab::open("network", 2) else { return };
    let Some(port) = lab.broker.proxied else { return };
    let mut dice = Dice::of("network");
    let proxy = Proxy::start(port + 1, format!("127.0.0.1:{port}"));
    let events = 16_000;
    let feed = feed(&lab, events, 1_500);
    let mut settings = quick();
    settings.push(format!("kafka.brokers=127.0.0.1:{}", port + 1));
    let mut process = lab.start_with("", &settings);
    process.await_log("running");
    proxy.slow(Duration::from_millis(80));
    dice.rest(1_000, 2_000);
    proxy.slow(Duration::ZERO);
    // The last is longer than the session: who leads is in doubt, and then it is this one again.
    let weather = [
        (Network::Cut, 300),
        (Network::Stalled, 500),
        (Network::Cut, 1_500),
        (Network::Stalled, 2_500),
    ];
    for (network, least_ms) in weather {
        proxy.set(network);
        dice.rest(least_ms, least_ms + 500);
        proxy.set(Network::Whole);
        dice.rest(200, 1_000);
    }
    finish(&lab, feed, events, || process.stop());
}

#[test]
fn a_cluster_of_three_loses_a_member() {
    let Some(brokers) = cluster("member") else { return };
    let lab = Lab::on("member", 3, brokers);
    let mut dice = Dice::of("member");
    let events = 12_000;
    let feed = feed(&lab, events, 1_500);
    let process = lab.start_with("", &quick());
    eventually_within(WORK, "some work", || lab.covered() > 1_000);
    dice.rest(100, 1_500);
    brokers.lose(1 + dice.below(3) as usize);
    finish(&lab, feed, events, || process.stop());
}
