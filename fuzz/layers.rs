//! The layers that are fuzzed, under the product's own name. They are taken from its sources and not
//! through the package, which would bring a Kafka client along and make every build minutes longer;
//! that they stand alone is what the layers promise.

#![allow(missing_docs, dead_code)]

#[path = "../src/engine/mod.rs"]
pub mod engine;
#[path = "../src/limits.rs"]
pub mod limits;
#[path = "../src/model/mod.rs"]
pub mod model;
#[path = "../src/rules/mod.rs"]
pub mod rules;
#[path = "../src/sink/mod.rs"]
pub mod sink;
#[path = "../src/snapshot/mod.rs"]
pub mod snapshot;
#[path = "../src/source/mod.rs"]
pub mod source;
#[path = "../src/wire/mod.rs"]
pub mod wire;
