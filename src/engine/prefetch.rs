//! Asking for memory before it is needed. The engine waits for memory more than for anything else;
//! a visit's lines are asked for while earlier visits are worked on.

/// Bytes of a line.
const LINE: usize = 64;

/// Asks for the line where `place` begins. Changes nothing but speed.
#[inline(always)]
pub(super) fn prefetch<T>(place: &T) {
    ask(std::ptr::from_ref(place).cast());
}

/// Asks for every line of `places`, up to `lines` of them.
#[inline(always)]
pub(super) fn prefetch_all<T>(places: &[T], lines: usize) {
    let start = places.as_ptr().cast::<u8>();
    for line in 0..size_of_val(places).div_ceil(LINE).min(lines) {
        ask(start.wrapping_add(line * LINE));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn ask(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch changes nothing the program can see and never faults, whatever the
    // address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn ask(_address: *const u8) {}
