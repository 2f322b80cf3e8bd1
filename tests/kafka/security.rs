//! Brokers that ask who is there: each way of proving it reads and writes, each wrong proof ends
//! the program with a message that says what was wrong.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rstest::rstest;

use super::broker::Secured;
use super::lab::{Lab, eventually};

/// A way to the broker, with what the configuration says for it.
#[derive(Clone, Copy, Debug)]
enum Way {
    Plain,
    Scram,
    PlainOverTls,
    ScramOverTls,
    Certificates,
    Token,
    TokenOverTls,
}

/// `kafka.brokers` and `kafka.properties` of a way.
fn settings(way: Way, lab: &Lab, secured: &Secured) -> Vec<String> {
    let file = |name: &str| secured.certificates.join(name).display().to_string();
    let (brokers, protocol) = match way {
        Way::Plain | Way::Scram | Way::Token => (&secured.sasl, "SASL_PLAINTEXT"),
        Way::PlainOverTls | Way::ScramOverTls | Way::TokenOverTls => {
            (&secured.sasl_tls, "SASL_SSL")
        }
        Way::Certificates => (&secured.tls, "SSL"),
    };
    let mut properties = vec![("security.protocol", protocol.to_owned())];
    if protocol.ends_with("SSL") {
        properties.push(("ssl.ca.location", file("ca.pem")));
    }
    let user = |mechanism: &'static str, password: &'static str| {
        [("mechanism", mechanism), ("username", "goshawk"), ("password", password)]
    };
    let sasl: Vec<(&str, &str)> = match way {
        Way::Plain | Way::PlainOverTls => user("PLAIN", "plain secret").into(),
        Way::Scram | Way::ScramOverTls => user("SCRAM-SHA-512", "scram secret").into(),
        Way::Token | Way::TokenOverTls => vec![("mechanism", "OAUTHBEARER")],
        Way::Certificates => {
            properties.push(("ssl.keystore.location", file("client.p12")));
            properties.push(("ssl.keystore.password", "goshawk-tests".to_owned()));
            vec![]
        }
    };
    let mut settings = vec![format!("kafka.brokers={brokers}")];
    settings
        .extend(properties.iter().map(|(key, value)| format!("kafka.properties.{key}={value}")));
    settings.extend(sasl.iter().map(|(key, value)| format!("kafka.properties.sasl.{key}={value}")));
    if sasl.iter().any(|(_, value)| *value == "OAUTHBEARER") {
        let path = lab.folder.path().join("token");
        std::fs::write(&path, token(3_600)).expect("writes");
        settings.push(format!("kafka.oauth_token_file={}", path.display()));
    }
    settings
}

