//! The table `transactions`: its schema, and the values that a statement shows for each row.
//!
//! Owns the faulty values of bad rows. `counterparty` renders the columns of the counterparty.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Int64Builder, StringArray, StringBuilder, TimestampMicrosecondArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::calendar;
use crate::class::Label;
use crate::code;
use crate::counterparty::Counterparty;
use crate::delivery::{Delivery, Fault};
use crate::economy::Economy;
use crate::error::Error;
use crate::identifier::{self, ACCOUNT_DIGITS, TXN_DIGITS};
use crate::name::{self, Trap};
use crate::provider::{PROVIDERS, Provider, TimeResolution};
use crate::random;
use crate::row::{ReversalStyle, Row};

/// Rows per batch: few enough that the columns stay in the cache of a core until they are encoded.
pub(crate) const ROWS_PER_BATCH: usize = 8_192;

const MICROSECONDS: i64 = 1_000_000;

/// The columns of `transactions`. The direction is nullable only in a feed with bad rows.
pub(crate) fn transactions_schema(is_dirty: bool) -> SchemaRef {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("account_id", false),
        text("txn_id", false),
        Field::new("booked_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("seq", DataType::Int64, true),
        text("direction", is_dirty),
        Field::new("amount", DataType::Decimal128(18, 2), false),
        Field::new("balance", DataType::Decimal128(18, 2), true),
        text("currency", true),
        text("kind", true),
        text("channel", true),
        text("counterparty_name", true),
        text("counterparty_account", true),
        text("counterparty_bank", true),
        text("counterparty_uscc", true),
        text("summary", true),
        text("remark", true),
        text("reversal_of", true),
    ]))
}

/// Columns of `transactions` whose values rarely repeat. With few accounts, account numbers and counterparties repeat
/// often enough within a row group for a dictionary to pay.
pub(crate) fn distinct_columns(accounts: u32) -> &'static [&'static str] {
    const FEW: [&str; 6] = ["txn_id", "booked_at", "seq", "amount", "balance", "reversal_of"];
    const MANY: [&str; 9] = [
        "txn_id",
        "booked_at",
        "seq",
        "amount",
        "balance",
        "reversal_of",
        "account_id",
        "counterparty_account",
        "counterparty_uscc",
    ];
    if accounts > 20_000 { &MANY } else { &FEW }
}

/// A text column in which all values have the same width.
struct FixedWidthColumn {
    bytes: String,
    width: usize,
}

impl FixedWidthColumn {
    fn new(rows: usize, width: usize) -> FixedWidthColumn {
        FixedWidthColumn { bytes: String::with_capacity(rows * width), width }
    }

    fn finish(self) -> Result<ArrayRef, Error> {
        let rows = self.bytes.len() / self.width.max(1);
        let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(self.width, rows));
        Ok(Arc::new(StringArray::try_new(offsets, Buffer::from(self.bytes.into_bytes()), None)?))
    }
}

/// A text column in which an empty value is null.
struct TextColumn(StringBuilder);

impl TextColumn {
    fn new(rows: usize, bytes_a_row: usize) -> TextColumn {
        TextColumn(StringBuilder::with_capacity(rows, rows * bytes_a_row))
    }

    fn push(&mut self, value: &str) {
        if value.is_empty() { self.0.append_null() } else { self.0.append_value(value) }
    }

    fn finish(mut self) -> ArrayRef {
        Arc::new(self.0.finish())
    }
}

/// The intention behind a row whose counterparty name is a trap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrapRow {
    /// Its index in the batch.
    pub(crate) row: usize,
    pub(crate) trap: Trap,
    pub(crate) ambiguous: bool,
}

/// Columns of `transactions` with the intentions behind the rows.
pub(crate) struct Batch {
    pub(crate) columns: Vec<ArrayRef>,
    pub(crate) labels: Vec<Label>,
    pub(crate) trap_rows: Vec<TrapRow>,
    /// Whether each row is a transaction delivered for the first time. `None` means all are.
    pub(crate) first: Option<Vec<bool>>,
}

