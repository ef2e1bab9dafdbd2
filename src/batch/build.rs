//! The run of `build`: reads a whole feed and writes the products of every account.
//!
//! Owns: the order of the work and its all-or-nothing end. The feed is decoded once into the intake's buffer; groups of
//! accounts become cells ([`crate::intake`]), products and encoded output ([`crate::publish`]), which are written in order
//! and put into place only at the very end ([`super::output_folder`]). Does not own: any figure of a product.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use super::output_folder::Outputs;
use super::run_report::{self, RunReport, Seconds, Status, Versions};
use super::{cores, draw_key, in_pool};
use crate::account::{Account, Accounts};
use crate::class::{Matcher, Rules, Tally};
use crate::engine::table::feed_partitions;
use crate::error::Error;
use crate::feed::guard::Limits;
use crate::feed::mapping::Mapping;
use crate::feed::raw::BATCH_ROWS;
use crate::feed::reject::{Code, FeedVerdict};
use crate::feed::{Feed, FeedPaths};
use crate::flow::RowFlows;
use crate::intake::{AccountCells, BuildVisitor, GroupSummary, Intake, IntakeOptions, Kernels};
use crate::observer::{Observer, Stage};
use crate::period::Date;
use crate::product::value::Product;
use crate::product::{Context, ProductKind};
use crate::publish::files::ProductFiles;
use crate::publish::format::{OutputFormat, Parquet};
use crate::publish::reconcile::Reconciliation;
use crate::publish::{self, GroupSink, ProductPlan, PublishError, Sink};
use crate::staging::dedup::Dropped;

/// Options of a build.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// Files, folders and globs of `transactions`; `-` is an Arrow stream on standard input.
    pub transactions: Vec<PathBuf>,
    /// Files, folders and globs of `accounts`.
    pub accounts: Vec<PathBuf>,
    /// The folder for products, `rejects.csv` and `run.json`; created if it does not exist.
    pub out: PathBuf,
    /// The data cut-off, inclusive; `None` = the newest booking date in the input.
    pub as_of: Option<Date>,
    /// `records_from` of every account that has none.
    pub records_from: Option<Date>,
    /// Products to build.
    pub products: Vec<ProductKind>,
    /// Output formats.
    pub formats: Vec<OutputFormat>,
    /// Memory limit in bytes for buffered rows and plans.
    pub memory_bytes: usize,
    /// Number of workers.
    pub threads: usize,
    /// Rows per batch, between operators.
    pub batch_rows: usize,
    /// The mapping, where the feed has another layout than its own.
    pub mapping: Option<Mapping>,
    /// The classification rules.
    pub rules: Rules,
    /// Bad rows to tolerate in a file.
    pub max_rejects: u64,
    /// Generation time of all products, seconds since 1970 in UTC.
    pub generated_at: i64,
    /// Folder for temporary files.
    pub tmp: PathBuf,
}

impl BuildOptions {
    /// The defaults: both products, Parquet, 2 GiB, one worker per core, the built-in rules.
    pub fn new(transactions: PathBuf, accounts: PathBuf, out: PathBuf, generated_at: i64) -> BuildOptions {
        BuildOptions {
            transactions: vec![transactions],
            accounts: vec![accounts],
            out,
            as_of: None,
            records_from: None,
            products: ProductKind::ALL.to_vec(),
            formats: vec![&Parquet],
            memory_bytes: 2 << 30,
            threads: cores(),
            batch_rows: BATCH_ROWS,
            mapping: None,
            rules: Rules::builtin(),
            max_rejects: 0,
            generated_at,
            tmp: std::env::temp_dir(),
        }
    }
}

/// The outcome of a build: done, or refused with only the report and the rejects written.
#[derive(Clone, Debug)]
pub struct BuildOutcome {
    /// The content of `run.json`.
    pub report: RunReport,
    /// The content of `rejects.csv`.
    pub verdict: FeedVerdict,
    /// The files that were refused; empty where the build is done.
    pub refused_files: Vec<String>,
}

