//! Rule packs as the journal holds them: their files gathered as they come by, compiled when a step
//! asks. A pack's files stand right before its first step of every start and of every change, so
//! that only the newest few are kept.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::limits;
use crate::rules::SourceFile;
use crate::rules::plan::Plan;
use crate::runtime::pack;
use crate::wire::journal::RuleFile;

/// Packs by hash.
#[derive(Debug, Default)]
pub struct Packs {
    /// The newest last.
    kept: VecDeque<Pack>,
}

#[derive(Debug)]
struct Pack {
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
            self.kept.retain(|pack| pack.sha256 != rule_pack);
            self.kept.push_back(Pack { sha256: rule_pack.clone(), of, files: Vec::new() });
            if self.kept.len() > limits::PACKS_KEPT {
                self.kept.pop_front();
            }
        }
        // A file out of turn belongs to a write that another one cut short.
        let pack = self.kept.iter_mut().find(|pack| pack.sha256 == rule_pack);
        if let Some(pack) = pack.filter(|pack| pack.files.len() == number) {
            pack.files.push(SourceFile { path, text });
        }
    }

    /// A pack's files, if all are there.
    #[must_use]
    pub fn files(&self, sha256: &str) -> Option<&[SourceFile]> {
        let pack = self.kept.iter().find(|pack| pack.sha256 == sha256)?;
        (pack.files.len() == pack.of).then_some(&pack.files)
    }

    /// A pack, compiled, if it is there, compiles and is what its hash says.
    #[must_use]
    pub fn plan(&self, sha256: &str) -> Option<Arc<Plan>> {
        let plan = pack::compile(self.files(sha256)?.to_vec());
        plan.ok().filter(|plan| plan.pack_sha256 == sha256).map(Arc::new)
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
    fn only_the_newest_are_kept() {
        let file = [SourceFile { path: "a.toml".to_owned(), text: String::new() }];
        let mut packs = Packs::default();
        for name in ["1", "2", "3", "4", "1", "5"] {
            records(name, &file).into_iter().for_each(|file| packs.take(file));
        }
        let there = |name: &&str| packs.files(name).is_some();
        assert_eq!(["1", "2", "3", "4", "5"].into_iter().filter(there).count(), limits::PACKS_KEPT);
        assert!(packs.files("1").is_some() && packs.files("2").is_none());
    }
}
