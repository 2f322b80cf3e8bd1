//! Rule packs as the journal holds them: their files gathered as they come by, compiled when a step
//! asks. A pack's files stand right before its first step of every start and of every change, and
//! again from time to time, so that only the newest few are kept.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::limits;
use crate::rules::SourceFile;
use crate::rules::plan::Plan;
use crate::runtime::pack;
use crate::runtime::reload::watch::Pack;
use crate::wire::journal::RuleFile;

/// Packs by hash.
#[derive(Debug, Default)]
pub struct Packs {
    /// Whole ones, the newest last.
    kept: VecDeque<Files>,
    /// The one whose files are coming by.
    coming: Option<Files>,
}

#[derive(Debug)]
struct Files {
    sha256: String,
    /// How many files it has.
    of: usize,
    files: Vec<SourceFile>,
}

impl Packs {
    /// Takes the next file.
    pub fn take(&mut self, file: RuleFile) {
        let RuleFile { rule_pack, number, of, path, text, .. } = file;
        if number == 0 {
            self.coming = Some(Files { sha256: rule_pack.clone(), of, files: Vec::new() });
        }
        // A file out of turn belongs to a write that another one cut short.
        let coming = self.coming.as_mut().filter(|pack| pack.sha256 == rule_pack);
        let Some(pack) = coming.filter(|pack| pack.files.len() == number) else { return };
        pack.files.push(SourceFile { path, text });
        if pack.files.len() == pack.of {
            self.kept.retain(|pack| pack.sha256 != rule_pack);
            self.kept.extend(self.coming.take());
            if self.kept.len() > limits::PACKS_KEPT {
                self.kept.pop_front();
            }
        }
    }

    /// Takes a whole pack, as a snapshot holds it.
    pub fn take_whole(&mut self, sha256: &str, files: Vec<SourceFile>) {
        self.kept.retain(|pack| pack.sha256 != sha256);
        self.kept.push_back(Files { sha256: sha256.to_owned(), of: files.len(), files });
    }

    /// A pack's files, if all are there.
    #[must_use]
    pub fn files(&self, sha256: &str) -> Option<&[SourceFile]> {
        let pack = self.kept.iter().find(|pack| pack.sha256 == sha256)?;
        Some(&pack.files)
    }

    /// A pack with its files, if it is there, compiles and is what its hash says.
    #[must_use]
    pub fn pack(&self, sha256: &str) -> Option<Pack> {
        let (plan, files) = (self.plan(sha256)?, self.files(sha256)?.to_vec());
        Some(Pack { plan, files })
    }

    /// A pack, compiled, if it is there, compiles and is what its hash says.
    #[must_use]
    pub fn plan(&self, sha256: &str) -> Option<Arc<Plan>> {
        let plan = pack::compile(self.files(sha256)?.to_vec());
        plan.ok().filter(|plan| plan.pack_sha256 == sha256).map(Arc::new)
    }
}

/// The packs of steps that come before their files: the journal has lost those that stood before.
#[derive(Debug, Default)]
pub struct LatePacks {
    /// Packs whose files have come by, or are awaited.
    known: BTreeSet<String>,
    awaited: BTreeSet<String>,
    packs: Packs,
}

impl LatePacks {
    /// A step comes by, judged by this pack.
    pub fn step(&mut self, sha256: &str) {
        if !self.known.contains(sha256) {
            self.known.insert(sha256.to_owned());
            self.awaited.insert(sha256.to_owned());
        }
    }

    /// A file comes by.
    pub fn file(&mut self, file: RuleFile) {
        if self.awaited.contains(&file.rule_pack) {
            let (sha256, last) = (file.rule_pack.clone(), file.number + 1 == file.of);
            self.packs.take(file);
            if last && self.packs.files(&sha256).is_some() {
                self.awaited.remove(&sha256);
            }
        } else if !self.known.contains(&file.rule_pack) {
            self.known.insert(file.rule_pack);
        }
    }

    /// What came late.
    #[must_use]
    pub fn into_packs(self) -> Packs {
        self.packs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;
    use crate::wire::journal::FILE_SCHEMA;

    fn records(sha256: &str, files: &[SourceFile]) -> Vec<RuleFile> {
        let record = |(number, file): (usize, &SourceFile)| RuleFile {
            schema: FILE_SCHEMA.to_owned(),
            rule_pack: sha256.to_owned(),
            number,
            of: files.len(),
            path: file.path.clone(),
            text: file.text.clone(),
        };
        files.iter().enumerate().map(record).collect()
    }

    #[test]
    fn a_pack_is_what_its_hash_says_or_nothing() {
        let files = shipped::files();
        let plan = pack::compile(files.clone()).expect("the shipped pack compiles");
        let sha256 = plan.pack_sha256.as_str();
        let mut packs = Packs::default();
        let written = records(sha256, &files);
        // The first write was cut short by a death.
        written[..3].iter().cloned().for_each(|file| packs.take(file));
        assert!(packs.files(sha256).is_none() && packs.plan(sha256).is_none());
        written.into_iter().for_each(|file| packs.take(file));
        assert_eq!(packs.files(sha256), Some(files.as_slice()));
        assert_eq!(packs.plan(sha256).expect("whole").pack_sha256, sha256);
        records("another", &files).into_iter().for_each(|file| packs.take(file));
        assert!(packs.plan("another").is_none(), "the hash is of other files");
    }

    #[test]
    fn a_write_cut_short_does_not_take_the_whole_one_away() {
        let file = |text: &str| SourceFile { path: "a.toml".to_owned(), text: text.to_owned() };
        let written = records("p", &[file("1"), file("2")]);
        let mut packs = Packs::default();
        written.iter().cloned().for_each(|file| packs.take(file));
        packs.take(written[0].clone());
        records("q", &[file("3")]).into_iter().for_each(|file| packs.take(file));
        packs.take(written[1].clone());
        assert_eq!(packs.files("p").map(<[_]>::len), Some(2));
        assert!(packs.files("q").is_some());
    }

    #[test]
    fn files_that_come_after_their_first_steps_are_found_and_no_others_are_held() {
        let file = |text: &str| [SourceFile { path: "a.toml".to_owned(), text: text.to_owned() }];
        let mut late = LatePacks::default();
        for name in ["lost", "lost"] {
            late.step(name);
        }
        // The pack takes over of which the files stand before its steps; those of the one before
        // are written once more.
        records("lost", &file("1")).into_iter().for_each(|file| late.file(file));
        records("next", &file("2")).into_iter().for_each(|file| late.file(file));
        late.step("next");
        records("next", &file("2")).into_iter().for_each(|file| late.file(file));
        let packs = late.into_packs();
        assert!(packs.files("lost").is_some() && packs.files("next").is_none());
    }

    #[test]
    fn only_the_newest_are_kept() {
        let file = [SourceFile { path: "a.toml".to_owned(), text: String::new() }];
        let mut packs = Packs::default();
        for name in ["1", "2", "3", "4", "5", "6", "7", "8", "1", "9"] {
            records(name, &file).into_iter().for_each(|file| packs.take(file));
        }
        let there = |name: &&str| packs.files(name).is_some();
        let names = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        assert_eq!(names.into_iter().filter(there).count(), limits::PACKS_KEPT);
        assert!(packs.files("1").is_some() && packs.files("2").is_none());
    }
}
