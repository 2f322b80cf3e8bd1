//! The engine against a naive reference on random streams, and against itself under other cuts,
//! thread counts and restarts.
//!
//! A failing seed is printed; `GOSHAWK_SEED=n` runs it alone, `GOSHAWK_SEEDS=n` runs that many.

mod asked;
mod cells;
mod change;
mod known;
mod late;
pub mod laws;
mod naive;
mod parts;
pub mod plans;
mod same_findings;
pub mod streams;
mod waiting;
mod weak;

/// The seeds to run: `usual` of them unless the environment says otherwise.
pub fn seeds(usual: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|v| v.parse().expect("a number of seeds"));
    match (number("GOSHAWK_SEED"), number("GOSHAWK_SEEDS")) {
        (Some(one), _) => vec![one],
        (None, Some(many)) => (0..many).collect(),
        (None, None) => (0..usual).collect(),
    }
}
