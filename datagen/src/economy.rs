//! The economy as a whole: how many holders and accounts there are and which numbers and codes they bear.
//! Owns what must be distinct. Nothing is stored a holder or an account: all of both follows from their ordinals, so
//! that tens of millions of accounts cost no memory here.

use crate::code;
use crate::name::TOWNS;
use crate::profile::Profile;
use crate::provider::PROVIDERS;
use crate::random::{self, Rng};

/// Holders whose months are lived by one worker at a time. The answers do not depend on it, but the bytes do: rows of
/// one second are in the order of blocks.
pub(crate) const HOLDERS_A_BLOCK: u32 = 1_024;

// Ranges of organisation numbers, so that no two kinds of bearers share a credit code.
pub(crate) const BUSINESSES_FROM: u64 = 200_000_000;
pub(crate) const BODIES_FROM: u64 = 800_000_000;
/// How many holders the number range takes.
pub(crate) const HOLDERS_MAX: u32 = 200_000_000;
pub(crate) const BUSINESSES_MAX: u64 = 600_000_000;

const _: () = assert!(HOLDERS_MAX as u64 <= BUSINESSES_FROM);
const _: () = assert!(BUSINESSES_FROM + BUSINESSES_MAX <= BODIES_FROM);
const _: () = assert!(BODIES_FROM + 20_000_000 < code::ORGANISATIONS);

/// What all holders and accounts are derived from.
pub(crate) struct Economy {
    pub(crate) seed: u64,
    pub(crate) profile: Profile,
    pub(crate) accounts: u32,
    pub(crate) holders: u32,
    /// The feed's first and last day.
    pub(crate) window: (i32, i32),
    /// Mean rows a month of an open account.
    pub(crate) mean_rows: u32,
    /// Scales what the profile asks of rows to that mean, in millionths.
    pub(crate) rows_scale: u64,
    /// How many businesses there are to trade with; likewise people.
    pub(crate) universe: u32,
    /// CNAPS codes of banks that send no feed.
    pub(crate) banks: Vec<String>,
    pub(crate) treasuries: Vec<String>,
    salt: u64,
}

/// A run of holders with their accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
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
        economy.holders = economy.spans().last().map_or(0, |span| span.first_holder + span.holders);
        economy
    }

    /// All holders, in runs of [`HOLDERS_A_BLOCK`]. The last holder gets what accounts are left.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut span = Span { first_holder: 0, holders: 0, first_account: 0, accounts: 0 };
        while span.first_account + span.accounts < self.accounts {
            if span.holders == HOLDERS_A_BLOCK {
                spans.push(span);
                span = Span {
                    first_holder: span.first_holder + span.holders,
                    holders: 0,
                    first_account: span.first_account + span.accounts,
                    accounts: 0,
                };
            }
            let left = self.accounts - span.first_account - span.accounts;
            span.accounts += self.accounts_of(span.first_holder + span.holders).min(left);
            span.holders += 1;
        }
        spans.push(span);
        spans
    }

    /// How many accounts the holder has, were there no limit to them.
    pub(crate) fn accounts_of(&self, holder: u32) -> u32 {
        1 + Rng::new(&[self.seed, 0x6163_6374, u64::from(holder)]).weighted(&self.profile.holders.accounts) as u32
    }

    /// What stands for the account wherever something is drawn once and for all.
    pub(crate) fn key(&self, account: u32) -> u64 {
        random::mix(self.salt ^ random::mix(u64::from(account) + 0x6B65_7900_0000_0000))
    }

    /// The account's number: four digits of the bank, eight that are no other account's, four more.
    pub(crate) fn number(&self, account: u32, provider: u8) -> u64 {
        let bank = &PROVIDERS[usize::from(provider) % PROVIDERS.len()];
        bank.prefix * 1_000_000_000_000 + code::scatter(account, self.salt) * 10_000 + self.key(account) % 10_000
    }

    /// The branch that keeps the account, from 1.
    pub(crate) fn branch(&self, account: u32) -> u32 {
        1 + (self.key(account) >> 40) as u32 % 60
    }

    /// The number of the booking numbered `number` of a month: distinct, and without visible order.
    pub(crate) fn journal(&self, account: u32, number: u32) -> u64 {
        code::scatter(number, self.key(account))
    }
}

/// What to multiply the profile's rows with so that the mean over all accounts is 1, in millionths.
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
    // Thousandths of the mean: of the industries times of the accounts.
    let industries = (rows / weights.max(1)).max(1);
    let of_accounts = (active / accounts.max(1)).max(1);
    debug_assert!(holders > 0);
    1_000_000_000_000 / industries / of_accounts
}

/// Rows of a holder's account numbered `nth`, in thousandths of the first one's: they fall less than the money does.
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
    fn spans_cover_all_accounts_once() {
        for accounts in [1, 2, 1_000, 5_003] {
            let economy = economy(accounts);
            let spans = economy.spans();
            assert_eq!(spans.iter().map(|span| span.accounts).sum::<u32>(), accounts);
            for pair in spans.windows(2) {
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
