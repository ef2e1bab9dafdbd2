//! The holders of accounts, by the keys of their codes and names.
//!
//! Owns: those keys, and the table from which rows load them. Does not own: when a counterparty is the holder
//! ([`HolderIdentity`]), or which class follows from it.
//!
//! Keys are made for an account when a row first refers to it. The table of all accounts is divided into chunks, which are
//! allocated when they are first used.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{Key, NO_KEY, key_of};
use crate::account::{Account, Accounts};
use crate::class::decide::HolderIdentity;
use crate::class::normalise;
use crate::hash_key::HashKey;

/// Accounts in a chunk of the table.
const CHUNK: usize = 1 << 10;

/// The holders of all accounts, by the accounts' numbers.
pub(super) struct Holders {
    accounts: Arc<dyn Accounts>,
    chunks: Box<[OnceLock<Chunk>]>,
}

/// [`CHUNK`] long.
type Chunk = Box<[HolderSlot]>;

/// A holder once a row has referred to its account. A row loads one cache line.
#[derive(Default)]
#[repr(align(64))]
struct HolderSlot(OnceLock<HolderKeys>);

const _: () = assert!(size_of::<HolderSlot>() == 64, "a holder is one cache line");

impl Holders {
    /// The holders of these accounts; no key is made yet.
    pub fn new(accounts: Arc<dyn Accounts>) -> Holders {
        let chunks = (accounts.count() as usize).div_ceil(CHUNK);
        Holders { accounts, chunks: (0..chunks).map(|_| OnceLock::new()).collect() }
    }

    /// The holder of the account with this number; `None` where there is no such account.
    #[inline]
    pub fn get(&self, number: u32, key: &HashKey) -> Option<&HolderKeys> {
        let (chunk, at) = (number as usize / CHUNK, number as usize % CHUNK);
        let known = self.chunks.get(chunk).and_then(|chunk| chunk.get()?[at].0.get());
        if known.is_some() { known } else { self.make(number, key) }
    }

    #[cold]
    fn make(&self, number: u32, key: &HashKey) -> Option<&HolderKeys> {
        let (chunk, at) = (number as usize / CHUNK, number as usize % CHUNK);
        let account = self.accounts.account(number)?;
        let chunk = self.chunks.get(chunk)?.get_or_init(|| (0..CHUNK).map(|_| HolderSlot::default()).collect());
        Some(chunk[at].0.get_or_init(|| HolderKeys::new(&account, key)))
    }
}

impl fmt::Debug for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holders").field("accounts", &self.accounts.count()).finish_non_exhaustive()
    }
}

/// The holder of an account by keys, so that a row is compared without reading texts.
#[derive(Debug)]
pub(super) struct HolderKeys {
    uscc: PackedKey,
    name: PackedKey,
    provider_name: PackedKey,
    former_names: Option<Box<FormerNames>>,
}

/// In an allocation of their own: few holders have former names, and a fat pointer would not fit the cache line.
#[derive(Debug)]
struct FormerNames(Vec<Key>);

/// A [`Key`] without its alignment, with which a holder would not fit a cache line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PackedKey([u64; 2]);

impl PackedKey {
    fn new(key: Key) -> PackedKey {
        PackedKey([key as u64, (key >> 64) as u64])
    }
}

impl HolderKeys {
    fn new(account: &Account, key: &HashKey) -> HolderKeys {
        let (mut normalised, mut key_text) = (String::new(), String::new());
        let mut of_name = |name: &str| {
            normalise(name, &mut normalised);
            key_of(key, None, &normalised, None, &mut key_text)
        };
        let (name, provider_name) = (of_name(&account.subject_name), of_name(&account.provider_name));
        let former_names: Vec<Key> = account.former_names.iter().map(|name| of_name(name)).collect();
        let uscc = key_of(key, Some(&account.subject_uscc), "", None, &mut key_text);
        HolderKeys {
            uscc: PackedKey::new(uscc),
            name: PackedKey::new(name),
            provider_name: PackedKey::new(provider_name),
            former_names: (!former_names.is_empty()).then(|| Box::new(FormerNames(former_names))),
        }
    }
}

/// Neither has [`NO_KEY`]: what has no key is compared with nothing.
impl HolderIdentity<Key> for HolderKeys {
    fn is_uscc(&self, uscc: Key) -> bool {
        debug_assert_ne!(uscc, NO_KEY);
        PackedKey::new(uscc) == self.uscc
    }

    fn is_name(&self, name: Key) -> bool {
        debug_assert_ne!(name, NO_KEY);
        let is_former = |former: &FormerNames| former.0.contains(&name);
        PackedKey::new(name) == self.name || self.former_names.as_deref().is_some_and(is_former)
    }

    fn is_provider(&self, name: Key) -> bool {
        debug_assert_ne!(name, NO_KEY);
        PackedKey::new(name) == self.provider_name
    }
}
