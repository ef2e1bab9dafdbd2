//! Movements: what a business does with its money, and what a statement then says of it.
//! Owns each movement's direction, kind, wording and intended class; amounts and times are `plan`'s.

use crate::class::Class;

/// Why money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Movement {
    Settlement,
    Acquiring,
    Customer,
    PublicCustomer,
    BillReceived,
    CashDeposit,
    Supplier,
    PlatformPayment,
    CashWithdrawal,
    Person,
    OwnIn,
    OwnOut,
    Verification,
    TopUp,
    Payroll,
    Tax,
    TaxRefund,
    SocialInsurance,
    HousingFund,
    UtilityCollected,
    UtilityPaid,
    Rent,
    Subsidy,
    CourtFee,
    AccountFee,
    TransferFee,
    Interest,
    LoanDisbursed,
    LoanInterest,
    LoanRepaid,
    WealthBought,
    WealthRedeemed,
    DepositPlaced,
    DepositMatured,
    Closing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

/// What all movements of one sort have in common.
pub(crate) struct Spec {
    pub(crate) direction: Direction,
    pub(crate) class: Class,
    pub(crate) subclass: Option<&'static str>,
    pub(crate) kind: &'static str,
    pub(crate) channels: &'static [&'static str],
    pub(crate) summaries: &'static [&'static str],
    /// Empty = null; a `#` is replaced by digits.
    pub(crate) remarks: &'static [&'static str],
    /// Names of the bank's internal accounts, where such an account is the counterparty. Empty = null.
    pub(crate) internal: &'static [&'static str],
    /// Whether a booking may later be found wrong and be reversed.
    pub(crate) reversible: bool,
}

const NETBANK: &[&str] = &["netbank", "netbank", "netbank", "mobile", "counter"];
const BATCH: &[&str] = &["batch"];
const SYSTEM: &[&str] = &["system"];
const COUNTER: &[&str] = &["counter"];
const PLATFORM: &[&str] = &["platform"];
const NONE: &[&str] = &[""];

const BASE: Spec = Spec {
    direction: Direction::In,
    class: Class::Other,
    subclass: Some("trade"),
    kind: "TRANSFER",
    channels: NETBANK,
    summaries: &["转账"],
    remarks: NONE,
    internal: NONE,
    reversible: false,
};
const OUT: Spec = Spec { direction: Direction::Out, ..BASE };
const BANK_IN: Spec = Spec { class: Class::OpeningBank, subclass: None, channels: SYSTEM, ..BASE };
const BANK_OUT: Spec = Spec { direction: Direction::Out, ..BANK_IN };

