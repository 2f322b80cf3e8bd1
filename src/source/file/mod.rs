//! Files as sources: JSON lines and CSV, plain, `.gz` or `.zst`; Parquet where it is built in.
//!
//! A record's offset is its line or row number from 0 (a CSV's header not counted), its partition
//! is 0, its topic the file's path. A line has no timestamp of its own: its event's time stands for
//! it, and a time that leaps too far ahead of the payments before it is refused.
//!
//! - [`lines`]: one bounded record after the other, and the JSON-lines source
//! - [`rows`]: the CSV source
//! - `parquet`: rows of Parquet as rows of a CSV (feature `parquet`)
//! - [`columns`]: which column holds which field
//! - [`labels`]: ground truth from files

pub mod columns;
pub mod labels;
pub mod lines;
#[cfg(feature = "parquet")]
mod parquet;
pub mod rows;

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use super::{Source, SourceError};
use crate::limits;
use crate::wire::decode::{DecodeConfig, Decoder};

pub use columns::Columns;
pub use labels::read_labels;

/// Events of one step from a file.
const STEP_EVENTS: usize = 4_096;

/// Opens a file as a source: Parquet (`.parquet`) or CSV (`.csv`) by its name, CSV also when
/// columns are given, else JSON lines.
/// Its times may leap ahead by [`limits::JUMP_DEFAULT`].
///
/// # Errors
/// When the file cannot be read, or the columns do not fit its header.
pub fn open(
    path: &Path,
    columns: Option<&Columns>,
    decode: DecodeConfig,
) -> Result<Box<dyn Source>, SourceError> {
    let decoder = Decoder::new(decode).with_max_jump(Some(limits::JUMP_DEFAULT));
    open_with(path, columns, decoder)
}

/// The same with a decoder of one's own.
///
/// # Errors
/// As [`open`].
pub fn open_with(
    path: &Path,
    columns: Option<&Columns>,
    decoder: Decoder,
) -> Result<Box<dyn Source>, SourceError> {
    let name = path.display().to_string();
    if name.ends_with(".parquet") {
        let rows = rows::Csv::new(path, open_parquet(path)?, columns.cloned(), decoder)?;
        return Ok(Box::new(rows));
    }
    let reader = open_plain(path)?;
    let stem = name.trim_end_matches(".gz").trim_end_matches(".zst");
    if columns.is_some() || stem.ends_with(".csv") {
        return rows_of(path, reader, columns, decoder);
    }
    Ok(Box::new(lines::JsonLines::new(name, reader, decoder)))
}

/// The rows of a CSV that is read from anywhere; `path` names it, and files that its columns speak
/// of lie beside it.
///
/// # Errors
/// As [`open`].
pub fn rows_of(
    path: &Path,
    reader: Box<dyn BufRead + Send>,
    columns: Option<&Columns>,
    decoder: Decoder,
) -> Result<Box<dyn Source>, SourceError> {
    Ok(Box::new(rows::Csv::new(path, reader, columns.cloned(), decoder)?))
}

#[cfg(feature = "parquet")]
use self::parquet::open as open_parquet;

#[cfg(not(feature = "parquet"))]
fn open_parquet(path: &Path) -> Result<Box<dyn BufRead + Send>, SourceError> {
    let cause = "this program was built without Parquet: build it with --features parquet";
    Err(SourceError::File { path: path.display().to_string(), cause: cause.to_owned() })
}

/// Opens a file and undoes its compression, which its first bytes tell.
pub(crate) fn open_plain(path: &Path) -> Result<Box<dyn BufRead + Send>, SourceError> {
    let mut file = File::open(path).map_err(|cause| unreadable(path, &cause))?;
    let mut magic = [0u8; 4];
    let mut read = 0;
    while read < magic.len() {
        match file.read(&mut magic[read..]).map_err(|cause| unreadable(path, &cause))? {
            0 => break,
            n => read += n,
        }
    }
    let whole = BufReader::with_capacity(
        1 << 20,
        std::io::Cursor::new(magic).take(read as u64).chain(file),
    );
    Ok(match magic {
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let decoder =
                zstd::Decoder::with_buffer(whole).map_err(|cause| unreadable(path, &cause))?;
            Box::new(BufReader::with_capacity(1 << 20, decoder))
        }
        [0x1f, 0x8b, ..] => {
            Box::new(BufReader::with_capacity(1 << 20, flate2::bufread::MultiGzDecoder::new(whole)))
        }
        _ => Box::new(whole),
    })
}

pub(crate) fn unreadable(path: &Path, cause: &std::io::Error) -> SourceError {
    SourceError::File { path: path.display().to_string(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests;
