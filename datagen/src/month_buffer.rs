//! The rows of a month by day, until they are written in booking order.
//!
//! Owns the buffer in memory, the spill of a large month to unnamed temporary files, one per day, and the sort. Rows of
//! one second stay in the order in which they were added.

use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::calendar::{Month, SECONDS_A_DAY};
use crate::error::Error;
use crate::output::io;
use crate::row::Row;

/// Rows of a day that are collected before a write to its spill file.
const ROWS_BUFFERED: usize = 4_096;
const MINUTES_A_DAY: usize = SECONDS_A_DAY as usize / 60;

/// The rows of one day.
enum Day {
    Memory(Vec<Row>),
    Spilled(SpillFile),
}

/// The spilled rows of a day.
struct SpillFile {
    file: File,
    /// The last rows, not yet written.
    bytes: Vec<u8>,
    /// Rows per minute. A day that is too large to be sorted at once is read in several runs of minutes.
    minutes: Vec<u32>,
}

/// The rows of a month.
pub(crate) struct MonthBuffer {
    first: i32,
    days: Vec<Day>,
    /// Maximum number of rows of a day that are sorted at once, except for a single minute with more.
    at_once: u64,
    folder: PathBuf,
}

impl MonthBuffer {
    /// A buffer for about `rows` rows, of which `in_memory` may stay in memory. Spill files are created in `folder` and
    /// removed from it while they are open.
    pub(crate) fn new(month: &Month, rows: u64, in_memory: u64, folder: &Path) -> Result<MonthBuffer, Error> {
        let days = (month.last - month.first + 1).max(1).unsigned_abs();
        let day = |index: u32| -> Result<Day, Error> {
            Ok(if rows > in_memory {
                let minutes = vec![0; MINUTES_A_DAY];
                Day::Spilled(SpillFile { file: unnamed(folder, index)?, bytes: Vec::new(), minutes })
            } else {
                Day::Memory(Vec::with_capacity((rows / u64::from(days)) as usize))
            })
        };
        let days = (0..days).map(day).collect::<Result<_, Error>>()?;
        Ok(MonthBuffer { first: month.first, days, at_once: in_memory / 4, folder: folder.to_owned() })
    }

    pub(crate) fn put(&mut self, rows: &[Row]) -> Result<(), Error> {
        let last = self.days.len() - 1;
        for row in rows {
            let day = (row.day - self.first).unsigned_abs() as usize;
            match &mut self.days[day.min(last)] {
                Day::Memory(rows) => rows.push(*row),
                Day::Spilled(file) => file.put(row).map_err(io(&self.folder))?,
            }
        }
        Ok(())
    }

    /// Runs of rows in order of time. Each run is in booking order.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = Result<Vec<Row>, Error>> {
        let MonthBuffer { days, at_once, folder, .. } = self;
        days.into_iter().flat_map(move |day| -> Box<dyn Iterator<Item = Result<Vec<Row>, Error>>> {
            match day {
                Day::Memory(rows) => Box::new(std::iter::once(Ok(sorted(rows)))),
                Day::Spilled(mut file) => {
                    let folder = folder.clone();
                    let runs = runs(&file.minutes, at_once).into_iter();
                    Box::new(runs.map(move |run| Ok(sorted(file.read(run).map_err(io(&folder))?))))
                }
            }
        })
    }
}

impl SpillFile {
    fn put(&mut self, row: &Row) -> std::io::Result<()> {
        row.push_bytes(&mut self.bytes);
        self.minutes[minute(row)] += 1;
        if self.bytes.len() >= ROWS_BUFFERED * Row::BYTES {
            self.file.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    /// The rows of a run of minutes.
    fn read(&mut self, run: Range<usize>) -> std::io::Result<Vec<Row>> {
        let count = |minutes: &[u32]| minutes.iter().map(|rows| *rows as usize).sum::<usize>();
        let written = count(&self.minutes) * Row::BYTES - self.bytes.len();
        let mut rows = Vec::with_capacity(count(&self.minutes[run.clone()]));
        let mut push = |bytes: &[u8]| {
            let all = bytes.as_chunks::<{ Row::BYTES }>().0.iter().map(Row::from_bytes);
            rows.extend(all.filter(|row| run.contains(&minute(row))));
        };
        self.file.rewind()?;
        let mut bytes = vec![0; ROWS_BUFFERED * Row::BYTES];
        // Only whole buffers are written, so the file consists of whole buffers.
        for _ in 0..written / bytes.len() {
            self.file.read_exact(&mut bytes)?;
            push(&bytes);
        }
        push(&self.bytes);
        Ok(rows)
    }
}

fn minute(row: &Row) -> usize {
    (row.second as usize / 60).min(MINUTES_A_DAY - 1)
}

/// Runs of minutes with at most `at_once` rows each, except for a single minute with more.
fn runs(minutes: &[u32], at_once: u64) -> Vec<Range<usize>> {
    let (mut runs, mut start, mut rows) = (Vec::new(), 0, 0);
    for (minute, count) in minutes.iter().enumerate() {
        if rows > 0 && rows + u64::from(*count) > at_once {
            runs.push(start..minute);
            (start, rows) = (minute, 0);
        }
        rows += u64::from(*count);
    }
    runs.push(start..minutes.len());
    runs
}

fn unnamed(folder: &Path, index: u32) -> Result<File, Error> {
    let path = folder.join(format!(".rows-{index}"));
    let file = File::options().read(true).write(true).create_new(true).open(&path).map_err(io(&path))?;
    fs::remove_file(&path).map_err(io(&path))?;
    Ok(file)
}

/// Sorts by time of booking. Rows of one second keep their order.
fn sorted(rows: Vec<Row>) -> Vec<Row> {
    // The key is the second of the day: two passes of a counting sort by nine bits each.
    let mut keys: Vec<(u32, u32)> = rows.iter().enumerate().map(|(index, row)| (row.second, index as u32)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_all_minutes_once() {
        let minutes = [0, 5, 0, 7, 2, 30, 0, 0, 1, 9];
        assert_eq!(runs(&minutes, 10), [0..3, 3..5, 5..6, 6..10]);
        assert_eq!(runs(&minutes, 1_000).len(), 1);
        for at_once in 0..60 {
            let runs = runs(&minutes, at_once);
            assert_eq!(runs.iter().flat_map(|run| run.clone()).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        }
    }
}
