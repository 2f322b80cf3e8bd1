//! The analyst's walk and the page on overlays: a page's files and commands, done as they stand
//! there, say what the page says. What needs a running service is left to the tests against Kafka.

use std::path::Path;
use std::process::Command;

/// One fenced block: what its first line says, and what stands in it.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (mut blocks, mut open) = (Vec::new(), None::<Block>);
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), text: String::new() }),
            (Some(block), None) => block.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Does what a page says in a folder; gives back how many commands and lines of what they say.
fn walk(page: &str, folder: &Path) -> (usize, usize) {
    let program = Path::new(env!("CARGO_BIN_EXE_goshawk")).parent().expect("in a folder");
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let (mut said, mut commands, mut lines) = (String::new(), 0, 0);
    for Block { info, text } in blocks(page) {
        match info.split_once(' ') {
            Some((_, "service")) => {}
            Some((_, file)) => {
                // `rules new` would not overwrite a file; the page shows what becomes of it.
                std::fs::write(folder.join(file), text).expect("its folder is there");
            }
            None if info == "sh" => {
                let output = Command::new("sh")
                    .args(["-euc", &text])
                    .current_dir(folder)
                    .env("PATH", &path)
                    .output()
                    .expect("sh runs");
                said = String::from_utf8_lossy(&output.stdout).into_owned();
                said.push_str(&String::from_utf8_lossy(&output.stderr));
                assert!(output.status.success(), "{text}\n{said}");
                commands += 1;
            }
            None if info == "text" => {
                for line in text.lines().map(str::trim) {
                    assert!(said.contains(line), "{line}\nis not in\n{said}");
                    lines += 1;
                }
            }
            None => {}
        }
    }
    (commands, lines)
}

#[test]
fn the_walk_does_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (commands, lines) = walk("analyst-walk.md", folder.path());
    assert!(commands > 6 && lines > 10, "{commands} commands, {lines} lines");
    assert!(folder.path().join("change.html").exists());
}

#[test]
fn the_page_on_overlays_does_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (commands, lines) = walk("overlays.md", folder.path());
    assert!(commands > 5 && lines > 1, "{commands} commands, {lines} lines");
}

#[test]
fn both_languages_walk_the_same_way() {
    assert_eq!(blocks("analyst-walk.md"), blocks("analyst-walk.zh-CN.md"));
    assert_eq!(blocks("overlays.md"), blocks("overlays.zh-CN.md"));
}
