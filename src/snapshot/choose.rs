//! Which set is loaded, which are refused and why, which are deleted. Facts in, decisions out:
//! nothing here reads a file.

use std::fmt;

use super::manifest::{Identity, Manifest};

/// What is known of one set.
#[derive(Clone, Debug, PartialEq)]
pub struct SetFacts {
    /// Its name.
    pub name: String,
    /// What was found in it.
    pub found: Found,
}

/// What was found in a set.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A manifest, and every file it names with the length it says.
    Whole(Box<Manifest>),
    /// No manifest: the process died while it was written, or it is being written.
    Unfinished,
    /// A manifest that cannot be read, or a file that is missing or damaged.
    Damaged(String),
}

/// What sets are held against.
#[derive(Clone, Debug)]
pub struct World<'a> {
    /// What this process's state depends on.
    pub identity: &'a Identity,
    /// The input topics.
    pub inputs: &'a [String],
    /// Numbers of the first and last step that the journal holds.
    pub journal: Option<(u64, u64)>,
}

/// Why a set is not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not whole.
    Unfinished,
    /// It is damaged.
    Damaged(String),
    /// Its state is another's.
    OtherIdentity(&'static str),
    /// It holds steps that were never committed, or that the journal has lost.
    Ahead {
        /// Its newest step.
        newest: u64,
        /// The journal's last.
        last: u64,
    },
    /// The journal does not reach back to it.
    TooOld {
        /// The step that should be repeated first.
        wanted: u64,
        /// The journal's first.
        first: u64,
    },
    /// It names a topic that is not configured.
    UnknownTopic(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished => f.write_str("it is not whole"),
            Self::Damaged(problem) => write!(f, "it is damaged: {problem}"),
            Self::OtherIdentity(what) => write!(f, "it was taken under another {what}"),
            Self::Ahead { newest, last } => write!(
                f,
                "it holds step {newest}, and the journal ends at step {last}: the journal is \
                 another one, or has lost its end"
            ),
            Self::TooOld { wanted, first } => write!(
                f,
                "step {wanted} would have to be repeated, and the journal begins at step {first}: \
                 keep the journal for longer than snapshots are apart"
            ),
            Self::UnknownTopic(topic) => {
                write!(f, "it holds records of topic {topic}, which is not configured")
            }
        }
    }
}

/// What to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Place of the set to load.
    pub load: Option<usize>,
    /// Newer sets that are passed over, newest first, and why.
    pub refused: Vec<(usize, Refusal)>,
}

/// The newest set that can be gone on from. Without one the whole journal is repeated.
#[must_use]
pub fn choose(sets: &[SetFacts], world: &World<'_>) -> Choice {
    let mut choice = Choice::default();
    for place in newest_first(sets) {
        match refusal(&sets[place].found, world) {
            None => {
                choice.load = Some(place);
                break;
            }
            Some(why) => choice.refused.push((place, why)),
        }
    }
    choice
}

/// Names of the sets to delete: what is older than the `keep` newest whole ones, what was begun and
/// is not `current`, and what the journal says never happened. A damaged set among the newest stays
/// for whoever wants to know why.
#[must_use]
pub fn superfluous(
    sets: &[SetFacts],
    keep: usize,
    journal_last: Option<u64>,
    current: Option<&str>,
) -> Vec<String> {
    let mut whole = 0;
    let mut gone = Vec::new();
    for set in newest_first(sets).into_iter().map(|place| &sets[place]) {
        let is_current = current == Some(set.name.as_str());
        let delete = match &set.found {
            Found::Unfinished => !is_current,
            Found::Whole(manifest) if journal_last.is_some_and(|last| manifest.newest > last) => {
                true
            }
            Found::Whole(_) => {
                whole += 1;
                whole > keep.max(1)
            }
            Found::Damaged(_) => whole >= keep.max(1),
        };
        if delete {
            gone.push(set.name.clone());
        }
    }
    gone
}

fn newest_first(sets: &[SetFacts]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..sets.len()).collect();
    // Names begin with the number of the oldest step, then the wall clock.
    places.sort_by(|a, b| sets[*b].name.cmp(&sets[*a].name));
    places
}

