//! Layers, refusals and what is shown.

use std::path::Path;

use super::*;

fn read(
    text: &str,
    environment: &[(&str, &str)],
    settings: &[&str],
) -> Result<Config, Vec<String>> {
    let environment: Vec<(String, String)> =
        environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let settings: Vec<String> = settings.iter().map(|setting| (*setting).into()).collect();
    load(
        Some((Path::new("goshawk.toml"), text)),
        environment.into_iter(),
        &settings,
        Config::problems,
    )
    .map(|(config, _)| config)
    .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn the_example_parses_and_can_run() {
    let config = read(include_str!("../../../deploy/goshawk.example.toml"), &[], &[]);
    let config = config.expect("the example is valid");
    assert_eq!(config.require_runnable(), Vec::<String>::new());
    assert_eq!(config.kafka.topics.inputs(), ["accounts", "controls", "lists", "payments"]);
    assert_eq!(config.kafka.producer["compression.type"], "lz4");
}

#[test]
fn the_command_line_beats_the_environment_beats_the_file() {
    let config = read(
        "tenant = \"file\"\nthreads = 1\n[kafka]\nbrokers = \"file:1\"",
        &[
            ("GOSHAWK_TENANT", "environment"),
            ("GOSHAWK_THREADS", "2"),
            ("GOSHAWK_KAFKA_PROPERTIES_SASL_PASSWORD", "s3cret"),
            ("GOSHAWK_KAFKA_TOPICS_LISTS", "a, b"),
            ("OTHER", "x"),
        ],
        &["threads=3", "kafka.consumer.fetch.wait.max.ms=50"],
    )
    .expect("valid");
    assert_eq!((config.tenant.as_str(), config.threads), ("environment", 3));
    assert_eq!(config.kafka.brokers, "file:1");
    assert_eq!(config.kafka.properties["sasl.password"], "s3cret");
    assert_eq!(config.kafka.consumer["fetch.wait.max.ms"], "50");
    assert_eq!(config.kafka.topics.lists, ["a", "b"]);
    let shown = show::table(&config);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("\"sasl.password\" = \"(hidden)\""), "{shown}");
    assert!(
        shown.contains("# token_file is not set") && shown.contains("lateness = \"2m\""),
        "{shown}"
    );
}

#[test]
fn unknown_keys_are_refused_all_at_once_with_place_and_hint() {
    let text =
        "tennant = \"x\"\n[kafka]\n  broker = \"y\"\n[kafka.properties]\nanything = \"goes\"\n";
    assert_eq!(
        read(text, &[], &[]).expect_err("unknown keys"),
        [
            "goshawk.toml:1:1: unknown key \"tennant\"; did you mean `tenant`?",
            "goshawk.toml:3:3: unknown key \"broker\"; did you mean `brokers`?",
        ]
    );
    assert!(read("", &[], &["kafka.topic.alerts=x"]).is_err());
}

#[test]
fn wrong_values_name_their_place() {
    let problems =
        read("tenant = \"x\"\nlateness = \"soon\"", &[], &[]).expect_err("not a duration");
    assert!(
        problems[0].starts_with("goshawk.toml:2:12: lateness: expected a duration like"),
        "{problems:?}"
    );
    let problems = read("lateness = \"2h\"\nzone = \"Mars\"", &[], &[]).expect_err("bounds");
    assert_eq!(problems.len(), 2, "{problems:?}");
    let problems = read("[http]\nlisten = \"0.0.0.0:9464\"", &[], &[]).expect_err("open to all");
    assert!(problems[0].contains("token_file"), "{problems:?}");
}

#[test]
fn every_wrong_kind_is_told_at_once_with_place_key_expected_and_found() {
    let text = r#"tenant = 7
threads = -1
lateness = 120
skew = "soon"
delivery = "twice"
zone = "Mars"
log = "info"
colour = "red"

[kafka]
brokers = ["a:1", "b:2"]

[kafka.topics]
payments = ["good", 3, true]
alerts = 2026-01-01

[kafka.properties]
linger.ms = 5
"batch.size" = 16384
"sasl.password" = 31415

[privacy]
profile = "maskd"
"#;
    let problems = read(
        text,
        &[("GOSHAWK_THREADS", "many"), ("GOSHAWK_LATENESS", "2m")],
        &["skew=", "delivery=once", "treads=4"],
    );
    insta::assert_snapshot!(problems.expect_err("much is wrong").join("\n"));
}

#[test]
fn every_mistake_of_toml_is_told_at_once() {
    let problems = read("a = = 1\nb = 2\nc = \"x\n", &[], &[]).expect_err("no TOML");
    let places: Vec<&str> = problems.iter().filter_map(|p| p.get(..14)).collect();
    assert_eq!(places, ["goshawk.toml:1", "goshawk.toml:1", "goshawk.toml:3"], "{problems:?}");
}

#[test]
fn a_profile_must_be_chosen() {
    let config = read("", &[], &[]).expect("valid so far");
    assert!(config.require_runnable()[0].contains("privacy.profile is not chosen"));
    let config = read("[privacy]\nprofile = \"masked\"", &[], &[]).expect("valid so far");
    assert!(config.require_runnable()[0].contains("key_file or key_env"));
    let config = read("[privacy]\nprofile = \"clear\"", &[], &[]).expect("valid");
    assert!(config.require_runnable().is_empty());
}
