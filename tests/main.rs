//! The one integration-test binary. Each module says what belongs in it.

mod generate; // the generator: determinism, order, labels, patterns past their thresholds
