//! The broker the tests run against: the one of `GOSHAWK_TEST_BROKERS`, or one started for this
//! process.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

/// A running broker.
pub struct Broker {
    /// Bootstrap servers.
    pub brokers: String,
    /// Its other listeners, if it is ours.
    pub secured: Option<Secured>,
    /// How many hold each record.
    pub replicas: i32,
    /// Port on which it waits for whoever comes by a proxy, if it is ours; the proxy's is the next.
    pub proxied: Option<u16>,
    /// Its folder, if it is ours to kill.
    folder: Option<PathBuf>,
    /// The script that runs it; ends by itself after this process.
    _script: Option<Child>,
}

/// Listeners that ask who is there.
pub struct Secured {
    /// SASL in clear.
    pub sasl: String,
    /// SASL over TLS.
    pub sasl_tls: String,
    /// TLS with certificates on both sides.
    pub tls: String,
    /// Folder of the certificates.
    pub certificates: PathBuf,
}

static BROKER: LazyLock<Option<Broker>> = LazyLock::new(start);

/// The broker; `None` when there is none and the test must be skipped. Fails instead under
/// `CI=true`.
pub fn broker(test: &str) -> Option<&'static Broker> {
    if BROKER.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{test} needs a broker: Java 17 and Maven, or GOSHAWK_TEST_BROKERS"
        );
        let said = format!("SKIPPED {test}: no Java 17 and Maven, and no GOSHAWK_TEST_BROKERS\n");
        let _ = std::io::stderr().write_all(said.as_bytes());
    }
    BROKER.as_ref()
}

fn start() -> Option<Broker> {
    if let Ok(brokers) = std::env::var("GOSHAWK_TEST_BROKERS") {
        let (secured, proxied, folder) = (None, None, None);
        return Some(Broker { brokers, secured, replicas: 1, proxied, folder, _script: None });
    }
    let (script, jars) = script_and_jars()?;
    let certificates = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kafka-certificates");
    let made = Command::new(&script).arg("certificates").arg(&certificates).status();
    assert!(made.expect("bash runs").success(), "keytool could not make certificates");
    let (folder, port, script) = run(&script, &["serve".as_ref(), &jars, &certificates]);
    let on = |offset: u16| format!("127.0.0.1:{}", port + offset);
    let broker = Broker {
        brokers: on(0),
        secured: Some(Secured { sasl: on(2), sasl_tls: on(3), tls: on(4), certificates }),
        replicas: 1,
        proxied: Some(port + 5),
        folder: Some(folder),
        _script: Some(script),
    };
    broker.await_ready();
    Some(broker)
}

/// Runs the script with a folder, the first of its ports and the process it ends with behind its
/// arguments.
fn run(script: &Path, arguments: &[&Path]) -> (PathBuf, u16, Child) {
    // The script deletes it once this process has ended.
    let folder = tempfile::Builder::new().prefix("goshawk-broker").tempdir().expect("a folder");
    let folder = folder.keep();
    let port = free_port();
    let script = Command::new(script)
        .args(arguments)
        .arg(&folder)
        .arg(port.to_string())
        .arg(std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("bash runs");
    (folder, port, script)
}

/// The script and the broker's jars; `None` without Java and Maven.
fn script_and_jars() -> Option<(PathBuf, PathBuf)> {
    let there = |program: &str, argument: &str| {
        let asked = Command::new(program)
            .arg(argument)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    };
    if !there("java", "-version") || !there("mvn", "-version") {
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/broker.sh");
    let jars = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kafka-jars");
    let fetched = Command::new(&script).arg("jars").arg(&jars).status().expect("bash runs");
    assert!(fetched.success(), "Maven could not fetch the broker's jars");
    Some((script, jars))
}

/// Three brokers that hold everything three times; `None` where the one of [`broker`] is not ours
/// either.
pub fn cluster(test: &str) -> Option<&'static Broker> {
    broker(test)?.folder.as_ref()?;
    let (script, jars) = script_and_jars()?;
    let (folder, port, script) = run(&script, &["cluster".as_ref(), &jars]);
    let brokers: Vec<_> = [0, 2, 4].map(|n| format!("127.0.0.1:{}", port + n)).into();
    let brokers = brokers.join(",");
    let cluster = Box::leak(Box::new(Broker {
        brokers,
        secured: None,
        replicas: 3,
        proxied: None,
        folder: Some(folder),
        _script: Some(script),
    }));
    cluster.await_members(3);
    Some(cluster)
}

/// A port that is free with the six after it.
pub fn free_port() -> u16 {
    loop {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let free = |port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        if port < u16::MAX - 6 && (port + 1..=port + 6).all(free) {
            return port;
        }
    }
}

impl Broker {
    fn await_ready(&self) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .create()
            .expect("plain properties");
        let until = Instant::now() + Duration::from_secs(60);
        while consumer.fetch_metadata(None, Duration::from_secs(1)).is_err() {
            assert!(Instant::now() < until, "the broker does not answer; see {:?}", self.folder);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn await_members(&self, count: usize) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .create()
            .expect("plain properties");
        let until = Instant::now() + Duration::from_secs(90);
        let members = || {
            let asked = consumer.fetch_metadata(None, Duration::from_secs(1));
            asked.map_or(0, |metadata| metadata.brokers().len())
        };
        while members() < count {
            assert!(Instant::now() < until, "no {count} brokers; see {:?}", self.folder);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Kills one member of a cluster hard; it stays dead.
    pub fn lose(&self, member: usize) {
        let folder = self.folder.as_ref().expect("a cluster is ours");
        let pid = std::fs::read_to_string(folder.join(format!("pid{member}"))).expect("it runs");
        let killed = Command::new("kill").args(["-9", pid.trim()]).status();
        assert!(killed.expect("kill runs").success());
    }

    /// Kills the broker hard; it is started again. `false` if it is not ours.
    pub fn crash(&self) -> bool {
        let Some(folder) = &self.folder else { return false };
        let pid = std::fs::read_to_string(folder.join("pid")).expect("it runs");
        let killed = Command::new("kill").args(["-9", pid.trim()]).status();
        assert!(killed.expect("kill runs").success());
        self.await_ready();
        true
    }
}
