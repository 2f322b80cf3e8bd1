//! Amounts: integer minor units with a currency. No float touches an amount.

use std::fmt;

use crate::limits;

/// An ISO 4217 code, packed: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Chinese yuan, the currency of the shipped rule pack.
    pub const CNY: Self = Self(*b"CNY");

    /// Reads three capital letters; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Digits after the decimal point, by ISO 4217. Codes outside the table have two.
    #[must_use]
    pub fn exponent(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (fen, cents) of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units.
    pub minor: i64,
    /// Whose minor units.
    pub currency: Currency,
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a plain decimal number.
    #[error("not a decimal number")]
    Malformed,
    /// More fraction digits than the currency has (trailing zeros are allowed).
    #[error("more fraction digits than the currency has")]
    TooManyDigits,
    /// Above [`limits::AMOUNT_MINOR_MAX`].
    #[error("larger than the largest amount")]
    Overflow,
}

/// Reads a decimal text (`-12.30`, `1e3` is refused) as minor units with `exponent` fraction
/// digits.
///
/// # Errors
/// [`AmountError`], by what is wrong with the text.
pub fn parse_decimal(text: &str, exponent: u32) -> Result<i64, AmountError> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, bytes),
    };
    if let Some(minor) = usual_decimal(digits, exponent as usize) {
        return Ok(if negative { -minor } else { minor });
    }
    let point = digits.iter().position(|&b| b == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &digits[..0]),
    };
    if whole.is_empty() || (point.is_some() && fraction.is_empty()) {
        return Err(AmountError::Malformed);
    }
    let mut minor = 0i64;
    for &byte in whole {
        minor = push_digit(minor, byte)?;
    }
    for at in 0..exponent as usize {
        minor = push_digit(minor, fraction.get(at).copied().unwrap_or(b'0'))?;
    }
    for &byte in fraction.get(exponent as usize..).unwrap_or_default() {
        match byte {
            b'0' => {}
            b'1'..=b'9' => return Err(AmountError::TooManyDigits),
            _ => return Err(AmountError::Malformed),
        }
    }
    if minor > limits::AMOUNT_MINOR_MAX {
        return Err(AmountError::Overflow);
    }
    Ok(if negative { -minor } else { minor })
}

/// Digits, a point and as many digits as the currency has, as almost every amount is written;
/// anything else, and whatever is wrong, is for the caller.
fn usual_decimal(digits: &[u8], exponent: usize) -> Option<i64> {
    let (whole, fraction) = digits.split_at_checked(digits.len().checked_sub(exponent + 1)?)?;
    let fraction = fraction.strip_prefix(b".")?;
    // Seventeen digits do not overflow.
    if whole.is_empty() || fraction.is_empty() || digits.len() > 18 {
        return None;
    }
    let (mut minor, mut valid) = (0i64, true);
    for byte in whole.iter().chain(fraction) {
        let digit = byte.wrapping_sub(b'0');
        valid &= digit < 10;
        minor = minor * 10 + i64::from(digit);
    }
    (valid && minor <= limits::AMOUNT_MINOR_MAX).then_some(minor)
}

fn push_digit(minor: i64, byte: u8) -> Result<i64, AmountError> {
    if !byte.is_ascii_digit() {
        return Err(AmountError::Malformed);
    }
    minor
        .checked_mul(10)
        .and_then(|m| m.checked_add(i64::from(byte - b'0')))
        .ok_or(AmountError::Overflow)
}

/// Writes minor units as a decimal text with `exponent` fraction digits.
#[must_use]
pub fn format_decimal(minor: i64, exponent: u32) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let scale = 10u64.pow(exponent);
    let (whole, fraction) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
    if exponent == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{fraction:0width$}", width = exponent as usize)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_decimal(self.minor, self.currency.exponent()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(parse_decimal("0.1", 2), Ok(10));
        assert_eq!(parse_decimal("49700.00", 2), Ok(4_970_000));
        assert_eq!(parse_decimal("7", 2), Ok(700));
        assert_eq!(parse_decimal("7.500", 2), Ok(750));
        assert_eq!(parse_decimal("-1.05", 2), Ok(-105));
        assert_eq!(parse_decimal("12", 0), Ok(12));
        for bad in ["", "-", ".5", "5.", "1e3", "+1", "1,000", "0x1", " 1", "1.2.3", "1.00a"] {
            assert_eq!(parse_decimal(bad, 2), Err(AmountError::Malformed), "{bad:?}");
        }
        assert_eq!(parse_decimal("1.234", 2), Err(AmountError::TooManyDigits));
        assert_eq!(parse_decimal("99999999999999999999", 2), Err(AmountError::Overflow));
        assert_eq!(parse_decimal("2814749767106.56", 2), Err(AmountError::Overflow));
        assert_eq!(parse_decimal("2814749767106.55", 2), Ok(limits::AMOUNT_MINOR_MAX));
    }

    #[test]
    fn decimals_are_written_as_they_are_read() {
        for (text, exponent) in [("0.05", 2), ("-12.30", 2), ("7", 0), ("1.234", 3)] {
            let minor = parse_decimal(text, exponent).expect("valid");
            assert_eq!(format_decimal(minor, exponent), text);
        }
    }
}
