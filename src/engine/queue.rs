//! First in, first out, with access by place, in segments of fixed size: what it holds is never
//! copied to grow, and at most one segment is partly used at either end.

use std::collections::VecDeque;

/// Items of one segment.
const SEGMENT: usize = 32;

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Queue<T> {
    segments: VecDeque<Vec<T>>,
    /// Items of the first segment that have left.
    gone: usize,
    len: usize,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { segments: VecDeque::new(), gone: 0, len: 0 }
    }
}

impl<T: Copy> Queue<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    /// The oldest item.
    pub fn front(&self) -> Option<&T> {
        (self.len > 0).then(|| self.get(0))
    }

    /// Item number `place`, counted from the oldest.
    pub fn get(&self, place: usize) -> &T {
        let at = self.gone + place;
        &self.segments[at / SEGMENT][at % SEGMENT]
    }

    /// See [`Queue::get`].
    pub fn get_mut(&mut self, place: usize) -> &mut T {
        let at = self.gone + place;
        &mut self.segments[at / SEGMENT][at % SEGMENT]
    }

    pub fn push_back(&mut self, item: T) {
        match self.segments.back_mut() {
            Some(segment) if segment.len() < SEGMENT => segment.push(item),
            _ => {
                let mut segment = Vec::with_capacity(SEGMENT);
                segment.push(item);
                self.segments.push_back(segment);
            }
        }
        self.len += 1;
    }

    pub fn pop_front(&mut self) -> Option<T> {
        let item = *self.front()?;
        self.gone += 1;
        self.len -= 1;
        if self.gone == SEGMENT || self.len == 0 {
            self.segments.pop_front();
            self.gone = 0;
        }
        Some(item)
    }

    /// Bytes held outside itself.
    pub fn bytes(&self) -> usize {
        self.segments.capacity() * size_of::<Vec<T>>()
            + self.segments.len() * SEGMENT * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_deque(pushes in prop::collection::vec(0usize..50, 0..40)) {
            let (mut queue, mut model) = (Queue::default(), VecDeque::new());
            for (round, pushes) in pushes.into_iter().enumerate() {
                for item in 0..pushes {
                    queue.push_back((round, item));
                    model.push_back((round, item));
                }
                for _ in 0..(round * 17) % 60 {
                    prop_assert_eq!(queue.pop_front(), model.pop_front());
                }
                if let Some(last) = model.back_mut() {
                    last.1 += 1;
                    queue.get_mut(queue.len() - 1).1 += 1;
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.front(), model.front());
                prop_assert!((0..model.len()).all(|place| *queue.get(place) == model[place]));
            }
        }
    }
}
