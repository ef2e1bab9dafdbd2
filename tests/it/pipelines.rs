//! The physical plans of `pipelines/*.sql`, kept as text, so that a change of a plan is a difference to read.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::physical_plan::displayable;
use datafusion::physical_plan::streaming::PartitionStream;
use liushui::class::classifier::Classifier;
use liushui::class::{Matcher, Rules};
use liushui::engine::Engine;
use liushui::engine::functions::cell::CellFunction;
use liushui::engine::functions::classify;
use liushui::engine::functions::fingerprint::FingerprintFunction;
use liushui::engine::pipelines;
use liushui::engine::table::BatchPartition;
use liushui::feed::accounts::AccountIndex;
use liushui::feed::schema::checked_schema;
use liushui::hash_key::HashKey;
use liushui::intake::CONTENT_COLUMNS;
use liushui::staging::fingerprint::Fingerprinter;
use liushui::staging::runs_schema;

/// A partition without rows.
fn empty(schema: SchemaRef) -> Arc<dyn PartitionStream> {
    Arc::new(BatchPartition::new(schema, std::iter::empty))
}

fn text(plan: &pipelines::Plan) -> String {
    displayable(plan.plan.as_ref()).indent(false).to_string()
}

#[test]
fn plans() {
    let engine = Engine::new(64 << 20, 8192).unwrap();
    let secret = HashKey::from_bytes([7; 32]);
    let matcher = Arc::new(Matcher::new(&Rules::builtin()));
    let partitions: Vec<Arc<dyn PartitionStream>> = (0..3).map(|_| empty(checked_schema())).collect();
    let accounts = Arc::new(AccountIndex::default());
    let classify = classify::udf(Arc::new(Classifier::new(matcher, accounts, secret.clone(), 0)));
    let functions =
        [classify.clone(), FingerprintFunction::udf(Arc::new(Fingerprinter::new(&secret, CONTENT_COLUMNS)))];
    let rows = pipelines::rows(&engine, partitions.clone(), functions).unwrap();
    // One slice of the feed stays one partition: nothing is sent around before the accounts' parts.
    assert_eq!(rows.plan.properties().output_partitioning().partition_count(), 3);
    check("rows.txt", &text(&rows));

    let classified = pipelines::classified(&engine, partitions, classify).unwrap();
    assert_eq!(classified.plan.properties().output_partitioning().partition_count(), 3);
    check("classify.txt", &text(&classified));

    let empty = empty(runs_schema());
    let cells = pipelines::cells(&engine, empty, CellFunction::udaf(secret.id())).unwrap();
    let plan = text(&cells);
    // The declared order is used: groups leave as soon as they are complete, and nothing is sorted again.
    assert!(plan.contains("ordering_mode=Sorted") && !plan.contains("SortExec"), "{plan}");
    check("cells.txt", &plan);
}

/// Holds a plan against `tests/golden/`; with `UPDATE_GOLDEN` set, writes it there to be read by a person.
fn check(name: &str, plan: &str) {
    let path = format!("{}/tests/golden/plans/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::write(&path, plan).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(plan, golden, "{name}: run with UPDATE_GOLDEN=1 and read the difference");
}
