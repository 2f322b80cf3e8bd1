//! The engine's parallel work on a pool of threads.

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::engine::Fork;

/// A fork-join pool.
#[derive(Debug)]
pub struct Pool(ThreadPool);

impl Pool {
    /// A pool of `threads` threads; 0: one per core.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        let named = |index| format!("goshawk-engine-{index}");
        ThreadPoolBuilder::new().num_threads(threads).thread_name(named).build().map(Self)
    }

    /// How many threads it has.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.current_num_threads()
    }
}

impl Fork for Pool {
    fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        if tasks <= 1 || self.threads() == 1 {
            (0..tasks).for_each(work);
        } else {
            self.0.install(|| (0..tasks).into_par_iter().for_each(work));
        }
    }
}