/// Builds the products of a feed.
///
/// A feed with a refused file is not an error: the [`BuildOutcome`] contains the refused files, and no product is written.
///
/// # Errors
/// [`Error::Usage`] for paths that lead nowhere and for a feed without a date, [`PublishError::Overflow`] for sums beyond
/// 64 bits, [`PublishError::MoneyRange`] for money items beyond 18 digits: the latter three leave a report that names them.
/// Internal errors leave the folder as it was. Whatever the error, no product is half written.
pub fn build(options: &BuildOptions, observer: &Arc<dyn Observer>) -> Result<BuildOutcome, Error> {
    in_pool(options.threads, || build_in_pool(options, observer))
}

fn build_in_pool(options: &BuildOptions, observer: &Arc<dyn Observer>) -> Result<BuildOutcome, Error> {
    let started = Instant::now();
    let plans = plans(options)?;
    let run = Run::open(options)?;
    let outputs = Outputs::create(&options.out)?;
    let opened = started.elapsed();

    let (newest, tally) = run.read(observer)?;
    let read = started.elapsed();

    // A refused feed is still checked for conflicts, so that one run reports all faults.
    let refused_early = run.feed.refuses(options.max_rejects);
    let as_of = run.as_of(newest)?;
    let (published, products, failure) = run.publish(&plans, as_of, refused_early, observer)?;
    let no_date = as_of.is_none() && !refused_early;
    let failure = failure.or_else(|| no_date.then(|| no_date_error(run.feed.rows_read())));
    let total = started.elapsed();

    let (verdict, rejected_rows) = run.feed.verdict();
    let refused_files: Vec<String> = verdict.refused_files(options.max_rejects).into_iter().map(String::from).collect();
    let is_done = refused_files.is_empty() && failure.is_none();
    let mut report = run.report(&published, &tally, &verdict, rejected_rows)?;
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

/// The second half of a build alone: builds the products from reduced rows, in the schema of `pipelines/rows.sql`, whose
/// classes and counterparties are from another source. `fill` writes the rows into the intake under their accounts'
/// numbers in the feed's index. The as-of date is required. Nothing is reconciled, and only the products are written.
///
/// # Errors
/// Those of `fill` and of [`build`]; [`Error::Usage`] without an as-of date. Then no product is written.
pub fn build_reduced(
    options: &BuildOptions,
    fill: impl FnOnce(&Feed, &Intake) -> Result<(), Error> + Send,
    observer: &Arc<dyn Observer>,
) -> Result<(), Error> {
    in_pool(options.threads, || {
        let plans = plans(options)?;
        let run = Run::open(options)?;
        let outputs = Outputs::create(&options.out)?;
        if options.as_of.is_none() {
            return Err(no_date_error(0));
        }
        fill(&run.feed, &run.intake)?;
        let (_, products, failure) = run.publish(&plans, options.as_of, false, observer)?;
        match (failure, products) {
            (Some(error), _) => Err(error),
            (None, Some(products)) => outputs.commit_products(products),
            (None, None) => Ok(()),
        }
    })
}

/// The state of one build.
struct Run<'a> {
    options: &'a BuildOptions,
    feed: Feed,
    matcher: Arc<Matcher>,
    intake: Intake,
}

/// The totals of all groups.
#[derive(Clone, Copy, Default, Debug)]
struct Published {
    dropped: Dropped,
    accounts_with_rows: u64,
    reconciliation: Reconciliation,
}

impl Published {
    fn add(&mut self, other: &Published) {
        self.dropped.add(&other.dropped);
        self.accounts_with_rows += other.accounts_with_rows;
        self.reconciliation.add(&other.reconciliation);
    }
}

/// State that workers share while they compute and encode products.
struct Publishing<'a> {
    plans: &'a [ProductPlan],
    context: Context,
    sink: &'a dyn Sink,
    next: AtomicUsize,
    observer: &'a Arc<dyn Observer>,
}

