//! Traps: reasons why a name on a statement is hard to read, and the spelling of a registered name under each.
//!
//! Owns which traps suit which bearers.

use super::ambiguity::{BUSINESS_WORDS, has_any, is_ambiguous};
use super::part::TOWNS;
use super::pattern::{Filler, choose};
use super::{near_miss, push_treasury_account};
use crate::code;
use crate::random::Rng;

/// Why a name is hard to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trap {
    /// The registered name.
    #[default]
    None,
    /// Half-width brackets instead of full-width ones.
    HalfWidth,
    /// Full-width letters, digits and brackets.
    FullWidth,
    /// Spaces inside.
    Spaces,
    /// Truncated to the width of a field.
    Truncated,
    /// Digits appended.
    GluedDigits,
    /// A branch, department or shop appended.
    BranchSuffix,
    /// The purpose of the account appended, mostly in brackets.
    PurposeBracket,
    /// An older style of the same name.
    OldStyle,
    /// A short form in common use.
    Alias,
    /// The mark of a payment platform before the name. The platform is the counterparty.
    PlatformPrefix,
    /// One of the many spellings of the treasury account.
    TreasurySpelling,
    /// A business that looks like a body, a bank or a platform.
    NearMiss,
    /// Another legal person with the name of the holder.
    Namesake,
}

/// The bearer of a name, as far as traps distinguish them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// The account holder, as counterparty of its own account elsewhere.
    Holder,
    Company,
    Shop,
    Person,
    Body,
    TreasuryAccount,
    Platform,
    /// An agency or internal account of the bank.
    BankAccount,
    Utility,
}

impl Bearer {
    pub(crate) const ALL: [Bearer; 9] = [
        Bearer::Holder,
        Bearer::Company,
        Bearer::Shop,
        Bearer::Person,
        Bearer::Body,
        Bearer::TreasuryAccount,
        Bearer::Platform,
        Bearer::BankAccount,
        Bearer::Utility,
    ];
}

impl Trap {
    /// All traps, [`Trap::None`] first.
    pub const ALL: [Trap; 14] = [
        Trap::None,
        Trap::HalfWidth,
        Trap::FullWidth,
        Trap::Spaces,
        Trap::Truncated,
        Trap::GluedDigits,
        Trap::BranchSuffix,
        Trap::PurposeBracket,
        Trap::OldStyle,
        Trap::Alias,
        Trap::PlatformPrefix,
        Trap::TreasurySpelling,
        Trap::NearMiss,
        Trap::Namesake,
    ];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Trap::None => "none",
            Trap::HalfWidth => "half_width",
            Trap::FullWidth => "full_width",
            Trap::Spaces => "spaces",
            Trap::Truncated => "truncated",
            Trap::GluedDigits => "glued_digits",
            Trap::BranchSuffix => "branch_suffix",
            Trap::PurposeBracket => "purpose_bracket",
            Trap::OldStyle => "old_style",
            Trap::Alias => "alias",
            Trap::PlatformPrefix => "platform_prefix",
            Trap::TreasurySpelling => "treasury_spelling",
            Trap::NearMiss => "near_miss",
            Trap::Namesake => "namesake",
        }
    }

    /// Whether the trap can apply to names of `bearer`.
    pub(crate) fn suits(self, bearer: Bearer) -> bool {
        use Bearer::{BankAccount, Body, Company, Holder, Person, Shop, TreasuryAccount, Utility};
        match self {
            Trap::None | Trap::Spaces => true,
            Trap::HalfWidth | Trap::FullWidth => bearer != Person,
            Trap::Truncated => !matches!(bearer, Person | BankAccount),
            Trap::GluedDigits => bearer != Holder,
            Trap::BranchSuffix => matches!(bearer, Company | Shop),
            Trap::PurposeBracket => matches!(bearer, Company | Shop | Body | Utility),
            Trap::OldStyle => matches!(bearer, Company | Body),
            Trap::Alias => matches!(bearer, Company | Shop | Body),
            Trap::PlatformPrefix => matches!(bearer, Person | Company | Shop),
            Trap::TreasurySpelling => bearer == TreasuryAccount,
            Trap::NearMiss => bearer == Company,
            Trap::Namesake => matches!(bearer, Holder | Company),
        }
    }

    /// Whether the spelling equals the registered name apart from width, spaces and punctuation. Only then does the
    /// name alone show a transfer between own accounts.
    pub(crate) fn keeps_name(self) -> bool {
        matches!(self, Trap::None | Trap::HalfWidth | Trap::FullWidth | Trap::Spaces | Trap::Namesake)
    }
}

