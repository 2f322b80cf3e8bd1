//! How far and how fast somebody has travelled between two located payments.
//!
//! Sines come from sums and products alone, which give the same bits on every machine; the
//! platform's own functions need not.

use super::known::Known;
use super::place::{Place, place_of};
use crate::model::event::Payment;
use crate::model::time::Millis;
use crate::rules::plan::program::MISSING;

/// Mean radius of the Earth in metres.
const EARTH_M: f64 = 6_371_008.8;

/// Kilometres from the newest earlier place, and kilometres an hour; of places surer than
/// `accuracy_km`. What happened until `until_ms` came before.
pub(in super::super) fn travelled(
    known: Option<&Known>,
    payment: &Payment,
    until_ms: Millis,
    time_ms: Millis,
    accuracy_km: u32,
) -> Option<[i64; 2]> {
    let is_sure = |place: &Place| place.accuracy_m < accuracy_km * 1_000;
    let here = place_of(payment).filter(is_sure)?;
    let (since_ms, there) = known?.place_before(until_ms, is_sure)?;
    let metres = distance_m(here, there);
    let elapsed_ms = (time_ms - since_ms).max(1);
    Some([metres / 1_000, metres * 3_600 / elapsed_ms])
}

/// Kilometres from the first place of the newest day at or before a moment; of places surer than
/// `accuracy_km`. What happened until `until_ms` came before.
pub(in super::super) fn moved_km(
    known: Option<&Known>,
    payment: &Payment,
    before_ms: Millis,
    until_ms: Millis,
    accuracy_km: u32,
) -> Option<i64> {
    let is_sure = |place: &Place| place.accuracy_m < accuracy_km * 1_000;
    let here = place_of(payment).filter(is_sure)?;
    Some(distance_m(here, known?.base_before(before_ms, until_ms, is_sure)?) / 1_000)
}

/// Kilometres from where the account was opened; of places surer than `accuracy_km`.
pub(in super::super) fn opening_km(
    opened_at: Option<Place>,
    payment: &Payment,
    accuracy_km: u32,
) -> Option<i64> {
    let is_sure = |place: &Place| place.accuracy_m < accuracy_km * 1_000;
    let here = place_of(payment).filter(is_sure)?;
    Some(distance_m(here, opened_at.filter(is_sure)?) / 1_000)
}

/// One of the two as a cell.
pub(in super::super) fn cell(travelled: Option<[i64; 2]>, index: usize) -> i64 {
    travelled.map_or(MISSING, |both| both[index])
}

fn sine(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for k in 1..16 {
        let k = f64::from(k);
        term *= -x * x / (2.0 * k * (2.0 * k + 1.0));
        sum += term;
    }
    sum
}

fn cosine(x: f64) -> f64 {
    let half = sine(x / 2.0);
    1.0 - 2.0 * half * half
}

/// Along the surface of a sphere.
fn distance_m(a: Place, b: Place) -> i64 {
    let unit = |place: Place| {
        let radians = |udeg: i32| f64::from(udeg) * (std::f64::consts::PI / 180e6);
        let (lat, lon) = (radians(place.lat_udeg), radians(place.lon_udeg));
        [cosine(lat) * cosine(lon), cosine(lat) * sine(lon), sine(lat)]
    };
    let (a, b) = (unit(a), unit(b));
    let chord: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    // The angle whose half has this sine: it rises from 0 to a half turn.
    let (mut low, mut high) = (0.0, std::f64::consts::PI);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if 2.0 * sine(middle / 2.0) <= chord {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * EARTH_M) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(lat: f64, lon: f64) -> Place {
        let udeg = |degrees: f64| (degrees * 1e6).round() as i32;
        Place { lat_udeg: udeg(lat), lon_udeg: udeg(lon), accuracy_m: 0 }
    }

    #[test]
    fn distances_are_those_of_the_haversine_formula() {
        let points = [
            (36.0671, 120.3826),
            (25.0389, 102.7183),
            (0.0, 0.0),
            (0.0, 180.0),
            (90.0, 0.0),
            (-33.86, 151.21),
            (51.5, -0.12),
            (51.5, -0.1201),
        ];
        for (lat_a, lon_a) in points {
            for (lat_b, lon_b) in points {
                let seen = distance_m(place(lat_a, lon_a), place(lat_b, lon_b));
                let (p, q): (f64, f64) = (lat_a, lat_b);
                let (p, q) = (p.to_radians(), q.to_radians());
                let d: f64 = lon_b - lon_a;
                let h = ((q - p) / 2.0).sin().powi(2)
                    + p.cos() * q.cos() * (d.to_radians() / 2.0).sin().powi(2);
                let expect = 2.0 * EARTH_M * h.sqrt().min(1.0).asin();
                assert!((seen as f64 - expect).abs() < 2.0, "{seen} {expect}");
            }
        }
        let far = distance_m(place(36.0671, 120.3826), place(25.0389, 102.7183));
        assert!((2_050_000..2_120_000).contains(&far), "{far}");
    }
}
