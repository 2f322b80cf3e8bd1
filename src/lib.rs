//! Goshawk 苍鹰 reads payment events, scores each against sliding-window rules while the money is
//! still moving, and publishes alerts that ask for a stop-payment, a freeze or a milder measure.
//!
//! # Flow
//!
//! ```text
//!             ┌──────────────── engine: pure, deterministic ────────────────┐
//! records ─► decode ─► clock ─► intern ─► consult ─► visit ─► judge ─► act ─► alerts ─► publish
//!    │         │                 keys      lists,     ledgers  rules    guards,            │
//!  source      └─► rejects       become    payments   windows  per row  score,             │
//!    │                           slots                                  episodes           │
//!    └───────────────── runs of the step ──────────► journal ◄──── one transaction ────────┘
//! ```
//!
//! One direction, one step at a time, no call back upstream.
//!
//! # Reading order
//!
//! [`model`] (the vocabulary) → [`rules`] (a pack of files becomes one plan) → [`engine`] (a batch
//! of events becomes alerts) → [`wire`] (outer formats) → [`source`] and [`sink`] (where records
//! come from and go to) → [`snapshot`] (the state on disk) → [`runtime`] (the service) and
//! [`backtest`] (everything else around the same engine) → [`cli`]. Every bound is in [`limits`].
//! Imports only point down this list: `cli`, `http`, `runtime`/`backtest`, `generate`,
//! `source`/`sink`, `wire`, `snapshot`, `telemetry`, `engine`, `rules`, `model`, `limits`.
//!
//! # Invariants
//!
//! 1. `engine`, `rules` and `model` read no clock, environment, file, socket or random source, and
//!    never await, spawn or log. Time reaches them as data.
//! 2. The same events in the same order under the same pack give the same alerts, byte for byte,
//!    however the order is cut into steps and however many threads work on it.
//! 3. Every record ends as exactly one of scored, applied, duplicate, skipped or rejected with a
//!    reason.
//! 4. In `exactly_once` an alert becomes visible to a read-committed consumer once, whatever dies.
//! 5. A missing value makes a rule *not evaluable*, which is counted; never false in silence, never
//!    zero.
//! 6. Money is integer minor units with a currency; no float touches an amount.
//! 7. A rule pack fails at load, with file, line, column and a hint, or not at all.
//! 8. Nothing grows without a bound in [`limits`]; a bound that bites is counted, and the finding
//!    says so.
//! 9. An alert asks; it never claims that something is frozen. Weak signals never alert alone.
//! 10. No account, customer or device value appears in a metric label or, unmasked, in a log line.

pub mod backtest;
pub mod cli;
pub mod engine;
pub mod generate;
pub mod http;
pub mod limits;
pub mod model;
pub mod rules;
pub mod runtime;
pub mod sink;
pub mod snapshot;
pub mod source;
pub mod telemetry;
pub mod wire;