impl Run<'_> {
    fn open(options: &BuildOptions) -> Result<Run<'_>, Error> {
        let feed = Feed::open(&FeedPaths {
            transactions: options.transactions.clone(),
            accounts: options.accounts.clone(),
            mapping: options.mapping.clone(),
            records_from: options.records_from,
            limits: Limits::within(options.memory_bytes, options.threads),
        })?;
        let matcher = Arc::new(Matcher::new(&options.rules));
        let accounts: Arc<dyn Accounts> = Arc::clone(&feed.accounts) as _;
        // The name caches of all workers together take a sixteenth of the memory.
        let cache_bytes = options.memory_bytes / 16 / options.threads.max(1);
        let kernels = Kernels::new(Arc::clone(&matcher), Arc::clone(&accounts), draw_key()?, cache_bytes);
        let intake_options = IntakeOptions {
            memory_bytes: options.memory_bytes,
            workers: options.threads,
            batch_rows: options.batch_rows,
            spill_folder: Some(options.tmp.clone()),
        };
        let intake = Intake::new(accounts, kernels, &intake_options)?;
        Ok(Run { options, feed, matcher, intake })
    }

    /// Reads the feed into the intake's buffer. Returns the newest booking date of the rows that pass the checks, and the
    /// tally of their classes.
    fn read(&self, observer: &Arc<dyn Observer>) -> Result<(Option<Date>, Tally), Error> {
        observer.stage(Stage::Read, self.feed.rows());
        let progress = {
            let observer = Arc::clone(observer);
            Arc::new(move |rows| observer.advance(rows)) as _
        };
        let mut visitor = BuildVisitor::new(&self.matcher);
        let visitors = self.intake.read(feed_partitions(&self.feed, &progress), &visitor)?;
        visitors.iter().for_each(|other| visitor.add(other));
        self.feed.take_warnings().iter().for_each(|warning| observer.warn(warning));
        Ok(visitor.into_parts())
    }

    /// The as-of date: the requested one, or the newest booking date of the kept rows.
    fn as_of(&self, newest: Option<Date>) -> Result<Option<Date>, Error> {
        // Where conflicts are tolerated, the newest row may be one of them. Rejected rows must not decide the date.
        if self.options.as_of.is_none() && newest.is_some() && self.options.max_rejects > 0 {
            return Ok(self.intake.newest_standing()?);
        }
        Ok(self.options.as_of.or(newest))
    }

    /// Builds the products, in files that are not yet in place. A sum or item out of range is a fault of the input and is
    /// returned beside the totals; other errors end the build. A feed that is already refused is only checked for
    /// conflicts, and no files are returned.
    fn publish(
        &self,
        plans: &[ProductPlan],
        as_of: Option<Date>,
        refused_early: bool,
        observer: &Arc<dyn Observer>,
    ) -> Result<(Published, Option<ProductFiles>, Option<Error>), Error> {
        observer.stage(Stage::Products, Some(u64::from(self.feed.accounts.count())));
        let Some(as_of) = as_of.filter(|_| !refused_early) else {
            return Ok((self.check_groups()?, None, None));
        };
        let waiting_bytes_max = self.options.memory_bytes / 16;
        let files = ProductFiles::create(&self.options.out, plans, &self.options.formats, waiting_bytes_max)?;
        let publishing = Publishing {
            plans,
            context: Context::precompute(as_of, self.options.generated_at, &self.options.rules.version),
            sink: &files,
            next: AtomicUsize::new(0),
            observer,
        };
        let workers = self.options.threads.clamp(1, self.groups().max(1));
        let results: Vec<_> = (0..workers).into_par_iter().map(|_| self.publish_groups(&publishing)).collect();
        // Of several errors the one of the lowest group is reported, whatever the order of workers.
        let mut published = Published::default();
        let mut failure: Option<(usize, Error)> = None;
        for result in results {
            match result {
                Ok(of_worker) => published.add(&of_worker),
                Err((_, Error::Stopped(_))) => {}
                Err(other) if failure.as_ref().is_none_or(|(group, _)| other.0 < *group) => failure = Some(other),
                Err(_) => {}
            }
        }
        match failure {
            None => Ok((published, Some(files), None)),
            Some((_, Error::Publish(error))) if error.is_input() => {
                Ok((Published::default(), None, Some(error.into())))
            }
            Some((_, error)) => Err(error),
        }
    }

    fn groups(&self) -> usize {
        self.intake.partitioning().groups()
    }

    /// Publishes the next group until none is left. An error is returned with its group.
    fn publish_groups(&self, publishing: &Publishing<'_>) -> Result<Published, (usize, Error)> {
        let mut published = Published::default();
        loop {
            let group = publishing.next.fetch_add(1, Ordering::Relaxed);
            if group >= self.groups() {
                return Ok(published);
            }
            let of_group = self.publish_group(publishing, group);
            published.add(&of_group.map_err(|error| (group, error))?);
        }
    }

    fn publish_group(&self, publishing: &Publishing<'_>, group: usize) -> Result<Published, Error> {
        let mut sink = publishing.sink.begin(group)?;
        let mut cells = self.intake.take_group(group, publishing.context.as_of)?;
        let mut published = Published::default();
        // Each is filled again for every account.
        let mut products: Vec<Product> = publishing.plans.iter().map(|plan| Product::new(plan.dictionary())).collect();
        let mut of_account = AccountCells::default();
        for number in cells.accounts() {
            let Some(account) = self.feed.accounts.account(number) else { continue };
            let sums = cells.figures_of(number, &mut of_account)?;
            published.accounts_with_rows += u64::from(sums.rows > 0);
            let add_up = publishing.publish_account(&account, &of_account, &mut products, &mut *sink)?;
            published.reconciliation.check(&sums, &of_account, add_up);
            publishing.observer.advance(1);
        }
        published.dropped = self.note_conflicts(&cells.finish()?);
        sink.finish()?;
        Ok(published)
    }

    /// Checks all groups for conflicts, without products.
    fn check_groups(&self) -> Result<Published, Error> {
        let check = |group| Ok(self.note_conflicts(&self.intake.check_group(group, Date(0))?));
        let dropped: Vec<Dropped> = (0..self.groups()).into_par_iter().map(check).collect::<Result<_, Error>>()?;
        let mut published = Published::default();
        dropped.iter().for_each(|dropped| published.dropped.add(dropped));
        Ok(published)
    }

    /// Adds the rows in conflict to their files' rejects, and returns the counts of dropped rows.
    fn note_conflicts(&self, summary: &GroupSummary) -> Dropped {
        for place in &summary.conflicts {
            if let Some(file) = self.feed.file(place.file) {
                file.rejects().note(Some(place.row), Some("txn_id"), Code::DuplicateConflict);
            }
        }
        summary.dropped
    }

    /// The report with the status `refused`; the caller sets the final status and the times.
    fn report(
        &self,
        published: &Published,
        tally: &Tally,
        verdict: &FeedVerdict,
        rejected_rows: u64,
    ) -> Result<RunReport, Error> {
        let (feed, dropped) = (self.feed.good_rows(), &published.dropped);
        if tally.total() != feed {
            return Err(Error::Internal("rows were lost between the checks and the classes".to_string()));
        }
        let reconciliation = Reconciliation {
            feed,
            dropped: RowFlows { rows: dropped.rows(), flows: dropped.flows },
            ..published.reconciliation
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
            accounts: u64::from(self.feed.accounts.count()),
            accounts_with_rows: published.accounts_with_rows,
            as_of: None,
            reconciliation: Some(reconciliation),
            evidence: tally.by_evidence(),
            error: None,
            seconds: Seconds::default(),
            rows_per_second: 0,
            spilled_bytes: self.intake.spilled_bytes(),
            peak_bytes: run_report::peak_bytes(),
            generated_at: crate::period::instant_text(self.options.generated_at),
            versions: Versions::new(&self.options.rules.version)?,
        })
    }
}

