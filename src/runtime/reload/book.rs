//! What the journal holds of packs: written when they change, and again before its retention can
//! take it.
//!
//! A step must be repeated by the pack that judged it. Its files stand before the first step of a
//! change, which the journal may have lost when it still has later steps of the same pack. So they
//! are written again every [`limits::PACK_REWRITE`], and once more when another pack takes over, at
//! a start too: after every kept step the files of its pack come once more, or are still to come
//! within that time.

use super::rule_files;
use crate::limits;
use crate::model::time::Millis;
use crate::rules::SourceFile;
use crate::runtime::trial::Since;
use crate::sink::Message;
use crate::wire::journal::{self, RuleChange, ShadowChange};

/// What brought a record that only says again what is so.
const AGAIN: &str = "rewrite";

/// The packs in force and on trial as the journal has them.
#[derive(Debug, Default)]
pub struct Book {
    /// The pack of the last step before a start: hash and files.
    before: Option<(String, Vec<SourceFile>)>,
    live: Option<Entry<RuleChange>>,
    trial: Option<Entry<ShadowChange>>,
    /// When all of it was last written; set by the first step.
    written_ms: Option<Millis>,
}

#[derive(Debug)]
struct Entry<T> {
    change: T,
    files: Vec<SourceFile>,
}

impl Book {
    /// That of a start, with the pack that judged the last step before it.
    #[must_use]
    pub fn after(sha256: &str, files: &[SourceFile]) -> Self {
        Self { before: Some((sha256.to_owned(), files.to_vec())), ..Self::default() }
    }

    /// A pack comes into force: the files of the one before, its own, and the change.
    pub fn live(&mut self, change: RuleChange, files: Vec<SourceFile>) -> Vec<Message> {
        let mut messages = Vec::new();
        let live = self.live.as_ref().map(|entry| (&entry.change.to, &entry.files));
        let before = live.or(self.before.as_ref().map(|(sha256, files)| (sha256, files)));
        if let Some((sha256, files)) = before.filter(|(sha256, _)| **sha256 != change.to) {
            messages.extend(of_pack(sha256, files));
        }
        self.before = None;
        messages.extend(of_pack(&change.to, &files));
        messages.push(journal::message(&change));
        self.live = Some(Entry { change, files });
        messages
    }

    /// A trial begins, goes on after a start, or ends.
    pub fn trial(&mut self, change: ShadowChange, files: Vec<SourceFile>) -> Vec<Message> {
        let mut messages = Vec::new();
        if let Some(before) = self.trial.as_ref().filter(|before| before.change.to != change.to) {
            let sha256 = before.change.to.as_deref().unwrap_or_default();
            messages.extend(of_pack(sha256, &before.files));
        }
        if let Some(sha256) = &change.to {
            messages.extend(of_pack(sha256, &files));
        }
        messages.push(journal::message(&change));
        self.trial = change.to.is_some().then_some(Entry { change, files });
        messages
    }

    /// What must be written again before this step, if it is time.
    pub fn again(&mut self, (step, at_ms): Since) -> Vec<Message> {
        let written_ms = *self.written_ms.get_or_insert(at_ms);
        // A clock that was set back is no reason to wait.
        if (0..limits::PACK_REWRITE).contains(&(at_ms - written_ms)) {
            return Vec::new();
        }
        self.written_ms = Some(at_ms);
        let mut messages = Vec::new();
        if let Some(Entry { change, files }) = &self.live {
            messages.extend(of_pack(&change.to, files));
            messages.push(journal::message(&RuleChange {
                step,
                at_ms,
                by: AGAIN.to_owned(),
                from: change.to.clone(),
                changes: Vec::new(),
                differences: 0,
                superseded: Vec::new(),
                ..change.clone()
            }));
        }
        if let Some(Entry { change, files }) = &self.trial {
            messages.extend(of_pack(change.to.as_deref().unwrap_or_default(), files));
            messages.push(journal::message(&ShadowChange {
                step,
                at_ms,
                by: AGAIN.to_owned(),
                from: change.to.clone(),
                ..change.clone()
            }));
        }
        messages
    }
}

