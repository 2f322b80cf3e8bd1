//! Where a payment was ordered.

use crate::model::event::{Geo, Payment};

/// Where a payment was ordered, and to how many metres that is sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Place {
    pub lat_udeg: i32,
    pub lon_udeg: i32,
    pub accuracy_m: u32,
}

/// Where a payment was ordered: at its terminal, which stands where it stands, else on its device,
/// where the device says how sure it is.
pub(in super::super) fn place_of(payment: &Payment) -> Option<Place> {
    let place =
        |geo: Geo, accuracy_m| Place { lat_udeg: geo.lat_udeg, lon_udeg: geo.lon_udeg, accuracy_m };
    let terminal = payment.terminal_geo.map(|geo| place(geo, geo.accuracy_m.unwrap_or(0)));
    terminal.or_else(|| {
        let geo = payment.device_geo?;
        geo.accuracy_m.map(|accuracy_m| place(geo, accuracy_m))
    })
}
