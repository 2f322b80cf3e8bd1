//! Reason texts: words with values in braces. A digit outside braces is an error, so that a text
//! cannot disagree with a limit.

use std::ops::Range;

use super::lower::Lowering;
use super::operand::Operand;
use crate::rules::catalogue::WordSet;
use crate::rules::document::Text;
use crate::rules::expr::{self, Expr};
use crate::rules::plan::Piece;
use crate::rules::text::Language;

impl Lowering<'_, '_> {
    /// Compiles one language of a template.
    pub(super) fn template(&mut self, text: &Text, language: Language) -> Vec<Piece> {
        self.text = text.clone();
        let mut pieces = Vec::new();
        let value = text.value.as_str();
        let mut at = 0;
        while at < value.len() {
            let rest = &value[at..];
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            let words = &rest[..end];
            self.digits(words, at);
            if !words.is_empty() {
                pieces.push(Piece::Literal(words.to_owned()));
            }
            at += end;
            if at == value.len() {
                break;
            }
            let close = value[at..].find('}').filter(|_| value[at..].starts_with('{'));
            let Some(close) = close else {
                let _: Option<()> =
                    self.fail(&(at..at + 1), "a brace without its partner", "here", None);
                return pieces;
            };
            let inside = at + 1..at + close;
            pieces.extend(self.placeholder(&inside, language));
            at += close + 1;
        }
        pieces
    }

    fn digits(&mut self, words: &str, start: usize) {
        let Some((at, digit)) = words.char_indices().find(|(_, c)| c.is_numeric()) else { return };
        let span = start + at..start + at + digit.len_utf8();
        let hint = "put a parameter or feature in braces, as {window}".to_owned();
        let message = "a number in a text can disagree with the rule's limits";
        let _: Option<()> = self.fail(&span, message, "a digit", Some(hint));
    }

    fn placeholder(&mut self, inside: &Range<usize>, language: Language) -> Option<Piece> {
        let content = self.text.value[inside.clone()].to_owned();
        let operand = match self.scope.params.get(&content) {
            Some(param) => param.clone()?,
            None => {
                let mut expr = match expr::parse(&content) {
                    Ok(expr) => expr,
                    Err(fault) => return self.fail(inside, fault.message, "here", fault.hint),
                };
                shift(&mut expr, inside.start);
                self.operand(&expr)?
            }
        };
        if let Operand::WorkingDays(days) = operand {
            let words = match language {
                Language::Zh => format!("{days}个工作日"),
                Language::En => format!("{days} working days"),
            };
            return Some(Piece::Literal(words));
        }
        let Operand::Value(value) = operand else {
            let message = format!("{} cannot be shown in a text", operand.describe());
            return self.fail(inside, message, "not a value", None);
        };
        let words = value.words.map(WordSet::words);
        Some(Piece::Value { expr: value.id, ty: value.ty, words })
    }
}

/// Moves every place of an expression by the place of its text in the template.
fn shift(expr: &mut Expr, by: usize) {
    expr.span = expr.span.start + by..expr.span.end + by;
    expr.children_mut(&mut |child| shift(child, by));
}
