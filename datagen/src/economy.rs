//! The economy as a whole: how many holders and accounts exist, and their numbers and codes.
//!
//! Owns the numbers that must be unique. Nothing is stored per holder or account: both are computed from their
//! ordinals, so tens of millions of accounts take no memory here.

use crate::code;
use crate::name::TOWNS;
use crate::profile::Profile;
use crate::provider::PROVIDERS;
use crate::random::{self, Rng};

/// Holders of a block. The answers do not depend on it, but the bytes do: rows of one second are in the order of
/// blocks.
pub(crate) const HOLDERS_PER_BLOCK: u32 = 1_024;

// Disjoint ranges of organisation numbers, so that no two kinds of legal persons share a credit code.
pub(crate) const BUSINESSES_FROM: u64 = 200_000_000;
pub(crate) const BODIES_FROM: u64 = 800_000_000;
/// Size of the range of holders.
pub(crate) const HOLDERS_MAX: u32 = 200_000_000;
pub(crate) const BUSINESSES_MAX: u64 = 600_000_000;

const _: () = assert!(HOLDERS_MAX as u64 <= BUSINESSES_FROM);
const _: () = assert!(BUSINESSES_FROM + BUSINESSES_MAX <= BODIES_FROM);
const _: () = assert!(BODIES_FROM + 20_000_000 < code::ORGANISATIONS);

/// The data from which all holders and accounts are computed.
pub(crate) struct Economy {
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    pub(crate) accounts: u32,
    pub(crate) holders: u32,
    /// The first and last day of the feed.
    pub(crate) window: (i32, i32),
    /// Mean number of rows per month of an open account.
    pub(crate) mean_rows: u32,
    /// Factor in millionths that scales the rows of the profile to that mean.
    pub(crate) rows_scale: u64,
    /// Number of businesses to trade with, and also of people.
    pub(crate) universe: u32,
    /// CNAPS codes of banks outside the feed.
    pub(crate) banks: Vec<String>,
    pub(crate) treasuries: Vec<String>,
    salt: u64,
}

/// A range of holders with their accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HolderRange {
    pub(crate) first_holder: u32,
    pub(crate) holders: u32,
    pub(crate) first_account: u32,
    pub(crate) accounts: u32,
}

impl Economy {
    pub(crate) fn new(seed: u64, profile: Profile, accounts: u32, window: (i32, i32), mean_rows: u32) -> Economy {
        let kinds = [102, 103, 104, 105, 301, 313, 313, 314];
        let banks =
            (0..32).map(|index| code::bank_code(kinds[index % kinds.len()], 10 + index as u32, 7 * index as u32));
        let universe = u64::from(accounts) * u64::from(profile.counterparties.universe) + 5_000;
        let mut economy = Economy {
            seed,
            rows_scale: rows_scale(&profile),
            profile,
            accounts,
            holders: 0,
            window,
            mean_rows,
            universe: universe.min(BUSINESSES_MAX) as u32,
            banks: banks.collect(),
            treasuries: (0..TOWNS.len()).map(|place| code::bank_code(11, place as u32, 0)).collect(),
            salt: random::mix(seed),
        };
        economy.holders = economy.holder_ranges().last().map_or(0, |range| range.first_holder + range.holders);
        economy
    }

    /// All holders in ranges of [`HOLDERS_PER_BLOCK`]. The last holder gets the remaining accounts.
    pub(crate) fn holder_ranges(&self) -> Vec<HolderRange> {
        let mut ranges = Vec::new();
        let mut range = HolderRange { first_holder: 0, holders: 0, first_account: 0, accounts: 0 };
        while range.first_account + range.accounts < self.accounts {
            if range.holders == HOLDERS_PER_BLOCK {
                ranges.push(range);
                range = HolderRange {
                    first_holder: range.first_holder + range.holders,
                    holders: 0,
                    first_account: range.first_account + range.accounts,
                    accounts: 0,
                };
            }
            let left = self.accounts - range.first_account - range.accounts;
            range.accounts += self.accounts_of(range.first_holder + range.holders).min(left);
            range.holders += 1;
        }
        ranges.push(range);
        ranges
    }

