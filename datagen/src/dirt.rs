//! Dirt on demand: rows sent again, and the list of what was done.
//! Owns where repeats go. The feed's transactions, labels and totals are the same with or without it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::account::Economy;
use crate::feed;
use crate::output::io;
use crate::random::Rng;
use crate::transaction::Transaction;

/// Sends a share of the rows once more: later in the same file, or in the next one.
pub(crate) struct Dirt {
    ppm: u32,
    rng: Rng,
    /// Rows that the next file repeats.
    carried: Vec<Transaction>,
    list: Option<(PathBuf, BufWriter<File>)>,
    /// Rows sent again so far.
    pub(crate) repeats: u64,
}

impl Dirt {
    /// Creates `dirt.csv` in `folder` where there is dirt to list.
    pub(crate) fn create(seed: u64, ppm: u32, folder: &Path) -> Result<Dirt, Error> {
        let list = if ppm == 0 {
            None
        } else {
            let path = folder.join("dirt.csv");
            let mut file = BufWriter::new(File::create(&path).map_err(io(&path))?);
            file.write_all(b"file,row,what,account_id,txn_id\n").map_err(io(&path))?;
            Some((path, file))
        };
        Ok(Dirt { ppm, rng: Rng::new(&[seed, 0x6469_7274]), carried: Vec::new(), list, repeats: 0 })
    }

    /// The order in which a file sends `rows`, given as indices; repeats from the last file are appended to `rows`
    /// first. Returns the indices and which of their places hold a repeat.
    pub(crate) fn spread(
        &mut self,
        rows: &mut Vec<Transaction>,
        order: Vec<u32>,
        is_last: bool,
    ) -> (Vec<u32>, Vec<usize>) {
        if self.ppm == 0 {
            return (order, Vec::new());
        }
        let places = order.len() as u32;
        // (place before which the repeat goes, row)
        let mut repeats: Vec<(u32, u32)> = Vec::new();
        for row in self.carried.drain(..) {
            repeats.push((self.rng.below(places + 1), rows.len() as u32));
            rows.push(row);
        }
        for (place, index) in order.iter().enumerate() {
            if !self.rng.chance_ppm(self.ppm) {
                continue;
            }
            let place = place as u32;
            if is_last || self.rng.chance(600) {
                repeats.push((self.rng.between(place + 1, places), *index));
            } else if let Some(row) = rows.get(*index as usize) {
                self.carried.push(*row);
            }
        }
        repeats.sort_unstable();
        self.repeats += repeats.len() as u64;
        merged(&order, &repeats)
    }

    /// Lists the repeats of a file.
    pub(crate) fn list(
        &mut self,
        economy: &Economy,
        file: &str,
        rows: &[Transaction],
        order: &[u32],
        repeats: &[usize],
    ) -> Result<(), Error> {
        let Some((path, list)) = &mut self.list else {
            return Ok(());
        };
        let mut text = String::new();
        for place in repeats {
            let row = order.get(*place).and_then(|index| rows.get(*index as usize));
            let Some(row) = row else { continue };
            let Some(account) = economy.accounts.get(row.account as usize) else {
                continue;
            };
            text.clear();
            feed::push_txn_id(&mut text, account, row.booking());
            writeln!(list, "{file},{},repeat,{},{text}", place + 1, account.id).map_err(io(path))?;
        }
        Ok(())
    }

    pub(crate) fn close(self) -> Result<(), Error> {
        match self.list {
            Some((path, mut list)) => list.flush().map_err(io(&path)),
            None => Ok(()),
        }
    }
}

fn merged(order: &[u32], repeats: &[(u32, u32)]) -> (Vec<u32>, Vec<usize>) {
    let mut all = Vec::with_capacity(order.len() + repeats.len());
    let mut places = Vec::with_capacity(repeats.len());
    let mut repeats = repeats.iter().peekable();
    for place in 0..=order.len() {
        while let Some((_, index)) = repeats.next_if(|(before, _)| *before as usize <= place) {
            places.push(all.len());
            all.push(*index);
        }
        all.extend(order.get(place));
    }
    (all, places)
}
