//! Random numbers whose values never change: a pinned stream and sampling in integers only, since
//! the transcendental functions of two platforms may differ in the last bit.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The generator's only source of chance.
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// `0..n`; 0 when `n` is 0. The bias of at most n / 2^64 does not matter here.
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u64
    }

    /// `from..to`, both in reach of `i64`; `from` when the range is empty.
    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.below(to.saturating_sub(from).max(0) as u64) as i64
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// As [`Dice::between`], small values far more often: the share below x is the cube root of x.
    pub fn skewed(&mut self, from: i64, to: i64) -> i64 {
        from + cube(self.below(1 << 20), to.saturating_sub(from).max(0) as u64) as i64
    }

    /// `0..n`, small values more often: the share below x is the square root of x.
    pub fn popular(&mut self, n: u64) -> u64 {
        let u = u128::from(self.below(1 << 31));
        ((u * u * u128::from(n)) >> 62) as u64
    }
}

fn cube(u: u64, n: u64) -> u64 {
    let u = u128::from(u);
    ((u * u * u * u128::from(n)) >> 60) as u64
}

/// A bijection that looks random: attributes of account `n` are bits of `mix(seed + n)`.
pub(super) fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A fixed value in `from..to` drawn from the bits of `hash`, small values far more often.
pub(super) fn fixed_skewed(hash: u64, from: i64, to: i64) -> i64 {
    from + cube(hash & ((1 << 20) - 1), (to - from) as u64) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pinned() {
        let mut dice = Dice::new(42);
        let drawn: Vec<u64> = (0..4).map(|_| dice.below(1_000_000)).collect();
        insta::assert_debug_snapshot!((drawn, dice.skewed(0, 1_000_000), mix(1)));
    }

    #[test]
    fn ranges_hold() {
        let mut dice = Dice::new(1);
        for _ in 0..10_000 {
            assert!((5..9).contains(&dice.between(5, 9)));
            assert!((5..900).contains(&dice.skewed(5, 900)));
            assert!(dice.popular(7) < 7);
            assert_eq!(dice.between(3, 3), 3);
        }
    }
}
