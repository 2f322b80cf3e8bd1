//! A rule pack from a folder or from the binary, as a plan.

use std::path::{Path, PathBuf};

use crate::limits;
use crate::rules::diagnostics::Diagnostic;
use crate::rules::plan::Plan;
use crate::rules::{self, SourceFile, shipped};

/// The expression parser recurses; within the bounds of `limits` this is plenty.
const COMPILE_STACK_BYTES: usize = 64 * 1_024 * 1_024;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A folder or file could not be read.
    #[error("cannot read rules at {path}: {cause}")]
    Unreadable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file is too large to be a rule.
    #[error("{path} is larger than {} bytes", limits::RULE_FILE_BYTES_MAX)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file is not text.
    #[error("{path} is not UTF-8")]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The folder holds no rules.
    #[error("no .toml files under {path}")]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The rules are wrong.
    #[error("{} in the rule pack", count(.found.len()))]
    Wrong {
        /// What is wrong.
        found: Vec<Diagnostic>,
        /// The files, for showing where.
        files: Vec<SourceFile>,
    },
    /// The compiler's thread could not be started, or died.
    #[error("the rule compiler could not run")]
    Compiler,
}

fn count(errors: usize) -> String {
    if errors == 1 { "1 error".to_owned() } else { format!("{errors} errors") }
}

/// The files of a pack: those of a folder, or the shipped ones.
///
/// # Errors
/// When the folder cannot be read, holds no rules, or holds a file that cannot be one.
pub fn files(folder: Option<&Path>) -> Result<Vec<SourceFile>, PackError> {
    let Some(folder) = folder else { return Ok(shipped::files()) };
    let mut files = Vec::new();
    collect(folder, folder, &mut files)?;
    if files.is_empty() {
        return Err(PackError::Empty { path: folder.to_owned() });
    }
    Ok(files)
}

/// Compiles a pack.
///
/// # Errors
/// [`PackError::Wrong`] with everything that is wrong.
pub fn compile(files: Vec<SourceFile>) -> Result<Plan, PackError> {
    let compiler = std::thread::Builder::new()
        .name("rule-compiler".to_owned())
        .stack_size(COMPILE_STACK_BYTES)
        .spawn(move || (rules::compile(&files), files));
    let (outcome, files) =
        compiler.map_err(|_| PackError::Compiler)?.join().map_err(|_| PackError::Compiler)?;
    outcome.map_err(|found| PackError::Wrong { found, files })
}

/// Reads and compiles the pack of a folder, or the shipped one.
///
/// # Errors
/// As [`files`] and [`compile`].
pub fn load(folder: Option<&Path>) -> Result<Plan, PackError> {
    compile(files(folder)?)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) -> Result<(), PackError> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |cause| PackError::Unreadable { path, cause }
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(unreadable(folder))?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|e| e == "toml") {
            let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
            if bytes.len() > limits::RULE_FILE_BYTES_MAX {
                return Err(PackError::TooLarge { path });
            }
            let Ok(text) = String::from_utf8(bytes) else {
                return Err(PackError::NotText { path });
            };
            let inside = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            files.push(SourceFile { path: parts.join("/"), text });
        }
    }
    Ok(())
}
