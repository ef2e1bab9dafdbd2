//! The table `accounts`: its schema and its values.
//!
//! Owns no decision about an account; `holder` makes them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Builder, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::code;
use crate::economy::Economy;
use crate::holder::Holder;
use crate::identifier::ACCOUNT_DIGITS;

/// The columns of `accounts`.
///
/// `records_from` is the first day from which the feed holds all records of an account. An account opened before the
/// first day of the feed has transactions that the feed does not hold, so its value is that first day. The records of
/// an account opened on that day or later are complete from its opening, so its value is null. The value follows from
/// the day on which the account was really opened, so it is right for accounts without `opened_on` too.
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
        Field::new("records_from", DataType::Date32, true),
        text("status", false),
    ]))
}

/// The columns of `accounts` for the accounts of `holders`.
pub(crate) fn accounts_columns(economy: &Economy, holders: &[Holder]) -> Vec<ArrayRef> {
    let mut text: [StringBuilder; 9] = Default::default();
    let mut former_names = ListBuilder::new(StringBuilder::new());
    let [mut opened_on, mut closed_on, mut records_from]: [Date32Builder; 3] = Default::default();
    let [mut id, mut uscc, mut name, mut former] = [const { String::new() }; 4];
    for holder in holders {
        uscc.clear();
        name.clear();
        former.clear();
        holder.subject.push_uscc(&mut uscc);
        holder.subject.push_name(&mut name);
        holder.subject.push_former_name(&mut former);
        for account in &holder.accounts {
            id.clear();
            code::push_digits(&mut id, economy.number(account.ordinal, account.bank), ACCOUNT_DIGITS);
            let provider = account.provider();
            let bank_code = provider.bank_code(economy.branch(account.ordinal));
            let (account_type, status) = (account.account_type, account.status);
            let values = [&id, provider.id, provider.name, &bank_code, &uscc, &name, account_type, "CNY", status];
            text.iter_mut().zip(values).for_each(|(column, value)| column.append_value(value));
            if holder.subject.renamed {
                former_names.values().append_value(&former);
            }
            former_names.append(holder.subject.renamed);
            opened_on.append_option(account.opened_on);
            closed_on.append_option(account.closed_on);
            records_from.append_option(account.records_from);
        }
    }
    let [id, provider_id, provider_name, bank_code, uscc, name, account_type, currency, status] =
        text.map(|mut column| -> ArrayRef { Arc::new(column.finish()) });
    vec![
        id,
        provider_id,
        provider_name,
        bank_code,
        uscc,
        name,
        Arc::new(former_names.finish()),
        account_type,
        currency,
        Arc::new(opened_on.finish()),
        Arc::new(closed_on.finish()),
        Arc::new(records_from.finish()),
        status,
    ]
}