/// An unsigned JSON Web Token, which the test broker takes for so many seconds.
fn token(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = format!(r#"{{"sub":"goshawk","iat":{now},"exp":{}}}"#, now + seconds);
    format!("{}.{}.", base64url(br#"{"alg":"none"}"#), base64url(claims.as_bytes()))
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    let three = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(|index| digit(bits >> (18 - 6 * index))).collect::<String>()
    };
    bytes.chunks(3).map(three).collect()
}

/// A lab at a broker with secured listeners; `None`: skip.
fn open(name: &str) -> Option<(Lab, &'static Secured)> {
    let lab = Lab::open(name, 1)?;
    let Some(secured) = &lab.broker.secured else {
        let said = format!("SKIPPED {name}: the broker of GOSHAWK_TEST_BROKERS is not ours\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes());
        return None;
    };
    Some((lab, secured))
}

#[rstest]
#[case(Way::Plain)]
#[case(Way::Scram)]
#[case(Way::PlainOverTls)]
#[case(Way::ScramOverTls)]
#[case(Way::Certificates)]
#[case(Way::Token)]
#[case(Way::TokenOverTls)]
fn each_way_reads_and_writes(#[case] way: Way) {
    let Some((lab, secured)) = open(&format!("way-{way:?}")) else { return };
    let mut process = lab.start_with("", &settings(way, &lab, secured));
    process.await_log("running");
    lab.send("payments", Some(0), "k", b"no payment", 1_780_000_000_000);
    lab.flush();
    eventually("the reject", || lab.read("rejects").len() == 1);
    assert!(!process.log().contains("secret"), "{}", process.log());
    process.stop();
}

#[rstest]
#[case(Way::Plain, "kafka.properties.sasl.password=a guess", "refuse the connection: ", 1)]
#[case(Way::ScramOverTls, "kafka.properties.sasl.password=a guess", "Authentication failed", 1)]
#[case(Way::PlainOverTls, "kafka.properties.ssl.ca.location=stranger.pem", "certificate", 1)]
#[case(Way::Token, "kafka.oauth_token_file=nowhere", "kafka.oauth_token_file", 2)]
fn a_wrong_proof_ends_with_what_was_wrong(
    #[case] way: Way,
    #[case] wrong: &str,
    #[case] said: &str,
    // A file that is not there is a wrong configuration; what a broker refuses is a failed run.
    #[case] exit: i32,
) {
    let Some((lab, secured)) = open(&format!("wrong-{way:?}-{}", said.len())) else { return };
    let mut settings = settings(way, &lab, secured);
    let stranger = secured.certificates.join("stranger.pem").display().to_string();
    settings.push(wrong.replace("stranger.pem", &stranger));
    let mut process = lab.start_with("", &settings);
    assert_eq!(process.end(), Some(exit), "{}", process.log());
    let log = process.log();
    assert!(log.contains(said), "{log}");
    assert!(!log.contains("a guess"), "{log}");
}

/// `generate` with the settings of a configuration.
fn generate(settings: &[String], topic: &str) -> std::process::Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_goshawk"));
    command.args(["generate", "--events", "200", "--accounts", "500", "--topic", topic]);
    for setting in settings {
        let (key, value) = setting.split_once('=').expect("KEY=VALUE");
        match key.strip_prefix("kafka.properties.") {
            Some(property) => command.arg("--property").arg(format!("{property}={value}")),
            None if key == "kafka.brokers" => command.arg("--brokers").arg(value),
            None => command.arg("--oauth-token-file").arg(value),
        };
    }
    command.output().expect("the program runs")
}

#[rstest]
#[case(Way::ScramOverTls)]
#[case(Way::Token)]
fn generated_payments_find_each_way_too(#[case] way: Way) {
    let Some((lab, secured)) = open(&format!("generate-{way:?}")) else { return };
    let mut settings = settings(way, &lab, secured);
    let output = generate(&settings, &lab.topic("payments"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(lab.read("payments").len(), 200);
    if let Way::Token = way {
        let last = settings.len() - 1;
        settings[last] = "kafka.oauth_token_file=nowhere".to_owned();
        let output = generate(&settings, &lab.topic("payments"));
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--oauth-token-file nowhere"));
    }
}

#[test]
fn a_token_that_was_renewed_in_time_keeps_the_connection_and_an_old_one_does_not() {
    let Some((lab, secured)) = open("token-renewed") else { return };
    let settings = settings(Way::Token, &lab, secured);
    let path = lab.folder.path().join("token");
    let renew = |seconds| {
        // As a renewer does it: there is a whole token in the file at every moment.
        let beside = path.with_extension("new");
        std::fs::write(&beside, token(seconds)).expect("writes");
        std::fs::rename(&beside, &path).expect("renames");
    };
    let reject = |offset: i64| {
        lab.send("payments", Some(0), "k", b"no payment", 1_780_000_000_000 + offset);
        lab.flush();
    };
    renew(12);
    let mut process = lab.start_with("", &settings);
    process.await_log("running");
    // Renewed in time: the first token's end goes by unnoticed.
    renew(16);
    std::thread::sleep(Duration::from_secs(13));
    reject(1);
    eventually("the first reject", || lab.read("rejects").len() == 1);
    // Not renewed: the broker ends the connections, and nothing is read.
    process.await_log("has expired");
    reject(2);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(lab.read("rejects").len(), 1, "{}", process.log());
    // Renewed late: work goes on.
    renew(3_600);
    eventually("the second reject", || lab.read("rejects").len() == 2);
    process.stop();
}
