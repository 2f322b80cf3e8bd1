//! The two rules that other stream processors were given, against a plain program: equal findings.

use std::process::Command;

#[allow(dead_code, reason = "the benchmark uses the rest")]
#[path = "../benches/peers/reference.rs"]
mod reference;

#[test]
fn findings_equal_the_plain_programs() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    // Few accounts, so that windows fill.
    let payments = reference::payments(80_000, 3_000, 11);
    let (mut lines, mut expected, mut plain) = (Vec::new(), Vec::new(), <_>::default());
    for payment in &payments {
        reference::write_line(&mut lines, payment).expect("memory takes it");
        reference::Reference::take(&mut plain, payment, &mut expected);
    }
    std::fs::write(at("payments.jsonl"), &lines).expect("writable");
    let run = Command::new(env!("CARGO_BIN_EXE_goshawk"))
        .args(["backtest", "payments.jsonl", "-q", "--findings", "findings.csv", "--rules"])
        .arg(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/rules"))
        .current_dir(folder.path())
        .output()
        .expect("the program runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let csv = std::fs::read_to_string(at("findings.csv")).expect("written");
    let mut found = reference::rows_of(&csv);
    for rule in ["R1", "R2"] {
        let fired = expected.iter().filter(|row| row.0 == rule).count();
        assert!(fired > 25, "{rule} fired {fired} times: the payments prove little");
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}
