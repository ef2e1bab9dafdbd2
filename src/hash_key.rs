//! The secret under which counterparty keys and row fingerprints are hashed.
//!
//! Owns: the two keyed hashes and the secret's public id. A build draws a secret of its own; a store keeps one. No
//! output depends on it, and without it a hash says nothing about what was hashed.

use std::hash::Hasher as _;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use siphasher::sip::SipHasher13;
use siphasher::sip128::{self, Hasher128 as _, SipHasher24};

/// A secret; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HashKey {
    counterparty: [u8; 16],
    fingerprint: [u8; 16],
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HashKey({:016x})", self.id())
    }
}

impl HashKey {
    /// Draws a secret from the system's source of randomness.
    ///
    /// # Errors
    /// Where the system has none to give.
    pub fn draw() -> std::io::Result<HashKey> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(HashKey::from_bytes(bytes))
    }

    /// The secret of these bytes, for a store and for tests.
    pub fn from_bytes(bytes: [u8; 32]) -> HashKey {
        let (mut counterparty, mut fingerprint) = ([0; 16], [0; 16]);
        counterparty.copy_from_slice(&bytes[..16]);
        fingerprint.copy_from_slice(&bytes[16..]);
        HashKey { counterparty, fingerprint }
    }

    /// Tells secrets apart without giving them away: a hash of nothing under the secret.
    pub fn id(&self) -> u64 {
        SipHasher13::new_with_key(&self.fingerprint).hash(b"")
    }

    /// The 128-bit hash of a counterparty's key text.
    pub fn counterparty(&self, key_text: &str) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.counterparty);
        hasher.write(key_text.as_bytes());
        hasher.finish128().as_u128()
    }

    /// Random bits that only who knows the secret can tell, for one use each.
    pub fn bits_for(&self, purpose: &str) -> u128 {
        let mut hasher = sip128::SipHasher13::new_with_key(&self.fingerprint);
        hasher.write(purpose.as_bytes());
        hasher.finish128().as_u128()
    }

    /// Quick hashes of texts for one use: for telling texts apart while a run lasts, and never shown.
    pub fn text_hasher(&self, purpose: &str) -> TextHasher {
        let bits = self.bits_for(purpose);
        TextHasher { seeds: [bits as u64, (bits >> 64) as u64].map(SharedSeed::from_u64) }
    }

    /// A hasher for rows' fingerprints.
    pub fn fingerprint_hasher(&self) -> sip128::SipHasher13 {
        sip128::SipHasher13::new_with_key(&self.bits_for("fingerprint").to_le_bytes())
    }
}

/// Quick hashes of texts under a secret: two texts have the same by chance alone.
#[derive(Debug)]
pub struct TextHasher {
    seeds: [SharedSeed; 2],
}

impl TextHasher {
    /// 64 bits.
    pub fn short(&self, text: &str) -> u64 {
        hash(text, &self.seeds[0])
    }

    /// 128 bits.
    pub fn long(&self, text: &str) -> u128 {
        let [low, high] = self.seeds.each_ref().map(|seed| u128::from(hash(text, seed)));
        high << 64 | low
    }
}

fn hash(text: &str, seed: &SharedSeed) -> u64 {
    let mut hasher = FoldHasher::with_seed(text.len() as u64, seed);
    hasher.write(text.as_bytes());
    hasher.finish()
}
