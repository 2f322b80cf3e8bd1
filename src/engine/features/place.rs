//! Where a payment was ordered.

use crate::model::event::{Geo, Payment};

/// Where a payment was ordered, and to how many metres that is sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Place {
    pub lat_udeg: i32,
    pub lon_udeg: i32,
    pub accuracy_m: u32,
}

/// A place that is as sure as it says, or wholly sure.
pub(in super::super) fn place_at(geo: Geo) -> Place {
    let accuracy_m = geo.accuracy_m.unwrap_or(0);
    Place { lat_udeg: geo.lat_udeg, lon_udeg: geo.lon_udeg, accuracy_m }
}

/// Where a payment was ordered: at its terminal, which stands where it stands, else on its device,
/// where the device says how sure it is.
pub(in super::super) fn place_of(payment: &Payment) -> Option<Place> {
    let terminal = payment.terminal_geo.map(place_at);
    terminal.or_else(|| payment.device_geo.filter(|geo| geo.accuracy_m.is_some()).map(place_at))
}
