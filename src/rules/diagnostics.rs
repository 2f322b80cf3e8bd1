//! What is wrong with a pack, as data: file, place, words, hint. Drawing the caret is the business
//! of the command line.

use std::ops::Range;

use super::SourceFile;

/// One defect of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file.
    pub path: String,
    /// Bytes of the file that are underlined.
    pub span: Range<usize>,
    /// Line of the first of them, from 1.
    pub line: usize,
    /// Column of the first of them in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// Words under the caret.
    pub label: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A defect at a place of a file.
    pub(super) fn at(
        source: &SourceFile,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        hint: Option<String>,
    ) -> Self {
        let (line, column) = place(&source.text, span.start);
        Self {
            path: source.path.clone(),
            span,
            line,
            column,
            message: message.into(),
            label: label.into(),
            hint,
        }
    }

    /// A defect of the pack as a whole.
    #[must_use]
    pub fn of_pack(message: &str) -> Self {
        Self {
            path: String::new(),
            span: 0..0,
            line: 1,
            column: 1,
            message: message.to_owned(),
            label: String::new(),
            hint: None,
        }
    }
}

/// Collects diagnostics for the files of one pack.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    files: &'a [&'a SourceFile],
    found: Vec<Diagnostic>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(files: &'a [&'a SourceFile]) -> Self {
        Self { files, found: Vec::new() }
    }

    /// Reports a defect at a place of a file.
    pub(super) fn report(
        &mut self,
        file: usize,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        hint: Option<String>,
    ) {
        self.found.push(Diagnostic::at(self.files[file], span, message, label, hint));
    }

    /// Lets what has been said about `written` in a file point to where its value comes from.
    pub(super) fn repoint(&mut self, file: usize, written: &str, to: (usize, Range<usize>)) {
        let source = self.files[file];
        for found in self.found.iter_mut().filter(|found| found.path == source.path) {
            if source.text.get(found.span.clone()) == Some(written) {
                let target = self.files[to.0];
                let (message, label) = (found.message.clone(), found.label.clone());
                *found = Diagnostic::at(target, to.1.clone(), message, label, found.hint.take());
            }
        }
    }

    pub(super) fn text(&self, file: usize) -> &'a str {
        &self.files[file].text
    }

    pub(super) fn path(&self, file: usize) -> &'a str {
        &self.files[file].path
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Everything found, by file and place; the same thing at the same place once.
    pub(super) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by(|a, b| {
            (&a.path, a.span.start, a.span.end, &a.message).cmp(&(
                &b.path,
                b.span.start,
                b.span.end,
                &b.message,
            ))
        });
        self.found.dedup();
        self.found
    }
}

/// Line and column of a byte, both from 1; the column counts characters.
#[must_use]
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let at = at.min(text.len());
    let before = &text.as_bytes()[..at];
    let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |p| p + 1);
    let line = before.iter().filter(|&&b| b == b'\n').count() + 1;
    let column = text.get(line_start..at).map_or(at - line_start, |l| l.chars().count()) + 1;
    (line, column)
}

/// The known word that is meant by an unknown one, if one is close enough.
#[must_use]
pub fn did_you_mean<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<String> {
    let bound = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| {
            // Other capitals are no other letters.
            let alike = candidate.eq_ignore_ascii_case(word);
            (if alike { 0 } else { distance(word, candidate) }, candidate)
        })
        .filter(|(d, _)| *d <= bound)
        .min()
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// A hint that names the meant word, or else everything there is to choose from.
pub(super) fn meant_or_list<'w>(
    word: &str,
    known: impl IntoIterator<Item = &'w str> + Clone,
) -> String {
    did_you_mean(word, known.clone()).unwrap_or_else(|| {
        let all: Vec<&str> = known.into_iter().collect();
        format!("known are: {}", all.join(", "))
    })
}

/// Edit distance with swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let swap = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = swap.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        assert_eq!(place("a\n中文x", 2 + 6), (2, 3));
        assert_eq!(place("", 0), (1, 1));
    }

    #[test]
    fn close_words_are_suggested() {
        let known = ["counterparties", "count", "sum"];
        assert_eq!(did_you_mean("coutn", known).as_deref(), Some("did you mean `count`?"));
        assert_eq!(did_you_mean("quantile", known), None);
    }
}
