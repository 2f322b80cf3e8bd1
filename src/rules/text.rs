//! Values and templates as text, in both languages. What a text says about a value is made from the
//! value itself, so that text and limit cannot disagree.

use super::plan::program::{CompareOp, MISSING, Program, Row, Type, cell_double, double_cell};
use super::plan::{EvidencePlan, Piece, Template};
use crate::model::alert::Bilingual;
use crate::model::money::{Currency, format_decimal, parse_decimal};
use crate::model::time::{DAY, HOUR, MINUTE, SECOND};

/// Language of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

/// Writes a cell for people: `29400.00元` or `CNY 29400.00`, `99.8%` or `99.8 %`, `3分10秒`
/// or `3 min 10 s`.
#[must_use]
pub fn format_value(
    ty: Type,
    cell: i64,
    currency: Currency,
    words: Option<&'static [&'static str]>,
    language: Language,
) -> String {
    let zh = language == Language::Zh;
    match ty {
        _ if cell == MISSING => if zh { "未知" } else { "unknown" }.to_owned(),
        Type::Bool => match (cell != 0, zh) {
            (true, true) => "是",
            (true, false) => "yes",
            (false, true) => "否",
            (false, false) => "no",
        }
        .to_owned(),
        Type::Int => cell.to_string(),
        Type::Money => {
            let amount = format_decimal(cell, currency.exponent());
            match (zh, currency) {
                (true, Currency::CNY) => format!("{amount}元"),
                _ => format!("{currency} {amount}"),
            }
        }
        Type::Double => format!("{:.1}{}", cell_double(cell) * 100.0, if zh { "%" } else { " %" }),
        Type::Duration => format_duration(cell, zh),
        Type::Enum => word(cell, words).to_owned(),
    }
}

/// Writes a cell for programs: plain decimals, milliseconds, words.
#[must_use]
pub fn plain_value(
    ty: Type,
    cell: i64,
    currency: Currency,
    words: Option<&'static [&'static str]>,
) -> String {
    match ty {
        _ if cell == MISSING => "unknown".to_owned(),
        Type::Bool => (cell != 0).to_string(),
        Type::Int | Type::Duration => cell.to_string(),
        Type::Money => format_decimal(cell, currency.exponent()),
        Type::Double => {
            let text = format!("{:.6}", cell_double(cell));
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        Type::Enum => word(cell, words).to_owned(),
    }
}

/// Writes a plain value with its unit for people, as [`format_value`] would have.
#[must_use]
pub fn format_plain(value: &str, unit: &str, language: Language) -> String {
    let cell = |ty, cell: Option<i64>, currency| {
        cell.map(|cell| format_value(ty, cell, currency, None, language))
    };
    let written = match (value, unit) {
        ("unknown", _) => cell(Type::Int, Some(MISSING), Currency::CNY),
        ("true" | "false", _) => cell(Type::Bool, Some(i64::from(value == "true")), Currency::CNY),
        (_, "ms") => cell(Type::Duration, value.parse().ok(), Currency::CNY),
        (_, "ratio") => cell(Type::Double, value.parse().ok().map(double_cell), Currency::CNY),
        (_, code) => Currency::parse(code).and_then(|currency| {
            cell(Type::Money, parse_decimal(value, currency.exponent()).ok(), currency)
        }),
    };
    written.unwrap_or_else(|| value.to_owned())
}

/// Unit of a plain value: a currency code, `ms`, `ratio`, `count`, or empty.
#[must_use]
pub fn unit(ty: Type, currency: Currency) -> String {
    match ty {
        Type::Bool | Type::Enum => String::new(),
        Type::Int => "count".to_owned(),
        Type::Money => currency.code().to_owned(),
        Type::Double => "ratio".to_owned(),
        Type::Duration => "ms".to_owned(),
    }
}

impl Template {
    /// Fills the template with the values of a row.
    #[must_use]
    pub fn render(&self, program: &Program, row: &Row<'_>, currency: Currency) -> Bilingual {
        let fill = |pieces: &[Piece], language| {
            let piece = |piece: &Piece| match piece {
                Piece::Literal(words) => words.clone(),
                Piece::Value { expr, ty, words } => {
                    format_value(*ty, program.eval(*expr, row), currency, *words, language)
                }
            };
            pieces.iter().map(piece).collect()
        };
        Bilingual { zh: fill(&self.zh, Language::Zh), en: fill(&self.en, Language::En) }
    }
}

impl EvidencePlan {
    /// Whether the comparison holds for a row. Of alternatives (`a || b`) only those that hold are
    /// shown.
    #[must_use]
    pub fn holds(&self, program: &Program, row: &Row<'_>) -> bool {
        let (a, b) = (program.eval(self.value, row), program.eval(self.threshold, row));
        if a == MISSING || b == MISSING {
            return false;
        }
        let order = match self.ty {
            Type::Double => cell_double(a).partial_cmp(&cell_double(b)),
            _ => Some(a.cmp(&b)),
        };
        order.is_some_and(|order| match self.operator {
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
        })
    }
}

fn word(cell: i64, words: Option<&'static [&'static str]>) -> &'static str {
    let index = usize::try_from(cell).unwrap_or(usize::MAX);
    words.and_then(|words| words.get(index)).copied().unwrap_or("other")
}

