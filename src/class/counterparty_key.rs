//! The text from which a counterparty's key is hashed.
//!
//! Owns: its form. Does not own: the hash ([`crate::hash_key`]). The text itself is never shown.

/// The key text of a counterparty: `u:` and the code, else `n:` and the normalised name, else `a:` and the
/// account with only letters and digits, upper-cased. `None` where nothing identifies the
/// counterparty. The text is written to `scratch`.
pub fn key_input<'a>(
    uscc: Option<&str>,
    normalised_name: &str,
    account: Option<&str>,
    scratch: &'a mut String,
) -> Option<&'a str> {
    scratch.clear();
    if let Some(uscc) = uscc.filter(|uscc| !uscc.is_empty()) {
        scratch.push_str("u:");
        scratch.push_str(uscc);
    } else if !normalised_name.is_empty() {
        scratch.push_str("n:");
        scratch.push_str(normalised_name);
    } else if let Some(account) = account.filter(|account| has_key_chars(account)) {
        scratch.push_str("a:");
        scratch.extend(key_chars(account.chars()));
    }
    (!scratch.is_empty()).then_some(scratch)
}

/// Whether an account number identifies a counterparty.
pub(super) fn has_key_chars(account: &str) -> bool {
    account.chars().any(char::is_alphanumeric)
}

/// An account number's letters and digits, upper-cased.
pub(super) fn key_chars(account: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    account.filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase)
}

/// The number of [`key_chars`] in an account number. Nearly all account numbers are ASCII.
pub(super) fn key_length(account: &str) -> usize {
    match account.is_ascii() {
        true => account.bytes().filter(u8::is_ascii_alphanumeric).count(),
        false => key_chars(account.chars()).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let mut scratch = String::new();
        for (uscc, name, account, expected) in [
            (Some("91110000MA0000001X"), "甲", Some("1"), Some("u:91110000MA0000001X")),
            (None, "甲公司", Some("1"), Some("n:甲公司")),
            (Some(""), "", Some("6226******56-69 z"), Some("a:62265669Z")),
            (None, "", Some("--*"), None),
            (None, "", None, None),
        ] {
            assert_eq!(key_input(uscc, name, account, &mut scratch), expected);
        }
    }
}
