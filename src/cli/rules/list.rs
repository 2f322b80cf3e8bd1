//! `rules list`.

use super::{ListArgs, load};
use crate::cli::Failure;
use crate::cli::printer::Printer;
use crate::rules::plan::{Mode, RulePlan};

const HEADER: [&str; 8] = ["id", "name", "family", "weight", "phases", "subject", "floor", "title"];

pub(super) fn run(args: &ListArgs, printer: &Printer) -> Result<(), Failure> {
    let (_, plan) = load(&args.pack, printer)?;
    let rows: Vec<[String; 8]> = plan
        .rules
        .iter()
        .map(|rule| {
            [
                rule.id.clone(),
                rule.name.clone(),
                plan.policy.families[rule.family].name.clone(),
                rule.weight.to_string(),
                phases(rule),
                format!("{:?}", rule.subject).to_lowercase(),
                rule.floor.map_or("", |floor| floor.word()).to_owned(),
                title(rule),
            ]
        })
        .collect();
    super::table::print(&HEADER, &rows, args.format, printer)
}

fn phases(rule: &RulePlan) -> String {
    match (rule.phases.pre, rule.phases.post) {
        (true, true) => "pre+post",
        (true, false) => "pre",
        _ => "post",
    }
    .to_owned()
}

fn title(rule: &RulePlan) -> String {
    let shadow = if rule.mode == Mode::Shadow { " [shadow]" } else { "" };
    format!("{} / {}{shadow}", rule.title.zh, rule.title.en)
}
