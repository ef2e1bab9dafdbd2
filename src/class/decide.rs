//! The order in which evidence decides a class: the table of classes, row by row.
//!
//! Owns: rows 1 to 3 of the table, when a counterparty is the holder, and the rows between which the file's rules decide.
//! Does not own: the facts of a single value ([`super::matcher`]).

use super::counterparty_key::has_key_chars;
use super::matcher::{Facts, Matcher, RuleSet};
use super::rules::CODE_RULES;
use super::{Class, Evidence, Kind, Subclass};

/// The holder of an account, and the bank that keeps it, by texts.
#[derive(Debug, Clone, Default)]
pub struct Holder {
    /// The unified social credit code.
    pub uscc: String,
    /// Normalised names, the current and the former ones.
    pub names: Vec<String>,
    /// The normalised name of the bank that keeps the account.
    pub provider_name: String,
}

/// The counterparty of a row, by texts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counterparty<'a> {
    /// The kind of the transaction, if given.
    pub kind: Option<Kind>,
    /// The unified social credit code, upper-cased.
    pub uscc: Option<&'a str>,
    /// The CNAPS code of the counterparty's bank.
    pub bank_code: Option<&'a str>,
    /// The account number as in the feed.
    pub account: Option<&'a str>,
    /// The normalised name; empty if there is none.
    pub normalised_name: &'a str,
    /// [`Matcher::name_facts`] of the name; the default if there is none.
    pub name_facts: Facts,
}

/// A row's class, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The class.
    pub class: Class,
    /// The sub-class.
    pub subclass: Subclass,
    /// The strongest evidence for the class.
    pub evidence: Evidence,
    /// The number of the rule that gave the sub-class: see [`Matcher::rule_id`].
    pub(super) rule: u16,
}

/// The rules of the code, in the order of `CODE_RULES`.
#[derive(Clone, Copy)]
enum CodeRule {
    Cash,
    BankPrincipal,
    SameUscc,
    SameName,
    ProviderName,
    Unidentified,
    Trade,
}

impl Decision {
    fn by_code(rule: CodeRule) -> Decision {
        let (class, subclass, evidence) = match rule {
            CodeRule::Cash => (Class::Cash, Subclass::None, Evidence::Kind),
            CodeRule::BankPrincipal => (Class::OpeningBank, Subclass::None, Evidence::Kind),
            CodeRule::SameUscc => (Class::SameName, Subclass::None, Evidence::Uscc),
            CodeRule::SameName => (Class::SameName, Subclass::None, Evidence::Name),
            CodeRule::ProviderName => (Class::OpeningBank, Subclass::None, Evidence::Name),
            CodeRule::Unidentified => (Class::Other, Subclass::Unidentified, Evidence::None),
            CodeRule::Trade => (Class::Other, Subclass::Trade, Evidence::None),
        };
        Decision { class, subclass, evidence, rule: rule as u16 }
    }

    /// The decision of the code's rule with this number; `None` for the numbers of the file's rules.
    pub(super) fn of_code_rule(index: usize) -> Option<Decision> {
        const ALL: [CodeRule; CODE_RULES.len()] = [
            CodeRule::Cash,
            CodeRule::BankPrincipal,
            CodeRule::SameUscc,
            CodeRule::SameName,
            CodeRule::ProviderName,
            CodeRule::Unidentified,
            CodeRule::Trade,
        ];
        ALL.get(index).map(|rule| Decision::by_code(*rule))
    }

    /// Number of the rule, for tables by rule; below [`Matcher::rule_count`].
    pub fn rule_index(self) -> usize {
        usize::from(self.rule)
    }
}

/// How the counterparty of a row is related to the row's account, whatever the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Relation {
    /// Its code is the holder's.
    is_same_uscc: bool,
    /// It has no code, and its name is one of the holder's.
    is_same_name: bool,
    /// Its name is that of the bank that keeps the account.
    is_provider: bool,
}

/// The holder of an account, and the bank that keeps it, as rows are compared with them. `T` is what a code or a
/// normalised name is compared by: its text, or its keyed hash.
pub(super) trait HolderIdentity<T: Copy> {
    /// Whether this is the holder's code.
    fn is_uscc(&self, uscc: T) -> bool;

    /// Whether this is a current or former name of the holder.
    fn is_name(&self, name: T) -> bool;

    /// Whether this is the name of the bank that keeps the account.
    fn is_provider(&self, name: T) -> bool;

