//! The run of `build`: a whole feed in, both products of every account out.
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
use crate::account::{Account, Accounts, mask};
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
use crate::product::dictionary::Dictionary;
use crate::product::history::History;
use crate::product::value::Product;
use crate::product::{Context, ProductKind, compute_in, item_codes};
use crate::publish::encode::{Encoded, GroupEncoder, GroupEncoding, ProductFiles};
use crate::publish::in_order::InOrder;
use crate::publish::reconcile::{FundsCheck, Reconciliation};
use crate::staging::dedup::Dropped;

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
    /// `records_from` of every account that has none.
    pub records_from: Option<Date>,
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
            records_from: None,
            products: ProductKind::ALL.to_vec(),
            formats: vec![OutputFormat::Parquet],
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

/// One product's dictionary and check.
pub struct ProductPlan {
    /// Its items.
    pub dictionary: Dictionary,
    /// Its check.
    pub funds_check: FundsCheck,
}

impl ProductPlan {
    /// One for each product that is asked for.
    fn all(options: &BuildOptions) -> Result<Vec<ProductPlan>, Error> {
        options.products.iter().map(|kind| ProductPlan::new(*kind)).collect()
    }

    fn new(kind: ProductKind) -> Result<ProductPlan, Error> {
        let dictionary = Dictionary::builtin(kind)?;
        dictionary.check_codes(&item_codes(kind))?;
        Ok(ProductPlan { funds_check: FundsCheck::new(&dictionary)?, dictionary })
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
    in_pool(options.threads, || build_in_pool(options, observer))
}

fn build_in_pool(options: &BuildOptions, observer: &Arc<dyn Observer>) -> Result<BuildOutcome, Error> {
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

/// The publish half of a build alone: both products of rows that are reduced already, as `pipelines/rows.sql` would, by a
/// caller that has their classes and counterparties from elsewhere. `fill` writes them into the intake under their
/// accounts' numbers in the feed's index; the as-of date must be given. Nothing is reconciled, and only the products are
/// written.
///
/// # Errors
/// Those of `fill` and of [`build`]; [`Error::Usage`] without an as-of date. Then no product is written.
pub fn build_reduced(
    options: &BuildOptions,
    fill: impl FnOnce(&Feed, &Intake) -> Result<(), Error> + Send,
    observer: &Arc<dyn Observer>,
) -> Result<(), Error> {
    in_pool(options.threads, || {
        let plans = ProductPlan::all(options)?;
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

/// What one build works with.
struct Run<'a> {
    options: &'a BuildOptions,
    feed: Feed,
    matcher: Arc<Matcher>,
    intake: Intake,
}

/// What all groups came to.
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

/// What the workers share while products are made.
struct Publishing<'a> {
    plans: &'a [ProductPlan],
    context: Context,
    encoders: GroupEncoder,
    files: InOrder<Vec<Encoded>, ProductFiles>,
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
        // Workers' caches of names take a sixteenth of the memory together.
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

    /// Reads the feed into the intake's buffer. The newest booking date of rows that pass the checks comes back, and what
    /// decided their classes.
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

    /// The as-of date: what was asked for, or the newest booking date of rows that stand.
    fn as_of(&self, newest: Option<Date>) -> Result<Option<Date>, Error> {
        // Where conflicts are tolerated, the newest row may be one of them, and rejected rows decide nothing.
        if self.options.as_of.is_none() && newest.is_some() && self.options.max_rejects > 0 {
            return Ok(self.intake.newest_standing()?);
        }
        Ok(self.options.as_of.or(newest))
    }

    /// Makes the products, in files that are not yet in place. A sum or item out of range is the input's fault and comes
    /// back beside what there is to report; other errors end the build. Of a feed that is refused already only conflicts
    /// are looked for, and no file comes back.
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
        let files = ProductFiles::create(&self.options.out, plans, &self.options.formats)?;
        let publishing = Publishing {
            plans,
            context: Context::precompute(as_of, self.options.generated_at, &self.options.rules.version),
            encoders: files.encoders(),
            files: InOrder::new(files, 1),
            next: AtomicUsize::new(0),
            observer,
        };
        let workers = self.options.threads.clamp(1, self.groups().max(1));
        let results: Vec<_> = (0..workers).into_par_iter().map(|_| self.publish_groups(&publishing)).collect();
        // Of several errors the one of the lowest group is reported, whichever worker met its own first.
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
            None => Ok((published, Some(publishing.files.into_consumer()), None)),
            Some((_, error @ (Error::Overflow { .. } | Error::MoneyRange { .. }))) => {
                Ok((Published::default(), None, Some(error)))
            }
            Some((_, error)) => Err(error),
        }
    }

    fn groups(&self) -> usize {
        self.intake.partitioning().groups()
    }

    /// Takes group after group until none is left; an error comes with the group that it is of.
    fn publish_groups(&self, publishing: &Publishing<'_>) -> Result<Published, (usize, Error)> {
        let mut published = Published::default();
        loop {
            let group = publishing.next.fetch_add(1, Ordering::Relaxed);
            if group >= self.groups() {
                return Ok(published);
            }
            let of_group = publishing.files.task(|| self.publish_group(publishing, group));
            published.add(&of_group.map_err(|error| (group, error))?);
        }
    }

    fn publish_group(&self, publishing: &Publishing<'_>, group: usize) -> Result<Published, Error> {
        publishing.files.wait_for_turn(group, self.options.threads + 1)?;
        let mut cells = self.intake.take_group(group, publishing.context.as_of)?;
        let mut encoding = publishing.encoders.begin(group)?;
        let mut published = Published::default();
        // Each is filled again for every account.
        let mut products: Vec<Product> = publishing.plans.iter().map(|plan| Product::new(&plan.dictionary)).collect();
        let mut of_account = AccountCells::default();
        for number in cells.accounts() {
            let Some(account) = self.feed.accounts.account(number) else { continue };
            let sums = cells.figures_of(number, &mut of_account)?;
            published.accounts_with_rows += u64::from(sums.rows > 0);
            let hold = publish_account(publishing, &account, &of_account, &mut products, &mut encoding)?;
            published.reconciliation.check(&sums, &of_account, hold);
            publishing.observer.advance(1);
        }
        published.dropped = self.note_conflicts(&cells.finish()?);
        let write = |files: &mut ProductFiles, encoded: Vec<Encoded>| {
            encoded.into_iter().try_for_each(|encoded| files.write(encoded))
        };
        publishing.files.put(group, encoding.finish()?, write)?;
        publishing.files.end(group, write)?;
        Ok(published)
    }

    /// Looks for conflicts in all groups, and makes no product.
    fn check_groups(&self) -> Result<Published, Error> {
        let check = |group| Ok(self.note_conflicts(&self.intake.check_group(group, Date(0))?));
        let dropped: Vec<Dropped> = (0..self.groups()).into_par_iter().map(check).collect::<Result<_, Error>>()?;
        let mut published = Published::default();
        dropped.iter().for_each(|dropped| published.dropped.add(dropped));
        Ok(published)
    }

    /// Notes the rows in conflict with their files' rejects; the counts come back.
    fn note_conflicts(&self, summary: &GroupSummary) -> Dropped {
        for place in &summary.conflicts {
            if let Some(file) = self.feed.file(place.file) {
                file.rejects().note(Some(place.row), Some("txn_id"), Code::DuplicateConflict);
            }
        }
        summary.dropped
    }

    /// The report of a feed that is refused until shown otherwise; times are the caller's.
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

/// Computes and encodes all products of an account; whether in each the classes add up to the funds comes back.
fn publish_account(
    publishing: &Publishing<'_>,
    account: &Account,
    cells: &AccountCells,
    products: &mut [Product],
    encoding: &mut GroupEncoding,
) -> Result<bool, Error> {
    for (month, cell) in &cells.cells {
        let overflow = |_| Error::Overflow { account: mask(&account.account_id), month: month.to_string() };
        cell.check_range().map_err(overflow)?;
    }
    let history = History::new(account, &publishing.context, &cells.cells);
    let mut holds = true;
    for (number, (plan, product)) in publishing.plans.iter().zip(products).enumerate() {
        compute_in(product, &plan.dictionary, &history);
        holds &= plan.funds_check.holds(product);
        publishing.observer.product(account, cells.rows, plan.dictionary.kind(), product);
        encoding.append(number, &account.account_id, product)?;
    }
    Ok(holds)
}

/// There is no row to take the as-of date from.
fn no_date_error(rows_read: u64) -> Error {
    let why = if rows_read == 0 { "the feed holds no transaction" } else { "no transaction passed the checks" };
    Error::Usage(format!("{why}, so there is no date to take as the as-of date; give --as-of"))
}
