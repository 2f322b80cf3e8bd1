//! Conditions in words, in two languages, with the parameters' values put in: for the cards and for
//! everybody who asks what a rule wants.

use super::document::{Node, Value};
use super::expr::{self, Expr, Kind};
use super::plan::program::CompareOp;
use super::source::ParamDoc;
use super::text::Language;

/// Puts conditions of one rule into words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phrases<'r> {
    /// The rule's parameters.
    pub(super) params: &'r [ParamDoc],
    /// The language of the words.
    pub(super) language: Language,
}

/// How a comparison is said: `不低于`, `at least`.
#[must_use]
pub fn operator(op: CompareOp, language: Language) -> &'static str {
    let (zh, en) = match op {
        CompareOp::Ge => ("不低于", "at least"),
        CompareOp::Le => ("不高于", "at most"),
        CompareOp::Gt => ("高于", "more than"),
        CompareOp::Lt => ("低于", "less than"),
        CompareOp::Ne => ("不是", "not"),
        CompareOp::Eq => ("是", "is"),
    };
    if language == Language::Zh { zh } else { en }
}

impl Phrases<'_> {
    /// A condition in words; as written where it is no expression.
    pub(super) fn condition(&self, text: &str) -> String {
        match expr::parse(text) {
            Ok(expr) => self.whole(text, &expr),
            Err(_) => code(text),
        }
    }

    fn pick(&self, zh: &'static str, en: &'static str) -> &'static str {
        if self.language == Language::Zh { zh } else { en }
    }

    fn whole(&self, text: &str, expr: &Expr) -> String {
        let said = |e: &Expr| self.part(text, e);
        match &expr.kind {
            Kind::And(..) => self.joined(text, expr, self.pick("，且 ", ", and ")),
            Kind::Or(..) => self.joined(text, expr, self.pick("，或 ", ", or ")),
            Kind::If(c, a, b) => {
                let (c, a, b) = (said(c), said(a), said(b));
                match self.language {
                    Language::Zh => format!("若{c}，则{a}，否则{b}"),
                    Language::En => format!("where {c}: {a}; otherwise {b}"),
                }
            }
            Kind::Not(inner) => match &inner.kind {
                Kind::Call { on: None, name, args } if name == "has" => {
                    let asked: String = args.iter().map(|arg| self.value(text, arg)).collect();
                    format!("{asked}{}", self.pick(" 未知", " is not known"))
                }
                Kind::Name(_) | Kind::Field { .. } | Kind::Call { .. } => {
                    format!("{}{}", self.value(text, inner), self.pick(" 不成立", " does not hold"))
                }
                _ => format!("{}{}", self.pick("以下不成立：", "not "), self.part(text, inner)),
            },
            Kind::Call { on: None, name, args } if name == "has" => {
                let asked: String = args.iter().map(|arg| self.value(text, arg)).collect();
                format!("{asked}{}", self.pick(" 已知", " is known"))
            }
            Kind::Compare(op, a, b) if is_fixed(a) && !is_fixed(b) => {
                self.comparison(op.flipped(), &self.value(text, b), &self.value(text, a))
            }
            Kind::Compare(op, a, b) => {
                self.comparison(*op, &self.value(text, a), &self.value(text, b))
            }
            Kind::In(a, b) => {
                let among = match &b.kind {
                    Kind::List(items) => {
                        let items: Vec<String> =
                            items.iter().map(|item| self.value(text, item)).collect();
                        items.join(self.pick("、", ", "))
                    }
                    _ => self.value(text, b),
                };
                let a = self.value(text, a);
                format!("{a}{}{among}", self.pick(" 属于 ", " is one of "))
            }
            Kind::Bool(true) => self.pick("总是", "always").to_owned(),
            Kind::Bool(false) => self.pick("从不", "never").to_owned(),
            _ => format!("{}{}", self.value(text, expr), self.pick(" 成立", " holds")),
        }
    }

    /// A condition inside another: in brackets where it has parts itself.
    fn part(&self, text: &str, expr: &Expr) -> String {
        let whole = self.whole(text, expr);
        match expr.kind {
            Kind::And(..) | Kind::Or(..) | Kind::If(..) => match self.language {
                Language::Zh => format!("（{whole}）"),
                Language::En => format!("({whole})"),
            },
            _ => whole,
        }
    }

    /// The parts of `a && b && c`, or of `a || b || c`.
    fn joined(&self, text: &str, expr: &Expr, word: &str) -> String {
        let parts: Vec<String> = chained(expr).into_iter().map(|e| self.part(text, e)).collect();
        // Full-width brackets bring their own space.
        parts.join(word).replace("且 （", "且（").replace("或 （", "或（")
    }

    fn comparison(&self, op: CompareOp, a: &str, b: &str) -> String {
        match (self.language, op) {
            (Language::En, CompareOp::Eq) => format!("{a} is {b}"),
            (Language::En, _) => format!("{a} is {} {b}", operator(op, Language::En)),
            (Language::Zh, _) => format!("{a} {} {b}", operator(op, Language::Zh)),
        }
    }

    /// A value: a parameter with what it is set to, a word, a number, or the author's own text.
    pub(super) fn value(&self, text: &str, expr: &Expr) -> String {
        match &expr.kind {
            Kind::Int(number) => number.to_string(),
            Kind::Fraction(number) => number.clone(),
            Kind::Text(word) => code(word),
            Kind::Field { on, name } if on.kind == Kind::Name("params".to_owned()) => {
                let param = self.params.iter().find(|param| param.name.value == *name);
                match (param, self.language) {
                    (None, _) => code(name),
                    (Some(param), Language::Zh) => {
                        format!("{}（{}）", setting(param, Language::Zh), code(name))
                    }
                    (Some(param), Language::En) => {
                        format!("{} ({})", setting(param, Language::En), code(name))
                    }
                }
            }
            _ => code(&text[expr.span.clone()]),
        }
    }
}