    /// Number of accounts of the holder, before the limit on all accounts.
    pub(crate) fn accounts_of(&self, holder: u32) -> u32 {
        1 + Rng::new(&[self.seed, 0x6163_6374, u64::from(holder)]).weighted(&self.profile.holders.accounts) as u32
    }

    /// The key of an account: the source of everything that is drawn once per account.
    pub(crate) fn key(&self, account: u32) -> u64 {
        random::mix(self.salt ^ random::mix(u64::from(account) + 0x6B65_7900_0000_0000))
    }

    /// The number of the account: four digits of the bank, eight that are unique, and four more.
    pub(crate) fn number(&self, account: u32, provider: u8) -> u64 {
        let bank = &PROVIDERS[usize::from(provider) % PROVIDERS.len()];
        bank.prefix * 1_000_000_000_000 + code::scatter(account, self.salt) * 10_000 + self.key(account) % 10_000
    }

    /// The branch that keeps the account, from 1.
    pub(crate) fn branch(&self, account: u32) -> u32 {
        1 + (self.key(account) >> 40) as u32 % 60
    }

    /// The journal number of the booking numbered `number` in a month: unique, and without visible order.
    pub(crate) fn journal(&self, account: u32, number: u32) -> u64 {
        code::scatter(number, self.key(account))
    }
}

/// The factor in millionths that makes the mean of the profile's rows over all accounts 1.
fn rows_scale(profile: &Profile) -> u64 {
    let weights: u64 = profile.industries.iter().map(|figures| u64::from(figures.weight)).sum();
    let rows: u64 = profile.industries.iter().map(|figures| u64::from(figures.weight) * u64::from(figures.rows)).sum();
    let holders: u64 = profile.holders.accounts.iter().map(|weight| u64::from(*weight)).sum();
    let (mut accounts, mut active, mut share) = (0, 0, 0);
    for (nth, weight) in profile.holders.accounts.iter().enumerate() {
        share += activity_share(profile, nth);
        accounts += u64::from(*weight) * (nth as u64 + 1);
        active += u64::from(*weight) * share;
    }
    // Both in thousandths: the mean over industries, and the mean over the accounts of a holder.
    let industries = (rows / weights.max(1)).max(1);
    let of_accounts = (active / accounts.max(1)).max(1);
    debug_assert!(holders > 0);
    1_000_000_000_000 / industries / of_accounts
}

/// Rows of a holder's account numbered `nth` in thousandths of those of the first account. They fall more slowly than
/// the turnover.
pub(crate) fn activity_share(profile: &Profile, nth: usize) -> u64 {
    (u64::from(profile.holders.account_share.get(nth).copied().unwrap_or_default()) + 500) * 1_000 / 1_500
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn economy(accounts: u32) -> Economy {
        Economy::new(7, Profile::default(), accounts, (20_000, 20_400), 30)
    }

    #[test]
    fn holder_ranges_cover_all_accounts_once() {
        for accounts in [1, 2, 1_000, 5_003] {
            let economy = economy(accounts);
            let ranges = economy.holder_ranges();
            assert_eq!(ranges.iter().map(|range| range.accounts).sum::<u32>(), accounts);
            for pair in ranges.windows(2) {
                assert_eq!(pair[0].first_holder + pair[0].holders, pair[1].first_holder);
                assert_eq!(pair[0].first_account + pair[0].accounts, pair[1].first_account);
            }
        }
    }

    #[test]
    fn account_numbers_are_distinct() {
        let economy = economy(50_000);
        let numbers: HashSet<u64> = (0..50_000).map(|account| economy.number(account, (account % 4) as u8)).collect();
        assert_eq!(numbers.len(), 50_000);
    }
}
