//! Pools of counterparties: the businesses and people that an account trades with at a time.
//!
//! Owns who is in a pool, and which columns a statement fills for them.

use crate::economy::Economy;
use crate::party::Shown;
use crate::random::{self, Rng};

/// The number of the counterparty at `rank` of a pool in the given quarter. The places of a pool get a new counterparty
/// every few years, each at its own pace. Some of them belong to businesses that many accounts share.
pub(crate) fn member(economy: &Economy, pool: u64, rank: u32, quarter: u32) -> u32 {
    let trading = &economy.profile.counterparties;
    let [low, high] = trading.stays_quarters;
    let place = random::hash(&[pool, u64::from(rank)]);
    let stays = low + (place >> 32) as u32 % (high - low + 1);
    let tenant = (quarter + (place >> 48) as u32 % stays) / stays;
    let draw = random::mix(place ^ u64::from(tenant));
    let shared = draw % 1_000 < u64::from(trading.shared);
    let among = if shared { economy.universe / 50 } else { economy.universe };
    ((draw >> 10) % u64::from(among.max(1))) as u32
}

/// The columns that a row fills for counterparty `id`: in most rows the same ones, in some fewer. None if the row shows
/// nothing of the counterparty.
pub(crate) fn shown(economy: &Economy, id: u32, rng: &mut Rng) -> Option<Shown> {
    let trading = &economy.profile.counterparties;
    let (unknown, name) = (trading.unknown, trading.unknown + trading.name_only);
    match rng.below(1_000) {
        draw if draw < unknown => None,
        draw if draw < name => Some(Shown::Name),
        draw if draw < name + trading.account_only => Some(Shown::Account),
        _ if random::mix(u64::from(id)) % 1_000 < u64::from(trading.with_code) => Some(Shown::All),
        _ => Some(Shown::NameAndAccount),
    }
}
