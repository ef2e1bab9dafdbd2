//! The build: a whole feed in, both products of every account out.
//!
//! Owns: the order of the work and its all-or-nothing end. The feed is decoded once ([`read`]); its rows wait by
//! parts of accounts ([`crate::staging::parts`]); groups of parts become cells, products and encoded output
//! ([`produce`], [`encode`]), which are written in order ([`output`]) and only at the very end put into place.
//! Does not own: any figure of a product.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Runtime;

use super::output_folder::Outputs;
use super::run_report::{self, RunReport, Seconds, Status, Versions};
use crate::class::{Matcher, Rules, Tally};
use crate::engine::{self, Engine};
use crate::error::Error;
use crate::feed::guard::Limits;
use crate::feed::mapping::Mapping;
use crate::feed::reject::FeedVerdict;
use crate::feed::source::BATCH_ROWS;
use crate::feed::{Feed, FeedPaths};
use crate::flow::RowFlows;
use crate::hash_key::HashKey;
use crate::intake::read::{self, BuildVisitor};
use crate::observer::{Observer, Stage};
use crate::period::Date;
use crate::product::dictionary::Dictionary;
use crate::product::{Context, ProductKind, Query, item_codes};
use crate::publish::encode::ProductFiles;
use crate::publish::produce::{self, Produced};
use crate::publish::reconcile::{FundsCheck, Reconciliation};
use crate::staging::buffer::{Partitioning, RowBuffer};
use crate::staging::dedup;

/// How products are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum OutputFormat {
    /// One Parquet file a product.
    Parquet,
    /// One file a product, a JSON object a line.
    Json,
}

/// What a build is asked for.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Files, folders and globs of `transactions`; `-` is an Arrow stream on standard input.
    pub transactions: Vec<PathBuf>,
    /// Files, folders and globs of `accounts`.
    pub accounts: Vec<PathBuf>,
    /// The folder for products, `rejects.csv` and `run.json`; made where it is not there.
    pub out: PathBuf,
    /// The data cut-off, inclusive; `None` = the newest booking date in the input.
    pub as_of: Option<Date>,
    /// Which products.
    pub products: Vec<ProductKind>,
    /// In which formats.
    pub formats: Vec<OutputFormat>,
    /// Bytes that waiting rows and plans may take.
    pub memory_bytes: usize,
    /// Workers.
    pub threads: usize,
    /// Rows a batch, between operators.
    pub batch_rows: usize,
    /// The layout, where it is not the feed's own.
    pub mapping: Option<Mapping>,
    /// The classification rules.
    pub rules: Rules,
    /// Bad rows that a file may have.
    pub max_rejects: u64,
    /// The one instant that all products carry, seconds since 1970 in UTC.
    pub generated_at: i64,
    /// Where temporary files go.
    pub tmp: PathBuf,
}

impl BuildOptions {
    /// Both products of a feed into a folder, with every default: Parquet, 2 GiB, a worker a core, our rules.
    pub fn new(transactions: PathBuf, accounts: PathBuf, out: PathBuf, generated_at: i64) -> BuildOptions {
        BuildOptions {
            transactions: vec![transactions],
            accounts: vec![accounts],
            out,
            as_of: None,
            products: ProductKind::ALL.to_vec(),
            formats: vec![OutputFormat::Parquet],
            memory_bytes: 2 << 30,
            threads: engine::cores(),
            batch_rows: BATCH_ROWS,
            mapping: None,
            rules: Rules::builtin(),
            max_rejects: 0,
            generated_at,
            tmp: std::env::temp_dir(),
        }
    }
}

/// How a build ended: done, or refused with nothing but the report and the rejects written.
#[derive(Clone, Debug)]
pub struct BuildOutcome {
    /// What `run.json` says.
    pub report: RunReport,
    /// What `rejects.csv` says.
    pub verdict: FeedVerdict,
    /// The files that were refused; empty where the build is done.
    pub refused_files: Vec<String>,
}

/// One product's dictionary, context and check.
pub struct ProductPlan {
    /// Its items.
    pub dictionary: Dictionary,
    /// Its texts and versions.
    pub context: Context,
    /// Its check.
    pub funds_check: FundsCheck,
}

impl ProductPlan {
    /// One for each product that is asked for.
    fn all(options: &BuildOptions) -> Result<Vec<ProductPlan>, Error> {
        let plan = |kind: &ProductKind| ProductPlan::new(*kind, &options.rules.version, options.generated_at);
        options.products.iter().map(plan).collect()
    }

    fn new(kind: ProductKind, rules_version: &str, generated_at: i64) -> Result<ProductPlan, Error> {
        let dictionary = Dictionary::builtin(kind)?;
        dictionary.check_codes(&item_codes(kind))?;
        let context = Context {
            product_name: dictionary.name().into(),
            product_version: dictionary.version().into(),
            terms: dictionary.terms().into(),
            rules_version: rules_version.into(),
            generated_at,
            query: Query::default(),
        };
        Ok(ProductPlan { funds_check: FundsCheck::new(&dictionary)?, dictionary, context })
    }
}

