//! Sets of a plan's rules as bits, so that one test of a shared term closes all rules that need it.

/// Rules of a plan, a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RuleSet(Box<[u64]>);

impl RuleSet {
    /// Number of words that sets of a plan with `rules` rules have.
    pub fn words(rules: usize) -> usize {
        rules.div_ceil(64).max(1)
    }

    /// No rule.
    pub fn none(words: usize) -> Self {
        Self(vec![0; words].into_boxed_slice())
    }

    pub fn insert(&mut self, rule: u16) {
        self.0[usize::from(rule) / 64] |= 1 << (rule % 64);
    }

    /// Adds those of another set.
    pub fn join(&mut self, other: &Self) {
        other.open(&mut self.0);
    }

    /// Its bits.
    pub fn words_of(&self) -> &[u64] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether one of them is in `open`.
    #[inline]
    pub fn meets(&self, open: &[u64]) -> bool {
        self.0.iter().zip(open).any(|(own, open)| own & open != 0)
    }

    /// Takes them out of `open`.
    #[inline]
    pub fn close(&self, open: &mut [u64]) {
        open.iter_mut().zip(&self.0).for_each(|(open, own)| *open &= !own);
    }

    /// Adds them to `open`.
    #[inline]
    pub fn open(&self, open: &mut [u64]) {
        open.iter_mut().zip(&self.0).for_each(|(open, own)| *open |= own);
    }

    /// Leaves only them in `open`.
    #[inline]
    pub fn keep(&self, open: &mut [u64]) {
        open.iter_mut().zip(&self.0).for_each(|(open, own)| *open &= own);
    }
}

/// The rules of a set, in order.
pub(super) fn rules_in(set: &[u64]) -> impl Iterator<Item = u16> {
    set.iter().enumerate().flat_map(|(at, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros() as u16)?;
            left &= left - 1;
            Some(at as u16 * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_span_words() {
        let mut set = RuleSet::none(RuleSet::words(130));
        for rule in [0, 63, 64, 129] {
            set.insert(rule);
        }
        let mut open = vec![u64::MAX; 3];
        set.keep(&mut open);
        assert_eq!(rules_in(&open).collect::<Vec<_>>(), [0, 63, 64, 129]);
        let mut one = RuleSet::none(3);
        one.insert(64);
        assert!(one.meets(&open));
        one.close(&mut open);
        assert!(!one.meets(&open) && !set.is_empty());
        assert_eq!(rules_in(&open).collect::<Vec<_>>(), [0, 63, 129]);
    }
}
