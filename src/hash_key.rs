//! The key under which counterparties and rows are hashed, and the scheme of these hashes.
//!
//! Owns: the scheme's version and its primitives, so that hashes can be stored: they depend on the key and the scheme, and on
//! no crate's version, platform or order of columns. A build draws a key of its own; a store keeps one. No output depends
//! on the key, and without it a hash gives away nothing of its input. `docs/hash-scheme.md` describes the scheme. Does not
//! own: which columns are content ([`crate::staging::fingerprint`]) or how names are normalised ([`crate::class`]).

use std::hash::Hasher as _;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hash128, SipHasher24 as SipHasher24Wide};

/// The version of the scheme. It changes with any change of the hashes of equal values.
pub const SCHEME: u8 = 1;

/// The Unicode tables that the normalisation of names, and so a counterparty's hash, rests on: of NFKC, of general categories,
/// and of upper case and White_Space. Each is (major, minor, patch).
pub fn unicode_versions() -> [(u64, u64, u64); 3] {
    let widened = |(major, minor, patch): (u8, u8, u8)| (u64::from(major), u64::from(minor), u64::from(patch));
    let casing = char::UNICODE_VERSION;
    [widened(unicode_normalization::UNICODE_VERSION), unicode_properties::UNICODE_VERSION, widened(casing)]
}

/// A secret of 32 bytes; `Debug` shows its [`id`](HashKey::id) alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct HashKey {
    counterparty: [u8; 16],
    row: [u8; 16],
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HashKey({:016x})", self.id())
    }
}

impl HashKey {
    /// Draws a key from the system's source of randomness.
    ///
    /// # Errors
    /// Where the system has none to give.
    pub fn draw() -> std::io::Result<HashKey> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(HashKey::from_bytes(bytes))
    }

    /// The key of these bytes, for a store and for tests.
    pub fn from_bytes(bytes: [u8; 32]) -> HashKey {
        let (mut counterparty, mut row) = ([0; 16], [0; 16]);
        counterparty.copy_from_slice(&bytes[..16]);
        row.copy_from_slice(&bytes[16..]);
        HashKey { counterparty, row }
    }

    /// Identifies key, scheme and Unicode tables together, without giving the key away: hashes are comparable where this is
    /// equal.
    pub fn id(&self) -> u64 {
        let [normalisation, categories, casing] =
            unicode_versions().map(|(major, minor, patch)| format!("{major}.{minor}.{patch}"));
        let identity = format!("id unicode {normalisation} {categories} {casing}");
        self.subkey(&identity) as u64
    }

    /// The 128-bit hash of a counterparty's key text.
    pub fn counterparty(&self, key_text: &str) -> u128 {
        wide(SipHasher24Wide::new_with_key(&self.counterparty).hash(key_text.as_bytes()))
    }

    /// A key for one purpose, derived from this one; what it is used for reveals nothing of other purposes.
    pub fn subkey(&self, purpose: &str) -> u128 {
        let text = format!("liushui hash {SCHEME} {purpose}");
        wide(SipHasher24Wide::new_with_key(&self.row).hash(text.as_bytes()))
    }

    /// Hashes to 128 bits for one purpose.
    pub fn wide_hasher(&self, purpose: &str) -> WideHasher {
        WideHasher(SipHasher24Wide::new_with_key(&self.subkey(purpose).to_le_bytes()))
    }

    /// Hashes to 64 bits for one purpose.
    pub fn hasher(&self, purpose: &str) -> Hasher {
        Hasher(SipHasher13::new_with_key(&self.subkey(purpose).to_le_bytes()))
    }
}

impl HashKey {
    /// Quick hashes of texts for caches of this process. They follow a crate's version, so they are never stored.
    pub fn text_hasher(&self, purpose: &str) -> TextHasher {
        let bits = self.subkey(purpose);
        TextHasher { seeds: [bits as u64, (bits >> 64) as u64].map(SharedSeed::from_u64) }
    }
}

/// Quick hashes of texts, for caches of this process: two texts have the same by chance alone.
#[derive(Debug)]
pub struct TextHasher {
    seeds: [SharedSeed; 2],
}

impl TextHasher {
    /// 128 bits.
    pub fn long(&self, text: &str) -> u128 {
        let [low, high] = self.seeds.each_ref().map(|seed| {
            let mut hasher = FoldHasher::with_seed(text.len() as u64, seed);
            hasher.write(text.as_bytes());
            u128::from(hasher.finish())
        });
        high << 64 | low
    }
}

/// SipHash-2-4 with 128 bits under a key of its own.
#[derive(Clone, Debug)]
pub struct WideHasher(SipHasher24Wide);

impl WideHasher {
    /// The hash of these bytes.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u128 {
        wide(self.0.hash(bytes))
    }
}

/// SipHash-1-3 with 64 bits under a key of its own: for contents, which are compared only where identifiers are equal.
#[derive(Clone, Debug)]
pub struct Hasher(SipHasher13);

impl Hasher {
    /// The hash of these bytes.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash(bytes)
    }
}

/// The 16 bytes of the hash as a number, least significant first.
#[inline]
fn wide(hash: Hash128) -> u128 {
    u128::from(hash.h2) << 64 | u128::from(hash.h1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the pinned vectors: bytes 0 to 31.
    fn key() -> HashKey {
        HashKey::from_bytes(std::array::from_fn(|at| at as u8))
    }

    /// The reference vectors of SipHash-2-4 with 128 bits (J.-P. Aumasson, D. J. Bernstein, `vectors.h`), and SipHash-1-3 of the
    /// same key and inputs: key 00 to 0f, inputs empty, 00, and 00 to 0e.
    #[test]
    fn the_primitives_are_siphash() {
        let bytes: Vec<u8> = (0..15).collect();
        let key: [u8; 16] = std::array::from_fn(|at| at as u8);
        let narrow = SipHasher13::new_with_key(&key);
        assert_eq!(narrow.hash(b""), 0xabac_0158_050f_c4dc);
        assert_eq!(narrow.hash(&bytes), 0xd320_d86d_2a51_9956);
        let wide_hash = |bytes: &[u8]| wide(SipHasher24Wide::new_with_key(&key).hash(bytes)).to_le_bytes();
        let hex = |bytes: [u8; 16]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(wide_hash(b"")), "a3817f04ba25a8e66df67214c7550293");
        assert_eq!(hex(wide_hash(&[0])), "da87c1d86b99af44347659119b22fc45");
    }

    /// The tables of this program are the scheme's; with others a key has another id, so that their hashes never mix.
    #[test]
    fn the_unicode_tables_are_pinned() {
        assert_eq!(unicode_versions(), [(18, 0, 0), (18, 0, 0), (17, 0, 0)]);
        assert_eq!(format!("{:016x}", key().id()), "d1672e2ce2276969");
    }

    #[test]
    fn keys_and_purposes_differ() {
        let other = HashKey::from_bytes([7; 32]);
        assert_ne!(key().id(), other.id());
        assert_ne!(key().counterparty("n:甲"), other.counterparty("n:甲"));
        assert_ne!(key().subkey("a"), key().subkey("b"));
        assert_ne!(key().hasher("a").hash(b"x"), key().hasher("b").hash(b"x"));
        assert_ne!(key().wide_hasher("a").hash(b"x"), key().wide_hasher("b").hash(b"x"));
        assert!(!format!("{:?}", key()).contains("00010203"));
    }
}