/// Builds the products of a feed.
///
/// A feed with a refused file is no error: the [`BuildOutcome`] tells, and no product is written.
///
/// # Errors
/// [`Error::Usage`] for paths that lead nowhere and for a feed without a date, [`Error::Overflow`] for sums beyond 64
/// bits, [`Error::MoneyRange`] for money items beyond 18 digits: the latter three leave a report that names them.
/// Internal errors leave the folder as it was. Whatever the error, no product is half written.
pub fn build(options: &BuildOptions, observer: &Arc<dyn Observer>) -> Result<BuildOutcome, Error> {
    let started = Instant::now();
    let plans = ProductPlan::all(options)?;
    let run = Run::open(options)?;
    let outputs = Outputs::create(&options.out)?;
    let opened = started.elapsed();

    let (newest, tally) = run.read(observer)?;
    let read = started.elapsed();

    // A feed that is refused anyway is still searched for conflicts, so that one run tells all that is wrong.
    let refused_early = run.feed.refuses(options.max_rejects);
    let as_of = run.as_of(newest)?;
    let (produced, products, failure) = run.produce(plans, as_of, refused_early, observer)?;
    let no_date = as_of.is_none() && !refused_early;
    let failure = failure.or_else(|| no_date.then(|| no_date_error(run.feed.rows_read())));
    let total = started.elapsed();

    let (verdict, rejected_rows) = run.feed.verdict();
    let refused_files: Vec<String> = verdict.refused_files(options.max_rejects).into_iter().map(String::from).collect();
    let is_done = refused_files.is_empty() && failure.is_none();
    let mut report = run.report(&produced, &tally, &verdict, rejected_rows)?;
    report.seconds = Seconds {
        open: opened.as_secs_f64(),
        read: (read - opened).as_secs_f64(),
        products: (total - read).as_secs_f64(),
        total: total.as_secs_f64(),
    };
    report.rows_per_second = (report.rows_read as f64 / total.as_secs_f64()).round() as u64;
    report.error = failure.as_ref().map(ToString::to_string);
    if is_done {
        report.status = Status::Done;
        report.as_of = as_of.map(|as_of| as_of.to_string());
        report.check()?;
    } else {
        report.reconciliation = None;
    }
    outputs.commit(products.filter(|_| is_done), &verdict, &report)?;
    match failure {
        None => Ok(BuildOutcome { report, verdict, refused_files }),
        Some(error) => Err(error),
    }
}

/// The second half of a build alone: both products of rows that are reduced already, as `pipelines/rows.sql` would, by
/// whoever knows their classes and counterparties from elsewhere. `fill` brings them into the store, cut by their accounts'
/// numbers in the feed's index; the as-of date must be given. Nothing is reconciled, and only the products are written.
///
/// # Errors
/// Those of `fill` and of [`build`]; [`Error::Usage`] without an as-of date. Then no product is written.
pub fn build_reduced(
    options: &BuildOptions,
    fill: impl FnOnce(&Feed, &Arc<RowBuffer>, Partitioning) -> Result<(), Error>,
    observer: &Arc<dyn Observer>,
) -> Result<(), Error> {
    let plans = ProductPlan::all(options)?;
    let run = Run::open(options)?;
    let outputs = Outputs::create(&options.out)?;
    if options.as_of.is_none() {
        return Err(no_date_error(0));
    }
    fill(&run.feed, &run.store, run.cut)?;
    let (_, products, failure) = run.produce(plans, options.as_of, false, observer)?;
    match (failure, products) {
        (Some(error), _) => Err(error),
        (None, Some(products)) => outputs.commit_products(products),
        (None, None) => Ok(()),
    }
}

/// What one build works with.
struct Run<'a> {
    options: &'a BuildOptions,
    feed: Arc<Feed>,
    engine: Engine,
    runtime: Runtime,
    cut: Partitioning,
    store: Arc<RowBuffer>,
    secret: HashKey,
}

