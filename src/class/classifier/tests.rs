//! The classifier against [`Matcher::decide`], which compares texts and caches nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Mutex;

use arrow::array::{Array, DictionaryArray, Int32Array, StringViewArray, UInt8Array, UInt32Array};
use arrow::datatypes::{UInt8Type, UInt16Type};
use proptest::prelude::*;

use super::*;
use crate::account::{Account, KnownAccount};
use crate::class::{Counterparty, Holder, Rules};

/// Accounts in memory, and which of them were asked for.
#[derive(Default)]
struct TestAccounts {
    accounts: Vec<Account>,
    loaded: Mutex<BTreeSet<u32>>,
}

impl Accounts for TestAccounts {
    fn count(&self) -> u32 {
        self.accounts.len() as u32
    }

    fn account(&self, number: u32) -> Option<Cow<'_, Account>> {
        self.loaded.lock().unwrap().insert(number);
        self.accounts.get(number as usize).map(Cow::Borrowed)
    }

    fn find_all(&self, account_ids: &StringViewArray, found: &mut Vec<Option<KnownAccount>>) {
        found.resize(found.len() + account_ids.len(), None);
    }

    fn currency(&self, _code: &str) -> Option<u16> {
        None
    }

    fn currency_of(&self, _number: u32) -> Option<u16> {
        None
    }

    fn has_one_currency(&self) -> bool {
        true
    }
}

fn account(number: usize, uscc: &str, name: &str, former_names: &[&str], provider_name: &str) -> Account {
    Account {
        account_id: format!("{number:08}"),
        provider_id: "P".into(),
        provider_name: provider_name.into(),
        bank_code: None,
        subject_uscc: uscc.to_string(),
        subject_name: name.to_string(),
        former_names: former_names.iter().map(ToString::to_string).collect(),
        account_type: "basic",
        currency: "CNY".into(),
        opened_on: None,
        closed_on: None,
        records_from: None,
        status: "active",
    }
}

/// The same holder by texts.
fn holder(account: &Account) -> Holder {
    let normalised = |name: &str| {
        let mut out = String::new();
        normalise(name, &mut out);
        out
    };
    let names = std::iter::once(&account.subject_name).chain(&account.former_names);
    Holder {
        uscc: account.subject_uscc.clone(),
        names: names.map(|name| normalised(name)).collect(),
        provider_name: normalised(&account.provider_name),
    }
}

/// The values of a row; texts are as the feed has cleaned them, so none is empty.
#[derive(Debug, Clone, Default)]
struct Row {
    account: u32,
    kind: Option<Kind>,
    uscc: Option<String>,
    bank: Option<String>,
    counterparty_account: Option<String>,
    name: Option<String>,
}

/// A class, sub-class, rule, evidence and key, as numbers.
type Classified = (u8, u8, u16, u8, Option<[u8; 16]>);

/// One batch of these rows. Its dictionaries hold each text once or, with `repeated`, once a row.
fn columns(rows: &[Row], repeated: bool) -> ClassifyColumns {
    let text = |of: fn(&Row) -> &Option<String>| -> ArrayRef {
        let texts: Vec<Option<&str>> = rows.iter().map(|row| of(row).as_deref()).collect();
        let values: Vec<&str> = match repeated {
            true => texts.iter().flatten().copied().collect(),
            false => texts.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect(),
        };
        let mut next = 0;
        let keys = texts.iter().map(|text| {
            let key = text.map(|text| match repeated {
                true => next,
                false => values.iter().position(|value| *value == text).unwrap() as i32,
            });
            next += i32::from(text.is_some());
            key
        });
        let keys: Int32Array = keys.collect();
        Arc::new(DictionaryArray::new(keys, Arc::new(StringViewArray::from_iter_values(values))))
    };
    let arrays: [ArrayRef; 6] = [
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.account))),
        Arc::new(rows.iter().map(|row| row.kind.map(|kind| kind as u8)).collect::<UInt8Array>()),
        text(|row| &row.uscc),
        text(|row| &row.bank),
        text(|row| &row.counterparty_account),
        text(|row| &row.name),
    ];
    ClassifyColumns::of_arrays(&arrays).unwrap()
}

