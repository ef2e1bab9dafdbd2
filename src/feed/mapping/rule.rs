//! The parsed `[[row]]` rules of a mapping.

/// One `[[row]]`: what to do with the rows that meet all its conditions.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct RowRule {
    pub(super) when: Vec<Condition>,
    pub(super) action: RuleAction,
}

/// The action of a rule.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum RuleAction {
    /// The row is skipped.
    Skip,
    /// Indexes of outputs, and their texts.
    Set(Vec<(usize, String)>),
}

/// A condition on a source column: all its tests must hold.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Condition {
    pub(super) slot: usize,
    pub(super) tests: Vec<TextTest>,
}

/// A test of a text: one of the listed texts must fit, or for `Not` none.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum TextTest {
    Is(Vec<String>),
    Not(Vec<String>),
    Starts(Vec<String>),
    Contains(Vec<String>),
}
