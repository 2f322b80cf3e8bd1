//! What expressions are made of: every field and function of the catalogue, with arguments.

use std::collections::BTreeSet;

use goshawk::rules::catalogue::{Arg, Gives, MEMBERS, Member, Owner, RECORDS, WordSet};
use goshawk::rules::compile;
use goshawk::rules::plan::program::Type;

use super::{pack, rule_text, second};
use crate::oracle::streams::Random;

/// One value a row can give.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// How it is written.
    pub text: String,
    /// What it is.
    pub ty: Type,
    /// For words: the set.
    pub words: Option<&'static [&'static str]>,
    /// For a field: record and name.
    pub field: Option<(&'static str, &'static str)>,
    /// For a call: the name it is found under by the second implementation.
    pub call: String,
}

/// Every member of the catalogue in every record that has it, with several arguments.
pub fn all() -> Vec<Leaf> {
    let mut random = Random::new(7);
    let mut found = Vec::new();
    // Two words for one record would be two leaves with one cell.
    let once = |word: &&str| !["account", "customer"].contains(word);
    for (word, owner, _) in RECORDS.iter().filter(|(word, ..)| once(word)) {
        for member in MEMBERS.iter().filter(|m| m.owner == *owner) {
            for _ in 0..3 {
                found.extend(values(&mut random, word, word, member, 0));
            }
        }
    }
    found.sort_by(|a, b| a.text.cmp(&b.text));
    found.dedup_by(|a, b| a.text == b.text);
    // A few are known of the payer only, and the compiler says so.
    let of_payee =
        |leaf: &Leaf| PAYER_ONLY.iter().any(|name| leaf.text.starts_with(&format!("payee.{name}")));
    found.retain(|leaf| {
        let compiles = compile(&pack(&rule_text(std::slice::from_ref(leaf), &[]))).is_ok();
        assert_eq!(compiles, !of_payee(leaf), "{}", leaf.text);
        compiles
    });
    for leaf in found.iter_mut().filter(|leaf| leaf.field.is_none()) {
        leaf.call = second::name_of(&leaf.text);
    }
    let named: BTreeSet<&str> = MEMBERS.iter().map(|m| m.name).collect();
    let unseen = named.iter().filter(|n| !found.iter().any(|leaf| leaf.text.contains(**n)));
    assert_eq!(unseen.count(), 0, "every name of the catalogue is tried");
    found
}

/// Members of an account that are known of the payer only.
const PAYER_ONLY: [&str; 12] = [
    "age_years",
    "blocked",
    "retried_sum",
    "retried_count",
    "travel_km",
    "travel_speed",
    "moved_km",
    "cash_terminals",
    "terminals",
    "seen_at_home",
    "on_opening_device",
    "opening_km",
];

/// A dozen of them, of every type.
pub fn some(random: &mut Random, all: &[Leaf]) -> Vec<Leaf> {
    let types = [Type::Bool, Type::Int, Type::Money, Type::Double, Type::Duration, Type::Enum];
    let mut chosen: Vec<Leaf> = Vec::new();
    for ty in types.into_iter().chain(types) {
        let of_type: Vec<&Leaf> = all.iter().filter(|leaf| leaf.ty == ty).collect();
        let leaf = of_type[random.below(of_type.len() as u64) as usize];
        if chosen.iter().all(|other| other.text != leaf.text) {
            chosen.push(leaf.clone());
        }
    }
    chosen
}

/// The member itself where it is a value; else values reached through it.
fn values(
    random: &mut Random,
    record: &'static str,
    before: &str,
    member: &'static Member,
    depth: usize,
) -> Vec<Leaf> {
    let text = match member.args {
        None => format!("{before}.{}", member.name),
        Some(args) => {
            let args: Vec<String> = args
                .iter()
                .filter_map(|arg| match arg {
                    Arg::Entries => Some(format!("{record}.debits(duration('30m'))")),
                    // Shorter than every window it is asked of.
                    Arg::Window if member.name == "not_followed_by" => {
                        Some("duration('60s')".to_owned())
                    }
                    arg => argument(random, *arg),
                })
                .collect();
            format!("{before}.{}({})", member.name, args.join(", "))
        }
    };
    let leaf = |ty, words| Leaf {
        text: text.clone(),
        ty,
        words,
        field: (depth == 0 && member.args.is_none()).then_some((record, member.name)),
        call: String::new(),
    };
    match member.gives {
        Gives::Value(ty) => vec![leaf(ty, None)],
        Gives::Word(set) => vec![leaf(Type::Enum, Some(set.words()))],
        Gives::Record(_) if depth >= 2 => Vec::new(),
        // Behind a filter one value of many is tried.
        Gives::Record(owner) if depth == 1 => {
            let all = through(random, record, &text, owner, depth);
            let whole = |leaf: &&Leaf| WHOLE.iter().any(|name| leaf.text.contains(name));
            let filtered = member.name != "without";
            let usable: Vec<&Leaf> = all.iter().filter(|l| !(filtered && whole(l))).collect();
            vec![usable[random.below(usable.len() as u64) as usize].clone()]
        }
        Gives::Record(owner) => through(random, record, &text, owner, depth),
    }
}

/// What is only asked of a whole flow, with nothing but `without` before it.
const WHOLE: [&str; 2] = [".dwell(", ".cycles("];

fn through(
    random: &mut Random,
    record: &'static str,
    text: &str,
    owner: Owner,
    depth: usize,
) -> Vec<Leaf> {
    let members = MEMBERS.iter().filter(|m| m.owner == owner);
    members.flat_map(|m| values(random, record, text, m, depth + 1)).collect()
}

/// An argument as written; `None` leaves it out.
fn argument(random: &mut Random, arg: Arg) -> Option<String> {
    let mut word = |set: WordSet| Some(format!("'{}'", random.pick(set.words())));
    match arg {
        Arg::Rule => return Some("'T01'".to_owned()),
        Arg::Flags => return word(WordSet::EntryFlag),
        Arg::ListCategory => return word(WordSet::ListCategory),
        Arg::Control => return word(WordSet::Control),
        Arg::SessionFlag => return word(WordSet::Session),
        Arg::AccountEvent => return word(WordSet::AccountEvent),
        Arg::RegistryStatus => return word(WordSet::Registry),
        Arg::Verdict => return word(WordSet::Verdict),
        Arg::PairLevel => return word(WordSet::PairLevel),
        Arg::Types => return word(WordSet::PaymentType),
        Arg::Channels => return word(WordSet::Channel),
        Arg::Clock => return Some(random.pick(&["'00:00'", "'20:30'", "'05:00'"]).to_owned()),
        Arg::Weeks => return Some(random.pick(&["1", "5", "12"]).to_owned()),
        Arg::Factor => return Some(random.pick(&["1.5", "0.9", "10.0"]).to_owned()),
        Arg::ListLevel => {
            let level = word(WordSet::ListLevel);
            return level.filter(|_| random.chance(50));
        }
        Arg::Window | Arg::Days(_) | Arg::Share | Arg::Rank => {}
        Arg::Amount | Arg::Step | Arg::Km | Arg::Entries => {}
    }
    Some(match arg {
        Arg::Window => format!("duration('{}')", random.pick(&["10m", "30m", "24h", "7d", "90s"])),
        Arg::Days(max) => random.between(1, i64::from(max)).to_string(),
        Arg::Share => random.pick(&["0.5", "0.02", "0.95"]).to_owned(),
        Arg::Rank => random.between(1, 3).to_string(),
        Arg::Km => random.between(1, 60).to_string(),
        _ => format!("money('{}.00')", random.between(1, 900)),
    })
}
