//! The two tables of a feed as Arrow columns: schemas, and the text that a statement shows for each row.
//! Owns no file; `output` writes the batches.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Builder, Decimal128Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::Error;
use crate::account::{Account, Economy};
use crate::calendar;
use crate::code;
use crate::counterparty::{Counterparty, Party};
use crate::name;
use crate::provider::Clock;
use crate::random;
use crate::transaction::{Booking, Reversal, SECONDS_A_DAY, Transaction};

/// Rows in a batch: few enough for its columns to stay in a core's cache until they are encoded.
pub(crate) const ROWS_PER_BATCH: usize = 8_192;

const MICROSECONDS: i64 = 1_000_000;

/// The columns of `transactions`.
pub(crate) fn transactions_schema() -> SchemaRef {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("account_id", false),
        text("txn_id", false),
        Field::new("booked_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("seq", DataType::Int64, true),
        text("direction", false),
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

/// The columns of `accounts`.
pub(crate) fn accounts_schema() -> SchemaRef {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    let names = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    Arc::new(Schema::new(vec![
        text("account_id", false),
        text("provider_id", false),
        text("provider_name", false),
        text("bank_code", true),
        text("subject_uscc", false),
        text("subject_name", false),
        Field::new("former_names", names, true),
        text("account_type", false),
        text("currency", false),
        Field::new("opened_on", DataType::Date32, true),
        Field::new("closed_on", DataType::Date32, true),
        text("status", false),
    ]))
}

/// Builds a batch of `transactions`.
pub(crate) struct Transactions<'a> {
    economy: &'a Economy,
    schema: SchemaRef,
    account_id: StringBuilder,
    txn_id: StringBuilder,
    booked_at: TimestampMicrosecondBuilder,
    seq: Int64Builder,
    direction: StringBuilder,
    amount: Decimal128Builder,
    balance: Decimal128Builder,
    currency: StringBuilder,
    kind: StringBuilder,
    channel: StringBuilder,
    counterparty_name: StringBuilder,
    counterparty_account: StringBuilder,
    counterparty_bank: StringBuilder,
    counterparty_uscc: StringBuilder,
    summary: StringBuilder,
    remark: StringBuilder,
    reversal_of: StringBuilder,
    counterparty: Counterparty,
    text: String,
}

impl<'a> Transactions<'a> {
    /// Columns with room for `rows` rows: growing them would copy most bytes once more.
    pub(crate) fn new(economy: &'a Economy, schema: SchemaRef, rows: usize) -> Result<Transactions<'a>, Error> {
        let money = || Decimal128Builder::with_capacity(rows).with_precision_and_scale(18, 2);
        let text = |bytes_a_row: usize| StringBuilder::with_capacity(rows, rows * bytes_a_row);
        Ok(Transactions {
            economy,
            schema,
            account_id: text(16),
            txn_id: text(20),
            booked_at: TimestampMicrosecondBuilder::with_capacity(rows),
            seq: Int64Builder::with_capacity(rows),
            direction: text(1),
            amount: money()?,
            balance: money()?,
            currency: text(3),
            kind: text(12),
            channel: text(8),
            counterparty_name: text(36),
            counterparty_account: text(16),
            counterparty_bank: text(10),
            counterparty_uscc: text(6),
            summary: text(12),
            remark: text(12),
            reversal_of: text(1),
            counterparty: Counterparty::default(),
            text: String::new(),
        })
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, row: &Transaction) {
        let Some(account) = self.economy.accounts.get(row.account as usize) else {
            return;
        };
        let spec = row.movement.spec();
        self.account_id.append_value(&account.id);
        self.text.clear();
        push_txn_id(&mut self.text, account, row.booking());
        self.txn_id.append_value(&self.text);
        self.booked_at.append_value(row.booked * MICROSECONDS);
        self.seq.append_option((account.clock() != Clock::Seconds).then_some(i64::from(row.number)));
        self.direction.append_value(if row.is_in() { "C" } else { "D" });
        self.amount.append_value(i128::from(row.shown_fen()));
        self.balance.append_option(row.balance_shown.then_some(i128::from(row.balance_fen)));
        self.currency.append_option(account.currency_shown.then_some("CNY"));
        let kind_shown = account.kind_shown || spec.kind != "TRANSFER";
        self.kind.append_option(kind_shown.then_some(spec.kind));
        append_text(&mut self.channel, channel(row, account));
        self.push_counterparty(row.party, account, row);
        self.push_wording(row, account);
    }

    fn push_counterparty(&mut self, party: Party, account: &Account, row: &Transaction) {
        let counterparty = &mut self.counterparty;
        self.economy.counterparties.render(party, account, row.movement.spec(), counterparty);
        append_text(&mut self.counterparty_name, &counterparty.name);
        append_text(&mut self.counterparty_account, &counterparty.account);
        append_text(&mut self.counterparty_bank, &counterparty.bank);
        append_text(&mut self.counterparty_uscc, &counterparty.uscc);
    }

    fn push_wording(&mut self, row: &Transaction, account: &Account) {
        let spec = row.movement.spec();
        let reverses = match row.reversal {
            None => {
                append_text(&mut self.summary, name::nth(spec.summaries, u64::from(row.wording >> 8 & 0xFF)));
                None
            }
            Some(Reversal::Linked(booking)) => {
                self.summary.append_value("冲正");
                Some(booking)
            }
            Some(Reversal::RedLinked(booking)) => {
                self.summary.append_value("红字冲正");
                Some(booking)
            }
            Some(Reversal::Red) => {
                self.summary.append_value("红字冲账");
                None
            }
        };
        let remark = name::nth(spec.remarks, u64::from(row.wording >> 16 & 0xFF));
        if let Some((before, after)) = remark.split_once('#') {
            self.text.clear();
            self.text.push_str(before);
            code::push_digits(&mut self.text, random::mix(u64::from(row.wording)), 8);
            self.text.push_str(after);
            self.remark.append_value(&self.text);
        } else {
            append_text(&mut self.remark, remark);
        }
        self.text.clear();
        if let Some(booking) = reverses {
            push_txn_id(&mut self.text, account, booking);
        }
        append_text(&mut self.reversal_of, &self.text);
    }

    /// The rows as a batch.
    pub(crate) fn finish(mut self) -> Result<RecordBatch, Error> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.account_id.finish()),
            Arc::new(self.txn_id.finish()),
            Arc::new(self.booked_at.finish()),
            Arc::new(self.seq.finish()),
            Arc::new(self.direction.finish()),
            Arc::new(self.amount.finish()),
            Arc::new(self.balance.finish()),
            Arc::new(self.currency.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.channel.finish()),
            Arc::new(self.counterparty_name.finish()),
            Arc::new(self.counterparty_account.finish()),
            Arc::new(self.counterparty_bank.finish()),
            Arc::new(self.counterparty_uscc.finish()),
            Arc::new(self.summary.finish()),
            Arc::new(self.remark.finish()),
            Arc::new(self.reversal_of.finish()),
        ];
        Ok(RecordBatch::try_new(self.schema, columns)?)
    }
}

