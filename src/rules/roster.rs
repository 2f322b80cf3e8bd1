//! Every rule of a pack in a line, as files and overlays say: those that are off too, which the
//! plan leaves out.

use super::diagnostics::{Diagnostic, Sink};
use super::document::Text;
use super::source::RuleDoc;
use super::{SourceFile, sorted, source};

/// A rule in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `M02`.
    pub id: String,
    /// `burst_out`.
    pub name: String,
    /// Version of the rule.
    pub version: String,
    /// `live`, `shadow`, `signal` or `off`.
    pub mode: String,
    /// Its family.
    pub family: String,
    /// Its weight.
    pub weight: i64,
    /// `pre`, `post` or `opening`.
    pub phases: Vec<String>,
    /// Whose state decides.
    pub subject: String,
    /// Measure when only this rule fires; `None`: the score alone decides.
    pub floor: Option<String>,
    /// Guards that it names itself.
    pub guards: Vec<String>,
    /// Its title in Chinese and English.
    pub title: [String; 2],
    /// Its file.
    pub path: String,
}

/// Every rule, in order of id.
///
/// # Errors
/// What keeps the files from being read as a pack.
pub fn of(files: &[SourceFile]) -> Result<Vec<Entry>, Vec<Diagnostic>> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    if !sink.is_empty() {
        return Err(sink.into_sorted());
    }
    let mut entries: Vec<Entry> =
        pack.rules.iter().map(|rule| entry(rule, sink.path(rule.file))).collect();
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(entries)
}

fn entry(rule: &RuleDoc, path: &str) -> Entry {
    let words = |texts: &[Text]| texts.iter().map(|text| text.value.clone()).collect();
    Entry {
        id: rule.id.value.clone(),
        name: rule.name.value.clone(),
        version: rule.version.value.clone(),
        mode: rule.mode.as_ref().map_or("live", |mode| mode.value.as_str()).to_owned(),
        family: rule.family.value.clone(),
        weight: rule.weight.value,
        phases: words(&rule.phases),
        subject: rule.subject.value.clone(),
        floor: rule.floor.as_ref().map(|floor| floor.value.clone()),
        guards: words(&rule.guards),
        title: [rule.title.zh.value.clone(), rule.title.en.value.clone()],
        path: path.to_owned(),
    }
}
