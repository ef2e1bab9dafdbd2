//! `liushui dictionary`: the items of a product.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use liushui::product::ProductKind;
use liushui::product::dictionary::Dictionary;
use liushui::product::render::table::{dictionary_json, dictionary_table};

use super::{print, width};

/// A product, as named in options.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProductName {
    /// 明细汇总: one row per month, 95 items
    DetailSummary,
    /// 报告: one row per quarter and the feature variables, 184 items
    Report,
}

impl ProductName {
    /// The product.
    pub fn kind(self) -> ProductKind {
        match self {
            ProductName::DetailSummary => ProductKind::DetailSummary,
            ProductName::Report => ProductKind::Report,
        }
    }
}

/// Show the items of a product, their types and formulas
#[derive(Args)]
#[command(after_help = "Example:\n  liushui dictionary report --format json | jq '.units[].name'")]
pub struct ShowDictionary {
    /// The product
    product: ProductName,
    /// Output format
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
}

impl ShowDictionary {
    /// Prints the items.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let dictionary = Dictionary::builtin(self.product.kind()).map_err(liushui::error::Error::from)?;
        let text = match self.format {
            Format::Table => dictionary_table(&dictionary, width()),
            Format::Json => dictionary_json(&dictionary)?,
        };
        print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
