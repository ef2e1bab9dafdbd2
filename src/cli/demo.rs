//! `liushui demo`: generates a small synthetic economy, builds both products and shows one account.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::Args;
use liushui::account::Account;
use liushui::batch::build::{BuildOptions, build};
use liushui::error::Error;
use liushui::observer::{Observer, Stage};
use liushui::product::ProductKind;
use liushui::product::dictionary::Dictionary;
use liushui::product::render::check;
use liushui::product::render::table::product_table;
use liushui::product::value::Product;
use liushui::publish::format::FORMATS;

use super::build::summary;
use super::progress::Bar;
use super::{datagen::generate, grouped, now, print, width};

/// Generate a small synthetic economy, build its products and show one account
#[derive(Args)]
#[command(after_help = "Example:\n  liushui demo --accounts 2000")]
pub struct Demo {
    /// Number of accounts
    #[arg(long, value_name = "N", default_value_t = 1000)]
    accounts: u32,
    /// Another seed gives another economy
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The folder for the feed and the products: a new or empty one, or that of an earlier demo, which is replaced
    #[arg(long, value_name = "DIR", default_value = "liushui-demo")]
    out: PathBuf,
}

/// Length of the economy in months: all that a product can show.
const MONTHS: u32 = 36;

/// Marker file of a demo's folder, which the next demo may replace.
const MARK: &str = ".liushui-demo";

impl Demo {
    /// Generates, builds and shows.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (feed, products) = (self.out.join("feed"), self.out.join("products"));
        self.prepare()?;
        print(&format!("1. A synthetic economy: {} accounts, {MONTHS} months\n\n", grouped(u64::from(self.accounts))))?;
        let generated = datagen::Options::new(self.accounts, MONTHS, self.seed, &feed);
        let generated = generate(&generated, &Bar::new(false))?;
        print(&format!("   {} transactions in {}\n\n", grouped(generated.rows), feed.display()))?;

        print("2. Both products of every account\n\n")?;
        let mut options =
            BuildOptions::new(feed.join("transactions"), feed.join("accounts.parquet"), products.clone(), now());
        options.formats = FORMATS.to_vec();
        let watcher = Arc::new(Watcher { bar: Bar::new(false), busiest: Mutex::default() });
        let observer: Arc<dyn Observer> = Arc::clone(&watcher) as _;
        let outcome = build(&options, &observer);
        watcher.bar.clear();
        print(&summary(&outcome?, &options).lines().map(|line| format!("   {line}\n")).collect::<String>())?;

        let busiest = std::mem::take(&mut *watcher.lock());
        print(&format!("\n3. One account: {}\n", busiest.account_id))?;
        for (kind, product) in &busiest.products {
            let dictionary = Dictionary::builtin(*kind).map_err(Error::from)?;
            let product = check(&dictionary, product).map_err(Error::from)?;
            print(&format!("\n{}", product_table(product, width())))?;
        }
        print(&format!(
            "\n4. Files\n\n   {feed}  the feed, and under expected/ the generator's own answers\n   \
             {products}  detail-summary and report as .parquet and .ndjson, rejects.csv, run.json\n   \
             liushui dictionary report  shows the formula of each item\n",
            feed = feed.display(),
            products = products.display(),
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Creates the folder, or clears that of an earlier demo; any other non-empty folder is refused.
    fn prepare(&self) -> Result<(), Error> {
        let mark = self.out.join(MARK);
        let cannot = |error| Error::io("cannot prepare the folder", &self.out, error);
        let is_empty = !self.out.exists() || std::fs::read_dir(&self.out).map_err(cannot)?.next().is_none();
        if !is_empty && !mark.exists() {
            let folder = self.out.display();
            return Err(Error::Usage(format!("`{folder}` has other content than a demo; give another --out")));
        }
        for subfolder in ["feed", "products"] {
            match std::fs::remove_dir_all(self.out.join(subfolder)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(error)),
                _ => {}
            }
        }
        std::fs::create_dir_all(&self.out).map_err(cannot)?;
        std::fs::write(mark, "").map_err(cannot)
    }
}

/// Follows the build and keeps the products of the account with the most rows.
struct Watcher {
    bar: Bar,
    busiest: Mutex<Busiest>,
}

#[derive(Default)]
struct Busiest {
    account_id: String,
    rows: u64,
    products: Vec<(ProductKind, Product)>,
}

impl Watcher {
    fn lock(&self) -> std::sync::MutexGuard<'_, Busiest> {
        self.busiest.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Observer for Watcher {
    fn stage(&self, stage: Stage, total: Option<u64>) {
        self.bar.stage(stage, total);
    }

    fn advance(&self, count: u64) {
        self.bar.advance(count);
    }

    fn warn(&self, message: &str) {
        self.bar.warn(message);
    }

    fn product(&self, account: &Account, rows: u64, kind: ProductKind, product: &Product) {
        let mut busiest = self.lock();
        // Of equally busy accounts the first by id, whatever the order of workers.
        let is_next = (rows, &busiest.account_id) > (busiest.rows, &account.account_id) || busiest.products.is_empty();
        if is_next {
            *busiest = Busiest { account_id: account.account_id.clone(), rows, products: Vec::new() };
        }
        if busiest.account_id == account.account_id {
            busiest.products.push((kind, product.clone()));
        }
    }
}
