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
    /// An overlay does not say whose it is.
    #[error("the overlay {path} has no manifest.toml (name, author, approver, valid_from)")]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// An overlay is called like something else.
    #[error("the overlay {path} needs another folder name: the pack has a `{name}` already")]
    OverlayName {
        /// The folder.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// An overlay holds from a later day on.
    #[error("the overlay \"{name}\" holds from {valid_from} on")]
    NotYet {
        /// Its name.
        name: String,
        /// The day.
        valid_from: String,
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

/// Where a pack comes from: a folder or the shipped one, and overlays on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Folders<'a> {
    /// Folder of the rules; `None`: the shipped pack.
    pub rules: Option<&'a Path>,
    /// Folders of overlays; each is called by its own name inside the pack.
    pub overlays: &'a [PathBuf],
}

impl Folders<'_> {
    /// Every file: those of the rules, and those of each overlay under its folder's name.
    ///
    /// # Errors
    /// As [`files`]; and when an overlay has no manifest, or the name of something that is there.
    pub fn files(&self) -> Result<Vec<SourceFile>, PackError> {
        let mut all = files(self.rules)?;
        for folder in self.overlays {
            let path = folder.clone();
            let mut inside = Vec::new();
            collect(folder, folder, &mut inside)?;
            if !inside.iter().any(|file| file.path == "manifest.toml") {
                return Err(PackError::NoManifest { path });
            }
            // The whole path is asked for its name, so that `.` has one too.
            let named = std::fs::canonicalize(folder).unwrap_or_else(|_| path.clone());
            let name = named.file_name().map_or_else(String::new, |n| n.to_string_lossy().into());
            let prefix = format!("{name}/");
            if name.is_empty() || all.iter().any(|file| file.path.starts_with(&prefix)) {
                return Err(PackError::OverlayName { path, name });
            }
            all.extend(inside.into_iter().map(|file| SourceFile {
                path: format!("{prefix}{}", file.path),
                text: file.text,
            }));
        }
        Ok(all)
    }

    /// Reads and compiles the pack.
    ///
    /// # Errors
    /// As [`Folders::files`] and [`compile`].
    pub fn load(&self) -> Result<Plan, PackError> {
        compile(self.files()?)
    }
}

/// Refuses a pack with an overlay that does not hold yet. `today` is a day as `2026-12-01`.
///
/// # Errors
/// [`PackError::NotYet`].
pub fn require_valid(plan: &Plan, today: &str) -> Result<(), PackError> {
    // Days in this form compare as texts do.
    match plan.overlays.iter().find(|overlay| overlay.valid_from.as_str() > today) {
        Some(overlay) => Err(PackError::NotYet {
            name: overlay.name.clone(),
            valid_from: overlay.valid_from.clone(),
        }),
        None => Ok(()),
    }
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

/// Reads and compiles the pack of a folder, or the shipped one, without overlays.
///
/// # Errors
/// As [`files`] and [`compile`].
pub fn load(rules: Option<&Path>) -> Result<Plan, PackError> {
    Folders { rules, overlays: &[] }.load()
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