impl Run<'_> {
    fn open(options: &BuildOptions) -> Result<Run<'_>, Error> {
        let feed = Arc::new(Feed::open(&FeedPaths {
            transactions: options.transactions.clone(),
            accounts: options.accounts.clone(),
            mapping: options.mapping.clone(),
            limits: Limits::within(options.memory_bytes, options.threads),
        })?);
        let secret = HashKey::draw().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let cut = Partitioning::new(feed.accounts.all().len() as u32);
        // Most of the memory is for rows that wait. What plans hold is let go of with each account, so their bound is a
        // guard.
        let store = Arc::new(RowBuffer::new(cut.parts(), options.threads, options.memory_bytes / 8 * 5, &options.tmp)?);
        let engine = Engine::new(options.memory_bytes / 2, options.batch_rows)?;
        let runtime = engine::runtime(options.threads)?;
        Ok(Run { options, feed, engine, runtime, cut, store, secret })
    }

    /// Reads the feed into the store. The newest booking date of rows that pass the checks comes back, and what decided
    /// their classes.
    fn read(&self, observer: &Arc<dyn Observer>) -> Result<(Option<Date>, Tally), Error> {
        observer.stage(Stage::Read, self.feed.rows());
        let matcher = Arc::new(Matcher::new(&self.options.rules));
        let mut overview = BuildVisitor::new(&matcher);
        let job = read::Job {
            feed: &self.feed,
            engine: &self.engine,
            store: &self.store,
            cut: self.cut,
            matcher,
            secret: self.secret.clone(),
            workers: self.options.threads,
            memory_bytes: self.options.memory_bytes,
            observer,
        };
        let seen = self.runtime.block_on(read::read(job, overview.clone()))?;
        seen.iter().for_each(|seen| overview.add(seen));
        self.feed.take_warnings().iter().for_each(|warning| observer.warn(warning));
        Ok(overview.into_parts())
    }

    /// The as-of date: what was asked for, or the newest booking date of rows that stand.
    fn as_of(&self, newest: Option<Date>) -> Result<Option<Date>, Error> {
        // Where conflicts are tolerated, the newest row may be one of them, and rejected rows decide nothing.
        if self.options.as_of.is_none() && newest.is_some() && self.options.max_rejects > 0 {
            return newest_standing(&self.store, self.cut);
        }
        Ok(self.options.as_of.or(newest))
    }

    /// Makes the products, in files that are not yet in place. A sum or item out of range is the input's fault and comes back beside
    /// what there is to report, other errors end the build.
    fn produce(
        &self,
        plans: Vec<ProductPlan>,
        as_of: Option<Date>,
        refused_early: bool,
        observer: &Arc<dyn Observer>,
    ) -> Result<(Produced, Option<ProductFiles>, Option<Error>), Error> {
        observer.stage(Stage::Products, Some(self.feed.accounts.all().len() as u64));
        let job = produce::Job {
            feed: Arc::clone(&self.feed),
            engine: self.engine.clone(),
            store: Arc::clone(&self.store),
            cut: self.cut,
            part_bytes_max: self.options.memory_bytes / 8 / self.options.threads.max(1),
            key_id: self.secret.id(),
            as_of: as_of.unwrap_or(Date(0)),
            plans: Arc::new(plans),
            formats: self.options.formats.clone(),
            workers: self.options.threads,
            observer: Arc::clone(observer),
            checks_only: refused_early || as_of.is_none(),
        };
        match self.runtime.block_on(produce::produce(job, &self.options.out)) {
            Ok((produced, products)) => Ok((produced, products, None)),
            Err(error @ (Error::Overflow { .. } | Error::MoneyRange { .. })) => {
                Ok((Produced::default(), None, Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// The report of a feed that is refused until shown otherwise; times are the caller's.
    fn report(
        &self,
        produced: &Produced,
        tally: &Tally,
        verdict: &FeedVerdict,
        rejected_rows: u64,
    ) -> Result<RunReport, Error> {
        let (feed, dropped) = (self.feed.good_rows(), &produced.dropped);
        if tally.total() != feed {
            return Err(Error::Internal("rows were lost between the checks and the classes".to_string()));
        }
        let reconciliation = Reconciliation {
            feed,
            dropped: RowFlows { rows: dropped.rows(), flows: dropped.flows },
            ..produced.reconciliation
        };
        Ok(RunReport {
            status: Status::Refused,
            rows_read: self.feed.rows_read(),
            rows_kept: feed.rows - dropped.duplicates - dropped.conflicts,
            duplicates: dropped.duplicates,
            skipped: self.feed.skipped(),
            rows_rejected: rejected_rows,
            rejects: verdict.by_code(),
            rows_before_opening: dropped.before_opening,
            rows_after_as_of: dropped.after_as_of,
            accounts: self.feed.accounts.all().len() as u64,
            accounts_with_rows: produced.accounts_with_rows,
            as_of: None,
            reconciliation: Some(reconciliation),
            evidence: tally.by_evidence(),
            error: None,
            seconds: Seconds::default(),
            rows_per_second: 0,
            spilled_bytes: self.store.spilled_bytes() as u64,
            peak_bytes: run_report::peak_bytes(),
            generated_at: crate::period::instant_text(self.options.generated_at),
            versions: Versions::new(&self.options.rules.version)?,
        })
    }
}

/// The newest booking date of rows that stand, looked up part by part.
fn newest_standing(store: &RowBuffer, cut: Partitioning) -> Result<Option<Date>, Error> {
    let mut newest = None;
    for part in 0..cut.parts() {
        newest = newest.max(dedup::newest_standing(store, part)?);
    }
    Ok(newest)
}

/// There is no row to take the as-of date from.
fn no_date_error(rows_read: u64) -> Error {
    let why = if rows_read == 0 { "the feed holds no transaction" } else { "no transaction passed the checks" };
    Error::Usage(format!("{why}, so there is no date to take as the as-of date; give --as-of"))
}
