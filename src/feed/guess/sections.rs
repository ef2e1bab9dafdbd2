//! The lines of a draft, section by section.

use std::collections::BTreeSet;

use super::MappingDraft;
use super::draft::{Draft, quoted};
use super::headings::Meaning;
use super::money::write_money;
use super::table::FileTable;
use super::times::write_time;
use super::words::{CURRENCIES, FOOTERS};

/// Drafts a mapping of a table.
pub(super) fn write_draft(table: &FileTable) -> MappingDraft {
    let mut draft = Draft::new(table);
    draft.line(
        "# Drafted from the header and the first rows; look at what is unsure, then try it: liushui mapping check",
        None,
    );
    draft.line("", None);
    write_file(&mut draft);
    draft.line("", None);
    draft.line("[columns]", None);
    write_account_id(&mut draft);
    write_txn_id(&mut draft);
    write_time(&mut draft);
    write_money(&mut draft);
    write_currency(&mut draft);
    write_texts(&mut draft);
    write_unused(&mut draft);
    draft.line("", None);
    write_accounts(&mut draft);
    draft.finish()
}

fn write_file(draft: &mut Draft<'_>) {
    let table = draft.table;
    draft.line("[file]", None);
    if table.delimiter != b',' {
        draft.line(&format!("delimiter = {}", quoted(&char::from(table.delimiter).to_string())), None);
    }
    if table.preamble > 0 {
        let sure = draft.columns.iter().filter(|column| column.is_sure).take(3);
        let headings: Vec<String> = sure.map(|column| draft.heading(column)).collect();
        let headings = if headings.is_empty() { vec![quoted(&table.header[0])] } else { headings };
        draft.line(&format!("header = [{}]", headings.join(", ")), None);
    }
    if table.rows.iter().any(|row| row.len() != table.header.len()) {
        draft.line("ragged = \"pad\"", Some("some rows are shorter or longer than the header"));
    }
    let begins =
        |footer: &&&str| table.rows.iter().any(|row| row.first().is_some_and(|first| first.starts_with(**footer)));
    let footers: Vec<String> = FOOTERS.iter().filter(begins).map(|footer| quoted(footer)).collect();
    if !footers.is_empty() {
        draft.line(&format!("footer = [{}]", footers.join(", ")), None);
    }
    if !draft.nulls.is_empty() {
        let texts: Vec<String> = draft.nulls.iter().map(|text| quoted(text)).collect();
        draft.line(&format!("null = [{}]", texts.join(", ")), None);
    }
}

fn write_account_id(draft: &mut Draft<'_>) {
    match draft.column(Meaning::AccountId) {
        Some(column) if column.is_sure => draft.line(&format!("account_id = {}", draft.heading(&column)), None),
        Some(column) => {
            let doubt = "it may be the account's number; the account is given below instead";
            draft.line(&format!("# account_id = {}", draft.heading(&column)), Some(doubt));
        }
        None => {}
    }
}

fn write_txn_id(draft: &mut Draft<'_>) {
    let Some(column) = draft.column(Meaning::TxnId) else { return };
    let line = format!("txn_id = {}", draft.heading(&column));
    let values = draft.values(column.column);
    let distinct: BTreeSet<&&str> = values.iter().collect();
    match distinct.len() == values.len() && !values.is_empty() {
        true => draft.line(&line, draft.doubt(&column)),
        false => {
            let doubt = "its values repeat, so identifiers are made from the file instead";
            draft.line(&format!("# {line}"), Some(doubt));
        }
    }
}

fn write_currency(draft: &mut Draft<'_>) {
    let Some(column) = draft.column(Meaning::Currency) else { return };
    let values = draft.values(column.column);
    let pairs: Vec<String> = CURRENCIES
        .iter()
        .filter(|(from, _)| values.contains(from))
        .map(|(from, to)| format!("{} = {}", quoted(from), quoted(to)))
        .collect();
    let is_code = |value: &&str| value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_known = |value: &&str| is_code(value) || CURRENCIES.iter().any(|(from, _)| from == value);
    let unknown = !values.iter().all(is_known);
    let heading = draft.heading(&column);
    let line = match pairs.as_slice() {
        [] => format!("currency = {heading}"),
        pairs => format!("currency = {{ column = {heading}, values = {{ {} }} }}", pairs.join(", ")),
    };
    let doubt = unknown.then_some("some values are no currency that we know");
    draft.line(&line, doubt.or(draft.doubt(&column)));
}

fn write_texts(draft: &mut Draft<'_>) {
    for (meaning, name) in [
        (Meaning::Name, "counterparty_name"),
        (Meaning::Account, "counterparty_account"),
        (Meaning::Bank, "counterparty_bank"),
        (Meaning::Uscc, "counterparty_uscc"),
        (Meaning::Summary, "summary"),
        (Meaning::Remark, "remark"),
    ] {
        if let Some(column) = draft.column(meaning) {
            draft.line(&format!("{name} = {}", draft.heading(&column)), draft.doubt(&column));
        }
    }
}

fn write_unused(draft: &mut Draft<'_>) {
    let is_unused = |at: &usize| draft.columns.iter().all(|column| column.column != *at);
    let unused = (0..draft.table.header.len()).filter(is_unused).map(|at| draft.table.header[at].as_str());
    let unused: Vec<&str> = unused.filter(|name| !name.is_empty()).collect();
    if !unused.is_empty() {
        draft.line(&format!("# not used: {}", unused.join(", ").replace(['\n', '\r'], " ")), None);
    }
}

fn write_accounts(draft: &mut Draft<'_>) {
    if draft.column(Meaning::AccountId).is_some_and(|column| column.is_sure) {
        return draft.line("# Accounts come in the feed's own layout: --accounts PATH.", None);
    }
    draft.line(
        "# The file names no account. Give the rest by --account COLUMN=TEXT, or here: account_id, provider_id,",
        None,
    );
    draft.line("# provider_name, subject_uscc, subject_name.", None);
    draft.line("[accounts.constants]", None);
    draft.line("account_type = \"general\"", Some("basic, general, special or temporary"));
    draft.line("currency = \"CNY\"", Some("the file is not asked"));
    draft.line("status = \"active\"", None);
}
