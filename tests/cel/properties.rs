//! Properties of the compiler: order does not matter, equal things are computed once, types never
//! mix, and no text makes it panic or point outside the file.

use goshawk::rules::diagnostics::Diagnostic;
use goshawk::rules::plan::program::Type;
use goshawk::rules::{SourceFile, compile, shipped};

use super::{leaves, pack, rule_text, seeds, write};
use crate::oracle::streams::Random;

#[test]
fn the_order_of_the_files_does_not_matter() {
    let files = shipped::files();
    let usual = format!("{:?}", compile(&files).expect("the shipped pack compiles"));
    let mut random = Random::new(1);
    for _ in 0..5 {
        let mut shuffled = files.clone();
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, random.below(at as u64 + 1) as usize);
        }
        assert_eq!(usual, format!("{:?}", compile(&shuffled).expect("still compiles")));
    }
}

#[test]
fn what_two_rules_share_is_computed_once() {
    let all = leaves::all();
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let some = leaves::some(&mut random, &all);
        let written = write::expressions(&mut random, &some, 8);
        let text = rule_text(&some, &written);
        let one = compile(&pack(&text)).expect("compiles");
        let again = text
            .replace("T01", "T02")
            // Both ask about the first one's signals.
            .replace("'T02'", "'T01'")
            .replace("\"generated\"", "\"again\"")
            .replace("\"GENERATED\"", "\"AGAIN\"");
        let mut files = pack(&text);
        files.push(SourceFile { path: "again.toml".to_owned(), text: again });
        let two = compile(&files).expect("compiles");
        assert_eq!(two.rules.len(), 2);
        assert_eq!(one.payment, two.payment, "seed {seed}");
        assert_eq!(one.program.nodes.len(), two.program.nodes.len(), "seed {seed}");
        for (a, b) in one.parts.iter().zip(&two.parts) {
            assert_eq!(a.features, b.features, "seed {seed}");
        }
    }
}

#[test]
fn types_never_mix() {
    let all = leaves::all();
    let of = |ty| all.iter().find(|leaf| leaf.ty == ty).expect("every type has a leaf");
    let types = [Type::Bool, Type::Int, Type::Money, Type::Double, Type::Duration, Type::Enum];
    for a in types {
        for b in types.into_iter().filter(|b| *b != a) {
            let expression = format!("{} == {}", of(a).text, of(b).text);
            let written = write::Written { ours: expression.clone(), cel: String::new() };
            let files = pack(&rule_text(&[], &[written]));
            let defects = compile(&files).expect_err(&expression);
            let text = &files.iter().find(|file| file.path == defects[0].path).expect("ours").text;
            assert_eq!(defects.len(), 1, "{defects:#?}");
            assert_eq!(text[defects[0].span.clone()], expression);
        }
    }
}

#[test]
fn no_text_makes_the_compiler_panic_or_point_outside() {
    let files = shipped::files();
    let rules: Vec<&SourceFile> = files.iter().filter(|file| file.path.contains('/')).collect();
    let mut refused = 0;
    let seeds = seeds(600);
    for seed in &seeds {
        let mut random = Random::new(*seed);
        let mut text = rules[random.below(rules.len() as u64) as usize].text.clone();
        for _ in 0..random.between(1, 3) {
            text = edited(&mut random, &text);
        }
        let files = pack(&text);
        if let Err(defects) = compile(&files) {
            refused += 1;
            assert!(!defects.is_empty(), "seed {seed}");
            defects.iter().for_each(|defect| assert_inside(defect, &files, *seed));
        }
    }
    assert!(refused * 3 > seeds.len(), "edits should mostly be noticed: {refused}");
}

fn assert_inside(defect: &Diagnostic, files: &[SourceFile], seed: u64) {
    let file = files.iter().find(|file| file.path == defect.path);
    let text = &file.unwrap_or_else(|| panic!("seed {seed}: {defect:?}")).text;
    let is_inside = text.get(defect.span.clone()).is_some();
    assert!(is_inside, "seed {seed}: {defect:?}");
    assert!(defect.line <= text.lines().count() + 1, "seed {seed}: {defect:?}");
}

/// One edit at a random place: cut, doubled, swapped, or strange characters put in.
fn edited(random: &mut Random, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = random.below(chars.len() as u64) as usize;
    let end = (at + random.between(1, 12) as usize).min(chars.len());
    let [before, part, after] =
        [&chars[..at], &chars[at..end], &chars[end..]].map(|part| part.iter().collect::<String>());
    match random.below(6) {
        0 => before + &after,
        1 => before + &part + &part + &after,
        2 => before + &part.chars().rev().collect::<String>() + &after,
        3 => {
            before
                + random.pick(&["(", ")", "'", "\"", "{", "}", "[[", "=", "#", "\\"])
                + &part
                + &after
        }
        4 => {
            before + random.pick(&["金额", "\u{0}", "\u{1f985}", "é", "\u{202e}"]) + &part + &after
        }
        _ => {
            before
                + random.pick(&["9223372036854775807", "-1", "0.1", "nan", "!", "&&"])
                + &part
                + &after
        }
    }
}
