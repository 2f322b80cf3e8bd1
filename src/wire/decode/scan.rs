//! One pass over a record: checks that it is JSON, and notes where the values of the named fields
//! lie. Copies nothing and converts nothing.
//!
//! The grammar is RFC 8259's, with nesting bounded by [`limits::JSON_DEPTH_MAX`] and no lone
//! surrogates. Names are at most 16 bytes, so that a field is found by comparing one word; which
//! word to try first is learnt from the order that senders keep.

use crate::limits;

/// Length of the longest name that a shape may have.
const NAME_BYTES_MAX: usize = 16;
/// Bytes of the longest name with its quotes and its colon.
const KEY_WINDOW: usize = NAME_BYTES_MAX + 3;

/// A field's name, ready to be compared.
#[derive(Clone, Copy, Debug)]
struct Name {
    word: u128,
    mask: u128,
    len: usize,
}

/// The fields of one kind of object that are read.
#[derive(Debug)]
pub(super) struct Shape<const N: usize> {
    names: [&'static str; N],
    keys: [Name; N],
}

impl<const N: usize> Shape<N> {
    /// A shape of these names.
    pub const fn new(names: [&'static str; N]) -> Self {
        assert!(N < Order::START);
        let mut keys = [Name { word: 0, mask: 0, len: 0 }; N];
        let mut at = 0;
        while at < N {
            let bytes = names[at].as_bytes();
            assert!(!bytes.is_empty() && bytes.len() <= NAME_BYTES_MAX);
            let mut word = [0; NAME_BYTES_MAX];
            let mut index = 0;
            while index < bytes.len() {
                word[index] = bytes[index];
                index += 1;
            }
            let mask = u128::MAX >> (8 * (NAME_BYTES_MAX - bytes.len()));
            keys[at] = Name { word: u128::from_le_bytes(word), mask, len: bytes.len() };
            at += 1;
        }
        Self { names, keys }
    }

    /// Name of a field.
    pub fn name(&self, index: usize) -> &'static str {
        self.names[index]
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        let mut word = [0; NAME_BYTES_MAX];
        word.get_mut(..name.len())?.copy_from_slice(name);
        let word = u128::from_le_bytes(word);
        self.keys.iter().position(|key| key.word == word && key.len == name.len())
    }
}

/// Which fields came after which the last times: two, since an optional field is there or not. It
/// makes a sender's own order fast and has no other effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    next: [[u8; 2]; Self::START + 1],
}

impl Order {
    /// Stands before the first field.
    const START: usize = 31;
}

impl Default for Order {
    fn default() -> Self {
        let next = |at| if at == Self::START { 0 } else { at as u8 + 1 };
        Self { next: std::array::from_fn(|at| [next(at); 2]) }
    }
}

/// Where a value lies in its record: of a string what is between the quotes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    /// First byte; the highest bits say what the value is.
    start: u32,
    /// One past the last byte; 0 for no value.
    end: u32,
}

/// Marks, in [`Span::start`], a string, and one with escapes.
const STRING: u32 = 1 << 30;
const ESCAPED: u32 = 1 << 31;
const _: () = assert!(limits::RECORD_BYTES_MAX < STRING as usize);

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string that is as it is written.
    Plain,
    /// A string with escapes.
    Escaped,
    /// Anything else.
    Other,
}

impl Span {
    /// First byte, one past the last, and what it is.
    #[inline(always)]
    pub fn parts(self) -> Option<(usize, usize, Kind)> {
        let kind = match self.start & (STRING | ESCAPED) {
            0 => Kind::Other,
            STRING => Kind::Plain,
            _ => Kind::Escaped,
        };
        let start = (self.start & (STRING - 1)) as usize;
        (self.end > 0).then_some((start, self.end as usize, kind))
    }
}

/// The values that were found, by the place of their name in the shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<const N: usize> {
    spans: [Span; N],
    /// The first field that occurred twice.
    pub twice: Option<u8>,
}

impl<const N: usize> Default for Found<N> {
    fn default() -> Self {
        Self { spans: [Span::default(); N], twice: None }
    }
}

impl<const N: usize> Found<N> {
    /// Where a field's value lies.
    pub fn span(&self, index: usize) -> Span {
        self.spans[index]
    }
}

/// The record is not JSON; [`Scanner::problem`] says where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken;