/// Builds a batch of `transactions`.
pub(crate) struct Transactions<'a> {
    economy: &'a Economy,
    account_id: FixedWidthColumn,
    txn_id: FixedWidthColumn,
    booked_at: Vec<i64>,
    seq: Int64Builder,
    direction: TextColumn,
    amount: Vec<i128>,
    balance: Vec<i128>,
    balance_shown: Vec<bool>,
    currency: TextColumn,
    kind: TextColumn,
    channel: TextColumn,
    counterparty_name: TextColumn,
    counterparty_account: TextColumn,
    counterparty_bank: TextColumn,
    counterparty_uscc: TextColumn,
    summary: TextColumn,
    remark: TextColumn,
    reversal_of: TextColumn,
    labels: Vec<Label>,
    trap_rows: Vec<TrapRow>,
    first: Vec<bool>,
    counterparty: Counterparty,
    text: String,
}

impl<'a> Transactions<'a> {
    /// Columns with room for `rows` rows. Growing them would copy most bytes once more.
    pub(crate) fn new(economy: &'a Economy, rows: usize) -> Transactions<'a> {
        Transactions {
            economy,
            account_id: FixedWidthColumn::new(rows, ACCOUNT_DIGITS),
            txn_id: FixedWidthColumn::new(rows, TXN_DIGITS),
            booked_at: Vec::with_capacity(rows),
            seq: Int64Builder::with_capacity(rows),
            direction: TextColumn::new(rows, 1),
            amount: Vec::with_capacity(rows),
            balance: Vec::with_capacity(rows),
            balance_shown: Vec::with_capacity(rows),
            currency: TextColumn::new(rows, 3),
            kind: TextColumn::new(rows, 12),
            channel: TextColumn::new(rows, 8),
            counterparty_name: TextColumn::new(rows, 36),
            counterparty_account: TextColumn::new(rows, 16),
            counterparty_bank: TextColumn::new(rows, 10),
            counterparty_uscc: TextColumn::new(rows, 6),
            summary: TextColumn::new(rows, 12),
            remark: TextColumn::new(rows, 12),
            reversal_of: TextColumn::new(rows, 1),
            labels: Vec::with_capacity(rows),
            trap_rows: Vec::new(),
            first: Vec::with_capacity(rows),
            counterparty: Counterparty::default(),
            text: String::new(),
        }
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, row: &Row) {
        let (economy, spec) = (self.economy, row.movement.spec());
        let provider = provider(row.bank);
        let fault = if let Delivery::Bad(fault) = row.delivery { Some(fault) } else { None };
        identifier::push_account_id(&mut self.account_id.bytes, economy, row);
        identifier::push_txn_id(&mut self.txn_id.bytes, economy, row, row.booking());
        // A bad time is far in the future.
        let centuries = if fault == Some(Fault::BadTime) { 7 } else { 0 };
        self.booked_at.push((row.booked() + centuries * 3_155_760_000) * MICROSECONDS);
        self.seq.append_option((provider.time_resolution != TimeResolution::Seconds).then_some(i64::from(row.number)));
        self.direction.push(match fault {
            Some(Fault::NullRequired) => "",
            Some(Fault::BadDirection) => "X",
            _ if row.is_in() => "C",
            _ => "D",
        });
        let amount = i128::from(row.shown_fen());
        self.amount.push(if fault == Some(Fault::AmountRange) { 1_000_000_000_000_000_000 } else { amount });
        self.balance.push(i128::from(row.balance_fen));
        self.balance_shown.push(row.balance_shown);
        self.currency.push(match fault {
            Some(Fault::BadCurrency) => "USD",
            _ if row.currency_shown => "CNY",
            _ => "",
        });
        self.kind.push(match fault {
            Some(Fault::UnknownKind) => "SALARY",
            _ if row.kind_shown => spec.kind,
            _ => "",
        });
        self.channel.push(if fault == Some(Fault::BadValue) { "telegram" } else { channel(row, provider) });
        self.push_counterparty(row);
        self.push_wording(row);
        self.labels.push(row.label);
        self.first.push(row.delivery == Delivery::First);
    }

    fn push_counterparty(&mut self, row: &Row) {
        let counterparty = &mut self.counterparty;
        counterparty.render(self.economy, row, self.economy.key(row.account));
        self.counterparty_name.push(&counterparty.name);
        self.counterparty_account.push(&counterparty.account);
        self.counterparty_bank.push(&counterparty.bank);
        self.counterparty_uscc.push(&counterparty.uscc);
        if counterparty.trap != Trap::None && row.delivery == Delivery::First {
            let (trap, ambiguous) = (counterparty.trap, counterparty.ambiguous);
            self.trap_rows.push(TrapRow { row: self.labels.len(), trap, ambiguous });
        }
    }

    fn push_wording(&mut self, row: &Row) {
        let spec = row.movement.spec();
        self.summary.push(match row.reversal {
            ReversalStyle::None if row.days_late > 0 => "补记账",
            ReversalStyle::None => name::choose(spec.summaries, u64::from(row.wording >> 8 & 0xFF)),
            ReversalStyle::Linked => "冲正",
            ReversalStyle::RedLinked => "红字冲正",
            ReversalStyle::Red => "红字冲账",
        });
        self.text.clear();
        if row.days_late > 0 {
            let (_, month, day) = calendar::civil(row.day - i32::from(row.days_late));
            self.text.push_str("补记");
            code::push_digits(&mut self.text, u64::from(month * 100 + day), 4);
            self.text.push_str("业务");
        } else if row.reversal == ReversalStyle::None {
            let remark = name::choose(spec.remarks, u64::from(row.wording >> 16 & 0xFF));
            match remark.split_once('#') {
                Some((before, after)) => {
                    self.text.push_str(before);
                    code::push_digits(&mut self.text, random::mix(u64::from(row.wording)), 8);
                    self.text.push_str(after);
                }
                None => self.text.push_str(remark),
            }
        }
        self.remark.push(&self.text);
        self.text.clear();
        if let Some(booking) = row.reverses() {
            identifier::push_txn_id(&mut self.text, self.economy, row, booking);
        }
        self.reversal_of.push(&self.text);
    }

    /// The rows as columns.
    pub(crate) fn finish(mut self) -> Result<Batch, Error> {
        let money = |values: Vec<i128>, shown: Option<Vec<bool>>| -> Result<ArrayRef, Error> {
            let array = Decimal128Array::try_new(values.into(), shown.map(NullBuffer::from))?;
            Ok(Arc::new(array.with_precision_and_scale(18, 2)?))
        };
        let columns: Vec<ArrayRef> = vec![
            self.account_id.finish()?,
            self.txn_id.finish()?,
            Arc::new(TimestampMicrosecondArray::from(self.booked_at)),
            Arc::new(self.seq.finish()),
            self.direction.finish(),
            money(self.amount, None)?,
            money(self.balance, Some(self.balance_shown))?,
            self.currency.finish(),
            self.kind.finish(),
            self.channel.finish(),
            self.counterparty_name.finish(),
            self.counterparty_account.finish(),
            self.counterparty_bank.finish(),
            self.counterparty_uscc.finish(),
            self.summary.finish(),
            self.remark.finish(),
            self.reversal_of.finish(),
        ];
        let first = (!self.first.iter().all(|first| *first)).then_some(self.first);
        Ok(Batch { columns, labels: self.labels, trap_rows: self.trap_rows, first })
    }
}

/// The channel that the wording draws. Outside office hours the counter is closed.
fn channel(row: &Row, provider: &Provider) -> &'static str {
    let drawn = name::choose(row.movement.spec().channels, u64::from(row.wording & 0xFF));
    let open = 9 * 3_600..17 * 3_600;
    let knows_time = provider.time_resolution != TimeResolution::Days;
    if drawn == "counter" && knows_time && !open.contains(&row.second) { "netbank" } else { drawn }
}

fn provider(bank: u8) -> &'static Provider {
    &PROVIDERS[usize::from(bank) % PROVIDERS.len()]
}