    /// The relation of a counterparty with this code and this name; `None` is for a text that is absent or empty. A code
    /// decides alone whether the counterparty is the holder: a name that two companies share is overruled by their codes.
    #[inline]
    fn relation(&self, uscc: Option<T>, name: Option<T>) -> Relation {
        Relation {
            is_same_uscc: uscc.is_some_and(|uscc| self.is_uscc(uscc)),
            is_same_name: uscc.is_none() && name.is_some_and(|name| self.is_name(name)),
            is_provider: name.is_some_and(|name| self.is_provider(name)),
        }
    }
}

impl HolderIdentity<&str> for Holder {
    fn is_uscc(&self, uscc: &str) -> bool {
        self.uscc == uscc
    }

    fn is_name(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    fn is_provider(&self, name: &str) -> bool {
        self.provider_name == name
    }
}

/// The decisions that a row's own values lead to, whichever account it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Rows 1 and 2 of the table, by kind.
    by_kind: Option<Decision>,
    /// Rows 4 to 7, by the file's rules.
    by_rule: Option<Decision>,
    /// Row 8.
    rest: Decision,
}

impl Verdict {
    /// The class of a row with this relation: the first row of the table that matches.
    pub fn of(&self, relation: Relation) -> Decision {
        let by_relation = || match relation {
            Relation { is_same_uscc: true, .. } => Some(CodeRule::SameUscc),
            Relation { is_same_name: true, .. } => Some(CodeRule::SameName),
            _ => None,
        };
        self.by_kind
            .or_else(|| by_relation().map(Decision::by_code))
            .or(self.by_rule)
            .or_else(|| relation.is_provider.then(|| Decision::by_code(CodeRule::ProviderName)))
            .unwrap_or(self.rest)
    }
}

impl Matcher {
    /// The class of a row: the first row of the table of classes that matches. It depends on the arguments alone.
    pub fn decide(&self, holder: &Holder, row: &Counterparty<'_>) -> Decision {
        let (uscc, name) = (row.uscc.and_then(not_empty), not_empty(row.normalised_name));
        let facts = RowFacts {
            kind: row.kind,
            uscc: self.uscc_facts(row.uscc),
            bank: self.bank_facts(row.bank_code),
            account: self.account_facts(row.account),
            name: row.name_facts,
            is_business: row.uscc.is_some_and(is_business),
            is_identified: uscc.is_some() || name.is_some() || row.account.is_some_and(has_key_chars),
        };
        self.verdict(&facts).of(holder.relation(uscc, name))
    }

    /// The verdict on the facts of a row.
    pub(super) fn verdict(&self, row: &RowFacts) -> Verdict {
        let kind = self.kind_facts(row.kind);
        let hits = [
            (Evidence::Uscc, row.uscc.hits),
            (Evidence::BankCode, row.bank.hits),
            (Evidence::Kind, kind.hits),
            (Evidence::Account, row.account.hits),
            (Evidence::Name, row.name.hits),
        ];
        let mut bars = kind.bars;
        [row.uscc, row.bank, row.account, row.name].iter().for_each(|facts| bars.add(facts.bars));
        let by_rule = |class| self.decide_class(class, &hits, bars, row.is_business);
        let unruled = if row.is_identified { CodeRule::Trade } else { CodeRule::Unidentified };
        Verdict {
            by_kind: row.kind.and_then(by_kind).map(Decision::by_code),
            by_rule: by_rule(Class::Public)
                .or_else(|| by_rule(Class::PaymentPlatform))
                .or_else(|| by_rule(Class::Agency))
                .or_else(|| by_rule(Class::OpeningBank)),
            rest: by_rule(Class::Other).unwrap_or_else(|| Decision::by_code(unruled)),
        }
    }

    /// The decision for `class`, if a rule of the file gives it: the first such rule in the file's order.
    fn decide_class(
        &self,
        class: Class,
        hits: &[(Evidence, RuleSet)],
        bars: RuleSet,
        is_business: bool,
    ) -> Option<Decision> {
        let mut allowed = self.of_class(class);
        allowed.remove(bars);
        let mut found = RuleSet::default();
        let mut strongest = Evidence::None;
        for (evidence, hits) in hits {
            // A business is not a public body, whatever its name.
            if *evidence == Evidence::Name && class == Class::Public && is_business {
                continue;
            }
            let hits = hits.and(allowed);
            if !hits.is_empty() {
                strongest = strongest.min(*evidence);
                found.add(hits);
            }
        }
        let index = found.first()?;
        Some(Decision {
            class,
            subclass: self.subclass(index),
            evidence: strongest,
            rule: (CODE_RULES.len() + index) as u16,
        })
    }
}

