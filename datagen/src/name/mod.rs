//! Invented names, composed from parts, in the spellings that statements carry.
//! Owns who is called what and how a statement spells it; who takes part in which movement is `counterparty`'s.
//!
//! ```text
//! part ─▶ pattern ─▶ business   holders, companies, shops, people
//!                    near_miss  what looks like a body, bank or platform and is none
//!                    body       public bodies, treasury accounts
//!                    platform   payment institutions and their marks
//!                    bank       agency and internal accounts
//!                    utility    power, water, gas, heat
//! a registered name ─▶ trap ─▶ the name as spelled ─▶ telling: is it still clear?
//! ```
//!
//! A hash decides everything, so the same hash gives the same name on any machine. Payment institutions, banks in the
//! names of buildings and public bodies bear real names; towns are invented (bodies may also stand in real cities and
//! provinces); no company and no person is real.

mod bank;
mod body;
mod business;
mod near_miss;
mod part;
mod pattern;
mod platform;
mod telling;
#[cfg(test)]
mod tests;
mod trap;
mod utility;

pub(crate) use bank::{Agency, Internal, push_agency, push_internal};
pub(crate) use body::{BODY_PLACES, Body, push_body, push_treasury_account};
pub(crate) use business::{push_company, push_former_holder, push_holder, push_person};
pub(crate) use near_miss::push_near_miss;
pub(crate) use part::TOWNS;
pub(crate) use pattern::nth;
pub(crate) use platform::{PLATFORMS, push_platform, push_platform_account};
pub use trap::Trap;
pub(crate) use trap::{Bearer, spell};
pub(crate) use utility::{Utility, push_utility};