/// A batch of `accounts`.
pub(crate) fn accounts_batch(accounts: &[Account], schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let mut text: [StringBuilder; 8] = Default::default();
    let mut former_names = ListBuilder::new(StringBuilder::new());
    let (mut opened_on, mut closed_on) = (Date32Builder::new(), Date32Builder::new());
    for account in accounts {
        let (mut uscc, mut name) = (String::new(), String::new());
        account.subject.push_uscc(&mut uscc);
        account.subject.push_name(&mut name);
        let provider = account.provider();
        let bank_code = provider.bank_code(account.branch);
        let values =
            [&account.id, provider.id, provider.name, &bank_code, &uscc, &name, account.account_type, account.status];
        text.iter_mut().zip(values).for_each(|(column, value)| column.append_value(value));
        if account.subject.renamed {
            name.clear();
            account.subject.push_former_name(&mut name);
            former_names.values().append_value(&name);
        }
        former_names.append(account.subject.renamed);
        opened_on.append_option(account.opened_on);
        closed_on.append_option(account.closed_on);
    }
    let mut currency = StringBuilder::new();
    accounts.iter().for_each(|_| currency.append_value("CNY"));
    let [id, provider_id, provider_name, bank_code, uscc, name, account_type, status] =
        text.map(|mut column| -> ArrayRef { Arc::new(column.finish()) });
    let columns: Vec<ArrayRef> = vec![
        id,
        provider_id,
        provider_name,
        bank_code,
        uscc,
        name,
        Arc::new(former_names.finish()),
        account_type,
        Arc::new(currency.finish()),
        Arc::new(opened_on.finish()),
        Arc::new(closed_on.finish()),
        status,
    ];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Appends the 20 digits that name a booking: day, branch, journal number. The journal number scatters the running
/// number of the month, so ids tell nothing of the order and are distinct within account and month.
pub(crate) fn push_txn_id(out: &mut String, account: &Account, booking: Booking) {
    let (year, month, day) = calendar::civil(booking.day);
    code::push_digits(out, u64::from(year.unsigned_abs()), 4);
    code::push_digits(out, u64::from(month), 2);
    code::push_digits(out, u64::from(day), 2);
    code::push_digits(out, u64::from(account.branch), 4);
    code::push_digits(out, code::scatter(booking.number, account.key), 8);
}

/// The channel that the wording draws; out of hours the counter is closed.
fn channel(row: &Transaction, account: &Account) -> &'static str {
    let drawn = name::nth(row.movement.spec().channels, u64::from(row.wording & 0xFF));
    let open = 9 * 3_600..17 * 3_600;
    let knows_time = account.clock() != Clock::Days;
    if drawn == "counter" && knows_time && !open.contains(&row.booked.rem_euclid(SECONDS_A_DAY)) {
        "netbank"
    } else {
        drawn
    }
}

fn append_text(column: &mut StringBuilder, value: &str) {
    column.append_option((!value.is_empty()).then_some(value));
}
