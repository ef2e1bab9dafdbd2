//! The pipelines: `pipelines/*.sql` as plans over the feed and over runs of rows.
//!
//! Owns: which tables and functions each pipeline sees. Does not own: the SQL (data) or sessions ([`crate::engine`]).

use std::sync::Arc;

use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::col;

use crate::engine::Engine;
use crate::error::Error;
use crate::feed::schema::checked_schema;
use crate::staging::runs_schema;

/// From the checked feed to rows.
pub const ROWS_SQL: &str = include_str!("../../pipelines/rows.sql");

/// From the checked feed to the class of each row.
pub const CLASSIFY_SQL: &str = include_str!("../../pipelines/classify.sql");

/// From a part's rows to cells.
pub const CELLS_SQL: &str = include_str!("../../pipelines/cells.sql");

/// A plan and what it runs in.
pub struct Plan {
    /// The physical plan; its partitions run side by side.
    pub plan: Arc<dyn ExecutionPlan>,
    /// The session's task context.
    pub context: Arc<TaskContext>,
}

/// `pipelines/rows.sql` over the feed's partitions; the plan has the same partitions.
///
/// # Errors
/// [`Error::Engine`].
pub async fn rows(
    engine: &Engine,
    partitions: Vec<Arc<dyn PartitionStream>>,
    functions: [ScalarUDF; 2],
) -> Result<Plan, Error> {
    over_feed(engine, ROWS_SQL, partitions, functions).await
}

/// `pipelines/classify.sql` over the feed's partitions; the plan has the same partitions.
///
/// # Errors
/// [`Error::Engine`].
pub async fn classified(
    engine: &Engine,
    partitions: Vec<Arc<dyn PartitionStream>>,
    function: ScalarUDF,
) -> Result<Plan, Error> {
    over_feed(engine, CLASSIFY_SQL, partitions, [function]).await
}

async fn over_feed<const N: usize>(
    engine: &Engine,
    sql: &str,
    partitions: Vec<Arc<dyn PartitionStream>>,
    functions: [ScalarUDF; N],
) -> Result<Plan, Error> {
    let session = engine.session();
    functions.into_iter().for_each(|function| session.register_udf(function));
    let table = StreamingTable::try_new(checked_schema(), partitions)?;
    session.register_table("transactions", Arc::new(table))?;
    let plan = session.sql(sql).await?.create_physical_plan().await?;
    Ok(Plan { plan, context: session.task_ctx() })
}

/// `pipelines/cells.sql` over one partition of runs of rows, which ascend by (account, month).
///
/// # Errors
/// [`Error::Engine`].
pub async fn cells(engine: &Engine, runs: Arc<dyn PartitionStream>, function: AggregateUDF) -> Result<Plan, Error> {
    let session = engine.session();
    session.register_udaf(function);
    let order = vec![col("account").sort(true, false), col("month").sort(true, false)];
    let table = StreamingTable::try_new(runs_schema(), vec![runs])?.with_sort_order(order);
    session.register_table("runs", Arc::new(table))?;
    let plan = session.sql(CELLS_SQL).await?.create_physical_plan().await?;
    Ok(Plan { plan, context: session.task_ctx() })
}
