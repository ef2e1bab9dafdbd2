//! Faults of a dictionary. Its places are `segment` or `segment.item`.

/// Why a dictionary is refused.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// Not the TOML of a dictionary.
    #[error("dictionary `{product}`: {source}")]
    Toml {
        /// The product's code.
        product: &'static str,
        /// What the reader said, with its line.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The file is of another product.
    #[error("dictionary `{product}`: field `product` is `{found}`")]
    Product {
        /// The product's code.
        product: &'static str,
        /// What the file says.
        found: String,
    },
    /// A field that must not be empty.
    #[error("dictionary: `{place}` has an empty field `{field}`")]
    Empty {
        /// Where.
        place: String,
        /// Which field.
        field: &'static str,
    },
    /// A code that is not lower-case words joined by `_`, is reserved, or occurs twice.
    #[error("dictionary: `{place}` has a bad or repeated code")]
    Code {
        /// Where.
        place: String,
    },
    /// A type that is none of the dictionary's.
    #[error("dictionary: `{place}` has the unknown type `{found}`")]
    Type {
        /// Where.
        place: String,
        /// What the file says.
        found: String,
    },
    /// A segment with several rows does not begin with their label.
    #[error("dictionary: `{segment}` must begin with the item `{label}`, of its own type and never null")]
    Label {
        /// Which segment.
        segment: String,
        /// The item that it must begin with.
        label: &'static str,
    },
    /// A period that is no label of a row.
    #[error("dictionary: `{place}` is a period but does not label its row")]
    Period {
        /// Where.
        place: String,
    },
    /// The formulas and the dictionary differ.
    #[error("dictionary `{product}` and its formulas differ: {dictionary} against {formulas}")]
    Codes {
        /// The product's code.
        product: String,
        /// The first differing code in the dictionary.
        dictionary: String,
        /// What the formulas have there.
        formulas: String,
    },
}
