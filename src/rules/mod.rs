//! Rules as data: a pack of TOML files with CEL conditions becomes one flat typed plan.
//!
//! Pure: texts come in, a [`plan::Plan`] or diagnostics go out. Reading folders is the caller's business.

pub mod plan;
pub mod text;
