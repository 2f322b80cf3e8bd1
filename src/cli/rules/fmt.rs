//! `rules fmt`: rule files in the usual form.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use super::{FmtArgs, count, render};
use crate::cli::Failure;
use crate::cli::printer::Printer;
use crate::rules::SourceFile;
use crate::rules::diagnostics::Diagnostic;
use crate::rules::format::format;

pub(super) fn run(args: &FmtArgs, printer: &Printer) -> Result<(), Failure> {
    let mut paths = Vec::new();
    for path in &args.paths {
        collect(path, &mut paths).map_err(Failure::Usage)?;
    }
    if paths.is_empty() {
        return Err(Failure::Usage(anyhow!("no .toml files there")));
    }
    let (mut changed, mut broken) = (0, 0);
    for path in &paths {
        let shown = path.display().to_string();
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        let mut refuse = |defect: Diagnostic, files: &[SourceFile]| {
            let drawn = render(&[defect], files);
            printer.warn(&format!("{shown} is left as it is.\n\n{drawn}"));
            broken += 1;
        };
        let (file, unfit) = crate::rules::read(shown.clone(), bytes);
        if let Some(defect) = unfit {
            refuse(defect, file.as_slice());
            continue;
        }
        let Some(file) = file else { continue };
        let formatted = match format(&file) {
            Ok(formatted) => formatted,
            Err(defect) => {
                refuse(*defect, &[file]);
                continue;
            }
        };
        if formatted == file.text {
            continue;
        }
        changed += 1;
        printer.data(&shown);
        if !args.check {
            replace(path, &formatted).with_context(|| format!("cannot write {shown}"))?;
        }
    }
    let files = count(paths.len(), "file");
    if args.check {
        printer.talk(&format!("{files} looked at, {changed} would change."));
    } else {
        printer.talk(&format!("{files} looked at, {changed} changed."));
    }
    if broken > 0 || (args.check && changed > 0) { Err(Failure::Silent) } else { Ok(()) }
}

/// Writes beside and renames, so that a file is whole at every moment.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let beside = path.with_extension("toml.new");
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    if !path.is_dir() {
        std::fs::metadata(path).with_context(unreadable)?;
        found.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).with_context(unreadable)?;
    let mut inside: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    inside.sort();
    for path in inside {
        if path.is_dir() || path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
            collect(&path, found)?;
        }
    }
    Ok(())
}