fn refusal(found: &Found, world: &World<'_>) -> Option<Refusal> {
    let manifest = match found {
        Found::Whole(manifest) => manifest,
        Found::Unfinished => return Some(Refusal::Unfinished),
        Found::Damaged(problem) => return Some(Refusal::Damaged(problem.clone())),
    };
    let (own, its) = (world.identity, &manifest.identity);
    if own.tenant != its.tenant {
        return Some(Refusal::OtherIdentity("tenant"));
    }
    if own.hash_check != its.hash_check {
        return Some(Refusal::OtherIdentity("hash key"));
    }
    if own.utc_offset_ms != its.utc_offset_ms {
        return Some(Refusal::OtherIdentity("zone"));
    }
    if let Some(topic) = manifest.topics.iter().find(|topic| !world.inputs.contains(topic)) {
        return Some(Refusal::UnknownTopic(topic.clone()));
    }
    let Some((first, last)) = world.journal else {
        return Some(Refusal::Ahead { newest: manifest.newest, last: 0 });
    };
    if manifest.newest > last {
        return Some(Refusal::Ahead { newest: manifest.newest, last });
    }
    let wanted = manifest.oldest + 1;
    // A set of one step at the journal's end needs nothing of it.
    (first > wanted && manifest.oldest < last).then_some(Refusal::TooOld { wanted, first })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity { tenant: "bank".to_owned(), hash_check: 7, utc_offset_ms: 0 }
    }

    fn set(name: &str, oldest: u64, newest: u64) -> SetFacts {
        let manifest = Manifest {
            program: String::new(),
            began_ms: 0,
            ended_ms: 0,
            identity: identity(),
            rule_pack: String::new(),
            rules: Vec::new(),
            oldest,
            newest,
            topics: vec!["payments".to_owned()],
            begin: Vec::new(),
            end: Vec::new(),
            watched: crate::snapshot::manifest::Watched::default(),
            files: Vec::new(),
        };
        SetFacts { name: name.to_owned(), found: Found::Whole(Box::new(manifest)) }
    }

    fn chosen(sets: &[SetFacts], journal: Option<(u64, u64)>) -> (Option<&str>, Vec<Refusal>) {
        let (identity, inputs) = (identity(), ["payments".to_owned()]);
        let choice = choose(sets, &World { identity: &identity, inputs: &inputs, journal });
        let refused = choice.refused.into_iter().map(|(_, why)| why).collect();
        (choice.load.map(|place| sets[place].name.as_str()), refused)
    }

    /// Every combination of what the two newest sets and the journal can be.
    #[test]
    fn the_newest_set_that_can_be_gone_on_from_is_loaded() {
        let journals =
            [None, Some((1, 5)), Some((1, 25)), Some((1, 99)), Some((15, 99)), Some((30, 99))];
        let states: &[&str] = &["whole", "unfinished", "damaged"];
        for (journal, newer, older) in journals.iter().flat_map(|journal| {
            states.iter().flat_map(move |a| states.iter().map(move |b| (*journal, *a, *b)))
        }) {
            let of = |name: &str, state: &str, oldest, newest| match state {
                "whole" => set(name, oldest, newest),
                "unfinished" => SetFacts { name: name.to_owned(), found: Found::Unfinished },
                _ => SetFacts { name: name.to_owned(), found: Found::Damaged("torn".to_owned()) },
            };
            let sets = [of("a", older, 10, 12), of("b", newer, 20, 25)];
            // A set can be used when the journal holds all between its oldest step and now.
            let usable = |state: &str, oldest: u64, newest: u64| {
                state == "whole"
                    && journal.is_some_and(|(first, last)| first <= oldest + 1 && newest <= last)
            };
            let expect = match (usable(newer, 20, 25), usable(older, 10, 12)) {
                (true, _) => Some("b"),
                (false, true) => Some("a"),
                (false, false) => None,
            };
            let (seen, refused) = chosen(&sets, journal);
            assert_eq!(seen, expect, "{journal:?} {newer} {older}");
            let passed = match expect {
                Some("b") => 0,
                Some(_) => 1,
                None => 2,
            };
            assert_eq!(refused.len(), passed, "{journal:?} {newer} {older}");
        }
    }

    #[test]
    fn a_set_is_refused_for_what_is_wrong_with_it() {
        let mut other = set("a", 1, 2);
        let change = |set: &mut SetFacts, change: &dyn Fn(&mut Manifest)| {
            let Found::Whole(manifest) = &mut set.found else { panic!("it is whole") };
            change(manifest);
        };
        assert_eq!(chosen(std::slice::from_ref(&other), Some((1, 2))).0, Some("a"));
        let refused =
            |set: &SetFacts, journal| chosen(std::slice::from_ref(set), journal).1.remove(0);
        assert_eq!(refused(&other, Some((1, 1))), Refusal::Ahead { newest: 2, last: 1 });
        assert_eq!(refused(&other, None), Refusal::Ahead { newest: 2, last: 0 });
        assert_eq!(refused(&other, Some((3, 9))), Refusal::TooOld { wanted: 2, first: 3 });
        change(&mut other, &|m| m.topics.push("old".to_owned()));
        assert_eq!(refused(&other, Some((1, 2))), Refusal::UnknownTopic("old".to_owned()));
        change(&mut other, &|m| m.identity.utc_offset_ms = 1);
        assert_eq!(refused(&other, Some((1, 2))), Refusal::OtherIdentity("zone"));
        change(&mut other, &|m| m.identity.hash_check = 1);
        assert_eq!(refused(&other, Some((1, 2))), Refusal::OtherIdentity("hash key"));
        change(&mut other, &|m| m.identity.tenant.clear());
        let why = refused(&other, Some((1, 2)));
        assert_eq!(why, Refusal::OtherIdentity("tenant"));
        assert_eq!(why.to_string(), "it was taken under another tenant");
    }

    #[test]
    fn what_is_kept_is_enough_and_no_more() {
        let unfinished = |name: &str| SetFacts { name: name.to_owned(), found: Found::Unfinished };
        let damaged =
            |name: &str| SetFacts { name: name.to_owned(), found: Found::Damaged(String::new()) };
        let sets = [
            damaged("0"),
            set("1", 1, 2),
            set("2", 3, 4),
            unfinished("3"),
            damaged("4"),
            set("5", 7, 8),
            unfinished("6"),
        ];
        assert_eq!(superfluous(&sets, 2, None, Some("6")), ["3", "1", "0"]);
        assert_eq!(superfluous(&sets, 1, None, None), ["6", "4", "3", "2", "1", "0"]);
        assert_eq!(superfluous(&sets, 9, None, Some("6")), ["3"]);
        assert_eq!(superfluous(&sets, 2, Some(7), Some("6")), ["5", "3", "0"]);
        assert_eq!(superfluous(&sets, 0, Some(8), Some("6")).len(), 5, "one is always kept");
    }
}
