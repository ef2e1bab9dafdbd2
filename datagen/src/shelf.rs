//! The shelf: a month's rows by day, until the month is written in booking order.
//! Owns where rows wait: in memory, or where a month has too many of them, in an unnamed temporary file a part of the
//! month; and the sort. Rows of one second stay in the order in which they were put here.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::calendar::{Month, SECONDS_A_DAY};
use crate::output::io;
use crate::row::Row;

/// Rows of a part of a month that wait in memory before they are written to its file.
const ROWS_BUFFERED: usize = 4_096;

/// One part of a month.
enum Part {
    Memory(Vec<Row>),
    Spilled { file: File, bytes: Vec<u8>, rows: u64 },
}

/// A month's rows.
pub(crate) struct Shelf {
    start: i64,
    seconds_a_part: i64,
    parts: Vec<Part>,
    folder: PathBuf,
}

impl Shelf {
    /// A shelf for about `rows` rows, of which `in_memory` may stay in memory. Files go to `folder` and have no name
    /// once they are open.
    pub(crate) fn new(month: &Month, rows: u64, in_memory: u64, folder: &Path) -> Result<Shelf, Error> {
        let days = (month.last - month.first + 1).max(1).unsigned_abs();
        let spills = rows > in_memory;
        // A part is sorted in memory, and the fullest day has about three times the mean.
        let mut parts_a_day = 1;
        while spills && parts_a_day < 32 && rows * 3 / u64::from(days * parts_a_day) > in_memory {
            parts_a_day *= 2;
        }
        let part = |index: u32| -> Result<Part, Error> {
            Ok(if spills {
                Part::Spilled { file: unnamed(folder, index)?, bytes: Vec::new(), rows: 0 }
            } else {
                Part::Memory(Vec::with_capacity((rows / u64::from(days)) as usize))
            })
        };
        Ok(Shelf {
            start: i64::from(month.first) * i64::from(SECONDS_A_DAY),
            seconds_a_part: i64::from(SECONDS_A_DAY / parts_a_day),
            parts: (0..days * parts_a_day).map(part).collect::<Result<_, Error>>()?,
            folder: folder.to_owned(),
        })
    }

    pub(crate) fn put(&mut self, rows: &[Row]) -> Result<(), Error> {
        let last = self.parts.len() - 1;
        for row in rows {
            let part = ((row.booked() - self.start) / self.seconds_a_part) as usize;
            match &mut self.parts[part.min(last)] {
                Part::Memory(rows) => rows.push(*row),
                Part::Spilled { file, bytes, rows } => {
                    row.push_bytes(bytes);
                    *rows += 1;
                    if bytes.len() >= ROWS_BUFFERED * Row::BYTES {
                        file.write_all(bytes).map_err(io(&self.folder))?;
                        bytes.clear();
                    }
                }
            }
        }
        Ok(())
    }

    /// The parts in order of time, each in booking order.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = Result<Vec<Row>, Error>> {
        let folder = self.folder;
        self.parts.into_iter().map(move |part| {
            Ok(sorted(match part {
                Part::Memory(rows) => rows,
                Part::Spilled { file, bytes, rows } => read_back(file, &bytes, rows).map_err(io(&folder))?,
            }))
        })
    }
}

fn unnamed(folder: &Path, index: u32) -> Result<File, Error> {
    let path = folder.join(format!(".rows-{index}"));
    let file = File::options().read(true).write(true).create_new(true).open(&path).map_err(io(&path))?;
    fs::remove_file(&path).map_err(io(&path))?;
    Ok(file)
}

fn read_back(mut file: File, buffered: &[u8], count: u64) -> std::io::Result<Vec<Row>> {
    let mut rows = Vec::with_capacity(count as usize);
    let mut push = |bytes: &[u8]| {
        for bytes in bytes.as_chunks::<{ Row::BYTES }>().0 {
            rows.push(Row::from_bytes(bytes));
        }
    };
    file.rewind()?;
    let mut bytes = vec![0; ROWS_BUFFERED * Row::BYTES];
    // Whole buffers were written, so whole buffers are there to read.
    for _ in 0..(count as usize * Row::BYTES - buffered.len()) / bytes.len() {
        file.read_exact(&mut bytes)?;
        push(&bytes);
    }
    push(buffered);
    Ok(rows)
}

/// By time of booking; rows of one second keep their order.
fn sorted(rows: Vec<Row>) -> Vec<Row> {
    let Some(first) = rows.iter().map(Row::booked).min() else {
        return rows;
    };
    // A part is a day at most: two passes of a counting sort by nine bits each.
    let mut keys: Vec<(u32, u32)> =
        rows.iter().enumerate().map(|(index, row)| ((row.booked() - first) as u32, index as u32)).collect();
    let mut other = keys.clone();
    for shift in [0, 9] {
        let mut places = [0usize; 513];
        keys.iter().for_each(|(second, _)| places[(second >> shift & 0x1FF) as usize + 1] += 1);
        (1..places.len()).for_each(|index| places[index] += places[index - 1]);
        for key in &keys {
            let place = &mut places[(key.0 >> shift & 0x1FF) as usize];
            other[*place] = *key;
            *place += 1;
        }
        std::mem::swap(&mut keys, &mut other);
    }
    keys.into_iter().map(|(_, index)| rows[index as usize]).collect()
}

const _: () = assert!(SECONDS_A_DAY <= 1 << 18);