/// What a parameter is set to, with the unit where the value does not say it.
pub(super) fn setting(param: &ParamDoc, language: Language) -> String {
    let unit = param.unit.as_ref().map(|unit| unit.value.as_str());
    let unit = unit.filter(|unit| !matches!(*unit, "ratio" | "count" | "duration"));
    values(param, unit.map_or(String::new(), |unit| format!(" {unit}")).as_str(), language)
}

/// A parameter's value and those of grades, each with the same after it.
pub(super) fn values(param: &ParamDoc, after: &str, language: Language) -> String {
    let mut text = format!("{}{after}", written(&param.value));
    for (grade, node) in &param.by_grade {
        let (grade, value) = (code(&grade.value), written(node));
        text += &match language {
            Language::Zh => format!("，风险等级为 {grade} 时 {value}{after}"),
            Language::En => format!(", {value}{after} for grade {grade}"),
        };
    }
    text
}

/// A parameter's value as the file has it.
pub(super) fn written(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.value.clone(),
        Value::Integer(value) => value.to_string(),
        Value::Float(raw) => raw.clone(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(", "),
        Value::Bool | Value::Table(_) | Value::Other => String::new(),
    }
}

/// Conditions and features as the file has them, one under the other: `name = expression`.
pub(super) fn as_written<'t>(lines: impl Iterator<Item = (&'t str, &'t str)>) -> String {
    let lines: Vec<_> = lines.collect();
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, expression) in lines {
        let pad = " ".repeat(width + 3);
        let parts: Vec<&str> = expression.trim().lines().map(str::trim).collect();
        text += &format!("{name:width$} = {}\n", parts.join(&format!("\n{pad}")));
    }
    text
}

/// Whether an expression is a limit by itself: a number, a word, a parameter.
pub(super) fn is_fixed(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Int(_) | Kind::Fraction(_) | Kind::Text(_) | Kind::Bool(_) => true,
        Kind::Field { on, .. } => on.kind == Kind::Name("params".to_owned()),
        Kind::Call { on: None, name, .. } => name == "money" || name == "duration",
        _ => false,
    }
}

/// What a chain of one operator joins, from left to right.
fn chained(expr: &Expr) -> Vec<&Expr> {
    let mut parts = Vec::new();
    let mut left = vec![expr];
    while let Some(part) = left.pop() {
        match (&expr.kind, &part.kind) {
            (Kind::And(..), Kind::And(a, b)) | (Kind::Or(..), Kind::Or(a, b)) => {
                left.extend([&**b, &**a]);
            }
            _ => parts.push(part),
        }
    }
    parts
}

/// As code, on one line.
fn code(text: &str) -> String {
    format!("`{}`", text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_said_in_both_languages() {
        let say = |text: &str| {
            let both = [Language::Zh, Language::En];
            both.map(|language| Phrases { params: &[], language }.condition(text))
        };
        assert_eq!(
            say("n >= 2 || (has(payer.grade) && payer.grade == 'high')"),
            [
                "`n` 不低于 2，或（`payer.grade` 已知，且 `payer.grade` 是 `high`）",
                "`n` is at least 2, or (`payer.grade` is known, and `payer.grade` is `high`)",
            ]
        );
        assert_eq!(say("a || b || !c")[1], "`a` holds, or `b` holds, or `c` does not hold");
        assert_eq!(say("5 < n && !has(x)")[1], "`n` is more than 5, and `x` is not known");
        assert_eq!(say("x in ['a', 'b']"), ["`x` 属于 `a`、`b`", "`x` is one of `a`, `b`"]);
        assert_eq!(
            say("(a ? x > params.gone : y != 1) && true")[1],
            "(where `a` holds: `x` is more than `gone`; otherwise `y` is not 1), and always"
        );
        assert_eq!(say("x \n  ∧")[1], "`x ∧`");
    }

    #[test]
    fn what_is_written_stands_in_columns() {
        let lines = [("n", "payer.debits(params.window)\n   .count()"), ("alert", "n >= 5")];
        assert_eq!(
            as_written(lines.into_iter()),
            "n     = payer.debits(params.window)\n        .count()\nalert = n >= 5\n"
        );
    }
}