/// Rows 1 and 2 of the table.
fn by_kind(kind: Kind) -> Option<CodeRule> {
    match kind {
        Kind::CashDeposit | Kind::CashWithdrawal => Some(CodeRule::Cash),
        Kind::Interest
        | Kind::Fee
        | Kind::LoanDisbursement
        | Kind::LoanRepayment
        | Kind::WealthPurchase
        | Kind::WealthRedemption
        | Kind::Margin
        | Kind::Fx => Some(CodeRule::BankPrincipal),
        _ => None,
    }
}

/// The facts of each value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RowFacts {
    /// The kind, if given.
    pub kind: Option<Kind>,
    /// Of the unified social credit code.
    pub uscc: Facts,
    /// Of the code of the counterparty's bank.
    pub bank: Facts,
    /// Of the account number.
    pub account: Facts,
    /// Of the name.
    pub name: Facts,
    /// [`is_business`] of the code.
    pub is_business: bool,
    /// Whether a code, a name or an account number identifies the counterparty.
    pub is_identified: bool,
}

/// Whether a code is a business's.
pub(super) fn is_business(uscc: &str) -> bool {
    uscc.starts_with('9')
}

fn not_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::{Rules, normalise};
    use super::*;

    const SUBJECT: &str = "91310000MA1FL0000X";

    struct Row(Option<Kind>, Option<&'static str>, Option<&'static str>, Option<&'static str>, &'static str);

    fn decide(matcher: &Matcher, Row(kind, uscc, bank_code, account, name): Row) -> (Decision, String) {
        let holder = Holder {
            uscc: SUBJECT.to_string(),
            names: vec!["甲乙商贸有限公司".to_string(), "旧名商贸有限公司".to_string()],
            provider_name: "示例银行股份有限公司".to_string(),
        };
        let mut normalised_name = String::new();
        normalise(name, &mut normalised_name);
        let name_facts = matcher.name_facts(name, &normalised_name);
        let row = Counterparty { kind, uscc, bank_code, account, normalised_name: &normalised_name, name_facts };
        let decision = matcher.decide(&holder, &row);
        (decision, matcher.rule_id(decision).to_string())
    }

    /// One case per row, in the order of the table: the values, then class, sub-class, evidence and rule.
    #[test]
    fn the_order_of_the_table() {
        use {Class as C, Evidence as E, Kind as K, Subclass as S};
        let matcher = Matcher::new(&Rules::builtin());
        const TAX: &str = "国家税务总局某市税务局";
        const BODY: Option<&str> = Some("11310000000000000X");
        const FIRM: Option<&str> = Some("91110000000000000X");
        let same = Some(SUBJECT);
        let own = "甲乙商贸（有限公司）";
        for (row, class, subclass, evidence, rule) in [
            // 1: cash, before everything.
            (Row(Some(K::CashDeposit), same, None, None, TAX), C::Cash, S::None, E::Kind, "cash"),
            (Row(Some(K::CashWithdrawal), BODY, None, None, ""), C::Cash, S::None, E::Kind, "cash"),
            // 2: the bank by kind, before same name.
            (Row(Some(K::Interest), same, None, None, own), C::OpeningBank, S::None, E::Kind, "bank-principal"),
            (Row(Some(K::Fx), BODY, None, None, TAX), C::OpeningBank, S::None, E::Kind, "bank-principal"),
            // 3: same name, by code, else by name; another code rules it out.
            (Row(Some(K::Tax), same, None, None, TAX), C::SameName, S::None, E::Uscc, "same-uscc"),
            (Row(None, None, None, None, own), C::SameName, S::None, E::Name, "same-name"),
            (Row(None, None, None, None, "旧名商贸有限公司"), C::SameName, S::None, E::Name, "same-name"),
            (Row(None, FIRM, None, None, own), C::Other, S::Trade, E::None, "trade"),
            (Row(None, None, None, None, "甲乙商贸有限公司上海分公司"), C::Other, S::Trade, E::None, "trade"),
            // 4: public; the file's order gives the sub-class, the strongest evidence counts.
            (Row(None, BODY, None, None, ""), C::Public, S::OtherPublic, E::Uscc, "uscc-public"),
            (Row(None, BODY, None, None, TAX), C::Public, S::Tax, E::Uscc, "name-tax"),
            (Row(None, None, Some("011290000000"), None, "某"), C::Public, S::Treasury, E::BankCode, "bank-treasury"),
            (Row(Some(K::Tax), None, Some("011290000000"), None, ""), C::Public, S::Tax, E::BankCode, "kind-tax"),
            (
                Row(Some(K::SocialInsurance), None, None, None, TAX),
                C::Public,
                S::SocialInsurance,
                E::Kind,
                "kind-social-insurance",
            ),
            (Row(Some(K::HousingFund), FIRM, None, None, ""), C::Public, S::HousingFund, E::Kind, "kind-housing-fund"),
            (Row(None, None, None, None, TAX), C::Public, S::Tax, E::Name, "name-tax"),
            (Row(Some(K::Payroll), BODY, None, None, ""), C::Public, S::OtherPublic, E::Uscc, "uscc-public"),
            // A business is not a public body by its name; the next rows of the table are open to it.
            (Row(None, FIRM, None, None, TAX), C::Other, S::Trade, E::None, "trade"),
            (Row(Some(K::Payroll), FIRM, None, None, TAX), C::Agency, S::None, E::Kind, "kind-agency"),
            // 5: platforms, before agency.
            (Row(None, FIRM, None, None, "财付通支付科技有限公司"), C::PaymentPlatform, S::None, E::Name, "tenpay"),
            (
                Row(Some(K::MerchantSettlement), None, None, Some("2088-0000 00000156"), "张三"),
                C::PaymentPlatform,
                S::None,
                E::Account,
                "platform-account",
            ),
            // 6: agency, before the bank's own accounts.
            (Row(Some(K::AgencyPayout), None, None, None, "应付利息"), C::Agency, S::None, E::Kind, "kind-agency"),
            (Row(None, None, None, None, "待划转代扣款"), C::Agency, S::None, E::Name, "name-agency"),
            // 7: the bank.
            (Row(Some(K::DepositPlacement), None, None, None, ""), C::OpeningBank, S::None, E::Kind, "kind-deposit"),
            (
                Row(None, None, None, None, "示例银行（股份）有限公司"),
                C::OpeningBank,
                S::None,
                E::Name,
                "provider-name",
            ),
            (
                Row(None, None, None, None, "应付个人活期储蓄存款利息"),
                C::OpeningBank,
                S::None,
                E::Name,
                "name-bank-internal",
            ),
            // 8: the rest.
            (Row(None, FIRM, None, None, "国网某省电力有限公司"), C::Other, S::Utility, E::Name, "name-utility"),
            (Row(Some(K::Transfer), None, None, Some("6222**"), ""), C::Other, S::Trade, E::None, "trade"),
            (
                Row(Some(K::Other), None, None, Some("**--"), "（-）"),
                C::Other,
                S::Unidentified,
                E::None,
                "unidentified",
            ),
            (Row(None, None, None, None, ""), C::Other, S::Unidentified, E::None, "unidentified"),
        ] {
            let values = format!("{:?} {:?} {:?} {:?} {}", row.0, row.1, row.2, row.3, row.4);
            let (decision, id) = decide(&matcher, row);
            let got = (decision.class, decision.subclass, decision.evidence, id.as_str());
            assert_eq!(got, (class, subclass, evidence, rule), "{values}");
            assert!(decision.rule_index() < matcher.rule_count());
        }
    }

    #[test]
    fn names() {
        use {Class as C, Subclass as S};
        let matcher = Matcher::new(&Rules::builtin());
        for (name, class, subclass) in [
            ("国家税务总局某市税务局", C::Public, S::Tax),
            ("国家税务总局驻马店市驿城区税务局（社保费）", C::Public, S::Tax),
            ("某某税务师事务所有限公司", C::Other, S::Trade),
            ("待报解预算收入", C::Public, S::Treasury),
            ("待报解预算收入（TIPS系统）", C::Public, S::Treasury),
            ("TIPS电子缴税款业务待报解预算收入", C::Public, S::Treasury),
            ("待报解预算收入-电子退库", C::Public, S::Treasury),
            ("国家金库某市中心支库（待缴库税款）", C::Public, S::Treasury),
            ("某市社会保险事业管理中心", C::Public, S::SocialInsurance),
            ("某市医疗保障局", C::Public, S::SocialInsurance),
            ("社保科技有限公司", C::Other, S::Trade),
            ("北京住房公积金管理中心1111111111", C::Public, S::HousingFund),
            ("公积金大厦酒店", C::Other, S::Trade),
            ("中华人民共和国上海海关", C::Public, S::Customs),
            ("马鞍山海关（保证金）", C::Public, S::Customs),
            ("山海关海关", C::Public, S::Customs),
            ("秦皇岛市山海关", C::Other, S::Trade),
            ("海关报关有限公司", C::Other, S::Trade),
            ("上海关东大嫂超市有限公司", C::Other, S::Trade),
            ("秦皇岛市山海关区财政局", C::Public, S::Fiscal),
            ("某县财政国库支付中心零余额账户", C::Public, S::Fiscal),
            ("某市中级人民法院", C::Public, S::Judicial),
            ("公安县公安局", C::Public, S::OtherPublic),
            ("公安县铜套有限公司", C::Other, S::Trade),
            ("某某银行股份有限公司市政府支行", C::Other, S::Trade),
            ("某某大学附属第一医院", C::Public, S::EducationHealth),
            ("支付宝", C::PaymentPlatform, S::None),
            ("支付宝-李四", C::PaymentPlatform, S::None),
            ("支付宝（中国）网络技术有限公司客户备付金", C::PaymentPlatform, S::None),
            ("某某支付宝贝母婴用品店", C::Other, S::Trade),
            ("支付宝贝母婴用品店", C::Other, S::Trade),
            ("深圳市财付通支付科技有限公司", C::PaymentPlatform, S::None),
            ("微信支付北京一卡通", C::PaymentPlatform, S::None),
            ("某市优微信息技术有限公司", C::Other, S::Trade),
            ("银联商务股份有限公司客户备付金", C::PaymentPlatform, S::None),
            ("跨境银行间支付清算（上海）有限责任公司", C::Other, S::Trade),
            ("代发工资户", C::Agency, S::None),
            ("代发明", C::Other, S::Trade),
            ("某某小额贷款有限公司", C::Other, S::Trade),
            ("手续费收入", C::OpeningBank, S::None),
            ("国网某省电力有限公司某市供电公司", C::Other, S::Utility),
            ("某市自来水公司", C::Other, S::Utility),
            ("某某燃气设备有限公司", C::Other, S::Trade),
        ] {
            let (decision, id) = decide(&matcher, Row(None, None, None, None, name));
            assert_eq!((decision.class, decision.subclass), (class, subclass), "{name} by {id}");
        }
    }

    #[test]
    fn an_account_prefix_may_state_the_length() {
        let matcher = Matcher::new(&Rules::builtin());
        for (account, class) in [
            ("2088000000000156", Class::PaymentPlatform),
            ("2088********0156", Class::PaymentPlatform),
            ("2088000000000000156", Class::Other),
            ("208800000000015", Class::Other),
            // A mask stands for any number of digits.
            ("2088******0156", Class::PaymentPlatform),
            ("2088******00000000156", Class::PaymentPlatform),
            ("2088******0000000000156", Class::Other),
            ("2088＊＊＊＊＊＊0156", Class::PaymentPlatform),
            ("2088••••••0156", Class::PaymentPlatform),
            // Characters behind a mask are not the beginning.
            ("****2088", Class::Other),
            ("***2088****0156", Class::Other),
            ("****Z201", Class::Other),
            ("Z2000133000019", Class::PaymentPlatform),
            ("Z2004944000010N", Class::PaymentPlatform),
            ("z200******010N", Class::PaymentPlatform),
            ("Z200013300001", Class::Other),
            ("Z20001330000190N", Class::Other),
        ] {
            let (decision, _) = decide(&matcher, Row(None, None, None, Some(account), "张三"));
            assert_eq!(decision.class, class, "{account}");
        }
    }

    #[test]
    fn an_unless_of_any_form_bars_the_whole_rule() {
        let text = r#"
            version = "1"
            [[rule]]
            id = "a"
            class = "AGENCY"
            kind = ["BILL"]
            name.is = ["甲"]
            unless = { uscc_prefix = ["5"], bank_prefix = ["102"], account_prefix = ["9"], kind = ["PAYROLL"] }
            [[rule]]
            id = "b"
            class = "AGENCY"
            name.contains = ["甲"]
        "#;
        let matcher = Matcher::new(&Rules::parse(text).unwrap_or_else(|error| panic!("{error}")));
        for (row, rule) in [
            (Row(None, None, None, None, "甲"), "a"),
            (Row(Some(Kind::Bill), None, None, None, ""), "a"),
            (Row(None, Some("52"), None, None, "甲"), "b"),
            (Row(None, None, Some("102100000000"), None, "甲"), "b"),
            (Row(None, None, None, Some("-9"), "甲"), "b"),
            (Row(Some(Kind::Payroll), None, None, None, "甲"), "b"),
            (Row(Some(Kind::Bill), Some("52"), None, None, ""), "trade"),
        ] {
            assert_eq!(decide(&matcher, row).1, rule);
        }
    }
}