/// The two largest units that are not zero; milliseconds only below a second.
fn format_duration(ms: i64, zh: bool) -> String {
    let units: [(i64, &str, &str); 4] =
        [(DAY, "天", "d"), (HOUR, "小时", "h"), (MINUTE, "分", "min"), (SECOND, "秒", "s")];
    let sign = if ms < 0 { "-" } else { "" };
    let mut rest = ms.saturating_abs();
    let mut parts = Vec::new();
    for (size, zh_unit, en_unit) in units {
        if rest >= size && parts.len() < 2 {
            let count = rest / size;
            parts.push(if zh { format!("{count}{zh_unit}") } else { format!("{count} {en_unit}") });
            rest %= size;
        } else if !parts.is_empty() {
            break;
        }
    }
    // `30分` alone would read as marks or cents.
    if zh && let Some(last) = parts.last_mut().filter(|part| part.ends_with('分')) {
        last.push('钟');
    }
    if parts.is_empty() {
        return if zh { format!("{sign}{rest}毫秒") } else { format!("{sign}{rest} ms") };
    }
    format!("{sign}{}", parts.join(if zh { "" } else { " " }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_read_alike() {
        let zh = |value, unit| format_plain(value, unit, Language::Zh);
        assert_eq!(zh("112.00", "CNY"), "112.00元");
        assert_eq!(zh("190000", "ms"), "3分10秒");
        assert_eq!(zh("0.998", "ratio"), "99.8%");
        assert_eq!(zh("5", "count"), "5");
        assert_eq!(zh("true", ""), "是");
        assert_eq!(zh("person", ""), "person");
        assert_eq!(zh("unknown", "CNY"), "未知");
    }

    #[test]
    fn values_read_as_people_write_them() {
        let both = |ty, cell| {
            [Language::Zh, Language::En].map(|l| format_value(ty, cell, Currency::CNY, None, l))
        };
        assert_eq!(both(Type::Money, 11_200), ["112.00元", "CNY 112.00"]);
        assert_eq!(both(Type::Double, double_cell(0.998)), ["99.8%", "99.8 %"]);
        assert_eq!(both(Type::Duration, 190_000), ["3分10秒", "3 min 10 s"]);
        assert_eq!(both(Type::Duration, 2 * HOUR), ["2小时", "2 h"]);
        assert_eq!(both(Type::Duration, 30 * MINUTE), ["30分钟", "30 min"]);
        assert_eq!(both(Type::Duration, 90 * MINUTE), ["1小时30分钟", "1 h 30 min"]);
        assert_eq!(both(Type::Duration, DAY + 5_000), ["1天", "1 d"]);
        assert_eq!(both(Type::Duration, 7), ["7毫秒", "7 ms"]);
        assert_eq!(both(Type::Int, MISSING), ["未知", "unknown"]);
        assert_eq!(plain_value(Type::Double, double_cell(0.9), Currency::CNY, None), "0.9");
        assert_eq!(plain_value(Type::Double, double_cell(2.0), Currency::CNY, None), "2");
    }
}
