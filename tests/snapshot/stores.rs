//! Every store keeps the same promises.

use goshawk::snapshot::store::folder::Folder;
use goshawk::snapshot::store::memory::Memory;
use goshawk::snapshot::{Store, StoreError};

fn keeps_its_promises(store: &dyn Store) {
    let names = |store: &dyn Store| -> Vec<(String, u64)> {
        let listed = store.list().expect("it can be listed");
        listed.into_iter().map(|file| (file.name, file.bytes)).collect()
    };
    assert_eq!(names(store), []);
    store.put("b/2.part", b"two").expect("it can be written");
    store.put("a/manifest", b"").expect("it can be written");
    store.put("b/1.part", b"first").expect("it can be written");
    store.put("b/1.part", b"one").expect("in place of another");
    let name = |name: &str, bytes| (name.to_owned(), bytes);
    assert_eq!(names(store), [name("a/manifest", 0), name("b/1.part", 3), name("b/2.part", 3)]);
    assert_eq!(store.get("b/1.part", 3).expect("it is there"), b"one");
    assert_eq!(store.get("a/manifest", 3).expect("it is there"), b"");
    let large = store.get("b/1.part", 2).expect_err("it is larger");
    assert!(matches!(large, StoreError::TooLarge { bytes: 3, most: 2, .. }), "{large}");
    assert!(store.get("b/3.part", 3).is_err());
    store.remove("b/1.part").expect("it can be removed");
    store.remove("b/1.part").expect("what is gone is gone");
    store.remove("a/manifest").expect("it can be removed");
    assert_eq!(names(store), [name("b/2.part", 3)]);
}

#[test]
fn a_folder_keeps_its_promises() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("not/there/yet");
    keeps_its_promises(&Folder::open(&path).expect("it can be made"));
    let left = std::fs::read_dir(&path).expect("it is there").count();
    assert_eq!(left, 1, "the folder of a set goes with its last file");
}

#[test]
fn memory_keeps_its_promises() {
    keeps_its_promises(&Memory::default());
}

#[test]
fn a_folder_that_cannot_be_written_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, b"in the way").expect("it can be written");
    let error = Folder::open(&file.join("below")).expect_err("a file is no folder");
    assert!(error.to_string().contains("cannot make"), "{error}");
    assert!(error.remedy().contains("may write it"));
    let memory = Memory::default();
    memory.set_room(Some(4));
    memory.put("a/b", b"1234").expect("it fits");
    let error = memory.put("a/c", b"5").expect_err("it does not");
    assert!(error.remedy().contains("make room"), "{error}");
}

#[cfg(feature = "object-store")]
mod objects {
    use std::sync::Arc;

    use goshawk::snapshot::store::object::Objects;

    use super::keeps_its_promises;

    #[test]
    fn an_object_store_in_memory_keeps_its_promises() {
        let memory = Arc::new(object_store::memory::InMemory::new());
        for prefix in ["", "deep/down"] {
            let objects = Objects::of(memory.clone(), prefix.into(), "memory");
            keeps_its_promises(&objects.expect("threads can be started"));
            let left = Objects::of(memory.clone(), prefix.into(), "memory").expect("threads");
            goshawk::snapshot::Store::remove(&left, "b/2.part").expect("it can be removed");
        }
    }

    #[test]
    fn an_object_store_in_a_folder_keeps_its_promises() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = format!("file://{}/sets", folder.path().display());
        keeps_its_promises(&Objects::open(&address).expect("a folder needs no credentials"));
    }
}
