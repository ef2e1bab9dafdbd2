//! Faults of a dictionary. Its places are `segment` or `segment.item`.

/// Why a dictionary is refused.
#[derive(Debug, thiserror::Error)]
pub enum DictionaryError {
    /// The file is not the TOML of a dictionary.
    #[error("dictionary `{product}`: {source}")]
    Toml {
        /// The product's code.
        product: &'static str,
        /// The reader's message, with the line.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// The file is of another product.
    #[error("dictionary `{product}`: field `product` is `{found}`")]
    Product {
        /// The product's code.
        product: &'static str,
        /// The value in the file.
        found: String,
    },
    /// A field is empty that must not be.
    #[error("dictionary: `{place}` has an empty field `{field}`")]
    Empty {
        /// The place.
        place: String,
        /// The field.
        field: &'static str,
    },
    /// A code that is not lower-case words joined by `_`, is reserved, or occurs twice.
    #[error("dictionary: `{place}` has a bad or repeated code")]
    Code {
        /// The place.
        place: String,
    },
    /// A type that is none of the dictionary's.
    #[error("dictionary: `{place}` has the unknown type `{found}`")]
    Type {
        /// The place.
        place: String,
        /// The value in the file.
        found: String,
    },
    /// A segment with several rows does not begin with their label.
    #[error("dictionary: `{segment}` must begin with the item `{label}`, of its own type and never null")]
    Label {
        /// The segment.
        segment: String,
        /// The item that it must begin with.
        label: &'static str,
    },
    /// A period that is no label of a row.
    #[error("dictionary: `{place}` is a period but does not label its row")]
    Period {
        /// The place.
        place: String,
    },
    /// The formulas and the dictionary differ.
    #[error("dictionary `{product}` and its formulas differ: {dictionary} against {formulas}")]
    Codes {
        /// The product's code.
        product: String,
        /// The first differing code in the dictionary.
        dictionary: String,
        /// The code of the formulas at its place.
        formulas: String,
    },
}
