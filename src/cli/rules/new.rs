//! `rules new`: a rule file to begin with. It compiles, its examples come out as expected and
//! nothing remarks on it; it stands in shadow mode until its author says otherwise.

use anyhow::{Context as _, anyhow};

use super::{NewArgs, load, render};
use crate::cli::Failure;
use crate::cli::printer::Printer;
use crate::rules::{SourceFile, roster};
use crate::runtime::pack::{self, PackError};

const TEMPLATE: &str = include_str!("new_rule.toml");

pub(super) fn run(args: &NewArgs, printer: &Printer) -> Result<(), Failure> {
    let (mut files, plan) = load(&args.pack, printer)?;
    let rules = roster::of(&files).map_err(|_| anyhow!("the pack cannot be read"))?;
    if let Some(taken) =
        rules.iter().find(|rule| rule.id.eq_ignore_ascii_case(&args.id) || rule.name == args.name)
    {
        let (id, name, path) = (&taken.id, &taken.name, &taken.path);
        return Err(Failure::Usage(anyhow!("there is a rule {id} {name} already, in {path}")));
    }
    let text = filled(args, plan.currency.code()).map_err(Failure::Usage)?;
    let name = format!("{}_{}.toml", args.id.to_lowercase(), args.name);
    let path = args.folder.join(&name);
    if path.exists() {
        return Err(Failure::Usage(anyhow!("{} is there already", path.display())));
    }
    // Beside the pack it is for: an id that is taken or a family that is not there shows here.
    files.push(SourceFile { path: name, text: text.clone() });
    if let Err(PackError::Wrong { found, files }) = pack::compile(files) {
        printer.warn(&format!("No file was written.\n\n{}", render(&found, &files)));
        return Err(Failure::Silent);
    }
    std::fs::create_dir_all(&args.folder)
        .and_then(|()| std::fs::write(&path, text))
        .with_context(|| format!("cannot write {}", path.display()))?;
    printer.data(&path.display().to_string());
    printer.talk(
        "It is in shadow mode. Write the condition and the examples, then run `goshawk rules check`, \
         `goshawk rules test` and `goshawk rules lint`.",
    );
    Ok(())
}

/// The template with the answers in it.
fn filled(args: &NewArgs, currency: &str) -> anyhow::Result<String> {
    let is_id = |c: char| c.is_ascii_alphanumeric();
    if args.id.is_empty() || !args.id.chars().all(is_id) {
        return Err(anyhow!("an id is letters and digits, as X01"));
    }
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if args.name.is_empty() || !args.name.chars().all(is_name) {
        return Err(anyhow!("a name is small letters, digits and underscores, as salary_sweep"));
    }
    Ok(TEMPLATE
        .replace("RULE_ID", &args.id)
        .replace("RULE_NAME", &args.name)
        .replace("RULE_CODE", &args.name.to_uppercase())
        .replace("RULE_FAMILY", &args.family)
        .replace("\"CNY\"", &format!("\"{currency}\"")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{PackArgs, remarks, run_examples};
    use super::*;
    use crate::rules::{examples, shipped};

    fn args(id: &str, name: &str) -> NewArgs {
        NewArgs {
            id: id.to_owned(),
            name: name.to_owned(),
            folder: ".".into(),
            family: "flow".to_owned(),
            pack: PackArgs::default(),
        }
    }

    #[test]
    fn a_new_rule_is_good_in_every_respect() {
        let text = filled(&args("X01", "salary_sweep"), "CNY").expect("a good id and name");
        let mut files = shipped::files();
        files.push(SourceFile { path: "x01_salary_sweep.toml".to_owned(), text: text.clone() });
        let plan = Arc::new(pack::compile(files.clone()).expect("it compiles"));
        let examples = examples::of(&files).expect("readable");
        let own: Vec<_> = examples.iter().filter(|e| e.rule == "X01").collect();
        assert!(own.len() >= 4);
        for example in own {
            assert_eq!(run_examples::seen(example, &plan), example.expect, "{}", example.name);
        }
        let remarks = remarks(&files).expect("it compiles");
        assert!(remarks.iter().all(|r| r.rule != "X01"), "{remarks:#?}");
        let file = SourceFile { path: String::new(), text: text.clone() };
        assert_eq!(crate::rules::format::format(&file).expect("TOML"), text);
    }

    #[test]
    fn bad_ids_and_names_are_refused() {
        assert!(filled(&args("X 1", "a"), "CNY").is_err());
        assert!(filled(&args("X1", "Salary"), "CNY").is_err());
        assert!(filled(&args("", "a"), "CNY").is_err());
    }
}
