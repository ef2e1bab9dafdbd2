//! Invented names: places, brands, shops and people composed from parts.
//! Owns no roles: who bears a name, and in which spelling a statement shows it, is `account`'s and `counterparty`'s.
//!
//! **Invariant:** no account holder's name is ever a counterparty's, since their brands begin with characters of
//! different lists. A label would otherwise say "trade" where the same name makes a transfer between own accounts.

use crate::industry::Industry;

/// Towns that do not exist.
pub(crate) const PLACES: [&str; 12] =
    ["江州", "云泽", "霁安", "澄溪", "岚川", "望洲", "青渡", "南漪", "沅阳", "隆浦", "栖陵", "白堰"];

const HOLDER_FIRST: [&str; 20] = [
    "沐", "霁", "槿", "湛", "珺", "砚", "莳", "岑", "菡", "昀", "澍", "珩", "漪", "霖", "砺", "栩", "芮", "樨", "淙",
    "珣",
];
const COUNTERPARTY_FIRST: [&str; 20] = [
    "翊", "淳", "堃", "琰", "昶", "骐", "曜", "皓", "泓", "沣", "钰", "铭", "稷", "峤", "韬", "璟", "骏", "澜", "懋",
    "翰",
];
const SECOND: [&str; 40] = [
    "源", "达", "禾", "川", "岳", "辰", "宇", "晟", "彤", "然", "朗", "逸", "舟", "屿", "樾", "棠", "笙", "柏", "丰",
    "润", "和", "泰", "兴", "茂", "诚", "远", "航", "森", "林", "峰", "野", "谷", "星", "尚", "悦", "佳", "立", "维",
    "越", "凌",
];
const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "欧阳", "上官", "司徒", "诸葛",
];

/// Whose brands to compose.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Holder,
    Counterparty,
}

/// Another hash, whose business has a different brand and all else alike: a firm before it was renamed.
pub(crate) fn renamed(hash: u64) -> u64 {
    // No byte keeps its residue modulo the 40 characters of `SECOND` under this mask.
    hash ^ 0x0055_0000
}

/// Appends the name of the business that `hash` stands for, a byte a part: place, brand, trade, legal form.
pub(crate) fn push_business(out: &mut String, hash: u64, side: Side, industry: Industry, sole: bool) {
    let first = match side {
        Side::Holder => &HOLDER_FIRST,
        Side::Counterparty => &COUNTERPARTY_FIRST,
    };
    let figures = industry.figures();
    out.push_str(nth(&PLACES, hash & 0xFF));
    if hash >> 60 < 5 {
        out.push('市');
    }
    out.push_str(nth(first, hash >> 8 & 0xFF));
    out.push_str(nth(&SECOND, hash >> 16 & 0xFF));
    if sole {
        out.push_str(nth(figures.shops, hash >> 24 & 0xFF));
    } else {
        out.push_str(nth(figures.trades, hash >> 24 & 0xFF));
        out.push_str("有限公司");
    }
}

/// Appends the name of the person that `hash` stands for.
pub(crate) fn push_person(out: &mut String, hash: u64) {
    out.push_str(nth(&SURNAMES, hash & 0xFF));
    out.push_str(nth(&HOLDER_FIRST, hash >> 8 & 0xFF));
    if hash >> 61 != 0 {
        out.push_str(nth(&SECOND, hash >> 16 & 0xFF));
    }
}

/// The town that `hash` stands for.
pub(crate) fn place(hash: u64) -> &'static str {
    nth(&PLACES, hash & 0xFF)
}

/// The item that `hash` stands for; empty where there is none.
pub(crate) fn nth(items: &[&'static str], hash: u64) -> &'static str {
    items.get((hash % items.len().max(1) as u64) as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_name_differs_in_its_brand_alone() {
        for byte in 0..=255 {
            let hash = byte << 16 | 0x8000_0000_0300_0504;
            let name = |hash| {
                let mut name = String::new();
                push_business(&mut name, hash, Side::Holder, Industry::Retail, false);
                name
            };
            let (now, before) = (name(hash), name(renamed(hash)));
            let differing = now.chars().zip(before.chars()).filter(|(a, b)| a != b).count();
            assert_eq!((differing, now.chars().count()), (1, before.chars().count()), "{now} {before}");
        }
    }

    #[test]
    fn holders_and_counterparties_never_share_a_brand() {
        assert!(HOLDER_FIRST.iter().all(|first| !COUNTERPARTY_FIRST.contains(first)));
    }
}
