//! Long lines of a file, cut to what stands around the caret.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::rules::diagnostics::place;

/// Characters of a line that are shown.
const SHOWN: usize = 120;
/// Of these, how many before the caret.
const BEFORE: usize = 50;

/// A file as it is shown around a span.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// The span inside `text`.
    pub span: Range<usize>,
    /// Characters of the span's line before it, in the file.
    column: usize,
}

impl Excerpt {
    /// The file's lines around a span. Without a long line among them it is the file itself; with
    /// one, lines out of sight are left empty, so that the others keep their numbers.
    pub fn new(name: &str, text: &str, span: &Range<usize>) -> Self {
        let column = place(text, span.start).1 - 1;
        let whole =
            Self { name: name.to_owned(), text: text.to_owned(), span: span.clone(), column };
        if span.end > text.len() || !in_sight(text, span).any(|line| long(&text[line])) {
            return whole;
        }
        let sight: Vec<Range<usize>> = in_sight(text, span).collect();
        let first = sight.first().map_or(0, |line| line.start);
        let mut out = "\n".repeat(text[..first].matches('\n').count());
        let (mut start, mut end) = (None, None);
        for line in sight {
            let begin = out.len();
            let part = window(text, &line, span);
            let dots = if part.start > line.start { "…" } else { "" };
            out += dots;
            out += &text[part.clone()];
            let shift =
                |at: usize| begin + dots.len() + at.clamp(part.start, part.end) - part.start;
            if start.is_none() && span.start <= line.end {
                start = Some(shift(span.start));
            }
            if end.is_none() && span.end <= line.end {
                end = Some(shift(span.end));
            }
            out += if part.end < line.end { "…\n" } else { "\n" };
        }
        let start = start.unwrap_or(0);
        let end = end.unwrap_or(out.len()).max(start);
        Self { text: out, span: start..end, ..whole }
    }
}

/// The lines of a span and one on either side, without their ends.
fn in_sight<'t>(text: &'t str, span: &Range<usize>) -> impl Iterator<Item = Range<usize>> + 't {
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    let from = line_start(line_start(floor(text, span.start)).saturating_sub(1));
    let to = line_end((line_end(floor(text, span.end)) + 1).min(text.len()));
    let mut at = from;
    std::iter::from_fn(move || {
        let end = text[at.min(to)..to].find('\n').map_or(to, |newline| at + newline);
        let line = (at <= to).then_some(at..end);
        at = end + 1;
        line
    })
}

/// What is shown of a line: its beginning, or what stands around the span's start (or end).
fn window(text: &str, line: &Range<usize>, span: &Range<usize>) -> Range<usize> {
    if !long(&text[line.clone()]) {
        return line.clone();
    }
    let inside = |at: &usize| (line.start..=line.end).contains(at);
    let caret = [span.start, span.end].into_iter().find(inside).unwrap_or(line.start);
    let caret = floor(text, caret);
    let back = |(at, _): (usize, char)| line.start + at;
    let before = text[line.start..caret].char_indices().rev().nth(BEFORE - 1);
    let from = before.map_or(line.start, back);
    let after = text[from..line.end].char_indices().nth(SHOWN);
    from..after.map_or(line.end, |(at, _)| from + at)
}

fn long(line: &str) -> bool {
    line.chars().nth(2 * SHOWN).is_some()
}

fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.text.read_span(span, before, after)?;
        // Asked without context it is asked for the place: that in the file, in characters as
        // everywhere else.
        let is_place = before == 0 && after == 0;
        let column = if is_place { self.column } else { read.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            read.data(),
            *read.span(),
            read.line(),
            column,
            read.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_stay() {
        let text = "one\ntwo\nthree\n";
        let excerpt = Excerpt::new("a.toml", text, &(4..7));
        assert_eq!((excerpt.text.as_str(), excerpt.span), (text, 4..7));
    }

    #[test]
    fn the_caret_stands_under_the_same_text_wherever_a_long_line_is_cut() {
        let long = format!("{}中{}", "字x ".repeat(700), "y".repeat(900));
        let text = format!("first\nsecond\n{long}\nafter\nlast\n");
        for at in [13, 13 + 5, 13 + 1_500, 13 + 3_500, 13 + 3_502, 13 + long.len() - 1] {
            let at = floor(&text, at);
            let next = at + text[at..].chars().next().expect("a character").len_utf8();
            let excerpt = Excerpt::new("a.toml", &text, &(at..next));
            assert_eq!(excerpt.text[excerpt.span.clone()], text[at..next], "{at}");
            assert!(excerpt.text.lines().all(|line| line.chars().count() <= SHOWN + 2));
            let lines = |text: &str, at: usize| text[..at].matches('\n').count();
            assert_eq!(lines(&excerpt.text, excerpt.span.start), lines(&text, at));
            let place = excerpt.read_span(&(excerpt.span.start, 1).into(), 0, 0).expect("inside");
            let column = text[13..at].chars().count();
            assert_eq!((place.line(), place.column()), (2, column), "{at}");
        }
        assert_eq!(Excerpt::new("a", &text, &(0..text.len())).span.start, 0);
    }

    #[test]
    fn any_span_of_any_text_has_an_excerpt() {
        let long = "é".repeat(400);
        for text in ["", "\n", &long, &format!("{long}\n"), &format!("a\n{long}")] {
            for start in 0..=text.len() {
                for end in [start, start + 1, text.len(), text.len() + 5] {
                    let excerpt = Excerpt::new("a", text, &(start..end.max(start)));
                    assert!(excerpt.span.start <= excerpt.span.end);
                }
            }
        }
    }
}
