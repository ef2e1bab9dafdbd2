//! Names of the bank's own accounts: agency accounts and internal ones.
//!
//! Owns their patterns. `k` in a pattern is the short name of the bank that keeps the account.

use super::pattern::Filler;

/// The agency business of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agency {
    Payroll,
    Collection,
    Payout,
    Settlement,
}

impl Agency {
    #[cfg(test)]
    pub(crate) const ALL: [Agency; 4] = [Agency::Payroll, Agency::Collection, Agency::Payout, Agency::Settlement];

    fn patterns(self) -> &'static [&'static str] {
        match self {
            Agency::Payroll => &[
                "代发工资",
                "代发工资户",
                "代发工资过渡户",
                "代发工资专户",
                "批量代发户",
                "工资代发户",
                "待代发工资款项",
                "k代发工资户",
                "代发工资（k）",
                "k代发业务专户",
                "代发薪资过渡户",
                "网银代发工资过渡户",
            ],
            Agency::Collection => &[
                "批量代扣",
                "批量代收",
                "代扣代缴过渡户",
                "代收代付过渡户",
                "代收水电费过渡户",
                "代扣电费",
                "代收燃气费",
                "k批量代扣户",
                "代收业务待清算款项",
                "代理收付款项",
                "k代收代付资金",
                "代扣业务过渡户",
            ],
            Agency::Payout => &[
                "批量代付",
                "代付业务过渡户",
                "代收代付款项",
                "代理收付资金",
                "k批量代付户",
                "代付款项",
                "代发款项过渡户",
                "k代收付业务资金",
            ],
            Agency::Settlement => &[
                "特约商户待清算款项",
                "银行卡收单待清算",
                "收单业务待清算资金",
                "商户结算资金",
                "POS商户清算资金",
                "POS清算过渡户",
                "k商户清算户",
                "收单清算款项",
                "待清算商户款项",
                "k收单业务过渡户",
            ],
        }
    }
}

/// The purpose of an internal account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Internal {
    DepositInterest,
    LoanInterest,
    Fee,
    Loan,
    FixedDeposit,
    Wealth,
    Margin,
    Clearing,
}

impl Internal {
    #[cfg(test)]
    pub(crate) const ALL: [Internal; 8] = [
        Internal::DepositInterest,
        Internal::LoanInterest,
        Internal::Fee,
        Internal::Loan,
        Internal::FixedDeposit,
        Internal::Wealth,
        Internal::Margin,
        Internal::Clearing,
    ];

    fn patterns(self) -> &'static [&'static str] {
        match self {
            Internal::DepositInterest => &[
                "应付利息",
                "应付单位活期存款利息",
                "单位活期存款利息支出",
                "应付活期存款利息",
                "利息支出",
                "活期存款利息支出－单位",
                "应付协定存款利息",
            ],
            Internal::LoanInterest => &[
                "贷款利息收入",
                "短期贷款利息收入",
                "应收贷款利息",
                "应收利息",
                "普惠小微企业贷款利息收入",
                "流动资金贷款利息收入",
                "利息收入",
            ],
            Internal::Fee => &[
                "手续费收入",
                "结算手续费收入",
                "汇划手续费收入",
                "账户管理费收入",
                "短信服务费收入",
                "工本费收入",
                "电子银行业务手续费收入",
                "手续费及佣金收入",
                "人民币结算业务手续费收入",
            ],
            Internal::Loan => &[
                "普惠小微企业贷款",
                "短期流动资金贷款",
                "流动资金贷款",
                "小企业贷款",
                "单位短期贷款",
                "个人经营性贷款",
                "贷款本金",
                "k贷款户",
                "抵押贷款－小微企业",
                "贷款过渡户",
            ],
            Internal::FixedDeposit => &[
                "单位定期存款",
                "单位通知存款",
                "单位一年期定期存款",
                "单位大额存单",
                "单位协定存款",
                "结构性存款－单位",
                "k单位定期存款",
            ],
            Internal::Wealth => {
                &["理财产品归集户", "理财资金归集户", "理财本金", "理财产品募集资金归集户", "k理财资金归集户"]
            }
            Internal::Margin => &["存入保证金", "银行承兑汇票保证金", "承兑汇票保证金", "保函保证金", "信用证保证金"],
            Internal::Clearing => &[
                "待清算款项",
                "同城清算资金",
                "汇出汇款",
                "应解汇款",
                "待处理结算款项",
                "待划转款项",
                "系统内往来",
                "其他应付款－待处理",
            ],
        }
    }
}

/// Appends the name of an agency account. `bank` is the full name of the bank; some patterns show its short name.
pub(crate) fn push_agency(out: &mut String, bank: &str, which: Agency, hash: u64) {
    Filler { bank, ..Filler::new(hash, 0x6167_656E) }.push_one(out, which.patterns());
}

/// Appends the name of an internal account of the bank.
pub(crate) fn push_internal(out: &mut String, bank: &str, which: Internal, hash: u64) {
    Filler { bank, ..Filler::new(hash, 0x696E_7472) }.push_one(out, which.patterns());
}
