//! What is on trial, as a part: the comparisons, and the act phase of the second engine. Its other
//! state is that of the first: ledgers, payments and lists do not depend on rules.

use serde::{Deserialize, Serialize};

use super::manifest::RuleText;
use crate::engine::contrast::ContrastImage;
use crate::engine::image::{ActImage, ImageError};
use crate::model::time::Millis;

/// What is on trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialsPart {
    /// The shadow rules of the pack in force.
    pub rules: ComparedPart,
    /// A pack of its own, if one is on trial.
    pub pack: Option<TrialPart>,
}

/// A comparison, and the step with which it began, and when that was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComparedPart {
    /// What was compared.
    pub contrast: ContrastImage,
    /// See above.
    pub since: (u64, Millis),
}

/// A pack on trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialPart {
    /// The journal's record that began it, as the journal has it.
    pub began: String,
    /// The pack's files.
    pub rules: Vec<RuleText>,
    /// What was compared.
    pub compared: ComparedPart,
    /// What its own act phase keeps.
    pub act: ActImage,
}

impl TrialsPart {
    /// Puts other numbers in the place of the topics'.
    ///
    /// # Errors
    /// [`ImageError`], when a topic has no new number.
    pub fn renumber_topics(&mut self, numbers: &[u16]) -> Result<(), ImageError> {
        self.pack.as_mut().map_or(Ok(()), |pack| pack.act.renumber_topics(numbers))
    }
}
