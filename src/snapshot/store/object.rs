//! An object store: S3, Google, Azure and what speaks like them, or a folder, by its address.
//!
//! A put of an object is whole or nothing, so that no temporary name is needed. Credentials come
//! from the environment that each provider documents, and never into a message.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Runtime;

use super::{Listed, Store, StoreError};

/// An object store.
#[derive(Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// What all names begin with.
    prefix: Path,
    /// Its requests run here; whoever asks waits.
    runtime: Runtime,
    place: String,
}

impl Objects {
    /// The store at an address, for example `s3://bucket/folder`.
    ///
    /// # Errors
    /// [`StoreError`], when the address is none or the environment lacks what it needs.
    pub fn open(address: &str) -> Result<Self, StoreError> {
        let bad = |cause: String| failed("cannot open", address, cause, false);
        let url = url::Url::parse(address).map_err(|error| bad(error.to_string()))?;
        let environment = std::env::vars().map(|(key, value)| (key.to_ascii_lowercase(), value));
        let (store, prefix) = object_store::parse_url_opts(&url, environment)
            .map_err(|error| bad(error.to_string()))?;
        Self::of(Arc::from(store), prefix, address)
    }

    /// A store that is there already.
    ///
    /// # Errors
    /// [`StoreError`], when the system gives no threads.
    pub fn of(store: Arc<dyn ObjectStore>, prefix: Path, place: &str) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("goshawk-objects")
            .enable_all()
            .build()
            .map_err(|error| failed("cannot open", place, error.to_string(), false))?;
        Ok(Self { store, prefix, runtime, place: place.to_owned() })
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

fn failed(verb: &'static str, file: &str, cause: String, is_full: bool) -> StoreError {
    StoreError::File { verb, file: file.to_owned(), cause, is_full }
}

impl Store for Objects {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let (path, content) = (self.path(name), bytes.to_vec());
        let put = self.runtime.block_on(self.store.put(&path, content.into()));
        put.map(drop).map_err(|error| failed("cannot write", name, error.to_string(), false))
    }

    fn get(&self, name: &str, most: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.path(name);
        let bad =
            |error: object_store::Error| failed("cannot read", name, error.to_string(), false);
        self.runtime.block_on(async {
            let found = self.store.get(&path).await.map_err(bad)?;
            let bytes = found.meta.size;
            if bytes > most {
                return Err(StoreError::TooLarge { file: name.to_owned(), bytes, most });
            }
            Ok(found.bytes().await.map_err(bad)?.to_vec())
        })
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        use futures_util::TryStreamExt as _;
        let all =
            self.runtime.block_on(self.store.list(Some(&self.prefix)).try_collect::<Vec<_>>());
        let all =
            all.map_err(|error| failed("cannot list", &self.place, error.to_string(), false))?;
        let own = all.iter().filter_map(|object| {
            let parts: Vec<_> = object.location.prefix_match(&self.prefix)?.collect();
            let [set, file] = parts.as_slice() else { return None };
            let name = format!("{}/{}", set.as_ref(), file.as_ref());
            Some(Listed { name, bytes: object.size })
        });
        let mut listed: Vec<Listed> = own.collect();
        listed.sort();
        Ok(listed)
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self.runtime.block_on(self.store.delete(&self.path(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("cannot remove", name, error.to_string(), false)),
        }
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}
