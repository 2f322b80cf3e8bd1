//! One flag that tells every thread to finish, and why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why the process finishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A signal asked for it.
    Asked = 1,
    /// Another process leads now.
    LeadershipLost = 2,
    /// Something failed; the error travels by itself.
    Failed = 3,
}

/// The flag. The first reason stays.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Asks everybody to finish.
    pub fn because(&self, why: Why) {
        let _ = self.0.compare_exchange(0, why as u8, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Why, if at all.
    #[must_use]
    pub fn why(&self) -> Option<Why> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(Why::Asked),
            2 => Some(Why::LeadershipLost),
            3 => Some(Why::Failed),
            _ => None,
        }
    }

    /// Whether work goes on.
    #[must_use]
    pub fn go_on(&self) -> bool {
        self.why().is_none()
    }
}

/// Sets the flag on SIGTERM or SIGINT.
///
/// # Errors
/// When the system gives no thread or signal.
pub fn on_signals(stop: &Stop) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let stop = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut term, mut interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    std::thread::Builder::new().name("goshawk-signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        tracing::info!("asked to stop: finishing what has been read");
        stop.because(Why::Asked);
    })?;
    Ok(())
}