fn classified(classifier: &Classifier, columns: &ClassifyColumns) -> Vec<Classified> {
    let array = classifier.classify(columns).unwrap();
    assert_eq!(*array.data_type(), Classifier::data_type());
    let bytes = |at: usize| array.column(at).as_primitive::<UInt8Type>();
    let rules = array.column(2).as_primitive::<UInt16Type>();
    let keys = array.column(4).as_fixed_size_binary();
    let key = |row: usize| keys.is_valid(row).then(|| keys.value(row).try_into().unwrap());
    (0..array.len())
        .map(|row| (bytes(0).value(row), bytes(1).value(row), rules.value(row), bytes(3).value(row), key(row)))
        .collect()
}

/// The expected result of `classified` for a row.
fn decided(matcher: &Matcher, key: &HashKey, holder: &Holder, row: &Row) -> Classified {
    let name = row.name.as_deref().unwrap_or_default();
    let (mut normalised, mut key_text) = (String::new(), String::new());
    normalise(name, &mut normalised);
    let decision = matcher.decide(
        holder,
        &Counterparty {
            kind: row.kind,
            uscc: row.uscc.as_deref(),
            bank_code: row.bank.as_deref(),
            account: row.counterparty_account.as_deref(),
            normalised_name: &normalised,
            name_facts: matcher.name_facts(name, &normalised),
        },
    );
    let account = row.counterparty_account.as_deref();
    let key_text = key_input(row.uscc.as_deref(), &normalised, account, &mut key_text);
    let key = key_text.map(|text| key.counterparty(text).to_le_bytes());
    (decision.class as u8, decision.subclass as u8, decision.rule, decision.evidence as u8, key)
}

const USCCS: [&str; 5] =
    ["91310000MA1FL0000X", "91310000MA1FL0001X", "92310000MA1FL0000X", "11310000000000000X", "52310000000000000X"];

/// Names of holders, banks, public bodies, and of nobody: the last one is empty after normalisation.
const NAMES: [&str; 9] = [
    "甲乙商贸有限公司",
    "甲乙商贸（上海）有限公司",
    "Abc Trade Co., Ltd.",
    "示例银行股份有限公司",
    "示例银行股份有限公司上海分行",
    "国家税务总局某市税务局",
    "财付通支付科技有限公司",
    "张三",
    "（-）",
];

/// The same name in another width, case or spacing, or another name that begins with it.
fn variant(name: &str, variant: usize) -> String {
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
        c => c,
    };
    match variant {
        0 => name.to_string(),
        1 => name.chars().map(wide).collect(),
        2 => name.chars().flat_map(|c| [c, '\u{3000}']).collect::<String>().trim().to_string(),
        3 => name.replace(['（', '）'], "-").to_uppercase(),
        4 => format!("{name}。"),
        _ => format!("{name}分公司"),
    }
}

fn name() -> impl Strategy<Value = String> {
    (prop::sample::select(&NAMES), 0..6_usize).prop_map(|(name, number)| variant(name, number))
}

fn accounts() -> impl Strategy<Value = Vec<Account>> {
    let one = (prop::sample::select(&USCCS), name(), prop::collection::vec(name(), 0..3), name());
    prop::collection::vec(one, 1..5).prop_map(|all| {
        let account = |(number, (uscc, name, former, provider)): (usize, (&str, String, Vec<String>, String))| {
            let former: Vec<&str> = former.iter().map(String::as_str).collect();
            account(number, uscc, &name, &former, &provider)
        };
        all.into_iter().enumerate().map(account).collect()
    })
}

fn row() -> impl Strategy<Value = Row> {
    let text = |texts: &'static [&'static str]| prop::option::of(prop::sample::select(texts).prop_map(str::to_string));
    (
        any::<u32>(),
        prop::option::weighted(0.3, prop::sample::select(&Kind::ALL)),
        prop::option::weighted(0.3, prop::sample::select(&USCCS).prop_map(str::to_string)),
        text(&["011290000000", "102100000000"]),
        text(&["2088000000000156", "6222**", "--", "＊"]),
        prop::option::weighted(0.8, name()),
    )
        .prop_map(|(account, kind, uscc, bank, counterparty_account, name)| Row {
            account,
            kind,
            uscc,
            bank,
            counterparty_account,
            name,
        })
}

