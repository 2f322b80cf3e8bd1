//! From text to tree, within bounds that keep the recursive parser from running away.

use std::ops::Range;

use cel_core::parser::{ParseOptions, parse_with_options};
use cel_core::{BinaryOp, Expr as Cel, SpannedExpr, UnaryOp};

use super::{Expr, Kind, slips};
use crate::limits;
use crate::rules::plan::program::{ArithmeticOp, CompareOp};

/// Why a text is not an expression, and where.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rules) struct Fault {
    pub(in crate::rules) span: Range<usize>,
    pub(in crate::rules) message: String,
    pub(in crate::rules) hint: Option<String>,
}

fn fault<T>(
    span: Range<usize>,
    message: impl Into<String>,
    hint: Option<&str>,
) -> Result<T, Fault> {
    Err(Fault { span, message: message.into(), hint: hint.map(str::to_owned) })
}

/// Parses one expression.
pub(in crate::rules) fn parse(text: &str) -> Result<Expr, Fault> {
    if text.trim().is_empty() {
        return fault(0..text.len(), "the expression is empty", None);
    }
    if text.len() > limits::EXPRESSION_BYTES_MAX {
        let message =
            format!("the expression is longer than {} bytes", limits::EXPRESSION_BYTES_MAX);
        return fault(0..text.len(), message, Some("name parts of it under [features]"));
    }
    // These could hide brackets from the depth count below; no rule needs them.
    for (form, name) in [("\\", "a backslash"), ("//", "a comment")] {
        if let Some(at) = text.find(form) {
            let message = format!("{name} is not part of the rule language");
            return fault(at..at + form.len(), message, None);
        }
    }
    for form in ["\"\"\"", "'''"] {
        if let Some(at) = text.find(form) {
            return fault(at..at + 3, "write a string in single quotes of one kind", None);
        }
    }
    if let Some(at) = too_deep(text) {
        let message = format!("nested deeper than {} levels", limits::EXPRESSION_DEPTH_MAX);
        return fault(at..at + 1, message, Some("name parts of it under [features]"));
    }
    let result = parse_with_options(text, ParseOptions::without_macros());
    if let Some(error) = result.errors.first() {
        if let Some((span, hint)) = slips::first(text) {
            let message = format!("`{}` is not part of the rule language", &text[span.clone()]);
            return fault(span, message, Some(&hint));
        }
        let start = floor_boundary(text, error.span.start);
        let end = floor_boundary(text, error.span.end.max(start));
        return fault(start..end, format!("not an expression: {}", error.message), None);
    }
    match result.ast {
        Some(ast) => convert(text, &ast),
        None => fault(0..text.len(), "not an expression", None),
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The first byte beyond the allowed depth. Every construct that makes the parser or the tree
/// recurse counts: brackets, runs of unary operators, `?`; chains of operators and members count a
/// part of a level each, since they nest to the left.
fn too_deep(text: &str) -> Option<usize> {
    let (mut brackets, mut unary, mut ternary, mut chain) = (0usize, 0usize, 0usize, 0usize);
    let mut quote: Option<u8> = None;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if let Some(open) = quote {
            if byte == open {
                quote = None;
            }
            continue;
        }
        match byte {
            b'\'' | b'"' => quote = Some(byte),
            b'(' | b'[' | b'{' => brackets += 1,
            b')' | b']' | b'}' => brackets = brackets.saturating_sub(1),
            b'?' => ternary += 1,
            _ => {}
        }
        match byte {
            b'!' | b'-' => unary += 1,
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => unary = 0,
        }
        chain += usize::from(matches!(byte, b'.' | b'&' | b'|' | b'+' | b'*' | b'/' | b'-'));
        if brackets + unary + ternary + chain / 16 > limits::EXPRESSION_DEPTH_MAX {
            return Some(at);
        }
    }
    None
}

fn convert(text: &str, ast: &SpannedExpr) -> Result<Expr, Fault> {
    let boxed = |e: &SpannedExpr| convert(text, e).map(Box::new);
    let span = floor_boundary(text, ast.span.start)..floor_boundary(text, ast.span.end);
    let kind = match &ast.node {
        Cel::Bool(value) => Kind::Bool(*value),
        Cel::Int(value) => Kind::Int(*value),
        Cel::Float(_) => Kind::Fraction(text[span.clone()].trim().to_owned()),
        Cel::String(value) => Kind::Text(value.clone()),
        Cel::Ident(name) => Kind::Name(name.clone()),
        Cel::List(items) => {
            let items: Result<Vec<Expr>, Fault> =
                items.iter().map(|item| convert(text, &item.expr)).collect();
            Kind::List(items?)
        }
        Cel::Unary { op: UnaryOp::Not, expr } => Kind::Not(boxed(expr)?),
        Cel::Unary { op: UnaryOp::Neg, expr } => match convert(text, expr)?.kind {
            Kind::Int(value) => Kind::Int(value.wrapping_neg()),
            Kind::Fraction(value) => Kind::Fraction(format!("-{value}")),
            _ => {
                let hint = "subtract: `a - b`";
                return fault(span, "only a number can be negated", Some(hint));
            }
        },
        Cel::Binary { op, left, right } => {
            let (a, b) = (boxed(left)?, boxed(right)?);
            match binary(*op) {
                Some(Binary::And) => Kind::And(a, b),
                Some(Binary::Or) => Kind::Or(a, b),
                Some(Binary::In) => Kind::In(a, b),
                Some(Binary::Compare(op)) => Kind::Compare(op, a, b),
                Some(Binary::Arithmetic(op)) => Kind::Arithmetic(op, a, b),
                None => return fault(span, "`%` is not part of the rule language", None),
            }
        }
        Cel::Ternary { cond, then_expr, else_expr } => {
            Kind::If(boxed(cond)?, boxed(then_expr)?, boxed(else_expr)?)
        }
        Cel::Member { expr, field, optional: false } => {
            Kind::Field { on: boxed(expr)?, name: field.clone() }
        }
        Cel::Call { expr, args } => {
            let args: Result<Vec<Expr>, Fault> = args.iter().map(|a| convert(text, a)).collect();
            let args = args?;
            match &expr.node {
                Cel::Ident(name) => Kind::Call { on: None, name: name.clone(), args },
                Cel::Member { expr: on, field, optional: false } => {
                    Kind::Call { on: Some(boxed(on)?), name: field.clone(), args }
                }
                _ => return fault(span, "only a function can be called", None),
            }
        }
        _ => {
            let hint = "see the language reference in rules/README.md";
            return fault(span, "this form is not part of the rule language", Some(hint));
        }
    };
    Ok(Expr { span, kind })
}

enum Binary {
    And,
    Or,
    In,
    Compare(CompareOp),
    Arithmetic(ArithmeticOp),
}

fn binary(op: BinaryOp) -> Option<Binary> {
    Some(match op {
        BinaryOp::And => Binary::And,
        BinaryOp::Or => Binary::Or,
        BinaryOp::In => Binary::In,
        BinaryOp::Eq => Binary::Compare(CompareOp::Eq),
        BinaryOp::Ne => Binary::Compare(CompareOp::Ne),
        BinaryOp::Lt => Binary::Compare(CompareOp::Lt),
        BinaryOp::Le => Binary::Compare(CompareOp::Le),
        BinaryOp::Gt => Binary::Compare(CompareOp::Gt),
        BinaryOp::Ge => Binary::Compare(CompareOp::Ge),
        BinaryOp::Add => Binary::Arithmetic(ArithmeticOp::Add),
        BinaryOp::Sub => Binary::Arithmetic(ArithmeticOp::Sub),
        BinaryOp::Mul => Binary::Arithmetic(ArithmeticOp::Mul),
        BinaryOp::Div => Binary::Arithmetic(ArithmeticOp::Div),
        BinaryOp::Mod => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_bounded_before_parsing() {
        let deep = format!("{}1{}", "(".repeat(500), ")".repeat(500));
        assert!(parse(&deep).is_err_and(|f| f.message.contains("nested deeper")));
        assert!(parse(&format!("{}true", "!".repeat(3_000))).is_err());
        assert!(parse(&"a ? b : ".repeat(400)).is_err());
        assert!(parse("((a))").is_ok());
    }

    #[test]
    fn has_is_an_ordinary_call_with_any_argument() {
        let expr = parse("has(pair.age_days())").expect("valid");
        assert!(matches!(expr.kind, Kind::Call { on: None, name, .. } if name == "has"));
    }

    #[test]
    fn fractions_keep_their_digits() {
        assert_eq!(parse("-0.020").expect("valid").kind, Kind::Fraction("-0.020".to_owned()));
    }
}