/// Appends the spelling of `registered` under `trap`. Returns true if the label becomes ambiguous: nobody can derive
/// the kind of the bearer from the text.
///
/// A name to which the trap does not apply (no bracket, too short, no older style) is appended unchanged. The row then
/// has no trap.
pub(crate) fn spell(out: &mut String, registered: &str, trap: Trap, hash: u64) -> bool {
    let start = out.len();
    let mut rng = Rng::new(&[hash, 0x7472_6170]);
    match trap {
        Trap::None => out.push_str(registered),
        Trap::HalfWidth => out.extend(registered.chars().map(half_width)),
        Trap::FullWidth => out.extend(registered.chars().map(full_width)),
        Trap::Spaces => push_spaced(out, registered, &mut rng),
        Trap::Truncated => push_truncated(out, registered, &mut rng),
        Trap::GluedDigits => {
            out.push_str(registered);
            code::push_digits(out, rng.next(), 6 + rng.below(14) as usize);
        }
        Trap::BranchSuffix => push_branch(out, registered, hash),
        Trap::PurposeBracket => push_purpose(out, registered, &mut rng),
        Trap::OldStyle => push_replaced(out, registered, &OLD_STYLES),
        Trap::Alias => push_alias(out, registered),
        Trap::PlatformPrefix => {
            out.push_str(choose(&PREFIXES, rng.next() >> 16));
            out.push_str(registered);
        }
        Trap::TreasurySpelling => push_treasury_account(out, town_number(registered), rng.next()),
        Trap::NearMiss => near_miss::push_near_miss(out, hash),
        // The text is the holder's own name. Without a credit code nobody can recognise the namesake.
        Trap::Namesake => {
            out.push_str(registered);
            return true;
        }
    }
    // Only these two remove parts of a name that may identify the bearer.
    matches!(trap, Trap::Truncated | Trap::Alias) && is_ambiguous(registered, out.get(start..).unwrap_or_default())
}

fn half_width(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        '\u{3000}' => ' ',
        other => other,
    }
}

fn full_width(character: char) -> char {
    match character {
        '!'..='~' => char::from_u32(u32::from(character) + 0xFEE0).unwrap_or(character),
        other => other,
    }
}

/// A name of two or three characters gets spaces between all of them, a longer one gets spaces in one or two places.
fn push_spaced(out: &mut String, registered: &str, rng: &mut Rng) {
    let characters = registered.chars().count() as u32;
    let space = if rng.chance(400) { '\u{3000}' } else { ' ' };
    let (first, second) = match characters {
        0..2 => (0, 0),
        2..4 => (1, 2),
        _ => (1 + rng.below(characters - 1), 1 + rng.below(characters - 1)),
    };
    for (place, character) in (0u32..).zip(registered.chars()) {
        if place > 0 && (place == first || place == second) {
            out.push(space);
        }
        out.push(character);
    }
}

/// Fields hold 20 to 30 characters, those of older systems 12 to 19, and some exactly 12.
fn push_truncated(out: &mut String, registered: &str, rng: &mut Rng) {
    let characters = registered.chars().count() as u32;
    let kept = match characters {
        0..=12 => characters,
        _ if rng.chance(60) => 12,
        13..=20 => rng.between(12.max(characters - 6), characters - 1),
        _ => rng.between(20, 30.min(characters - 1)),
    };
    out.extend(registered.chars().take(kept as usize));
}

const BRANCHES: [&str; 16] = [
    "n分公司",
    "n分公司",
    "d分公司",
    "第o分公司",
    "n办事处",
    "第o营业部",
    "第o分店",
    "d店",
    "n项目部",
    "（d店）",
    "（n分公司）",
    "-d店",
    "第o项目部",
    "n分公司第o营业部",
    "采购中心",
    "财务部",
];

fn push_branch(out: &mut String, registered: &str, hash: u64) {
    out.push_str(registered);
    Filler::new(hash, 0x6272_616E).push_one(out, &BRANCHES);
}

/// Purposes that suit an account of any bearer. None of them shows a class.
const PURPOSES: [&str; 12] = [
    "专户",
    "专用存款账户",
    "基本户",
    "基本存款账户",
    "一般户",
    "一般账户",
    "结算户",
    "保证金专户",
    "履约保证金",
    "工程款专户",
    "农民工工资专户",
    "往来款专户",
];

