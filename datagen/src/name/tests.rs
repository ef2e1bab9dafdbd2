//! Tests of all names: holders differ from everyone else, characters normalise as intended, and traps change what they
//! should and nothing else.

use std::collections::HashSet;

use super::ambiguity::{BODY_LIKE_WORDS, BODY_WORDS, BUSINESS_WORDS, has_any};
use super::part::{COUNTERPARTY_FIRST, GIVEN, HOLDER_FIRST, SECOND, SURNAMES};
use super::*;
use crate::random::mix;

const TRADES: [&str; 8] = ["餐饮管理", "商贸", "建材", "机械制造", "企业服务", "食品", "供应链管理", "装饰工程"];
const SHOPS: [&str; 6] = ["便利店", "建材", "小吃店", "服装", "五金厂", "修理部"];

/// The registered name of a bearer, as the economy asks for it.
fn registered(bearer: Bearer, hash: u64) -> String {
    let mut name = String::new();
    let (low, place) = ((hash & 0xFF) as usize, (hash >> 16) as u16);
    match bearer {
        Bearer::Holder if hash.is_multiple_of(3) => push_holder(&mut name, hash, SHOPS[low % SHOPS.len()], true),
        Bearer::Holder => push_holder(&mut name, hash, TRADES[low % TRADES.len()], false),
        Bearer::Company if hash.is_multiple_of(8) => push_near_miss(&mut name, hash),
        Bearer::Company => push_company(&mut name, hash, TRADES[low % TRADES.len()], false),
        Bearer::Shop => push_company(&mut name, hash, SHOPS[low % SHOPS.len()], true),
        Bearer::Person => push_person(&mut name, hash),
        Bearer::Body => push_body(&mut name, Body::ALL[low % 16], place, hash),
        Bearer::TreasuryAccount => push_treasury_account(&mut name, place, hash),
        Bearer::Platform => push_platform(&mut name, hash as u8, hash),
        Bearer::BankAccount if hash.is_multiple_of(2) => {
            push_agency(&mut name, "江州银行股份有限公司", Agency::ALL[low % 4], hash);
        }
        Bearer::BankAccount => {
            push_internal(&mut name, "江州银行股份有限公司", Internal::ALL[low % 8], hash);
        }
        Bearer::Utility => push_utility(&mut name, Utility::ALL[low % 4], place % TOWNS.len() as u16, hash),
    }
    name
}

fn spelled(name: &str, trap: Trap, hash: u64) -> (String, bool) {
    let mut out = String::new();
    let ambiguous = spell(&mut out, name, trap, hash);
    (out, ambiguous)
}

/// The name without width, spaces and punctuation, for the characters that occur in names.
fn folded(name: &str) -> String {
    let narrow = name.chars().map(|c| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap(),
        other => other,
    });
    narrow.filter(|c| c.is_alphanumeric()).collect()
}

#[test]
fn no_other_name_equals_a_holders_name() {
    let is_holders = |c: char| ('一'..='鿿').contains(&c) && HOLDER_FIRST.iter().any(|first| first.starts_with(c));
    // A set, since a million names are searched.
    let holders: HashSet<char> = HOLDER_FIRST.iter().flat_map(|first| first.chars()).collect();
    assert_eq!(holders.len(), HOLDER_FIRST.len());
    for hash in (0..1_000_000).map(mix) {
        let holder = registered(Bearer::Holder, hash);
        assert!(holder.chars().any(|c| holders.contains(&c)), "{holder}");
        let company = registered(if hash % 5 == 1 { Bearer::Shop } else { Bearer::Company }, hash);
        assert!(!company.chars().any(|c| holders.contains(&c)), "{company}");
    }
    for hash in (0..20_000).map(mix) {
        for bearer in Bearer::ALL.into_iter().filter(|bearer| *bearer != Bearer::Holder) {
            for trap in Trap::ALL.into_iter().filter(|trap| trap.suits(bearer)) {
                let (name, _) = spelled(&registered(bearer, hash), trap, hash);
                assert!(!name.chars().any(is_holders), "{name}");
            }
        }
    }
}

#[test]
fn a_former_name_differs_in_one_character() {
    for hash in (0..20_000).map(mix) {
        let (mut now, mut before) = (String::new(), String::new());
        push_holder(&mut now, hash, "商贸", hash.is_multiple_of(2));
        push_former_holder(&mut before, hash, "商贸", hash.is_multiple_of(2));
        let differing = now.chars().zip(before.chars()).filter(|(a, b)| a != b).count();
        assert_eq!((differing, now.chars().count()), (1, before.chars().count()), "{now} {before}");
    }
}

