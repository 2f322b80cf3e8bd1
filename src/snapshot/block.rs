//! The envelope of one part.
//!
//! ```text
//! magic "GSHK" 4 | version 2 | kind 1 | 0 1 | shard 2 | 0 2 | step 8 | rule pack, sha-256 32
//! bytes before compression 4 | bytes after it 4 | crc32c of those 4 | crc32c of all before 4
//! ```
//!
//! Numbers are little-endian. The envelope says how much memory the part may take before anything
//! is taken for it, and nothing is decompressed beyond that.

use crate::limits::{SNAPSHOT_BLOCK_BYTES_MAX, SNAPSHOT_RATIO_MAX};

/// The first bytes of every block.
pub const MAGIC: [u8; 4] = *b"GSHK";
/// The version that is written.
pub const VERSION: u16 = 1;
/// Bytes of an envelope.
pub const ENVELOPE_BYTES: usize = 68;
/// Quick, and most of what there is to gain.
const LEVEL: i32 = 1;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// What the consult phase keeps of a shard.
    Consult = 1,
    /// What the visits keep of a shard.
    Ledgers = 2,
    /// What the act phase keeps.
    Act = 3,
    /// The set's manifest.
    Manifest = 4,
    /// What is on trial.
    Trials = 5,
    /// Some of the events taken lately: the envelope's shard says which.
    Held = 6,
}

impl Kind {
    /// Every kind with its word.
    pub const WORDS: [(&'static str, Self); 6] = [
        ("consult", Self::Consult),
        ("ledgers", Self::Ledgers),
        ("act", Self::Act),
        ("manifest", Self::Manifest),
        ("trials", Self::Trials),
        ("held", Self::Held),
    ];

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize - 1].0
    }

    fn of_number(number: u8) -> Option<Self> {
        Self::WORDS.into_iter().map(|(_, kind)| kind).find(|kind| *kind as u8 == number)
    }
}

/// What an envelope says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Version of what is inside.
    pub version: u16,
    /// What is inside.
    pub kind: Kind,
    /// Of which shard; of the events taken lately which part of them; else 0.
    pub shard: u16,
    /// After which step it was taken.
    pub step: u64,
    /// The rules in force then.
    pub pack: [u8; 32],
    /// Bytes before compression.
    pub raw_len: u32,
    /// Bytes after it.
    pub len: u32,
    /// Their checksum.
    pub crc: u32,
}

/// Why bytes are no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// They end inside a block.
    #[error("cut short: {wanted} bytes are wanted at byte {at}, {found} are there")]
    Cut {
        /// Where.
        at: usize,
        /// How many should follow.
        wanted: usize,
        /// How many do.
        found: usize,
    },
    /// They do not begin like one.
    #[error("not a snapshot: no block begins at byte {at}")]
    NoBlock {
        /// Where.
        at: usize,
    },
    /// The envelope's checksum does not fit.
    #[error("damaged: the envelope at byte {at} does not fit its checksum")]
    Envelope {
        /// Where.
        at: usize,
    },
    /// The content's checksum does not fit.
    #[error("damaged: the {kind} part at byte {at} does not fit its checksum", kind = .kind.word())]
    Content {
        /// What it should be.
        kind: Kind,
        /// Where.
        at: usize,
    },
    /// A newer version wrote it.
    #[error("version {version} is newer than this program, which reads up to {VERSION}")]
    Newer {
        /// Its version.
        version: u16,
    },
    /// Something this version does not know, under a version that it does.
    #[error("damaged: nothing is of kind {kind}")]
    UnknownKind {
        /// The number.
        kind: u8,
    },
    /// It says that it is larger than anything may be.
    #[error("refused: {bytes} bytes are more than the {most} that a part may have")]
    TooLarge {
        /// What it says.
        bytes: u64,
        /// The most.
        most: u64,
    },
    /// The content is not what the envelope says.
    #[error("damaged: {0}")]
    Wrong(String),
}

/// Writes one block behind `file`.
///
/// # Errors
/// [`BlockError::TooLarge`], or what the compressor said.
pub fn write(
    file: &mut Vec<u8>,
    (kind, shard, step, pack): (Kind, u16, u64, &[u8; 32]),
    raw: &[u8],
) -> Result<(), BlockError> {
    if raw.len() > SNAPSHOT_BLOCK_BYTES_MAX {
        let (bytes, most) = (raw.len() as u64, SNAPSHOT_BLOCK_BYTES_MAX as u64);
        return Err(BlockError::TooLarge { bytes, most });
    }
    let content =
        zstd::bulk::compress(raw, LEVEL).map_err(|error| BlockError::Wrong(error.to_string()))?;
    let start = file.len();
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&VERSION.to_le_bytes());
    file.extend_from_slice(&[kind as u8, 0]);
    file.extend_from_slice(&shard.to_le_bytes());
    file.extend_from_slice(&[0; 2]);
    file.extend_from_slice(&step.to_le_bytes());
    file.extend_from_slice(pack);
    // Both lengths are below the bound just checked: incompressible bytes grow by a few.
    file.extend_from_slice(&(raw.len() as u32).to_le_bytes());
    file.extend_from_slice(&(content.len() as u32).to_le_bytes());
    file.extend_from_slice(&crc32c::crc32c(&content).to_le_bytes());
    let crc = crc32c::crc32c(&file[start..]);
    file.extend_from_slice(&crc.to_le_bytes());
    debug_assert_eq!(file.len() - start, ENVELOPE_BYTES);
    file.extend_from_slice(&content);
    Ok(())
}

