//! Sizes on the command line: `2GiB`, `256MiB`, `10g`.

/// Parses a size in bytes: a whole number with an optional unit, powers of 1024.
pub fn parse(text: &str) -> Result<usize, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err("give a size such as 2GiB, 256MiB or 10g".to_string()),
    };
    let number: usize = number.parse().map_err(|_| "give a size such as 2GiB, 256MiB or 10g".to_string())?;
    number.checked_mul(1 << shift).ok_or_else(|| "the size is too large".to_string())
}

/// A size as text: `1.5 GiB`.
pub fn text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut tenths, mut unit) = (u128::from(bytes) * 10, 0);
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        (tenths, unit) = (tenths / 1024, unit + 1);
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if unit == 0 { format!("{bytes} B") } else { format!("{}.{} {name}", tenths / 10, tenths % 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let good = [("0", 0), ("512", 512), ("2GiB", 2 << 30), ("256 MiB", 256 << 20), ("10g", 10 << 30)];
        for (text, bytes) in good {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in ["", "GiB", "-1", "1.5GiB", "2 parsecs", "99999999999g"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(text(1023), "1023 B");
        assert_eq!(text(3 << 29), "1.5 GiB");
    }
}