impl Movement {
    pub(crate) fn spec(self) -> &'static Spec {
        match self {
            Movement::Settlement
            | Movement::PlatformPayment
            | Movement::Customer
            | Movement::PublicCustomer
            | Movement::BillReceived
            | Movement::Supplier
            | Movement::Person
            | Movement::Verification
            | Movement::TopUp
            | Movement::Rent => self.trade(),
            Movement::CashDeposit
            | Movement::CashWithdrawal
            | Movement::OwnIn
            | Movement::OwnOut
            | Movement::Closing => self.own(),
            Movement::Tax
            | Movement::TaxRefund
            | Movement::SocialInsurance
            | Movement::HousingFund
            | Movement::Subsidy
            | Movement::CourtFee => self.public(),
            Movement::Acquiring | Movement::Payroll | Movement::UtilityCollected | Movement::UtilityPaid => {
                self.agency()
            }
            Movement::AccountFee
            | Movement::TransferFee
            | Movement::Interest
            | Movement::LoanDisbursed
            | Movement::LoanInterest
            | Movement::LoanRepaid
            | Movement::WealthBought
            | Movement::WealthRedeemed
            | Movement::DepositPlaced
            | Movement::DepositMatured => self.bank(),
        }
    }

    fn trade(self) -> &'static Spec {
        match self {
            Movement::Settlement => &Spec {
                class: Class::PaymentPlatform,
                subclass: None,
                channels: PLATFORM,
                summaries: &["提现", "商户结算", "交易结算", "平台结算款"],
                remarks: &["", "商户提现#", "T+1结算#"],
                reversible: true,
                ..BASE
            },
            Movement::PlatformPayment => &Spec {
                class: Class::PaymentPlatform,
                subclass: None,
                channels: PLATFORM,
                summaries: &["快捷支付", "充值", "消费", "网上支付"],
                remarks: &["", "", "采购支付", "推广充值"],
                reversible: true,
                ..OUT
            },
            Movement::PublicCustomer => &Spec {
                class: Class::Public,
                subclass: Some("education_health"),
                summaries: &["货款", "采购款", "服务费"],
                remarks: &["", "食堂采购", "办公用品采购", "合同款#"],
                ..BASE
            },
            Movement::BillReceived => &Spec {
                kind: "BILL",
                channels: SYSTEM,
                summaries: &["银票托收", "票据到期"],
                remarks: &["", "票号#"],
                ..BASE
            },
            Movement::Supplier => &Spec {
                summaries: &["货款", "转账", "材料款", "采购款", "往来款"],
                remarks: &["", "", "货款", "付货款", "合同#", "运费", "尾款"],
                reversible: true,
                ..OUT
            },
            Movement::Person => &Spec {
                summaries: &["报销", "备用金", "劳务费", "往来款", "转账"],
                remarks: &["", "", "差旅费", "备用金", "劳务费"],
                reversible: true,
                ..OUT
            },
            Movement::Verification => &Spec {
                kind: "OTHER",
                channels: SYSTEM,
                summaries: &["小额验证", "账户验证"],
                remarks: &["", "验证码#"],
                ..BASE
            },
            Movement::TopUp => {
                &Spec {
                    summaries: &["往来款", "借款", "暂借款"], remarks: &["", "周转", "资金周转"], ..BASE
                }
            }
            Movement::Rent => {
                &Spec { summaries: &["房租", "租金"], remarks: &["", "房租", "季度租金"], ..OUT }
            }
            _ => &Spec {
                summaries: &["货款", "转账", "销售款", "往来款", "收款", "服务费"],
                remarks: &["", "", "货款", "合同款#", "发票号#", "尾款", "预付款", "定金"],
                reversible: true,
                ..BASE
            },
        }
    }

    fn own(self) -> &'static Spec {
        const OWN: Spec = Spec {
            class: Class::SameName,
            subclass: None,
            summaries: &["内部转账", "资金归集", "转账", "往来款"],
            remarks: &["", "", "资金调拨"],
            reversible: true,
            ..BASE
        };
        match self {
            Movement::CashDeposit => &Spec {
                class: Class::Cash,
                subclass: None,
                kind: "CASH_DEPOSIT",
                channels: &["counter", "counter", "pos"],
                summaries: &["现金存入", "存现", "营业款"],
                remarks: &["", "营业款", "货款"],
                reversible: true,
                ..BASE
            },
            Movement::CashWithdrawal => &Spec {
                class: Class::Cash,
                subclass: None,
                kind: "CASH_WITHDRAWAL",
                channels: COUNTER,
                summaries: &["现金支取", "取现"],
                remarks: &["", "备用金", "采购"],
                reversible: true,
                ..OUT
            },
            Movement::Closing => {
                &Spec { direction: Direction::Out, channels: COUNTER, summaries: &["销户"], reversible: false, ..OWN }
            }
            Movement::OwnOut => &Spec { direction: Direction::Out, ..OWN },
            _ => &OWN,
        }
    }

    fn public(self) -> &'static Spec {
        const PUBLIC_OUT: Spec =
            Spec { class: Class::Public, channels: BATCH, subclass: Some("tax"), kind: "TAX", ..OUT };
        match self {
            Movement::TaxRefund => &Spec {
                direction: Direction::In,
                subclass: Some("treasury"),
                kind: "TRANSFER",
                summaries: &["退税", "退库"],
                remarks: &["", "增值税留抵退税"],
                ..PUBLIC_OUT
            },
            Movement::SocialInsurance => &Spec {
                subclass: Some("social_insurance"),
                kind: "SOCIAL_INSURANCE",
                summaries: &["社保费", "社会保险费"],
                remarks: &["", "养老保险", "医疗保险"],
                ..PUBLIC_OUT
            },
            Movement::HousingFund => &Spec {
                subclass: Some("housing_fund"),
                kind: "HOUSING_FUND",
                summaries: &["公积金", "住房公积金"],
                remarks: &["", "汇缴"],
                ..PUBLIC_OUT
            },
            Movement::Subsidy => &Spec {
                direction: Direction::In,
                subclass: Some("fiscal"),
                kind: "TRANSFER",
                summaries: &["补贴", "奖补资金"],
                remarks: &["", "稳岗补贴", "创业补贴"],
                ..PUBLIC_OUT
            },
            Movement::CourtFee => &Spec {
                subclass: Some("judicial"),
                kind: "TRANSFER",
                channels: NETBANK,
                summaries: &["诉讼费", "转账"],
                remarks: &["", "诉讼费#"],
                ..PUBLIC_OUT
            },
            _ => &Spec {
                summaries: &["缴税", "实时扣税", "税款"],
                remarks: &["", "增值税", "附加税费", "个人所得税", "电子税票#"],
                ..PUBLIC_OUT
            },
        }
    }

    fn agency(self) -> &'static Spec {
        const AGENCY: Spec = Spec { class: Class::Agency, subclass: None, channels: BATCH, ..OUT };
        match self {
            Movement::Acquiring => &Spec {
                direction: Direction::In,
                kind: "MERCHANT_SETTLEMENT",
                summaries: &["商户入账", "POS结算", "收单清算"],
                remarks: &["", "", "商户号#"],
                internal: &["特约商户待清算款项", "银行卡收单待清算", ""],
                reversible: true,
                ..AGENCY
            },
            Movement::Payroll => &Spec {
                kind: "PAYROLL",
                summaries: &["代发工资", "工资"],
                remarks: &["", "代发工资", "工资#笔"],
                internal: &["代发工资", "代发工资过渡户", ""],
                ..AGENCY
            },
            Movement::UtilityCollected => &Spec {
                kind: "AGENCY_COLLECTION",
                summaries: &["代扣电费", "代扣水费", "代扣燃气费", "代扣话费"],
                remarks: &["", "户号#"],
                ..AGENCY
            },
            _ => &Spec {
                subclass: Some("utility"),
                summaries: &["电费", "水费", "燃气费"],
                remarks: &["", "户号#"],
                ..OUT
            },
        }
    }

    fn bank(self) -> &'static Spec {
        match self {
            Movement::Interest => &Spec {
                kind: "INTEREST",
                summaries: &["结息", "存款利息"],
                internal: &["应付单位活期存款利息", "", ""],
                ..BANK_IN
            },
            Movement::LoanDisbursed => &Spec {
                kind: "LOAN_DISBURSEMENT",
                summaries: &["贷款发放", "放款"],
                remarks: &["", "借据号#"],
                internal: &["普惠小微企业贷款", ""],
                ..BANK_IN
            },
            Movement::LoanInterest => &Spec {
                kind: "LOAN_REPAYMENT",
                summaries: &["贷款利息", "还息"],
                remarks: &["", "借据号#"],
                internal: &["贷款利息收入", ""],
                ..BANK_OUT
            },
            Movement::LoanRepaid => &Spec {
                kind: "LOAN_REPAYMENT",
                summaries: &["还本", "贷款归还"],
                remarks: &["", "借据号#"],
                internal: &["普惠小微企业贷款", ""],
                ..BANK_OUT
            },
            Movement::WealthBought => {
                &Spec { kind: "WEALTH_PURCHASE", summaries: &["理财申购", "购买理财"], ..BANK_OUT }
            }
            Movement::WealthRedeemed => {
                &Spec { kind: "WEALTH_REDEMPTION", summaries: &["理财赎回", "理财到期"], ..BANK_IN }
            }
            Movement::DepositPlaced => {
                &Spec { kind: "DEPOSIT_PLACEMENT", summaries: &["转存定期", "单位定期存入"], ..BANK_OUT }
            }
            Movement::DepositMatured => {
                &Spec { kind: "DEPOSIT_MATURITY", summaries: &["定期到期", "定期支取"], ..BANK_IN }
            }
            Movement::TransferFee => &Spec {
                kind: "FEE",
                summaries: &["手续费", "转账手续费"],
                internal: &["手续费收入", "", ""],
                reversible: true,
                ..BANK_OUT
            },
            _ => &Spec {
                kind: "FEE",
                summaries: &["账户管理费", "短信服务费", "网银服务费"],
                internal: &["手续费收入", "", ""],
                reversible: true,
                ..BANK_OUT
            },
        }
    }
}
