//! The error of mappings.

/// Why a mapping cannot be used. It names the mapping and the key, and may quote the mapping, which holds no data of a feed.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file does not exist or is not text.
    #[error("mapping `{name}`: cannot be read: {problem} (shipped with the program: {shipped})")]
    Unreadable {
        /// The name that was given.
        name: String,
        /// The cause.
        problem: String,
        /// The names of shipped mappings.
        shipped: String,
    },
    /// The file is not TOML.
    #[error("mapping `{name}`: not TOML: {problem}")]
    Syntax {
        /// The mapping.
        name: String,
        /// The message of the TOML parser, with the line.
        problem: String,
    },
    /// A key is unknown or missing, or its value is not allowed.
    #[error("mapping `{name}`: `{key}`: {problem}")]
    Key {
        /// The mapping.
        name: String,
        /// The path of the key, such as `columns.booked_at.format`.
        key: String,
        /// The problem.
        problem: String,
    },
}