fn push_purpose(out: &mut String, registered: &str, rng: &mut Rng) {
    let purpose = choose(&PURPOSES, rng.next() >> 16);
    let (open, close) = match rng.below(10) {
        0..6 => ("（", "）"),
        6..8 => ("(", ")"),
        8 => ("-", ""),
        _ => (" ", ""),
    };
    [registered, open, purpose, close].into_iter().for_each(|part| out.push_str(part));
}

/// Newer parts of names, and the older ones that still occur on statements. The first that matches is replaced.
const OLD_STYLES: [(&str, &str); 18] = [
    ("人力资源和社会保障", "劳动和社会保障"),
    ("市场监督管理", "工商行政管理"),
    ("自然资源和规划", "国土资源"),
    ("自然资源", "国土资源"),
    ("生态环境", "环境保护"),
    ("农业农村", "农业"),
    ("交通运输", "交通"),
    ("应急管理", "安全生产监督管理"),
    ("卫生健康委员会", "卫生和计划生育局"),
    ("住房和城乡建设", "建设"),
    ("医疗保障局", "医疗保险管理中心"),
    ("社会保险事业管理中心", "社会劳动保险事业管理处"),
    ("住房公积金管理中心", "住房资金管理中心"),
    ("公共就业服务中心", "劳动就业服务局"),
    ("国库集中支付中心", "会计核算中心"),
    ("城市管理综合行政执法", "城市管理行政执法"),
    ("中医医院", "中医院"),
    ("有限公司", "有限责任公司"),
];

/// Full and short forms.
const SHORT_FORMS: [(&str, &str); 20] = [
    ("人力资源和社会保障局", "人社局"),
    ("社会保险事业管理中心", "社保中心"),
    ("社会保险基金管理局", "社保局"),
    ("社会保险事业管理局", "社保局"),
    ("社会保险中心", "社保中心"),
    ("医疗保障局", "医保局"),
    ("医疗保险管理中心", "医保中心"),
    ("住房公积金管理中心", "公积金中心"),
    ("市场监督管理局", "市监局"),
    ("工商行政管理局", "工商局"),
    ("国家税务总局", ""),
    ("国家税务局", "国税局"),
    ("地方税务局", "地税局"),
    ("人民检察院", "检察院"),
    ("人民法院", "法院"),
    ("人民政府", "政府"),
    ("生态环境局", "环保局"),
    ("住房和城乡建设局", "住建局"),
    ("卫生健康委员会", "卫健委"),
    ("中华人民共和国", ""),
];

/// Legal forms that a short name omits. A longer form precedes the forms that it ends with.
const LEGAL_FORMS: [&str; 6] =
    ["集团股份有限公司", "集团有限公司", "股份有限公司", "有限责任公司", "有限公司", "（个体工商户）"];

fn push_replaced(out: &mut String, registered: &str, pairs: &[(&str, &str)]) {
    for (full, other) in pairs {
        // A name in the old style has no newer part and stays as it is.
        if let Some(at) = registered.find(full) {
            out.push_str(registered.get(..at).unwrap_or_default());
            out.push_str(other);
            out.push_str(registered.get(at + full.len()..).unwrap_or_default());
            return;
        }
    }
    out.push_str(registered);
}

/// Appends the short form of a body, or the name of a business without its legal form and without its town.
fn push_alias(out: &mut String, registered: &str) {
    if SHORT_FORMS.iter().any(|(full, _)| registered.contains(full)) {
        return push_replaced(out, registered, &SHORT_FORMS);
    }
    let bare = LEGAL_FORMS.iter().find_map(|form| registered.strip_suffix(form));
    let name = bare.unwrap_or(registered);
    let Some((town, rest)) = TOWNS.iter().find_map(|town| Some((*town, name.strip_prefix(town)?))) else {
        return out.push_str(name);
    };
    // A body without a short form keeps its town. Otherwise many bodies would have the same name.
    if bare.is_none() && !has_any(registered, &BUSINESS_WORDS) {
        out.push_str(town);
    }
    out.push_str(rest.strip_prefix('市').unwrap_or(rest));
}

/// The number of the town in `registered`, or of the first town if there is none.
fn town_number(registered: &str) -> u16 {
    TOWNS.iter().position(|town| registered.contains(town)).unwrap_or_default() as u16
}

/// The mark that a platform writes before the name of its customer.
const PREFIXES: [&str; 16] = [
    "支付宝-",
    "支付宝-",
    "支付宝-",
    "支付宝-",
    "支付宝－",
    "财付通-",
    "财付通-",
    "微信支付-",
    "微信支付-",
    "财付通-微信支付-",
    "微信转账-",
    "美团支付-",
    "抖音支付-",
    "京东支付-",
    "支付宝（中国）-",
    "拉卡拉支付-",
];
