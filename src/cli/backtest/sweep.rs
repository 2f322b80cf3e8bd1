//! `--sweep RULE.PARAMETER=FROM..TO[/VALUES]`: what is asked for, and its packs.

use std::str::FromStr;

use anyhow::anyhow;

use super::super::printer::Printer;
use super::super::{Failure, rules, usable};
use crate::limits;
use crate::rules::plan::Plan;
use crate::rules::vary::{self, Parameter, Setting, VaryError};
use crate::runtime::pack::{self, Folders};

/// How many values unless said.
const VALUES_DEFAULT: usize = 10;

/// A parameter and a range of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    rule: String,
    parameter: String,
    from: String,
    to: String,
    values: usize,
}

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "as M01.min_in=2000..20000 or M01.min_in=2000..20000/7";
        let (parameter, range) = text.split_once('=').ok_or(form)?;
        let (rule, parameter) = parameter.split_once('.').ok_or(form)?;
        let (range, values) = match range.rsplit_once('/') {
            Some((range, values)) => (range, values.parse().map_err(|_| form)?),
            None => (range, VALUES_DEFAULT),
        };
        let (from, to) = range.split_once("..").ok_or(form)?;
        let parts = [rule, parameter, from, to];
        if parts.iter().any(|part| part.is_empty()) {
            return Err(form.to_owned());
        }
        if !(2..=limits::SWEEP_VALUES_MAX).contains(&values) {
            return Err(format!("2 to {} values", limits::SWEEP_VALUES_MAX));
        }
        let [rule, parameter, from, to] = parts.map(str::to_owned);
        Ok(Self { rule, parameter, from, to, values })
    }
}

/// The parameter, and a compiled pack for each of its values.
pub(super) struct Packs {
    pub parameter: Parameter,
    pub settings: Vec<Setting>,
    pub plans: Vec<Plan>,
}

/// Compiles the pack once for each value.
pub(super) fn packs(
    spec: &Spec,
    folders: &Folders<'_>,
    printer: &Printer,
) -> Result<Packs, Failure> {
    let files = usable(folders.files(), printer)?;
    let said = |error: VaryError| {
        if let VaryError::Wrong(found) = &error {
            printer.wrong(&rules::render(found, &files));
        }
        Failure::Usage(anyhow!(error).context("--sweep"))
    };
    let parameter = vary::find(&files, &spec.rule, &spec.parameter).map_err(said)?;
    let settings = parameter.range(&spec.from, &spec.to, spec.values).map_err(said)?;
    let compile = |setting: &Setting| {
        let plan = pack::compile(parameter.set(&files, setting));
        if plan.is_err() {
            let Parameter { rule, name, .. } = &parameter;
            printer.wrong(&format!("With {rule}.{name} = {}:", setting.text));
        }
        let plan = usable(plan, printer)?;
        if plan.rules.iter().any(|rule| rule.id == parameter.rule) {
            return Ok(plan);
        }
        Err(Failure::Usage(anyhow!("--sweep: rule {} is off in this pack", parameter.rule)))
    };
    let plans = settings.iter().map(compile).collect::<Result<_, _>>()?;
    Ok(Packs { parameter, settings, plans })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_or_its_form_is_told() {
        let spec: Spec = "M01.min_in=2000..20000/7".parse().expect("well formed");
        assert_eq!((spec.rule.as_str(), spec.parameter.as_str()), ("M01", "min_in"));
        assert_eq!((spec.from.as_str(), spec.to.as_str(), spec.values), ("2000", "20000", 7));
        let spec: Spec = "V02.share=0.5..0.9".parse().expect("well formed");
        assert_eq!((spec.from.as_str(), spec.to.as_str(), spec.values), ("0.5", "0.9", 10));
        for wrong in ["M01", "M01.x", "M01=1..2", "M01.x=1..", "M01.x=1..2/many", ".x=1..2"] {
            assert!(wrong.parse::<Spec>().expect_err("malformed").starts_with("as M01."));
        }
        for wrong in ["M01.x=1..2/1", "M01.x=1..2/1000"] {
            assert!(wrong.parse::<Spec>().expect_err("too few or many").contains("2 to "));
        }
    }
}
