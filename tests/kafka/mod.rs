//! The built program against a real Kafka broker: delivery through deaths, take-over, fencing,
//! growth.
//!
//! `broker.sh` starts the broker, `broker` finds or starts it, `lab` gives a test topics of its
//! own.

mod alerts;
mod amlsim;
mod broker;
mod delivery;
mod faults;
mod head;
mod lab;
mod model;
mod proxy;
mod reconcile;
mod security;
mod shadow;
mod snapshots;
mod source;
mod standby;
mod stops;
