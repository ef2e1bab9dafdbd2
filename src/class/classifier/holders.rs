//! The holders of accounts, by the keys of their codes and names.
//!
//! Owns: those keys and how a row is compared with them. Does not own: what a relation decides ([`super::super::decide`]).

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::{Key, NO_KEY, key_of};
use crate::account::{Account, Accounts};
use crate::class::decide::Relation;
use crate::class::normalise;
use crate::hash_key::HashKey;

/// The holders of all accounts, by the accounts' numbers.
#[derive(Debug)]
pub(super) struct Holders {
    holders: Vec<HolderKeys>,
    /// All keys of all holders: most counterparties are no account's holder, and need no comparison with the row's own.
    keys: HashSet<Key, RandomState>,
}

impl Holders {
    pub fn new(accounts: &dyn Accounts, key: &HashKey) -> Holders {
        let accounts = (0..accounts.count()).filter_map(|number| accounts.account(number));
        let holders: Vec<HolderKeys> = accounts.map(|account| HolderKeys::new(&account, key)).collect();
        Holders { keys: holders.iter().flat_map(HolderKeys::all).collect(), holders }
    }

    /// Whether some account's holder or bank has this key.
    pub fn has_key(&self, key: Key) -> bool {
        key != NO_KEY && self.keys.contains(&key)
    }

    /// The holder of the account with this number.
    pub fn get(&self, number: u32) -> Option<&HolderKeys> {
        self.holders.get(number as usize)
    }
}

/// The holder of an account by keys, so that a row is compared without reading texts.
#[derive(Debug)]
pub(super) struct HolderKeys {
    uscc: Key,
    name: Key,
    provider_name: Key,
    former_names: Box<[Key]>,
}

impl HolderKeys {
    fn new(account: &Account, key: &HashKey) -> HolderKeys {
        let (mut normalised, mut key_text) = (String::new(), String::new());
        let mut of_name = |name: &str| {
            normalise(name, &mut normalised);
            key_of(key, None, &normalised, None, &mut key_text)
        };
        let (name, provider_name) = (of_name(&account.subject_name), of_name(&account.provider_name));
        let former_names = account.former_names.iter().map(|name| of_name(name)).collect();
        let uscc = key_of(key, Some(&account.subject_uscc), "", None, &mut key_text);
        HolderKeys { uscc, name, provider_name, former_names }
    }

    fn all(&self) -> impl Iterator<Item = Key> {
        let own = [self.uscc, self.name, self.provider_name];
        own.into_iter().chain(self.former_names.iter().copied()).filter(|key| *key != NO_KEY)
    }

    /// How a counterparty with this code and this name is related to the account.
    pub fn relation(&self, uscc: Key, name: Key) -> Relation {
        let (has_uscc, has_name) = (uscc != NO_KEY, name != NO_KEY);
        Relation {
            is_same_uscc: has_uscc && uscc == self.uscc,
            is_same_name: has_name && !has_uscc && (name == self.name || self.former_names.contains(&name)),
            is_provider: has_name && name == self.provider_name,
        }
    }
}
