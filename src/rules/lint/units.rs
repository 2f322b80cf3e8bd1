//! Whole numbers of different units: days, years, counts. The type of all of them is one, so only
//! this remark sees it.

use super::words::{expressions, param};
use super::{Context, Report, Words};
use crate::rules::catalogue::{Gives, MEMBERS};
use crate::rules::expr::{Expr, Kind};
use crate::rules::plan::program::{ArithmeticOp, Type};
use crate::rules::source::RuleDoc;

pub(super) fn remark<'a>(context: &Context<'a>, report: &mut Report<'a>) {
    for (doc, _) in context.rules() {
        for written in expressions(doc) {
            written.expr.walk(&mut |e| {
                let Some((a, b)) = sides(e) else { return };
                let (Some(left), Some(right)) = (unit(doc, a, 0), unit(doc, b, 0)) else { return };
                if left == right {
                    return;
                }
                let words = Words {
                    message: format!("{left} and {right} are mixed"),
                    label: "two units",
                    hint:
                        "compare like with like; a parameter's unit is what it says under [params]"
                            .to_owned(),
                };
                let about = param(b).or(param(a)).unwrap_or_default();
                let place = (written.text.file, written.text.place(e.span.clone()));
                report.rule("mixed_units", doc, about, place, words);
            });
            written.expr.walk(&mut |e| argument(doc, e, &written, report));
        }
    }
}

/// An argument that counts days is given in days.
fn argument<'a>(
    doc: &'a RuleDoc,
    expr: &Expr,
    written: &super::words::Written<'_>,
    report: &mut Report<'a>,
) {
    let Kind::Call { on: Some(_), name, args } = &expr.kind else { return };
    let wants_days = MEMBERS.iter().filter(|m| m.name == name).any(|member| {
        let first = member.args.and_then(|args| args.first());
        matches!(first, Some(crate::rules::catalogue::Arg::Days(_)))
    });
    let Some(given) = args.first().filter(|_| wants_days) else { return };
    if let Some(unit) = unit(doc, given, 0).filter(|unit| *unit != "days") {
        let words = Words {
            message: format!("`{name}` counts in days, this is in {unit}"),
            label: "not days",
            hint: "give the parameter unit = \"days\"".to_owned(),
        };
        let place = (written.text.file, written.text.place(given.span.clone()));
        report.rule("mixed_units", doc, param(given).unwrap_or_default(), place, words);
    }
}

/// Both sides of what needs one unit.
fn sides(expr: &Expr) -> Option<(&Expr, &Expr)> {
    match &expr.kind {
        Kind::Compare(_, a, b) => Some((a, b)),
        Kind::Arithmetic(ArithmeticOp::Add | ArithmeticOp::Sub, a, b) => Some((a, b)),
        Kind::Call { on: None, name, args } if name == "max" || name == "min" => match &args[..] {
            [a, b] => Some((a, b)),
            _ => None,
        },
        Kind::If(_, a, b) => Some((a, b)),
        _ => None,
    }
}

/// Unit of a whole number, where it has one: a bare number takes any.
fn unit(doc: &RuleDoc, expr: &Expr, depth: usize) -> Option<&'static str> {
    if let Some(name) = param(expr) {
        let unit = doc.params.iter().find(|p| p.name.value == name)?.unit.as_ref()?;
        return ["count", "days", "years"].into_iter().find(|known| *known == unit.value);
    }
    match &expr.kind {
        Kind::Name(name) if depth < 8 => {
            let (_, text) = doc.features.iter().find(|(feature, _)| feature.value == *name)?;
            unit(doc, &crate::rules::expr::parse(&text.value).ok()?, depth + 1)
        }
        Kind::Field { name, .. } | Kind::Call { on: Some(_), name, .. } => member_unit(name),
        Kind::Arithmetic(ArithmeticOp::Add | ArithmeticOp::Sub, a, b) => {
            unit(doc, a, depth).or_else(|| unit(doc, b, depth))
        }
        _ => None,
    }
}

/// Unit of a field or function that gives a whole number: told by its name, as the catalogue names
/// everything that is not a count by its unit.
fn member_unit(name: &str) -> Option<&'static str> {
    MEMBERS.iter().find(|m| m.name == name && m.gives == Gives::Value(Type::Int))?;
    Some(match name {
        _ if name.ends_with("_days") => "days",
        _ if name.ends_with("_years") => "years",
        _ => "count",
    })
}
