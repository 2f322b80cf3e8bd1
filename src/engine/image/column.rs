//! Columns of numbers of one width. Serialised as their bytes, lowest first: what is copied by the
//! megabyte is written and read in one piece, and compresses best next to its like.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers of one width.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column<T>(pub Vec<T>);

/// A number of fixed width.
pub trait Fixed: Copy {
    /// Bytes of one.
    const WIDTH: usize;
    /// Writes it, lowest byte first.
    fn put(self, bytes: &mut Vec<u8>);
    /// Reads it from exactly [`Fixed::WIDTH`] bytes.
    fn take(bytes: &[u8]) -> Option<Self>;
}

macro_rules! fixed {
    ($($number:ty),*) => {$(
        impl Fixed for $number {
            const WIDTH: usize = size_of::<Self>();
            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn take(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

fixed!(u8, u16, u32, u64, i32, i64);

impl<T: Copy> Column<T> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets them, keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds one.
    pub fn push(&mut self, number: T) {
        self.0.push(number);
    }
}

impl<T: Fixed> Serialize for Column<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(self.0.len() * T::WIDTH);
        self.0.iter().for_each(|number| number.put(&mut bytes));
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de, T: Fixed> Deserialize<'de> for Column<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes<T>(PhantomData<T>);
        impl<T: Fixed> Visitor<'_> for Bytes<T> {
            type Value = Column<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "numbers of {} bytes", T::WIDTH)
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                if !bytes.len().is_multiple_of(T::WIDTH) {
                    return Err(E::invalid_length(bytes.len(), &self));
                }
                let numbers: Option<Vec<T>> = bytes.chunks_exact(T::WIDTH).map(T::take).collect();
                numbers.map(Column).ok_or_else(|| E::invalid_length(bytes.len(), &self))
            }
        }
        deserializer.deserialize_bytes(Bytes(PhantomData))
    }
}
