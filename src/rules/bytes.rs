//! The bytes of a file as text of a pack: what keeps them from being text is a defect of that file,
//! and hides nothing of the others.

use super::SourceFile;
use super::diagnostics::Diagnostic;
use crate::limits;

/// A file from its bytes. What is not UTF-8 is told, and stands as replacement characters in a text
/// that is good for finding what else is wrong, not for running; a file that is too large, or is no
/// text at all, has none.
#[must_use]
pub fn read(path: String, bytes: Vec<u8>) -> (Option<SourceFile>, Option<Diagnostic>) {
    if bytes.len() > limits::RULE_FILE_BYTES_MAX {
        let most = limits::RULE_FILE_BYTES_MAX;
        let message = format!("the file is larger than {most} bytes");
        let hint = "one rule is one file: split it, or move what is no rule out of the folder";
        return (None, Some(of_file(path, message, hint)));
    }
    if let Some(encoding) = sixteen_bits(&bytes) {
        let message = format!("the file is not UTF-8: byte 0 begins {encoding}");
        return (None, Some(of_file(path, message, "save the file as UTF-8")));
    }
    let at = match std::str::from_utf8(&bytes) {
        Ok(_) => None,
        Err(error) => Some(error.valid_up_to()),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let file = SourceFile { path, text };
    let defect = at.map(|at| {
        Diagnostic::at(
            &file,
            at..at + char::REPLACEMENT_CHARACTER.len_utf8(),
            format!("the file is not UTF-8: byte {at} is 0x{:02X}", bytes[at]),
            "no text from here",
            Some("save the file as UTF-8; it may have been written as GBK or GB 18030".to_owned()),
        )
    });
    // A picture has no mistakes of TOML worth telling.
    let binary = defect.is_some() && bytes.contains(&0);
    ((!binary).then_some(file), defect)
}

/// A file that the system would not give.
#[must_use]
pub fn unreadable(path: String, cause: &str) -> Diagnostic {
    let hint = "every .toml file below the folder is part of the pack";
    of_file(path, format!("the file cannot be read: {cause}"), hint)
}

fn of_file(path: String, message: String, hint: &str) -> Diagnostic {
    Diagnostic { path, hint: Some(hint.to_owned()), ..Diagnostic::of_pack(&message) }
}

fn sixteen_bits(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xFE, ..] => Some("UTF-16, low byte first"),
        [0xFE, 0xFF, ..] => Some("UTF-16, high byte first"),
        _ => None,
    }
}
