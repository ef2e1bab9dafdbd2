//! The pipelines: `pipelines/*.sql` as plans over the feed and over runs of rows.
//!
//! Owns: which tables and functions each pipeline sees. Does not own: the SQL (data) or sessions ([`super::Engine`]).

use std::sync::Arc;

use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{SessionContext, col};

use super::Engine;
use super::drive::{Batches, ready};
use super::error::EngineError;
use crate::feed::schema::checked_schema;
use crate::staging::runs_schema;

/// From the checked feed to rows.
pub const ROWS_SQL: &str = include_str!("../../pipelines/rows.sql");

/// From the checked feed to the class of each row.
pub const CLASSIFY_SQL: &str = include_str!("../../pipelines/classify.sql");

/// From a partition's rows to cells.
pub const CELLS_SQL: &str = include_str!("../../pipelines/cells.sql");

/// A plan and its session's task context; workers run its partitions side by side.
pub struct Plan {
    /// The physical plan.
    pub plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
}

impl Plan {
    /// The batches of a partition, computed as they are asked for.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn execute(&self, partition: usize) -> Result<Batches, EngineError> {
        Ok(Batches::new(self.plan.execute(partition, Arc::clone(&self.context))?))
    }
}

/// `pipelines/rows.sql` over the feed's partitions; the plan has the same partitions.
///
/// # Errors
/// [`EngineError`].
pub fn rows(
    engine: &Engine,
    partitions: Vec<Arc<dyn PartitionStream>>,
    functions: [ScalarUDF; 2],
) -> Result<Plan, EngineError> {
    over_feed(engine, ROWS_SQL, partitions, functions)
}

/// `pipelines/classify.sql` over the feed's partitions; the plan has the same partitions.
///
/// # Errors
/// [`EngineError`].
pub fn classified(
    engine: &Engine,
    partitions: Vec<Arc<dyn PartitionStream>>,
    function: ScalarUDF,
) -> Result<Plan, EngineError> {
    over_feed(engine, CLASSIFY_SQL, partitions, [function])
}

fn over_feed<const N: usize>(
    engine: &Engine,
    sql: &str,
    partitions: Vec<Arc<dyn PartitionStream>>,
    functions: [ScalarUDF; N],
) -> Result<Plan, EngineError> {
    let session = engine.session();
    functions.into_iter().for_each(|function| session.register_udf(function));
    let table = StreamingTable::try_new(checked_schema(), partitions)?;
    session.register_table("transactions", Arc::new(table))?;
    plan(&session, sql)
}

/// `pipelines/cells.sql` over one partition of runs of rows, which ascend by (account, month).
///
/// # Errors
/// [`EngineError`].
pub fn cells(engine: &Engine, runs: Arc<dyn PartitionStream>, function: AggregateUDF) -> Result<Plan, EngineError> {
    let session = engine.session();
    session.register_udaf(function);
    let order = vec![col("account").sort(true, false), col("month").sort(true, false)];
    let table = StreamingTable::try_new(runs_schema(), vec![runs])?.with_sort_order(order);
    session.register_table("runs", Arc::new(table))?;
    plan(&session, CELLS_SQL)
}

fn plan(session: &SessionContext, sql: &str) -> Result<Plan, EngineError> {
    // Planning is asynchronous for catalogues that are far away; these tables are here.
    let plan = ready(async { session.sql(sql).await?.create_physical_plan().await })??;
    Ok(Plan { plan, context: session.task_ctx() })
}
