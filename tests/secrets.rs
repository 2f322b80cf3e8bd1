//! Secrets planted wherever one may stand, and every word that the program says searched for them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What every planted secret holds; nothing else does.
const MARK: &str = "zq7secret";

/// Keys of librdkafka that hold a secret, and that every build of it takes.
const USUAL: &[&str] =
    &["sasl.password", "ssl.key.password", "ssl.keystore.password", "sasl.oauthbearer.config"];
/// Of these some builds know nothing, and say so.
const PROPERTIES: &[&str] = &[
    "sasl.password",
    "ssl.key.pem",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
];

struct Planted {
    folder: tempfile::TempDir,
}

impl Planted {
    /// A configuration full of secrets; nothing listens where it points.
    fn new(properties: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("writable");
        };
        write("http.token", &format!("{MARK}-http-token\n"));
        write("oauth.token", &format!("{MARK}-oauth-token\n"));
        // A key of 64 hex digits cannot hold the mark: one that is no key can.
        write("bad.key", &format!("{MARK}-no-key\n"));
        write("good.key", &"5c".repeat(32));
        let table = |name: &str| {
            let lines = properties
                .iter()
                .enumerate()
                .map(|(number, key)| format!("\"{key}\" = \"{MARK}-{name}-{number}\"\n"));
            format!("[kafka.{name}]\n{}", lines.collect::<String>())
        };
        write(
            "goshawk.toml",
            &format!(
                "tenant = \"t\"\n[kafka]\nbrokers = \"127.0.0.1:1\"\ngroup_id = \"g\"\n\
                 oauth_token_file = \"oauth.token\"\n{}{}{}[kafka.topics]\npayments = [\"p\"]\n\
                 [privacy]\nprofile = \"masked\"\nkey_file = \"good.key\"\n\
                 [http]\nlisten = \"127.0.0.1:0\"\ntoken_file = \"http.token\"\n\
                 [log]\nlevel = \"trace\"\n",
                table("properties"),
                table("consumer"),
                table("producer"),
            ),
        );
        Self { folder }
    }

    /// Everything that a command says, within a few seconds; it is ended then.
    fn says(&self, args: &[&str], environment: &[(&str, &str)]) -> String {
        let file = |name: &str| {
            let path = self.folder.path().join(name);
            (std::fs::File::create(&path).expect("writable"), path)
        };
        let ((out, out_path), (err, err_path)) = (file("out"), file("err"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_goshawk"))
            .args(args)
            .envs(environment.iter().copied())
            .env_remove("GOSHAWK_CONFIG")
            .env("RUST_BACKTRACE", "full")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .expect("the program runs");
        let until = Instant::now() + Duration::from_millis(2_500);
        while child.try_wait().expect("ours").is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
        let read = |path: &Path| {
            String::from_utf8_lossy(&std::fs::read(path).expect("written")).into_owned()
        };
        format!("{}\n{}", read(&out_path), read(&err_path))
    }

    fn assert_silent(&self, args: &[&str], environment: &[(&str, &str)]) -> String {
        let said = self.says(args, environment);
        let told: Vec<&str> = said.lines().filter(|line| line.contains(MARK)).collect();
        assert!(told.is_empty(), "{args:?} tells a secret:\n{}", told.join("\n"));
        said
    }
}

#[test]
fn no_secret_is_told_by_any_command_log_or_error() {
    let planted = Planted::new(PROPERTIES);
    let variable = format!("{MARK}-from-the-environment");
    let environment = [("GOSHAWK_KAFKA_PROPERTIES_SASL_PASSWORD", variable.as_str())];
    let shown = planted.assert_silent(&["config", "show"], &environment);
    assert!(shown.contains("(hidden)") && shown.contains("sasl.password"), "{shown}");
    planted.assert_silent(&["config", "check"], &environment);
    // Clients are made, fail to connect, and log all that they log.
    for more in ["plain", "SASL_PLAINTEXT"] {
        let protocol = match more {
            "plain" => "kafka.properties.client.id=c".to_owned(),
            protocol => format!("kafka.properties.security.protocol={protocol}"),
        };
        let args = ["run", "--set", &protocol, "--set", "kafka.properties.debug=all"];
        planted.assert_silent(&args, &environment);
    }
    // Secrets where something is wrong with them, or with what stands beside them.
    let set = |text: &str| format!("{text}={MARK}-set");
    for wrong in [
        set("kafka.properties.sasl.password.again"),
        set("kafka.consumer.ssl.key.pem"),
        set("kafka.producer.sasl.jaas.config"),
    ] {
        for command in [&["config", "check"][..], &["config", "show"], &["run"]] {
            let args = [command, &["--set", &wrong]].concat();
            planted.assert_silent(&args, &environment);
        }
    }
    planted.assert_silent(&["run", "--set", "privacy.key_file=bad.key"], &environment);
    planted.assert_silent(&["config", "check", "--set", "privacy.key_file=bad.key"], &environment);
    let from_env = [("GOSHAWK_KEY_OF_TEST", variable.as_str())];
    let args = ["--set", "privacy.key_env=GOSHAWK_KEY_OF_TEST", "--set", "privacy.key_file="];
    planted.assert_silent(&[&["config", "check"][..], &args].concat(), &from_env);
    for command in ["reconcile", "replay"] {
        planted.assert_silent(&[command], &environment);
    }
}

#[test]
fn a_file_of_secrets_that_is_not_toml_is_not_shown() {
    let planted = Planted::new(USUAL);
    for text in [
        format!("[kafka.properties]\nsasl.password = {MARK}\n"),
        format!("[kafka.properties]\n\"sasl.password\" = \"{MARK}\n"),
        format!("[kafka.properties]\n\"sasl.password\" = [\"{MARK}\"]\n"),
        format!("[kafka]\npropertys = {{ \"sasl.password\" = \"{MARK}\" }}\n"),
        format!(
            "[kafka.properties]\n\"sasl.password\" = \"{MARK}\"\n\"sasl.password\" = \"{MARK}\"\n"
        ),
    ] {
        std::fs::write(planted.folder.path().join("goshawk.toml"), &text).expect("writable");
        for command in [&["config", "check"][..], &["config", "show"], &["run"]] {
            let said = planted.assert_silent(command, &[]);
            assert!(said.contains("goshawk.toml"), "{text}: {said}");
        }
    }
}
