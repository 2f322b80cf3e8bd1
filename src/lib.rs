//! Goshawk 苍鹰 reads payment events, scores each against sliding-window rules while the money is still
//! moving, and publishes alerts that ask for a stop-payment, a freeze or a milder measure.

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
pub mod source;
pub mod telemetry;
pub mod wire;
