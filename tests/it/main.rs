//! All integration tests in one binary: each more would link DataFusion again.

// Tests assume; what does not hold fails them.
#![allow(clippy::unwrap_used)]

mod against_reference; // the engine's products equal those of the reference implementation, on random feeds
mod attacks; // the list of attacks on feeds, by id
mod benches; // each bench at a small size
mod berka; // real rows, checked against the CSV itself
mod classify; // every row's class, rule and evidence, whatever the order and threads
mod command; // the binary: exit codes, messages, help
mod datagen_answers; // the engine's figures equal the generator's own answers
mod determinism; // the same bytes whatever threads, batches, layout, order and memory
mod feed_check; // the feed check finds each fault and no other
mod feed_tables; // schemas/feed.toml equals the code
mod fuzz; // a short run of the fuzz targets
mod hostile; // damaged and hostile files: refused, in bounds, nothing half written
mod house; // facts about the tree itself: module docs, pipelines, floats
mod iso_statements; // camt.053 and MT940, from file to products
mod mapping_check; // a mapping tried on a file: each row is taken, skipped or refused
mod names; // classes on real names
mod pipelines; // the plans of pipelines/*.sql, as text
mod records_from; // months before a provider's records begin are not in the products
mod reference; // the two products computed the slow and plain way
mod refusals; // every code of bad input, and that nothing is half written
mod replay; // a feed in booking order, at a pace
mod statements; // every row of real statements
#[path = "../../src/testing.rs"]
mod testing; // shared data, seeds and numbers of cases; the unit tests use the same
mod util; // feeds in temporary folders, builds over them
mod ways; // build, the kernels in memory and merged cells of any split give the same bytes