/// A pack's files as messages.
fn of_pack(sha256: &str, files: &[SourceFile]) -> Vec<Message> {
    rule_files(sha256, files.to_vec()).iter().map(journal::message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::journal::{CHANGE_SCHEMA, Entry as Written, SHADOW_SCHEMA};

    const T0: Millis = 1_772_676_190_000;

    fn file(text: &str) -> Vec<SourceFile> {
        vec![SourceFile { path: "a.toml".to_owned(), text: text.to_owned() }]
    }

    fn change(from: &str, to: &str) -> RuleChange {
        RuleChange {
            schema: CHANGE_SCHEMA.to_owned(),
            step: 1,
            at_ms: T0,
            by: "folder".to_owned(),
            who: None,
            from: from.to_owned(),
            to: to.to_owned(),
            folder: Some("f".to_owned()),
            overlays: Vec::new(),
            changes: vec!["a".to_owned()],
            differences: 1,
            superseded: Vec::new(),
        }
    }

    fn trial(from: Option<&str>, to: Option<&str>) -> ShadowChange {
        ShadowChange {
            schema: SHADOW_SCHEMA.to_owned(),
            step: 1,
            at_ms: T0,
            by: "http".to_owned(),
            who: Some("li.wei".to_owned()),
            against: "p".to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            overlays: Vec::new(),
            changes: Vec::new(),
            differences: 0,
        }
    }

    /// What records say, in short.
    fn told(messages: &[Message]) -> Vec<String> {
        let one = |message: &Message| match journal::read(0, &message.body).expect("a record") {
            Written::File(file) => format!("file of {}: {}", file.rule_pack, file.text),
            Written::Change(c) => format!("{} {} -> {} by {}", c.step, c.from, c.to, c.by),
            Written::Shadow(c) => format!("{} {:?} -> {:?} by {}", c.step, c.from, c.to, c.by),
            Written::Step(_) | Written::Reconciliation(_) => "another".to_owned(),
        };
        messages.iter().map(one).collect()
    }

    #[test]
    fn a_change_brings_the_files_of_both_packs() {
        let mut book = Book::default();
        assert_eq!(
            told(&book.live(change("p", "p"), file("P"))),
            ["file of p: P", "1 p -> p by folder"]
        );
        let second = told(&book.live(change("p", "q"), file("Q")));
        assert_eq!(second, ["file of p: P", "file of q: Q", "1 p -> q by folder"]);
        let begun = told(&book.trial(trial(None, Some("t")), file("T")));
        assert_eq!(begun, ["file of t: T", "1 None -> Some(\"t\") by http"]);
        let ended = told(&book.trial(trial(Some("t"), None), Vec::new()));
        assert_eq!(ended, ["file of t: T", "1 Some(\"t\") -> None by http"]);
    }

    #[test]
    fn a_start_with_other_rules_brings_the_files_of_those_before_it() {
        let first = |to: &str| told(&Book::after("p", &file("P")).live(change("p", to), file("Q")));
        assert_eq!(first("q"), ["file of p: P", "file of q: Q", "1 p -> q by folder"]);
        assert_eq!(first("p"), ["file of p: Q", "1 p -> p by folder"]);
    }

    #[test]
    fn everything_is_written_again_in_time_and_not_more_often() {
        let mut book = Book::default();
        book.live(change("p", "q"), file("Q"));
        book.trial(trial(None, Some("t")), file("T"));
        assert!(book.again((2, T0)).is_empty());
        assert!(book.again((3, T0 + limits::PACK_REWRITE - 1)).is_empty());
        let again = book.again((4, T0 + limits::PACK_REWRITE));
        let expected = [
            "file of q: Q",
            "4 q -> q by rewrite",
            "file of t: T",
            "4 Some(\"t\") -> Some(\"t\") by rewrite",
        ];
        assert_eq!(told(&again), expected);
        // Whose pack it is, and that the folders hold another one, outlives the first record.
        let Ok(Written::Change(kept)) = journal::read(0, &again[1].body) else { panic!() };
        assert_eq!((kept.folder.as_deref(), kept.differences), (Some("f"), 0));
        let Ok(Written::Shadow(kept)) = journal::read(0, &again[3].body) else { panic!() };
        assert_eq!(kept.who.as_deref(), Some("li.wei"));
        assert!(book.again((5, T0 + limits::PACK_REWRITE + 1)).is_empty());
        assert_eq!(book.again((6, T0)).len(), 4, "a clock that was set back");
        book.trial(trial(Some("t"), None), Vec::new());
        assert_eq!(book.again((7, T0 + limits::PACK_REWRITE)).len(), 2);
    }
}
