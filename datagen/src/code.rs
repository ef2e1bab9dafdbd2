//! Codes with their check characters: unified social credit codes, bank codes, account numbers.
//!
//! Owns the formats. It turns ordinals into codes and does not decide who has which code.

/// The alphabet of GB 32100-2015: digits and capital letters without I, O, S, V and Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Weights of the 17 characters before the check character: powers of 3 modulo 31.
const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
/// Weights of the eight characters of an organisation code in GB 11714.
const ORGANISATION_WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];

/// Number of organisation codes: six characters of the alphabet after `MA`.
pub(crate) const ORGANISATIONS: u64 = 31 * 31 * 31 * 31 * 31 * 31;

/// Appends the unified social credit code of the organisation numbered `ordinal`, which is below [`ORGANISATIONS`].
///
/// `prefix` is department and kind: 91 company, 92 sole proprietor, 93 farmers' cooperative, 11 organ, 12 public
/// institution, 13 body with fixed posts. `region` is the four digits after 90. No real administrative region begins
/// with 90, so the code is not a real one.
pub(crate) fn push_uscc(out: &mut String, prefix: &str, region: u32, ordinal: u64) {
    let start = out.len();
    out.push_str(prefix);
    out.push_str("90");
    push_digits(out, u64::from(region), 4);
    out.push_str("MA");
    // 5915587 is coprime to 31, so distinct ordinals stay distinct, and neighbours get unlike codes.
    let mut scattered = (ordinal % ORGANISATIONS) * 5_915_587 % ORGANISATIONS;
    for _ in 0..6 {
        out.push(char::from(ALPHABET[(scattered % 31) as usize]));
        scattered /= 31;
    }
    let organisation = out.as_bytes().get(start + 8..start + 16).unwrap_or_default();
    let check = organisation_check(organisation);
    out.push(check);
    let check = uscc_check(&out.as_bytes()[start..]);
    out.push(check);
}

/// The check character for the first 17 characters of a unified social credit code.
fn uscc_check(code: &[u8]) -> char {
    let sum: u32 = code.iter().zip(WEIGHTS).map(|(character, weight)| uscc_value(*character) * weight).sum();
    char::from(ALPHABET[((31 - sum % 31) % 31) as usize])
}

fn uscc_value(character: u8) -> u32 {
    u32::from(VALUES[usize::from(character)])
}

/// The index of each character in [`ALPHABET`]. A search per character would dominate the cost of a code.
const VALUES: [u8; 256] = {
    let mut values = [0; 256];
    let mut value = 0;
    while value < ALPHABET.len() {
        values[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    values
};

fn organisation_check(code: &[u8]) -> char {
    let value = |character: u8| match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        _ => u32::from(character.wrapping_sub(b'A')) + 10,
    };
    let sum: u32 = code.iter().zip(ORGANISATION_WEIGHTS).map(|(character, weight)| value(*character) * weight).sum();
    match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        digit => char::from(b'0' + digit as u8),
    }
}

/// A 12-digit CNAPS code: kind of institution, an unassigned city, branch, and an ISO 7064 (11,10) check digit.
pub(crate) fn bank_code(kind: u32, city: u32, branch: u32) -> String {
    let body = format!("{:03}{:04}{:04}", kind % 1_000, 9_900 + city % 100, branch % 10_000);
    let product = body.bytes().fold(10, |product, digit| {
        let sum = (product + u32::from(digit - b'0')) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    format!("{body}{}", (11 - product) % 10)
}

/// Appends the lowest `width` digits of `value`, with leading zeros.
pub(crate) fn push_digits(out: &mut String, mut value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let width = width.min(digits.len());
    for digit in digits[..width].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
    // ASCII digits are valid UTF-8, so the default is never used.
    out.push_str(std::str::from_utf8(&digits[..width]).unwrap_or_default());
}

/// An eight-digit number for each `index` below 10^8, distinct for distinct indices and without visible order.
pub(crate) fn scatter(index: u32, salt: u64) -> u64 {
    // 2654435769 is coprime to 10, so the multiplication permutes the residues.
    (u64::from(index % 100_000_000) * 2_654_435_769 + salt % 100_000_000) % 100_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// The check of GB 32100-2015, written independently of the generator.
    pub(crate) fn is_uscc(code: &str) -> bool {
        let values: Option<Vec<usize>> =
            code.chars().map(|c| "0123456789ABCDEFGHJKLMNPQRTUWXY".chars().position(|known| known == c)).collect();
        let Some(values) = values else { return false };
        let mut weight = 1;
        let mut sum = 0;
        for value in values.iter().take(17) {
            sum += value * weight;
            weight = weight * 3 % 31;
        }
        values.len() == 18 && (sum + values[17]) % 31 == 0
    }

    #[test]
    fn codes_check_and_are_distinct() {
        let mut seen = HashSet::new();
        for ordinal in 0..20_000 {
            let mut code = String::new();
            let prefix = ["91", "92", "93", "11", "12", "13"][ordinal as usize % 6];
            push_uscc(&mut code, prefix, 1203, ordinal);
            assert!(is_uscc(&code), "{code}");
            assert!(seen.insert(code[8..16].to_owned()));
        }
        // A published code (Bank of China) passes the check; with two characters exchanged it does not.
        assert!(is_uscc("911000001000013428"));
        assert!(!is_uscc("911000001000014328"));
    }

    #[test]
    fn organisation_codes_check() {
        assert_eq!(organisation_check(b"10000134"), '2');
    }

    #[test]
    fn scattered_numbers_are_distinct() {
        let numbers: HashSet<u64> = (0..100_000).map(|index| scatter(index, 99)).collect();
        assert_eq!(numbers.len(), 100_000);
    }

    #[test]
    fn bank_codes_have_twelve_digits() {
        assert_eq!(bank_code(313, 1, 25).len(), 12);
        assert!(bank_code(11, 3, 1).starts_with("011"));
    }
}
