//! Invented names, composed from parts, and their spellings on statements.
//!
//! Owns names and spellings. Which party takes part in a movement is decided by `plan`.
//!
//! ```text
//! part ─▶ pattern ─▶ business   holders, companies, shops, people
//!                    near_miss  businesses that look like a body, a bank or a platform
//!                    body       public bodies, treasury accounts
//!                    platform   payment institutions and their marks
//!                    bank       agency and internal accounts
//!                    utility    power, water, gas, heat
//! registered name ─▶ trap ─▶ spelled name ─▶ ambiguity: does it still show the kind of its bearer?
//! ```
//!
//! A hash decides everything, so the same hash gives the same name on any machine. Payment institutions, public bodies,
//! and banks in the names of buildings have real names. Towns are invented, but bodies may also be in real cities and
//! provinces. No company and no person is real.

mod ambiguity;
mod bank;
mod body;
mod business;
mod near_miss;
mod part;
mod pattern;
mod platform;
#[cfg(test)]
mod tests;
mod trap;
mod utility;

pub(crate) use bank::{Agency, Internal, push_agency, push_internal};
pub(crate) use body::{BODY_PLACES, Body, push_body, push_treasury_account};
pub(crate) use business::{push_company, push_former_holder, push_holder, push_person};
pub(crate) use near_miss::push_near_miss;
pub(crate) use part::TOWNS;
pub(crate) use pattern::choose;
pub(crate) use platform::{PLATFORMS, push_platform, push_platform_account};
pub use trap::Trap;
pub(crate) use trap::{Bearer, spell};
pub(crate) use utility::{Utility, push_utility};
