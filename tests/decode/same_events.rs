//! Thousands of random and mutated records: the decoder says the same as the plain one.

use super::{decode, decoder, plain, records};
use crate::oracle::streams::{Random, START};

/// Records of one seed, each in three states of repair.
const RECORDS: usize = 12;

#[test]
fn the_decoder_says_what_the_plain_one_says() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in crate::oracle::seeds(1_000) {
        let mut random = Random::new(seed ^ 0x6a73_6f6e);
        // One decoder for a seed: what it learns from one record must not change the next.
        let mut decoder = decoder();
        for _ in 0..RECORDS {
            let sound = records::record(&mut random, false).into_bytes();
            let wild = records::record(&mut random, true).into_bytes();
            let mut broken = sound.clone();
            records::mutate(&mut random, &mut broken);
            for record in [sound, wild, broken] {
                let record_time = random.chance(50).then_some(START + 60 * 86_400_000);
                let seen = decode(&mut decoder, &record, record_time);
                let expect = plain::decode(&record, record_time);
                assert!(
                    plain::same(&seen, &expect),
                    "GOSHAWK_SEED={seed}: {}\n decoder {seen:?}\n   plain {expect:?}",
                    String::from_utf8_lossy(&record)
                );
                *(if seen.is_ok() { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    assert!(accepted > refused / 4 && refused > accepted / 4, "{accepted} and {refused}");
}

/// Every reason that a record can be refused for is reached by the records above.
#[test]
fn the_records_reach_every_reason() {
    use goshawk::model::reject::RejectReason as R;
    let mut random = Random::new(7);
    let mut decoder = decoder();
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..20_000 {
        let mut record = records::record(&mut random, true).into_bytes();
        if random.chance(30) {
            records::mutate(&mut random, &mut record);
        }
        let record_time = random.chance(50).then_some(START);
        if let Err(reason) = decode(&mut decoder, &record, record_time) {
            reached.insert(reason);
        }
    }
    // Empty and too large records have tests of their own; these come from elsewhere.
    let elsewhere = [R::Empty, R::TooLarge, R::MalformedRow, R::TooLate, R::Contradiction];
    reached.retain(|reason| !elsewhere.contains(reason));
    let expect = R::WORDS.iter().map(|(_, r)| *r).filter(|r| !elsewhere.contains(r));
    assert_eq!(reached, expect.collect());
}
