//! Spill files: temporary files for the rows that do not fit into memory.
//!
//! Owns: one file, unlinked as soon as it is open and encrypted under a key that only this process has, so no
//! readable row is on the disk. Does not own: which rows are spilled ([`super::buffer`]).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};

/// A temporary file, encrypted; position and keystream move together.
pub(super) struct SpillFile {
    file: File,
    cipher: ChaCha20,
    length: u64,
}

impl SpillFile {
    /// An empty file in this folder. Files of one key need different numbers, because the number is the nonce.
    pub(super) fn create(tmp: &Path, key: &[u8; 32], number: usize) -> io::Result<SpillFile> {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let cipher = ChaCha20::new(&(*key).into(), &nonce.into());
        Ok(SpillFile { file: tempfile::tempfile_in(tmp)?, cipher, length: 0 })
    }

    /// Appends bytes, which are encrypted in place, and returns their offset.
    pub(super) fn append(&mut self, bytes: &mut [u8]) -> io::Result<u64> {
        let offset = self.length;
        self.apply(offset, bytes)?;
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(offset)
    }

    /// Reads bytes from this offset, decrypted.
    pub(super) fn read(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(out)?;
        self.apply(offset, out)
    }

    fn apply(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let full = || io::Error::new(io::ErrorKind::StorageFull, "a temporary file may hold 256 GiB");
        self.cipher.try_seek(offset).map_err(|_| full())?;
        self.cipher.try_apply_keystream(bytes).map_err(|_| full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_bytes_are_encrypted_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let key = [3; 32];
        let mut spill = SpillFile::create(folder.path(), &key, 0).unwrap();
        let texts: [&[u8]; 2] = [b"the first chunk of rows", b"and a second one of another length"];
        let places = texts.map(|text| (spill.append(&mut text.to_vec()).unwrap(), text));
        for (offset, text) in places.into_iter().rev() {
            let mut read = vec![0; text.len()];
            spill.read(offset, &mut read).unwrap();
            assert_eq!(read, text);
        }
        let mut raw = Vec::new();
        spill.file.seek(SeekFrom::Start(0)).unwrap();
        spill.file.read_to_end(&mut raw).unwrap();
        assert_eq!(raw.len(), texts.iter().map(|text| text.len()).sum::<usize>());
        assert!(!texts.iter().any(|text| raw.windows(5).any(|window| window == &text[..5])));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