/// A place in a record on the way through it.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, depth: 0 }
    }

    /// What stopped it.
    pub fn problem(&self) -> String {
        if self.depth > limits::JSON_DEPTH_MAX {
            return "nested too deep".to_owned();
        }
        format!("not JSON at byte {}", self.at)
    }

    /// Passes the spaces before a value; the value's first byte.
    #[inline(always)]
    pub fn peek(&mut self) -> Option<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_on(),
        }
    }

    #[cold]
    fn peek_on(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Nothing but spaces may follow.
    pub fn end(&mut self) -> Result<(), Broken> {
        if self.peek().is_none() { Ok(()) } else { Err(Broken) }
    }

    /// Passes an object and notes the values of a shape's fields. `null` is the same as absent.
    ///
    /// Each value of a field is first offered to `inner`, which may pass it itself and say so.
    #[inline(always)]
    pub fn object<const N: usize>(
        &mut self,
        shape: &'static Shape<N>,
        order: &mut Order,
        found: &mut Found<N>,
        mut inner: impl FnMut(&mut Self, usize) -> Result<bool, Broken>,
    ) -> Result<(), Broken> {
        self.open(b'{')?;
        if self.peek() == Some(b'}') {
            return self.close();
        }
        let mut last = Order::START;
        loop {
            let index = self.key(shape, order, last)?;
            let first = self.peek();
            let start = self.at as u32;
            if let Some(index) = index {
                last = index;
                let span = if first == Some(b'"') {
                    let flags = if self.string()? { STRING | ESCAPED } else { STRING };
                    Span { start: (start + 1) | flags, end: self.at as u32 - 1 }
                } else {
                    if !inner(self, index)? {
                        self.value()?;
                    }
                    // No other value begins with this letter.
                    let end = if first == Some(b'n') { 0 } else { self.at as u32 };
                    Span { start, end }
                };
                let known = &mut found.spans[index];
                if known.end != 0 && found.twice.is_none() {
                    found.twice = Some(index as u8);
                }
                if span.end != 0 {
                    *known = span;
                }
            } else {
                self.value()?;
            }
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => return self.close(),
                _ => return Err(Broken),
            }
        }
    }

    /// Passes an array of strings; `None` when it is anything else, which then is not passed.
    pub fn strings(&mut self, mut each: impl FnMut(&'a str, bool)) -> Option<()> {
        if self.peek() != Some(b'[') {
            return None;
        }
        self.at += 1;
        if self.peek() == Some(b']') {
            return Some(());
        }
        while self.peek() == Some(b'"') {
            let start = self.at;
            let escaped = self.string().ok()?;
            each(&self.text[start + 1..self.at - 1], escaped);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => return Some(()),
                _ => return None,
            }
        }
        None
    }

    fn open(&mut self, bracket: u8) -> Result<(), Broken> {
        if self.bytes.get(self.at) != Some(&bracket) {
            return Err(Broken);
        }
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH_MAX {
            return Err(Broken);
        }
        self.at += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Broken> {
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Passes a key and its colon; the field it names.
    #[inline(always)]
    fn key<const N: usize>(
        &mut self,
        shape: &'static Shape<N>,
        order: &mut Order,
        last: usize,
    ) -> Result<Option<usize>, Broken> {
        let quote = self.peek();
        if let Some(window) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<KEY_WINDOW>)
            && quote == Some(b'"')
        {
            let (_, tail) = window.split_at(1);
            let word = tail.first_chunk().map_or(0, |word| u128::from_le_bytes(*word));
            for guess in order.next[last].map(usize::from) {
                let Some(name) = shape.keys.get(guess) else { continue };
                let closed = || window.get(name.len + 1..name.len + 3) == Some(b"\":");
                if word & name.mask == name.word && closed() {
                    self.at += name.len + 3;
                    return Ok(Some(guess));
                }
            }
        }
        self.unexpected_key(shape, order, last)
    }

    #[inline(never)]
    fn unexpected_key<const N: usize>(
        &mut self,
        shape: &'static Shape<N>,
        order: &mut Order,
        last: usize,
    ) -> Result<Option<usize>, Broken> {
        if self.peek() != Some(b'"') {
            return Err(Broken);
        }
        let start = self.at;
        let escaped = self.string()?;
        let raw = &self.bytes[start..self.at];
        let index = if escaped {
            let name: String = serde_json::from_slice(raw).map_err(|_| Broken)?;
            shape.find(name.as_bytes())
        } else {
            shape.find(&raw[1..raw.len() - 1])
        };
        if let Some(index) = index {
            let [newest, _] = order.next[last];
            order.next[last] = [index as u8, newest];
        }
        if self.peek() != Some(b':') {
            return Err(Broken);
        }
        self.at += 1;
        Ok(index)
    }

    /// Passes any value.
    fn value(&mut self) -> Result<(), Broken> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{' | b'[') => self.nested(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => Err(Broken),
        }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Broken> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(Broken);
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes an object or an array whose contents nobody reads. Not by recursion: the brackets
    /// that are open are the bits of a word, 1 for an object.
    fn nested(&mut self) -> Result<(), Broken> {
        const { assert!(limits::JSON_DEPTH_MAX < u64::BITS as usize) };
        let outside = self.depth;
        let mut open = 0u64;
        loop {
            let object = self.bytes[self.at] == b'{';
            self.open(if object { b'{' } else { b'[' })?;
            open = open << 1 | u64::from(object);
            let mut first = true;
            // Up to the next bracket that opens, or the end.
            loop {
                let object = open & 1 == 1;
                let closing = if object { b'}' } else { b']' };
                match self.peek() {
                    Some(byte) if byte == closing => {
                        self.close()?;
                        if self.depth == outside {
                            return Ok(());
                        }
                        open >>= 1;
                        first = false;
                        continue;
                    }
                    Some(b',') if !first => self.at += 1,
                    Some(_) if first => {}
                    _ => return Err(Broken),
                }
                if object {
                    if self.peek() != Some(b'"') {
                        return Err(Broken);
                    }
                    self.string()?;
                    if self.peek() != Some(b':') {
                        return Err(Broken);
                    }
                    self.at += 1;
                }
                if matches!(self.peek(), Some(b'{' | b'[')) {
                    break;
                }
                self.value()?;
                first = false;
            }
        }
    }

    fn digits(&mut self) -> Result<(), Broken> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Broken) }
    }

    fn number(&mut self) -> Result<(), Broken> {
        let at = |scanner: &Self| scanner.bytes.get(scanner.at).copied();
        if at(self) == Some(b'-') {
            self.at += 1;
        }
        if at(self) == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if at(self) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(at(self), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(at(self), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Passes a string; whether it has escapes.
    #[inline(always)]
    fn string(&mut self) -> Result<bool, Broken> {
        self.at += 1;
        let mut escaped = false;
        loop {
            while let Some(chunk) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
                let plain = plain_run(chunk);
                self.at += plain;
                if plain < CHUNK {
                    break;
                }
            }
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    self.escape()?;
                    escaped = true;
                }
                Some(b' '..) => self.at += 1,
                _ => return Err(Broken),
            }
        }
    }

    #[inline(never)]
    fn escape(&mut self) -> Result<(), Broken> {
        self.at += 2;
        match self.bytes.get(self.at - 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.unit()? {
                0xd800..0xdc00 => {
                    self.literal(b"\\u")?;
                    if matches!(self.unit()?, 0xdc00..0xe000) { Ok(()) } else { Err(Broken) }
                }
                0xdc00..0xe000 => Err(Broken),
                _ => Ok(()),
            },
            _ => Err(Broken),
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Broken> {
        let digits = self.bytes[self.at..].first_chunk::<4>().ok_or(Broken)?;
        self.at += 4;
        digits.iter().try_fold(0, |unit, digit| {
            let digit = char::from(*digit).to_digit(16).ok_or(Broken)?;
            Ok(unit << 4 | digit)
        })
    }
}

/// Bytes of a string that are looked at together.
const CHUNK: usize = 16;

/// How many bytes come before the first that ends a plain run of a string: a quote, a backslash or
/// a control character.
#[cfg(target_feature = "sse2")]
#[inline(always)]
fn plain_run(chunk: &[u8; CHUNK]) -> usize {
    use std::arch::x86_64::{
        _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };
    // SAFETY: the chunk is as long as what is loaded, which need not be aligned; the processor has
    // the instructions, or this would not have been compiled.
    let stops = unsafe {
        let bytes = _mm_loadu_si128(chunk.as_ptr().cast());
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
        let control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control))
    };
    // The bit after the last byte's stands for none.
    (stops as u32 | 1 << CHUNK).trailing_zeros() as usize
}

