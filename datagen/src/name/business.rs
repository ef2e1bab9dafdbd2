//! Names of companies, shops and people.
//!
//! Owns the order of their parts and the legal forms. Trades are the caller's.

use super::pattern::{BrandOwner, Filler};

// Each line is about a thirtieth of the names, so frequent patterns are repeated.
const COMPANIES: [&str; 32] = [
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "mbr有限公司",
    "nbr有限公司",
    "nbr有限公司",
    "mbr有限责任公司",
    "mbr有限责任公司",
    "nbr有限责任公司",
    "br（n）有限公司",
    "br（n）有限公司",
    "b（n）r有限公司",
    "b（n）r有限公司",
    "n（b）r有限公司",
    "n（b）r有限公司",
    "mbr股份有限公司",
    "br（n）股份有限公司",
    "nbr集团有限公司",
    "nbr集团股份有限公司",
    "n市d区br有限公司",
    "nd县br有限公司",
    "nbr合伙企业（有限合伙）",
    "nb会计师事务所（普通合伙）",
    "nb农产品专业合作社",
    "d县b种植专业合作社",
    "mbr厂",
];

const SHOPS: [&str; 12] = [
    "mbrs",
    "mbrs",
    "nbrs",
    "nbrs",
    "nbrs",
    "n市d区brs",
    "n市d区brs",
    "nd区brs",
    "nd镇brs",
    "d县brs",
    "n市d区brs（个体工商户）",
    "nbrs",
];

/// Appends the registered name of an account holder.
pub(crate) fn push_holder(out: &mut String, hash: u64, trade: &str, sole: bool) {
    push(out, hash, trade, sole, BrandOwner::Holder);
}

/// Appends the former name of the same holder. It differs in one character of the brand.
pub(crate) fn push_former_holder(out: &mut String, hash: u64, trade: &str, sole: bool) {
    push(out, hash, trade, sole, BrandOwner::FormerHolder);
}

/// Appends the registered name of a business that is a counterparty.
pub(crate) fn push_company(out: &mut String, hash: u64, trade: &str, sole: bool) {
    push(out, hash, trade, sole, BrandOwner::Counterparty);
}

fn push(out: &mut String, hash: u64, trade: &str, sole: bool, brand_owner: BrandOwner) {
    let mut filler = Filler { trade, brand_owner, ..Filler::new(hash, 0x0062_7573) };
    filler.push_one(out, if sole { &SHOPS } else { &COMPANIES });
}

/// Appends the name of a person.
pub(crate) fn push_person(out: &mut String, hash: u64) {
    Filler::new(hash, 0x7065_7273).push_person(out);
}
