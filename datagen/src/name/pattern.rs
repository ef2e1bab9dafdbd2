//! Patterns: the order of the parts of a name, with a lower-case letter for each part.
//!
//! Owns the meaning of the letters.
//!
//! ```text
//! n town            m town, or town and 市      p place with its level: 江州市, 江州市望湖区, 青渡县 ...
//! z real province   d district, bare            t township: 望湖镇, 望湖乡
//! b brand           r trade                     s shop form, unless the word for the trade is a shop already
//! o 一 to 九        x person                    k bank's short name              # a digit
//! ```
//!
//! All other characters stand for themselves, including capital letters and digits.

use super::part::{
    CITIES, COUNTERPARTY_FIRST, DISTRICTS, GIVEN, HOLDER_FIRST, PROVINCES, SECOND, SHOP_ENDS, SHOP_FORMS, SOLAR_TERMS,
    SURNAMES, TOWNS,
};
use crate::random::Rng;

const ORDINALS: [&str; 9] = ["一", "二", "三", "四", "五", "六", "七", "八", "九"];
const LATIN: [&str; 12] = ["QY", "KT", "JX", "HL", "ZR", "e", "U", "YQ", "TX", "LV", "XW", "i"];

/// Whose brand a pattern contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BrandOwner {
    Holder,
    /// The holder before it was renamed: another brand, and no other difference.
    FormerHolder,
    Counterparty,
}

/// The values for the parts of a pattern.
pub(super) struct Filler<'a> {
    pub(super) rng: Rng,
    pub(super) brand_owner: BrandOwner,
    pub(super) place: u16,
    pub(super) trade: &'a str,
    pub(super) bank: &'a str,
}

impl Filler<'static> {
    /// Parts of counterparties, drawn by `hash`. `salt` separates kinds of names that share a hash.
    pub(super) fn new(hash: u64, salt: u64) -> Filler<'static> {
        let rng = Rng::new(&[hash, salt]);
        // The town follows from the hash alone, so that all names of one bearer contain the same one.
        let place = (hash >> 48) as u16 % TOWNS.len() as u16;
        Filler { rng, brand_owner: BrandOwner::Counterparty, place, trade: "", bank: "" }
    }
}

impl Filler<'_> {
    pub(super) fn pick(&mut self, items: &[&'static str]) -> &'static str {
        items.get(self.rng.below(items.len() as u32) as usize).copied().unwrap_or_default()
    }

    /// Appends one of `patterns`, filled.
    pub(super) fn push_one(&mut self, out: &mut String, patterns: &[&'static str]) {
        let pattern = self.pick(patterns);
        self.push(out, pattern);
    }

    /// Appends `pattern`, filled.
    pub(super) fn push(&mut self, out: &mut String, pattern: &str) {
        let mut start = 0;
        for (at, byte) in pattern.bytes().enumerate() {
            if byte.is_ascii_lowercase() || byte == b'#' {
                // A marker is one byte of ASCII, so both cuts are between characters.
                out.push_str(pattern.get(start..at).unwrap_or_default());
                self.push_part(out, byte);
                start = at + 1;
            }
        }
        out.push_str(pattern.get(start..).unwrap_or_default());
    }

    fn push_part(&mut self, out: &mut String, marker: u8) {
        match marker {
            b'n' => out.push_str(self.town()),
            b'm' => {
                out.push_str(self.town());
                if self.rng.chance(300) {
                    out.push('市');
                }
            }
            b'p' => self.push_place(out),
            b'z' => out.push_str(self.pick(&PROVINCES)),
            b'd' => out.push_str(self.pick(&DISTRICTS)),
            b't' => {
                out.push_str(self.pick(&DISTRICTS));
                out.push(if self.rng.chance(700) { '镇' } else { '乡' });
            }
            b'b' => self.push_brand(out),
            b'r' => out.push_str(self.trade),
            b's' if SHOP_ENDS.iter().any(|end| self.trade.ends_with(end)) => {}
            b's' => out.push_str(self.pick(&SHOP_FORMS)),
            b'o' => out.push_str(self.pick(&ORDINALS)),
            b'x' => self.push_person(out),
            b'k' => out.push_str(short_bank(self.bank)),
            b'#' => out.push(char::from(b'0' + self.rng.below(10) as u8)),
            _ => {}
        }
    }

    /// The name of the town: an invented one, or a real city for a higher number.
    fn town(&self) -> &'static str {
        let place = usize::from(self.place) % (TOWNS.len() + CITIES.len());
        TOWNS.get(place).or_else(|| CITIES.get(place - TOWNS.len())).copied().unwrap_or_default()
    }

    fn push_place(&mut self, out: &mut String) {
        let pattern = match self.rng.below(100) {
            0..42 => "n市",
            42..64 => "n市d区",
            64..72 => "n市d县",
            72..82 => "d县",
            82..88 => "d区",
            88..93 => "zn市",
            93..96 => "n经济技术开发区",
            96..98 => "n高新技术产业开发区",
            _ => "z",
        };
        // A real city has no invented district, except in the few patterns that contain a district themselves.
        let invented = usize::from(self.place) % (TOWNS.len() + CITIES.len()) < TOWNS.len();
        self.push(out, if invented || pattern == "z" { pattern } else { "n市" });
    }

    fn push_brand(&mut self, out: &mut String) {
        let first = match self.brand_owner {
            BrandOwner::Holder | BrandOwner::FormerHolder => &HOLDER_FIRST[..],
            BrandOwner::Counterparty => &COUNTERPARTY_FIRST[..],
        };
        let draw = self.rng.next();
        if draw >> 58 < 2 {
            out.push_str(choose(&LATIN, draw >> 48 & 0xFF));
        }
        out.push_str(choose(first, draw & 0xFFFF));
        // 21 is odd and the list has 64 characters, so the shifted index always gives another one.
        let renamed = u64::from(self.brand_owner == BrandOwner::FormerHolder) * 21;
        out.push_str(choose(&SECOND, (draw >> 16 & 0xFF) + renamed));
        if draw >> 40 & 7 < 2 {
            out.push_str(choose(&SECOND, draw >> 24 & 0xFF));
        }
    }

    pub(super) fn push_person(&mut self, out: &mut String) {
        let draw = self.rng.next();
        out.push_str(choose(&SURNAMES, draw & 0xFFFF));
        match draw >> 60 {
            0 => out.push_str(choose(&SOLAR_TERMS, draw >> 16 & 0xFF)),
            1..3 => out.push_str(choose(&GIVEN, draw >> 16 & 0xFFFF)),
            _ => {
                out.push_str(choose(&GIVEN, draw >> 16 & 0xFFFF));
                out.push_str(choose(&GIVEN, draw >> 32 & 0xFFFF));
            }
        }
    }
}

/// The item drawn by `draw`; empty if there is none.
pub(crate) fn choose(items: &[&'static str], draw: u64) -> &'static str {
    items.get((draw % items.len().max(1) as u64) as usize).copied().unwrap_or_default()
}

/// The name of a bank without its legal form.
fn short_bank(bank: &str) -> &str {
    bank.strip_suffix("股份有限公司").or_else(|| bank.strip_suffix("有限责任公司")).unwrap_or(bank)
}
