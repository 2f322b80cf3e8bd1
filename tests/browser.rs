//! The page of `backtest --report` in a real browser, without a network: nothing is said on the
//! console, every chart and example is there. Skipped loudly where no Chromium is installed: CI
//! does not fetch one for this.

use std::process::Command;

const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"];

#[test]
fn the_page_opens_in_a_browser_and_draws_everything() {
    let there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    let Some(browser) = BROWSERS.iter().find(there) else {
        eprintln!("SKIPPED: no Chromium; install the Debian package chromium to run this");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let goshawk = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goshawk"));
        let output = command.arg("--quiet").args(args).current_dir(folder.path()).output();
        let output = output.expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let town = ["--accounts", "500", "--events", "4000", "--seed", "5", "--planted", "5000"];
    let files = ["--out", "town.jsonl", "--labels", "labels.csv"];
    goshawk(&[&["generate"][..], &town, &files].concat());
    let judged = ["backtest", "town.jsonl", "--labels", "labels.csv", "--report"];
    goshawk(&[&judged[..], &["change.html", "--against", "shipped"]].concat());
    goshawk(&[&judged[..], &["sweep.html", "--sweep", "M02.min_count=2..6/3"]].concat());
    for (page, drawn) in
        [("change.html", ["<rect", "<details"]), ("sweep.html", ["<polyline", "<circle"])]
    {
        let path = folder.path().join(page);
        let output = Command::new(browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"])
            .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("file://{}", path.display()))
            .output()
            .expect("it was there");
        let said = String::from_utf8_lossy(&output.stderr);
        let spoken: Vec<&str> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert!(spoken.is_empty(), "{page}: {spoken:#?}");
        let seen = String::from_utf8_lossy(&output.stdout);
        let written = std::fs::read_to_string(&path).expect("a page");
        for tag in [drawn[0], drawn[1], "<svg", "<section", "<table", "lang=\"zh\""] {
            let (seen, written) = (seen.matches(tag).count(), written.matches(tag).count());
            assert!(written > 0 && seen == written, "{page}: {tag}: {seen} of {written}");
        }
    }
}