/// Ideographs of the basic block have no compatibility form. All other characters that names may contain are listed.
#[test]
fn names_contain_only_characters_that_normalise_as_intended() {
    for hash in (0..50_000).map(mix) {
        for bearer in Bearer::ALL {
            let name = registered(bearer, hash);
            let fits = |c: char| ('一'..='龥').contains(&c) || c.is_ascii_graphic() || "（）－—\u{3000}".contains(c);
            assert!(!name.is_empty() && name.chars().all(fits), "{name}");
            let left_over = |c: char| c.is_ascii_lowercase() && c != 'e' && c != 'i' || c == '#';
            assert!(!name.chars().any(left_over), "{name}: a marker was not filled");
        }
    }
}

#[test]
fn only_width_and_spaces_keep_the_name() {
    for hash in (0..20_000).map(mix) {
        for bearer in Bearer::ALL {
            let name = registered(bearer, hash);
            for trap in Trap::ALL.into_iter().filter(|trap| trap.suits(bearer)) {
                let (spelling, _) = spelled(&name, trap, hash);
                if trap.keeps_name() {
                    assert_eq!(folded(&spelling), folded(&name), "{trap:?}");
                } else if spelling != name {
                    // A truncation may remove only a bracket, and a spelling of the treasury account may differ in
                    // punctuation only.
                    let may_keep = matches!(trap, Trap::Truncated | Trap::TreasurySpelling);
                    assert!(may_keep || folded(&spelling) != folded(&name), "{trap:?} {name}");
                }
                assert_eq!(spelled(&name, trap, hash).0, spelling, "the same hash, another spelling");
            }
        }
    }
}

/// For each trap and bearer, the least number of names in a thousand that it changes.
#[test]
fn traps_change_enough_names() {
    let rows = [
        (Trap::HalfWidth, Bearer::Company, 150),
        (Trap::HalfWidth, Bearer::Platform, 150),
        (Trap::FullWidth, Bearer::Company, 20),
        (Trap::FullWidth, Bearer::TreasuryAccount, 100),
        (Trap::Spaces, Bearer::Company, 990),
        (Trap::Spaces, Bearer::Person, 990),
        (Trap::Truncated, Bearer::Company, 500),
        (Trap::Truncated, Bearer::Body, 200),
        (Trap::Truncated, Bearer::Platform, 400),
        (Trap::GluedDigits, Bearer::Body, 1_000),
        (Trap::BranchSuffix, Bearer::Company, 1_000),
        (Trap::PurposeBracket, Bearer::Body, 1_000),
        (Trap::OldStyle, Bearer::Company, 700),
        (Trap::OldStyle, Bearer::Body, 150),
        (Trap::Alias, Bearer::Company, 800),
        (Trap::Alias, Bearer::Body, 500),
        (Trap::PlatformPrefix, Bearer::Person, 1_000),
        (Trap::TreasurySpelling, Bearer::TreasuryAccount, 800),
        // An eighth of these are the same near miss already.
        (Trap::NearMiss, Bearer::Company, 850),
    ];
    for (trap, bearer, least) in rows {
        assert!(trap.suits(bearer));
        let changed = (0..10_000).map(mix).filter(|hash| {
            let name = registered(bearer, *hash);
            spelled(&name, trap, *hash).0 != name
        });
        let permille = changed.count() / 10;
        assert!(permille >= least, "{trap:?} of {bearer:?}: {permille}");
    }
}

#[test]
fn spellings_change_only_their_part_of_a_name() {
    let (body, firm) = ("江州市人力资源和社会保障局", "翊源商贸（江州）有限公司");
    let cases = [
        (Trap::HalfWidth, firm, "翊源商贸(江州)有限公司"),
        (Trap::FullWidth, "QY翊源(江州)厂", "ＱＹ翊源（江州）厂"),
        (Trap::OldStyle, body, "江州市劳动和社会保障局"),
        (Trap::OldStyle, "江州翊源商贸有限公司", "江州翊源商贸有限责任公司"),
        (Trap::Alias, body, "江州市人社局"),
        (Trap::Alias, "江州市教育局", "江州教育局"),
        (Trap::Alias, "国家税务总局江州市税务局", "江州市税务局"),
        (Trap::Alias, "江州市翊源商贸股份有限公司", "翊源商贸"),
        (Trap::Namesake, firm, firm),
    ];
    for (trap, name, expected) in cases {
        assert_eq!(spelled(name, trap, 7).0, expected);
    }
    for hash in (0..10_000).map(mix) {
        let name = registered(Bearer::Body, hash);
        for trap in [Trap::GluedDigits, Trap::PurposeBracket] {
            assert!(spelled(&name, trap, hash).0.starts_with(&name));
        }
        let (cut, _) = spelled(&name, Trap::Truncated, hash);
        let (kept, all) = (cut.chars().count(), name.chars().count());
        assert!(name.starts_with(&cut) && (kept == all || (12..=30).contains(&kept)), "{name} {cut}");
        let person = registered(Bearer::Person, hash);
        assert!(spelled(&person, Trap::PlatformPrefix, hash).0.ends_with(&person));
    }
}

