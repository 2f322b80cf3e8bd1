//! Rules as data: a pack of TOML files with CEL conditions becomes one flat typed plan.
//!
//! Pure: texts come in, a [`plan::Plan`] or diagnostics go out. Reading folders is the caller's
//! business, and so is a thread with a large stack (64 MiB): the expression parser recurses, though
//! within bounds.
//!
//! - `bytes`: a file's bytes as text
//! - `document`, `source`: TOML with places, and the three kinds of file
//! - `overlay`: an institution's changes, put into the rules before they are read
//! - `expr`: expressions as a tree
//! - [`catalogue`]: every field and function of the language, once; [`bounds`]: what they take
//! - `compile`: types, cells, programs, evidence, texts
//! - `checks`: what must hold of a pack as a whole
//! - [`examples`]: what a rule's examples say
//! - [`format`]: one way to write a file; [`compare`]: what differs between two packs
//! - [`lint`]: what is allowed and yet not meant; [`mutants`]: what examples must notice
//! - [`plan`]: the result; [`describe`]: its cells in the author's words, as `spelling` has them
//! - [`text`]: values as people read them; `phrase`: conditions likewise
//! - [`written`]: a rule in its author's words; [`hindsight`]: what an alert says of its conditions
//! - [`vary`]: one parameter set to other values
//! - [`reference`]: the language reference, printed from the catalogue and the keys of a file
//!   (`keys`); [`editor`]: the same for editors; [`cards`]: a page on each rule, printed from its
//!   file
//! - [`roster`]: every rule in a line, those that are off among them
//! - [`shipped`]: the pack inside the binary

pub mod bounds;
mod bytes;
pub mod cards;
pub mod catalogue;
mod checks;
pub mod compare;
mod compile;
pub mod describe;
mod describe_query;
pub mod diagnostics;
mod document;
pub mod editor;
pub mod examples;
mod expr;
pub mod format;
pub mod hindsight;
mod keys;
pub mod lint;
pub mod mutants;
mod overlay;
mod phrase;
pub mod plan;
pub mod reference;
pub mod roster;
pub mod shipped;
mod source;
mod spelling;
pub mod text;
pub mod vary;
pub mod written;

use sha2::{Digest as _, Sha256};

use diagnostics::{Diagnostic, Sink};
use plan::Plan;

pub use bytes::{read, unreadable};
pub use compile::signature;
pub use phrase::operator;

/// A file of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path inside the pack, with `/` between folders.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Compiles a pack.
///
/// # Errors
/// Everything that is wrong with it, by file and place.
pub fn compile(files: &[SourceFile]) -> Result<Plan, Vec<Diagnostic>> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    if files.is_empty() {
        return Err(vec![Diagnostic::of_pack("the pack has no files")]);
    }
    let pack = source::read(&files, &mut sink);
    checks::run(&pack, &mut sink);
    examples::read(&pack, &mut sink);
    let plan = compile::compile(&pack, sha256(&files), &mut sink);
    match plan {
        Some(plan) if sink.is_empty() => Ok(plan),
        _ => Err(sink.into_sorted()),
    }
}

fn sorted(files: &[SourceFile]) -> Vec<&SourceFile> {
    let mut files: Vec<&SourceFile> = files.iter().collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// SHA-256 over every path and text, each with its length before it.
fn sha256(files: &[&SourceFile]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        for part in [&file.path, &file.text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
