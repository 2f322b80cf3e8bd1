//! JSON lines in a folder, one file per stream: appended, and on disk when `flush` returns.
//!
//! A guarantee of a file is weaker than of a topic: a crash between two files leaves one ahead of
//! the other.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Commit, Message, Sink, SinkError, Stream};

const STREAMS: [(Stream, &str); 4] = [
    (Stream::Alerts, "alerts.jsonl"),
    (Stream::Shadow, "alerts.shadow.jsonl"),
    (Stream::Rejects, "rejects.jsonl"),
    (Stream::Journal, "journal.jsonl"),
];

/// Writes messages into a folder.
#[derive(Debug)]
pub struct FileSink {
    files: Vec<(PathBuf, BufWriter<File>)>,
    dirty: [bool; STREAMS.len()],
}

impl FileSink {
    /// Opens the folder's files, making what is missing.
    ///
    /// # Errors
    /// [`SinkError::File`], when one cannot be opened.
    pub fn open(folder: &Path) -> Result<Self, SinkError> {
        std::fs::create_dir_all(folder).map_err(|cause| trouble(folder, cause))?;
        let mut files = Vec::with_capacity(STREAMS.len());
        for (_, name) in STREAMS {
            let path = folder.join(name);
            let file = OpenOptions::new().create(true).append(true).open(&path);
            let file = file.map_err(|cause| trouble(&path, cause))?;
            files.push((path, BufWriter::new(file)));
        }
        Ok(Self { files, dirty: [false; STREAMS.len()] })
    }

    fn write(&mut self, message: &Message) -> Result<(), SinkError> {
        let index = STREAMS
            .iter()
            .position(|(stream, _)| *stream == message.stream)
            .expect("the table names every stream");
        self.dirty[index] = true;
        let (path, file) = &mut self.files[index];
        // Alerts and journal records are JSON already; a reject may be anything.
        let written = if message.stream == Stream::Rejects {
            file.write_all(reject_line(message).as_bytes())
        } else {
            file.write_all(&message.body)
        };
        written.and_then(|()| file.write_all(b"\n")).map_err(|cause| trouble(path, cause))
    }
}

impl Sink for FileSink {
    fn publish(&mut self, commit: Commit) -> Result<(), SinkError> {
        commit.messages.iter().try_for_each(|message| self.write(message))
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        for ((path, file), dirty) in self.files.iter_mut().zip(&mut self.dirty) {
            if std::mem::take(dirty) {
                let synced = file.flush().and_then(|()| file.get_ref().sync_data());
                synced.map_err(|cause| trouble(path, cause))?;
            }
        }
        Ok(())
    }
}

fn trouble(path: &Path, cause: std::io::Error) -> SinkError {
    SinkError::File { path: path.display().to_string(), cause }
}

/// Headers by name, key, and the record: as text, or in hex if it is not UTF-8.
fn reject_line(message: &Message) -> String {
    let mut line = Map::new();
    for (name, value) in &message.headers {
        line.insert(name.clone(), String::from_utf8_lossy(value).into());
    }
    if !message.key.is_empty() {
        line.insert("key".to_owned(), String::from_utf8_lossy(&message.key).into());
    }
    match std::str::from_utf8(&message.body) {
        Ok(text) => line.insert("text".to_owned(), text.into()),
        Err(_) => {
            let hex: String = message.body.iter().map(|byte| format!("{byte:02x}")).collect();
            line.insert("hex".to_owned(), hex.into())
        }
    };
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_have_files_and_files_are_continued() {
        let folder = tempfile::tempdir().expect("a folder");
        let message = |stream, body: &[u8]| Message {
            stream,
            key: b"k".to_vec(),
            headers: vec![("reason".to_owned(), b"not_utf8".to_vec())],
            body: body.to_vec(),
        };
        for round in 0..2 {
            let mut sink = FileSink::open(folder.path()).expect("opens");
            let messages =
                vec![message(Stream::Alerts, b"{}"), message(Stream::Rejects, b"\xff\n")];
            sink.publish(Commit { step: round, messages, runs: vec![] }).expect("writes");
            sink.flush().expect("syncs");
        }
        let read = |name| std::fs::read_to_string(folder.path().join(name)).expect("there");
        assert_eq!(read("alerts.jsonl"), "{}\n{}\n");
        let reject = r#"{"hex":"ff0a","key":"k","reason":"not_utf8"}"#;
        assert_eq!(read("rejects.jsonl"), format!("{reject}\n{reject}\n"));
        assert_eq!(read("journal.jsonl"), "");
    }
}
