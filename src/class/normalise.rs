//! Normalisation of counterparty names: the form in which names are compared, matched and hashed.
//!
//! Owns: that form, which stored keys depend on: it is part of the hash scheme (`docs/hash-scheme.md`), as are the versions of
//! the Unicode tables ([`unicode_versions`](crate::hash_key::unicode_versions)). Does not own: matching.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Writes the normalised form of `text` to `out`, replacing its content: NFKC, without white space and punctuation
/// (White_Space and the categories Z and P), in upper case.
pub fn normalise(text: &str, out: &mut String) {
    out.clear();
    if !normalise_plain(text, out) {
        out.clear();
        let kept = text.nfkc().filter(|&c| !is_dropped(c));
        out.extend(kept.flat_map(char::to_uppercase));
    }
}

/// Normalises text in which no character combines with another: ASCII, common ideographs, and the full-width forms and marks
/// used with them. Nearly all names are such texts. Returns `false`, with `out` incomplete, for any other text.
fn normalise_plain(text: &str, out: &mut String) -> bool {
    for c in text.chars() {
        match c {
            '\u{4E00}'..='\u{9FFF}' => out.push(c),
            '\0'..='\x7F' => push_ascii(c, out),
            // Full-width ASCII lies at a fixed distance from ASCII.
            '\u{FF01}'..='\u{FF5E}' => match char::from_u32(c as u32 - 0xFEE0) {
                Some(narrow) => push_ascii(narrow, out),
                None => return false,
            },
            // Ideographic space, stops and brackets, the middle dot, dashes and quotes: all Z or P.
            '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '·' | '–' | '—' | '‘' | '’' | '“' | '”' => {
            }
            _ => return false,
        }
    }
    true
}

fn push_ascii(c: char, out: &mut String) {
    // Symbols (S), unlike punctuation (P), stay: they are the nine that `is_ascii_punctuation` adds to P.
    let is_symbol = matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    let is_dropped = c.is_whitespace() || (c.is_ascii_punctuation() && !is_symbol);
    if !is_dropped {
        out.push(c.to_ascii_uppercase());
    }
}

fn is_dropped(c: char) -> bool {
    let group = c.general_category_group();
    c.is_whitespace() || matches!(group, GeneralCategoryGroup::Separator | GeneralCategoryGroup::Punctuation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(text: &str) -> String {
        let mut out = String::from("left over");
        normalise(text, &mut out);
        out
    }

    #[test]
    fn rows() {
        for (text, expected) in [
            ("", ""),
            (" \t\u{3000}——（）()-*", ""),
            ("上海某某（集团）股份有限公司", "上海某某集团股份有限公司"),
            ("上海某某(集团)股份有限公司", "上海某某集团股份有限公司"),
            ("Ａｂｃ　１２３", "ABC123"),
            ("a.b & c_d's 50%", "ABCDS50"),
            ("a+b=$c ~d", "A+B=$C~D"),
            ("支付宝-李四", "支付宝李四"),
            ("阿卜杜拉·买买提", "阿卜杜拉买买提"),
            ("straße ﬁn", "STRASSEFIN"),
            ("e\u{301}cole", "ÉCOLE"),
            ("ﾃﾞｰﾀ", "データ"),
            ("①②㈱", "12株"),
            ("⼯⼚", "工厂"),
            ("〔甲〕〖乙〗…", "甲乙"),
            ("\u{200B}甲\u{A0}乙\u{85}", "\u{200B}甲乙"),
        ] {
            assert_eq!(normalised(text), expected, "{text:?}");
        }
    }

    /// Vectors of the hash scheme: stored keys are hashes of such forms, so none may change without a new scheme. They need
    /// the Unicode tables in ways that an update could change: compositions, compatibility forms, cases that grow, and the
    /// categories of rare punctuation.
    #[test]
    fn vectors_of_the_scheme() {
        for (text, expected) in [
            ("甲乙贸易（上海）有限公司", "甲乙贸易上海有限公司"),
            ("㈠㊤㍿㋿", "一上株式会社令和"),
            ("神\u{FA19}\u{2F800}", "神神丽"),
            ("ｶﾞｷﾞ", "ガギ"),
            ("\u{1100}\u{1161}\u{11A8}", "각"),
            ("q\u{307}\u{323}", "Q\u{323}\u{307}"),
            ("\u{1E9E}ß\u{149}\u{390}", "ẞSS\u{2BC}N\u{399}\u{308}\u{301}"),
            ("ﬃⅣ½℡", "FFIIV1\u{2044}2TEL"),
            ("a\u{2E5D}b\u{1F67F}c\u{3030}d\u{A9CF}", "AB\u{1F67F}CD\u{A9CF}"),
            ("x\u{2028}y\u{1680}z\u{200D}", "XYZ\u{200D}"),
            ("\u{1C89}\u{A7CB}\u{10D50}\u{10D70}", "\u{1C89}\u{A7CB}\u{10D50}\u{10D50}"),
        ] {
            assert_eq!(normalised(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_plain_path_agrees_with_the_general_one() {
        for c in (0..=0x10FFFF).filter_map(char::from_u32) {
            let mut plain = String::new();
            if normalise_plain(c.encode_utf8(&mut [0; 4]), &mut plain) {
                let kept = std::iter::once(c).nfkc().filter(|&c| !is_dropped(c));
                let general: String = kept.flat_map(char::to_uppercase).collect();
                assert_eq!(plain, general, "U+{:04X}", c as u32);
            }
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for text in ["ßẞŉǰ", "ﬃ①Ⅳ", "İıſ", "某（甲）", "Å\u{327}e\u{301}"] {
            let once = normalised(text);
            assert_eq!(normalised(&once), once, "{text:?}");
        }
    }
}