#[test]
fn ambiguous_spellings_are_reported() {
    for (name, cut, unclear) in [
        ("江州市望湖区城市管理综合行政执法局", "江州市望湖区城市管理综合", true),
        // A company name may continue here: 人力资源和社会保障咨询有限公司.
        ("江州市望湖区人力资源和社会保障局", "江州市望湖区人力资源和社会", true),
        ("江州市望湖区社会保险事业管理中心", "江州市望湖区社会保险事业", false),
        ("江州翊源税务师事务所有限公司", "江州翊源税务师", true),
        ("江州翊源税务师事务所有限公司", "江州翊源税务师事务所", false),
        ("江州翊源餐饮管理有限公司", "江州翊源餐饮", false),
        ("国家金库江州市中心支库（待缴库税款）", "国家金库江州市中心", false),
    ] {
        assert_eq!(super::ambiguity::is_ambiguous(name, cut), unclear, "{name} {cut}");
    }
    let firm = registered(Bearer::Company, mix(1));
    assert!(spelled(&firm, Trap::Namesake, 1).1);
    let count =
        |bearer, trap| (0..10_000).map(mix).filter(|hash| spelled(&registered(bearer, *hash), trap, *hash).1).count();
    let body = count(Bearer::Body, Trap::Truncated);
    assert!((50..2_500).contains(&body), "{body}");
    assert_eq!(count(Bearer::Body, Trap::GluedDigits), 0);
    assert_eq!(count(Bearer::Shop, Trap::Truncated), 0);
}

#[test]
fn registered_names_show_the_kind_of_their_bearer() {
    for hash in (0..50_000).map(mix) {
        for bearer in [Bearer::Body, Bearer::TreasuryAccount] {
            let name = registered(bearer, hash);
            assert!(has_any(&name, &BODY_WORDS) && !has_any(&name, &BUSINESS_WORDS), "{name}");
        }
        let mut near_miss = String::new();
        push_near_miss(&mut near_miss, hash);
        assert!(!has_any(&near_miss, &BODY_LIKE_WORDS) || has_any(&near_miss, &BUSINESS_WORDS), "{near_miss}");
        let mut company = String::new();
        push_company(&mut company, hash, "商贸", hash.is_multiple_of(2));
        assert!(!has_any(&company, &BODY_LIKE_WORDS) && !has_any(&company, &BODY_WORDS), "{company}");
        // The short form of a body still identifies it.
        let (short, unclear) = spelled(&registered(Bearer::Body, hash), Trap::Alias, hash);
        assert!(has_any(&short, &BODY_WORDS) && !unclear, "{short}");
    }
}

#[test]
fn there_are_many_names() {
    let distinct = |bearer| (0..100_000).map(|n| registered(bearer, mix(n))).collect::<HashSet<_>>().len();
    assert!(distinct(Bearer::Holder) > 98_000, "{}", distinct(Bearer::Holder));
    assert!(distinct(Bearer::Company) > 90_000, "{}", distinct(Bearer::Company));
    assert!(distinct(Bearer::Person) > 30_000, "{}", distinct(Bearer::Person));
    assert!(distinct(Bearer::Body) > 15_000, "{}", distinct(Bearer::Body));
}

#[test]
fn parts_are_distinct() {
    for list in [&HOLDER_FIRST[..], &COUNTERPARTY_FIRST, &SECOND, &TOWNS, &SURNAMES, &GIVEN] {
        assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len(), "{list:?}");
    }
}

#[test]
fn names_are_not_too_long() {
    for bearer in Bearer::ALL {
        let mut lengths: Vec<usize> = (0..10_000).map(|n| registered(bearer, mix(n)).chars().count()).collect();
        lengths.sort_unstable();
        let at = |percent: usize| lengths[lengths.len() * percent / 100];
        println!("{bearer:?}: 1% {} 10% {} 50% {} 90% {} 99% {}", at(1), at(10), at(50), at(90), at(99));
        assert!(at(99) <= 36);
    }
}