/// The blocks of a file, one after the other; nothing is decompressed.
#[derive(Debug)]
pub struct Blocks<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Blocks<'a> {
    /// Of the bytes of a file.
    #[must_use]
    pub fn of(file: &'a [u8]) -> Self {
        Self { file, at: 0 }
    }

    fn next_block(&mut self) -> Result<(Envelope, &'a [u8]), BlockError> {
        let (at, rest) = (self.at, &self.file[self.at..]);
        if !MAGIC.starts_with(&rest[..rest.len().min(MAGIC.len())]) {
            return Err(BlockError::NoBlock { at });
        }
        let cut = |wanted, found| BlockError::Cut { at, wanted, found };
        let (header, rest) =
            rest.split_at_checked(ENVELOPE_BYTES).ok_or_else(|| cut(ENVELOPE_BYTES, rest.len()))?;
        let u32_at = |at: usize| u32::from_le_bytes(fixed(&header[at..]));
        if crc32c::crc32c(&header[..ENVELOPE_BYTES - 4]) != u32_at(ENVELOPE_BYTES - 4) {
            return Err(BlockError::Envelope { at });
        }
        let version = u16::from_le_bytes(fixed(&header[4..]));
        if version == 0 || version > VERSION {
            return Err(BlockError::Newer { version });
        }
        let kind = Kind::of_number(header[6]).ok_or(BlockError::UnknownKind { kind: header[6] })?;
        let envelope = Envelope {
            version,
            kind,
            shard: u16::from_le_bytes(fixed(&header[8..])),
            step: u64::from_le_bytes(fixed(&header[12..])),
            pack: fixed(&header[20..]),
            raw_len: u32_at(52),
            len: u32_at(56),
            crc: u32_at(60),
        };
        let len = envelope.len as usize;
        let most = (SNAPSHOT_BLOCK_BYTES_MAX as u64)
            .min((u64::from(envelope.len) + 64) * SNAPSHOT_RATIO_MAX);
        if u64::from(envelope.raw_len) > most {
            return Err(BlockError::TooLarge { bytes: u64::from(envelope.raw_len), most });
        }
        let content = rest.get(..len).ok_or_else(|| cut(len, rest.len()))?;
        self.at += ENVELOPE_BYTES + len;
        if crc32c::crc32c(content) != envelope.crc {
            return Err(BlockError::Content { kind, at });
        }
        Ok((envelope, content))
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<(Envelope, &'a [u8]), BlockError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.file.len() {
            return None;
        }
        let block = self.next_block();
        if block.is_err() {
            self.at = self.file.len();
        }
        Some(block)
    }
}

/// A block's content as it was before compression.
///
/// # Errors
/// [`BlockError::Wrong`].
pub fn unpack(envelope: &Envelope, content: &[u8]) -> Result<Vec<u8>, BlockError> {
    let raw = zstd::bulk::decompress(content, envelope.raw_len as usize)
        .map_err(|error| BlockError::Wrong(format!("cannot be decompressed: {error}")))?;
    if raw.len() != envelope.raw_len as usize {
        return Err(BlockError::Wrong("its length is not what the envelope says".to_owned()));
    }
    Ok(raw)
}

/// The first bytes of a slice that is known to be long enough.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(raw: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        write(&mut file, (Kind::Ledgers, 7, 4_711, &[9; 32]), raw).expect("small enough");
        file
    }

    fn read(file: &[u8]) -> Result<Vec<u8>, BlockError> {
        let mut all = Vec::new();
        for block in Blocks::of(file) {
            let (envelope, content) = block?;
            all.extend(unpack(&envelope, content)?);
        }
        Ok(all)
    }

    #[test]
    fn a_block_reads_as_written() {
        let mut file = block(b"one");
        file.extend(block(&[5; 100_000]));
        let blocks: Vec<_> = Blocks::of(&file).map(|block| block.expect("whole").0).collect();
        assert_eq!(blocks[1].raw_len, 100_000);
        let Envelope { version, kind, shard, step, pack, .. } = blocks[0];
        assert_eq!((version, kind, shard, step), (VERSION, Kind::Ledgers, 7, 4_711));
        assert_eq!(pack, [9; 32]);
        assert_eq!(read(&file).expect("whole").len(), 100_003);
        assert_eq!(read(&[]), Ok(Vec::new()));
    }

    #[test]
    fn no_bit_turns_unnoticed_and_no_end_is_missed() {
        let file = block(b"what must not change");
        for bit in 0..file.len() * 8 {
            let mut file = file.clone();
            file[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&file).is_err(), "bit {bit}");
        }
        for len in 1..file.len() {
            let error = read(&file[..len]).expect_err("cut");
            assert!(matches!(error, BlockError::Cut { .. }), "{len}: {error}");
        }
    }

    #[test]
    fn a_part_never_takes_more_memory_than_a_part_may() {
        let reseal = |file: &mut Vec<u8>, at: usize, bytes: &[u8]| {
            file[at..at + bytes.len()].copy_from_slice(bytes);
            let crc = crc32c::crc32c(&file[..ENVELOPE_BYTES - 4]).to_le_bytes();
            file[ENVELOPE_BYTES - 4..ENVELOPE_BYTES].copy_from_slice(&crc);
        };
        let mut bomb = block(&[0; 1 << 20]);
        assert!(read(&bomb).is_ok());
        reseal(&mut bomb, 52, &u32::MAX.to_le_bytes());
        assert!(matches!(read(&bomb), Err(BlockError::TooLarge { .. })));
        let mut less = block(&[0; 1 << 20]);
        reseal(&mut less, 52, &100u32.to_le_bytes());
        assert!(matches!(read(&less), Err(BlockError::Wrong(_))));
        let mut newer = block(b"x");
        reseal(&mut newer, 4, &9u16.to_le_bytes());
        assert_eq!(read(&newer), Err(BlockError::Newer { version: 9 }));
    }
}
