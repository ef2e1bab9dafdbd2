//! The mappings that the program carries.

/// Name and text of each, by name.
pub(super) const SHIPPED: [(&str, &str); 5] = [
    ("abc", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/mappings/abc.toml"))),
    ("alipay", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/mappings/alipay.toml"))),
    ("berka", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/mappings/berka.toml"))),
    ("boc", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/mappings/boc.toml"))),
    ("icbc", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/mappings/icbc.toml"))),
];