impl Publishing<'_> {
    /// Computes all products of an account and puts them into the sink; whether in each the classes add up to the funds
    /// comes back.
    fn publish_account(
        &self,
        account: &Account,
        cells: &AccountCells,
        products: &mut [Product],
        sink: &mut dyn GroupSink,
    ) -> Result<bool, PublishError> {
        let history = publish::history(account, &self.context, &cells.cells)?;
        let mut all_add_up = true;
        for (number, (plan, product)) in self.plans.iter().zip(products).enumerate() {
            let filled = plan.fill(product, &history)?;
            all_add_up &= filled.adds_up;
            let product = filled.product;
            self.observer.product(account, cells.rows, plan.dictionary().kind(), product.product());
            sink.append(number, account, product)?;
        }
        Ok(all_add_up)
    }
}

/// The plans of the products that are asked for.
fn plans(options: &BuildOptions) -> Result<Vec<ProductPlan>, Error> {
    Ok(options.products.iter().map(|kind| ProductPlan::new(*kind)).collect::<Result<_, _>>()?)
}

/// The error of a feed without a row to take the as-of date from.
fn no_date_error(rows_read: u64) -> Error {
    let reason = if rows_read == 0 { "the feed has no transactions" } else { "no transaction passed the checks" };
    Error::Usage(format!("{reason}, so there is no as-of date; give --as-of"))
}
