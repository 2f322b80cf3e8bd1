//! Generated records into a file of JSON lines, plain or compressed by its name's ending.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::path::Path;

use flate2::write::GzEncoder;

/// A file of lines: `.zst`, `.gz`, or plain.
pub struct LineFile(Encoder);

enum Encoder {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl LineFile {
    /// Creates or replaces the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(1 << 18, File::create(path)?);
        let encoder = match path.extension().and_then(|ending| ending.to_str()) {
            Some("zst") => Encoder::Zstd(zstd::Encoder::new(file, 3)?),
            Some("gz") => Encoder::Gzip(GzEncoder::new(file, flate2::Compression::fast())),
            _ => Encoder::Plain(file),
        };
        Ok(Self(encoder))
    }

    /// The standard output, plain.
    ///
    /// # Errors
    /// What the system says.
    pub fn standard_output() -> io::Result<Self> {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self(Encoder::Plain(BufWriter::with_capacity(1 << 16, out))))
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Encoder::Plain(file) => file.write_all(lines),
            Encoder::Gzip(file) => file.write_all(lines),
            Encoder::Zstd(file) => file.write_all(lines),
        }
    }

    /// Ends the file; without it a compressed one is cut off.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(self) -> io::Result<()> {
        match self.0 {
            Encoder::Plain(file) => file,
            Encoder::Gzip(file) => file.finish()?,
            Encoder::Zstd(file) => file.finish()?,
        }
        .flush()
    }
}
