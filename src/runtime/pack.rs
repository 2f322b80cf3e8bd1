//! A rule pack from a folder or from the binary, as a plan.

use std::io::Read as _;
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
    /// A folder could not be read.
    #[error("cannot read rules at {path}: {cause}")]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
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
    /// When a folder cannot be read, holds no rules, or an overlay has no manifest or the name of
    /// something that is there. [`PackError::Wrong`] when a file cannot be one of a pack: with
    /// that, and with everything that is wrong with the others.
    pub fn files(&self) -> Result<Vec<SourceFile>, PackError> {
        let mut unfit = Vec::new();
        let mut all = files(self.rules, &mut unfit)?;
        for folder in self.overlays {
            let path = folder.clone();
            let (mut inside, mut unfit_inside) = (Vec::new(), Vec::new());
            collect(folder, folder, &mut inside, &mut unfit_inside)?;
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
            unfit.extend(
                unfit_inside.into_iter().map(|defect| Diagnostic {
                    path: format!("{prefix}{}", defect.path),
                    ..defect
                }),
            );
        }
        if unfit.is_empty() { Ok(all) } else { Err(with_others(all, unfit)) }
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

/// The files of a folder, or the shipped ones.
fn files(folder: Option<&Path>, unfit: &mut Vec<Diagnostic>) -> Result<Vec<SourceFile>, PackError> {
    let Some(folder) = folder else { return Ok(shipped::files()) };
    let mut files = Vec::new();
    collect(folder, folder, &mut files, unfit)?;
    if files.is_empty() && unfit.is_empty() {
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

/// Everything wrong with a pack of which some files are unfit.
fn with_others(files: Vec<SourceFile>, mut unfit: Vec<Diagnostic>) -> PackError {
    let (mut found, files) = match compile(files.clone()) {
        Ok(_) => (Vec::new(), files),
        Err(PackError::Wrong { found, files }) => (found, files),
        Err(error) => return error,
    };
    // What stands in for unreadable bytes is not the author's mistake.
    found.retain(|defect| {
        let file = files.iter().find(|file| file.path == defect.path);
        let text = file.and_then(|file| file.text.get(defect.span.clone()));
        !text.is_some_and(|text| text.contains(char::REPLACEMENT_CHARACTER))
    });
    // Of a file what makes it unfit comes first: the rest may follow from that.
    unfit.append(&mut found);
    unfit.sort_by(|a, b| a.path.cmp(&b.path));
    PackError::Wrong { found: unfit, files }
}

/// Reads and compiles the pack of a folder, or the shipped one, without overlays.
///
/// # Errors
/// As [`Folders::files`] and [`compile`].
pub fn load(rules: Option<&Path>) -> Result<Plan, PackError> {
    Folders { rules, overlays: &[] }.load()
}

/// Reads every `.toml` file below a folder, `.TOML` among them. One that cannot be read as text is
/// `unfit`, and stays among the files as far as it could be read, so that the others are still
/// understood.
///
/// Names that begin with a dot are passed over: editors keep copies under such names, and a mounted
/// configuration map keeps what its links lead to.
fn collect(
    root: &Path,
    folder: &Path,
    files: &mut Vec<SourceFile>,
    unfit: &mut Vec<Diagnostic>,
) -> Result<(), PackError> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|cause| PackError::Unreadable { path: folder.to_owned(), cause })?;
    paths.sort();
    let hidden = |path: &PathBuf| path.file_name().is_some_and(|n| n.as_encoded_bytes()[0] == b'.');
    paths.retain(|path| !hidden(path));
    let depth = folder.strip_prefix(root).map_or(0, |inside| inside.iter().count());
    for path in paths {
        if path.is_dir() && depth >= limits::RULE_FOLDER_DEPTH_MAX {
            // A link that leads back up would never end.
            let cause =
                std::io::Error::other("folders lie too deep in one another, or in a circle");
            return Err(PackError::Unreadable { path, cause });
        } else if path.is_dir() {
            collect(root, &path, files, unfit)?;
        } else if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
            let inside = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            let name = parts.join("/");
            match read_bounded(&path) {
                Ok(bytes) => {
                    let (file, defect) = rules::read(name, bytes);
                    files.extend(file);
                    unfit.extend(defect);
                }
                Err(cause) => unfit.push(rules::unreadable(name, &cause.to_string())),
            }
        }
    }
    Ok(())
}

/// The bytes of a file, or one more than a rule may have.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    // A pipe would be waited for, and a device never ends.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no plain file"));
    }
    let mut bytes = Vec::new();
    let most = limits::RULE_FILE_BYTES_MAX as u64 + 1;
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