proptest! {
    #[test]
    fn keys_and_caches_decide_as_texts_do(
        accounts in accounts(),
        batches in prop::collection::vec((prop::collection::vec(row(), 1..60), any::<bool>()), 1..4),
    ) {
        let (matcher, key) = (Arc::new(Matcher::new(&Rules::builtin())), HashKey::from_bytes([7; 32]));
        let holders: Vec<Holder> = accounts.iter().map(holder).collect();
        let accounts = Arc::new(TestAccounts { accounts, ..TestAccounts::default() });
        let classifier = Classifier::new(Arc::clone(&matcher), Arc::clone(&accounts) as _, key.clone(), 0);
        for (mut rows, repeated) in batches {
            rows.iter_mut().for_each(|row| row.account %= holders.len() as u32);
            let got = classified(&classifier, &columns(&rows, repeated));
            for (row, got) in rows.iter().zip(got) {
                let expected = decided(&matcher, &key, &holders[row.account as usize], row);
                prop_assert_eq!(got, expected, "{:?} on {:?}", row, accounts.accounts[row.account as usize]);
            }
        }
    }
}

#[test]
fn holders_are_made_for_the_accounts_of_a_batch_alone() {
    let name = |number: usize| format!("第{number}商行");
    let accounts = (0..3_000).map(|number| account(number, USCCS[0], &name(number), &[], NAMES[3])).collect();
    let accounts = Arc::new(TestAccounts { accounts, ..TestAccounts::default() });
    let matcher = Arc::new(Matcher::new(&Rules::builtin()));
    let classifier = Classifier::new(matcher, Arc::clone(&accounts) as _, HashKey::from_bytes([7; 32]), 0);
    assert!(accounts.loaded.lock().unwrap().is_empty());
    let row = |account: u32, name: String| Row { account, name: Some(name), ..Row::default() };
    let rows = [row(2_999, name(2_999)), row(1_024, name(1_023)), row(2_999, name(1)), row(1_024, name(1_024))];
    let classes: Vec<u8> = classified(&classifier, &columns(&rows, false)).iter().map(|row| row.0).collect();
    let (same, other) = (crate::class::Class::SameName as u8, crate::class::Class::Other as u8);
    assert_eq!(classes, [same, other, other, same]);
    assert_eq!(*accounts.loaded.lock().unwrap(), BTreeSet::from([1_024, 2_999]));
}

#[test]
fn an_account_that_does_not_exist_is_an_error() {
    let matcher = Arc::new(Matcher::new(&Rules::builtin()));
    for count in [0, 1, CHUNK_EDGE] {
        let accounts = (0..count).map(|number| account(number, USCCS[0], NAMES[0], &[], NAMES[3])).collect();
        let accounts = Arc::new(TestAccounts { accounts, ..TestAccounts::default() });
        let classifier = Classifier::new(Arc::clone(&matcher), accounts, HashKey::from_bytes([7; 32]), 0);
        for account in [count as u32, u32::MAX] {
            let row = Row { account, name: Some("甲".to_string()), ..Row::default() };
            let error = classifier.classify(&columns(&[row], false)).unwrap_err();
            assert!(error.to_string().contains("internal error"), "{error}");
        }
    }
}

/// As many accounts as one chunk of the table of holders has.
const CHUNK_EDGE: usize = 1 << 10;

#[test]
fn other_columns_are_refused() {
    let ClassifyColumns { account, kind, uscc, .. } = columns(&[Row::default()], false);
    let text = uscc.to_array().unwrap();
    let arrays: Vec<ArrayRef> =
        vec![Arc::new(account), Arc::new(kind), Arc::clone(&text), Arc::clone(&text), Arc::clone(&text), text];
    assert!(ClassifyColumns::of_arrays(&arrays).is_some());
    assert!(ClassifyColumns::of_arrays(&arrays[..5]).is_none());
    let swapped = |one: usize, other: usize| {
        let mut arrays = arrays.clone();
        arrays.swap(one, other);
        ClassifyColumns::of_arrays(&arrays).is_some()
    };
    assert!(!swapped(0, 1) && !swapped(1, 2));
    let mut uneven = arrays.clone();
    uneven[5] = DictionaryColumn::none(2).to_array().unwrap();
    assert!(ClassifyColumns::of_arrays(&uneven).is_none());
}
