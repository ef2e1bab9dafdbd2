//! Partitions: how accounts, numbered in the order of their ids, are divided for buffering and for output.
//!
//! Owns: ranges of accounts. Partitions are deduplicated one at a time; a group of partitions is a row group of the
//! products' Parquet files.

use std::ops::{Range, RangeInclusive};

/// The division of accounts, numbered in the order of their ids, into partitions, which are deduplicated one at a time, and
/// groups of partitions, which are the row groups of the products' Parquet files.
///
/// Both depend on the number of accounts alone, so a product's bytes do not depend on memory or threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partitioning {
    accounts: u32,
    partition_accounts: u32,
    group_partitions: u32,
}

/// Most partitions: each has an open chunk per worker while the feed is read.
const PARTITIONS_MAX: u32 = 1024;

/// Smallest and largest number of accounts of a group: with fewer, Parquet's row groups would be mostly headers; with more,
/// a worker would hold too many columns in memory. Only a small feed has fewer.
const GROUP_ACCOUNTS: RangeInclusive<u32> = 128..=512;

/// Groups of a feed with enough accounts: with several groups per worker, workers finish at about the same time.
const GROUPS: u32 = 32;

impl Partitioning {
    /// The partitioning of this many accounts.
    pub fn new(accounts: u32) -> Partitioning {
        let partition_accounts = accounts.div_ceil(PARTITIONS_MAX).max(1);
        let group_accounts = (accounts / GROUPS).clamp(*GROUP_ACCOUNTS.start(), *GROUP_ACCOUNTS.end());
        Partitioning { accounts, partition_accounts, group_partitions: group_accounts.div_ceil(partition_accounts) }
    }

    /// Number of partitions.
    pub fn partitions(self) -> usize {
        self.accounts.div_ceil(self.partition_accounts) as usize
    }

    /// Number of groups.
    pub fn groups(self) -> usize {
        self.partitions().div_ceil(self.group_partitions as usize)
    }

    /// The partition an account belongs to.
    pub fn partition_of(self, account: u32) -> usize {
        (account / self.partition_accounts) as usize
    }

    /// The accounts of a partition.
    pub fn accounts_of(self, partition: usize) -> Range<u32> {
        let first = partition as u32 * self.partition_accounts;
        first.min(self.accounts)..(first + self.partition_accounts).min(self.accounts)
    }

    /// The accounts of a group.
    pub fn accounts_of_group(self, group: usize) -> Range<u32> {
        let partitions = self.partitions_of(group);
        let last = partitions.end.max(partitions.start + 1) - 1;
        self.accounts_of(partitions.start).start..self.accounts_of(last).end
    }

    /// The partitions of a group.
    pub fn partitions_of(self, group: usize) -> Range<usize> {
        let first = group * self.group_partitions as usize;
        first.min(self.partitions())..(first + self.group_partitions as usize).min(self.partitions())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_in_one_partition_and_one_group() {
        for accounts in [0, 1, 127, 128, 129, 1024, 1025, 10_000, 1_000_003] {
            let partitioning = Partitioning::new(accounts);
            assert!(partitioning.partitions() <= PARTITIONS_MAX as usize);
            // All groups but the last are of one size, and none ends inside a partition.
            let of_group = partitioning.group_partitions * partitioning.partition_accounts;
            let smallest = 128.max((accounts / 32).min(512));
            assert!(
                of_group >= smallest && of_group < smallest + partitioning.partition_accounts,
                "{accounts}: {of_group}"
            );
            let mut next = 0;
            for partition in (0..partitioning.groups()).flat_map(|group| partitioning.partitions_of(group)) {
                let numbers = partitioning.accounts_of(partition);
                assert_eq!(numbers.start, next);
                assert!(numbers.clone().all(|account| partitioning.partition_of(account) == partition));
                next = numbers.end;
            }
            assert_eq!(next, accounts);
        }
    }
}
