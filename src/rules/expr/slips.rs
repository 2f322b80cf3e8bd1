//! What people write who know other languages, and what to write instead.

use std::ops::Range;

/// Signs that have another sign here. Longer ones first.
const SIGNS: &[(&str, &str)] = &[
    ("=>", ">="),
    ("=<", "<="),
    ("<>", "!="),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("（", "("),
    ("）", ")"),
    ("，", ","),
    ("！", "!"),
    ("＝", "=="),
    ("＞", ">"),
    ("＜", "<"),
    ("‘", "'"),
    ("’", "'"),
    ("“", "\""),
    ("”", "\""),
    ("×", "*"),
    ("÷", "/"),
];

/// Words that have a sign here.
const WORDS: &[(&str, &str)] = &[("and", "&&"), ("or", "||"), ("not", "!")];

/// The first slip outside strings, and what to write instead.
pub(super) fn first(text: &str) -> Option<(Range<usize>, String)> {
    let mut quote = None;
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        match quote {
            Some(open) => quote = (next != open).then_some(open),
            None if next == '\'' || next == '"' => quote = Some(next),
            None => {
                if let Some((wrong, right)) = sign(text, at).or_else(|| word(text, at)) {
                    return Some((at..at + wrong.len(), format!("write `{right}`")));
                }
                // Signs that are right and begin like a wrong one are passed over whole.
                let right = ["==", "!=", "<=", ">=", "&&", "||"];
                if let Some(right) = right.iter().find(|sign| rest.starts_with(**sign)) {
                    at += right.len();
                    continue;
                }
            }
        }
        at += next.len_utf8();
    }
    None
}

fn sign(text: &str, at: usize) -> Option<(&'static str, &'static str)> {
    let rest = &text[at..];
    if let Some(found) = SIGNS.iter().find(|(wrong, _)| rest.starts_with(wrong)) {
        return Some(*found);
    }
    match rest.as_bytes() {
        [b'=', b'=', ..] | [b'&', b'&', ..] | [b'|', b'|', ..] => None,
        [b'=', ..] => Some(("=", "==")),
        [b'&', ..] => Some(("&", "&&")),
        [b'|', ..] => Some(("|", "||")),
        _ => None,
    }
}

fn word(text: &str, at: usize) -> Option<(&'static str, &'static str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    if text[..at].chars().next_back().is_some_and(is_part) {
        return None;
    }
    let rest = &text[at..];
    let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
    WORDS.iter().find(|(word, _)| rest[..end].eq_ignore_ascii_case(word)).copied()
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn slips_are_found_and_what_is_right_is_not() {
        for (text, wrong, right) in [
            ("x = 5", "=", "write `==`"),
            ("x => 5", "=>", "write `>=`"),
            ("x >= 5 and y", "and", "write `&&`"),
            ("x OR y", "OR", "write `||`"),
            ("not x", "not", "write `!`"),
            ("x ≥ 5", "≥", "write `>=`"),
            ("has（x）", "（", "write `(`"),
            ("a & b", "&", "write `&&`"),
            ("x == ‘a’", "‘", "write `'`"),
        ] {
            let (span, hint) = first(text).expect(text);
            assert_eq!((&text[span], hint.as_str()), (wrong, right), "{text}");
        }
        for good in [
            "a == 'x = y and （z）'",
            "a >= 1 && b != 2 || !c",
            "android <= orders",
            "payer.and == not_x",
        ] {
            assert_eq!(first(good), None, "{good}");
        }
    }
}