/// The same in words that every processor has.
#[cfg(any(test, not(target_feature = "sse2")))]
fn plain_run_by_words(chunk: &[u8; CHUNK]) -> usize {
    /// The high bits of the bytes that end a run. Only the lowest of them is exact: a borrow may
    /// mark bytes above it.
    fn stops(word: u64) -> u64 {
        const ONES: u64 = u64::MAX / 255;
        let equals = |byte: u8| (word ^ (ONES * u64::from(byte))).wrapping_sub(ONES);
        let control = word.wrapping_sub(ONES * 0x20);
        (equals(b'"') | equals(b'\\') | control) & !word & (ONES << 7)
    }
    let word = u128::from_le_bytes(*chunk);
    match stops(word as u64) {
        0 => 8 + (stops((word >> 64) as u64).trailing_zeros() / 8) as usize,
        low => (low.trailing_zeros() / 8) as usize,
    }
}

#[cfg(not(target_feature = "sse2"))]
use self::plain_run_by_words as plain_run;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Both ways agree with a look at one byte after the other.
        #[test]
        fn a_plain_run_ends_at_the_first_stop(
            chunk: [u8; CHUNK],
            stop in prop::sample::select(&[b'"', b'\\', 0, 0x1f, 0x20, 0x7f, 0x80, 0xff][..]),
            at in 0..CHUNK,
        ) {
            let mut plain = chunk.map(|byte| byte | 0x80);
            plain[at] = stop;
            for chunk in [chunk, plain] {
                let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
                let expected = chunk.iter().position(stops).unwrap_or(CHUNK);
                prop_assert_eq!(plain_run(&chunk), expected);
                prop_assert_eq!(plain_run_by_words(&chunk), expected);
            }
        }
    }
}
