//! Two processes at a real broker: one leads, the other follows and takes over.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::alerts::{assert_as_undisturbed, write_pack};
use super::lab::{Lab, Process, eventually, program};

const EVENTS: i64 = 24_000;

/// A process and where it answers.
struct Node {
    process: Process,
    port: u16,
}

impl Node {
    fn start(lab: &Lab, more: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let settings = [format!("http.listen=127.0.0.1:{port}")];
        Self { process: lab.start_with(more, &settings), port }
    }

    fn get(&self, path: &str) -> String {
        let Ok(mut socket) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return String::new();
        };
        let ask = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let sent = std::io::Write::write_all(&mut socket, ask.as_bytes());
        sent.and_then(|()| std::io::read_to_string(socket)).unwrap_or_default()
    }

    fn says(&self, text: &str) -> bool {
        let answer = self.get("/readyz");
        answer.starts_with("HTTP/1.1 200") && answer.contains(text)
    }

    fn await_standby(&self) {
        eventually("a standby", || self.says("standby: level with the leader"));
    }

    /// Waits until it leads, and says how long that took.
    fn take_over(&self, what: &str, began: Instant) {
        while !self.says("running: this process leads") {
            assert!(began.elapsed() < Duration::from_secs(30), "{what}: nobody takes over");
            std::thread::sleep(Duration::from_millis(5));
        }
        let said = format!("take-over after {what}: {} ms\n", began.elapsed().as_millis());
        let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
    }
}

#[test]
fn a_rolling_upgrade_and_a_kill_leave_nothing_unscored() {
    let Some(lab) = Lab::open("standby", 3) else { return };
    let rules = lab.folder.path().join("rules");
    write_pack(&rules, "10000.00");
    let more = format!(
        "rules = {:?}\nrules_poll = \"100ms\"\n[snapshots]\ninterval = \"300ms\"\n",
        rules.display().to_string()
    );
    let mut first = Node::start(&lab, &more);
    first.process.await_log("running");
    let second = Node::start(&lab, &more);
    let mut feed = program()
        .args(["generate", "--quiet", "--accounts", "3000", "--planted", "3000", "--rate", "800"])
        .args(["--events", &EVENTS.to_string(), "--brokers", &lab.broker.brokers])
        .args(["--topic", &lab.topic("payments")])
        .spawn()
        .expect("starts");
    second.await_standby();
    assert!(first.says("running: this process leads"), "{}", first.get("/readyz"));
    assert!(first.get("/metrics").contains("goshawk_leader 1"));
    assert!(second.get("/metrics").contains("goshawk_leader 0"));
    eventually("a followed step", || {
        let metrics = second.get("/metrics");
        let step = metrics.lines().find_map(|line| line.strip_prefix("goshawk_followed_step "));
        step.is_some_and(|step| step.parse::<f64>().is_ok_and(|step| step > 5.0))
    });
    // The rules change under the leader: the standby goes on under them.
    write_pack(&rules, "7000.00");
    eventually("the change", || first.process.log().contains("rules changed"));
    let followed = || second.process.log().matches("rule pack in force").count() > 1;
    eventually("the change at the standby", followed);
    let written = || first.process.log().contains("snapshot written");
    eventually("a snapshot", written);
    // A rolling upgrade: the first stops in good order, its successor stands by, and so on.
    let began = Instant::now();
    first.process.signal("-TERM");
    second.take_over("a graceful stop", began);
    assert_eq!(first.process.end(), Some(0), "{}", first.process.log());
    let third = Node::start(&lab, &more);
    third.await_standby();
    // It began with what the leader has written.
    assert!(third.process.log().contains("snapshot loaded"), "{}", third.process.log());
    let began = Instant::now();
    second.process.signal("-KILL");
    third.take_over("a kill, session timeout 6 s", began);
    assert!(feed.wait().expect("ours").success());
    eventually("all work", || lab.covered() >= EVENTS);
    third.process.stop();
    assert_eq!(lab.covered(), EVENTS);
    assert_as_undisturbed(&lab);
    let packs: Vec<String> = lab.journal().into_iter().map(|step| step.rule_pack).collect();
    let changes = packs.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(changes, 1, "taking over brought other rules");
}
