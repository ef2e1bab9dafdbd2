//! Movements: why the money of a business moves, and what a statement shows of it.
//!
//! Owns the direction, kind, wording and intended label of each movement. Amounts and times are `plan`'s.

use crate::class::Label;
use crate::name::{Agency, Internal};

/// The reason of a movement. Everyday movements, whose mix the profile gives, come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Movement {
    Settlement,
    Acquiring,
    Customer,
    PublicCustomer,
    BillReceived,
    CashDeposit,
    FxReceipt,
    AgencyPayout,
    TaxRefund,
    Verification,
    OwnIn,
    Supplier,
    BillPaid,
    PlatformPayment,
    CashWithdrawal,
    Person,
    Customs,
    FxPayment,
    Fine,
    OwnOut,
    // Movements on a due date or when needed.
    TopUp,
    Payroll,
    Tax,
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
    MarginPlaced,
    MarginReleased,
    Closing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

/// How a payment is treated when the account is short of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shortfall {
    /// It is paid in full after money is put in.
    TopUp,
    /// It is left out.
    Skip,
    /// It is reduced. It is also increased when there is plenty of money.
    Scale,
}

/// Which of its own accounts the bank shows as counterparty, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BankAccount {
    None,
    Agency(Agency),
    Internal(Internal),
}

/// The properties that all movements with one reason share.
pub(crate) struct Spec {
    movement: Movement,
    pub(crate) direction: Direction,
    pub(crate) label: Label,
    pub(crate) kind: &'static str,
    pub(crate) channels: &'static [&'static str],
    pub(crate) summaries: &'static [&'static str],
    /// An empty text is null. A `#` is replaced by digits.
    pub(crate) remarks: &'static [&'static str],
    pub(crate) bank_account: BankAccount,
    pub(crate) shortfall: Shortfall,
    /// Whether a booking may be late, or may be found wrong later and reversed.
    pub(crate) reversible: bool,
}

impl Spec {
    /// Whether the class follows from the kind alone, if the kind is shown.
    pub(crate) fn kind_shows_class(&self) -> bool {
        !matches!(self.kind, "TRANSFER" | "BILL" | "OTHER")
    }

    /// Whether a statement may hide the kind of rows whose class follows from the name too.
    pub(crate) fn kind_may_be_hidden(&self) -> bool {
        matches!(
            self.kind,
            "TAX"
                | "SOCIAL_INSURANCE"
                | "HOUSING_FUND"
                | "PAYROLL"
                | "AGENCY_COLLECTION"
                | "AGENCY_PAYOUT"
                | "MERCHANT_SETTLEMENT"
        )
    }
}

impl Movement {
    /// Number of everyday movements.
    pub(crate) const EVERYDAY: usize = Movement::TopUp as usize;

    pub(crate) const ALL: [Movement; SPECS.len()] = {
        let mut all = [Movement::Settlement; SPECS.len()];
        let mut index = 0;
        while index < SPECS.len() {
            all[index] = SPECS[index].movement;
            index += 1;
        }
        all
    };

    pub(crate) fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    /// The key of an everyday movement in the profile's mix.
    pub(crate) fn key(self) -> &'static str {
        const KEYS: [&str; Movement::EVERYDAY] = [
            "settlement",
            "acquiring",
            "customer",
            "public_customer",
            "bill_received",
            "cash_deposit",
            "fx_receipt",
            "agency_payout",
            "tax_refund",
            "verification",
            "own_in",
            "supplier",
            "bill_paid",
            "platform_payment",
            "cash_withdrawal",
            "person",
            "customs",
            "fx_payment",
            "fine",
            "own_out",
        ];
        KEYS.get(self as usize).copied().unwrap_or_default()
    }
}

const NETBANK: &[&str] = &["netbank", "netbank", "netbank", "mobile", "counter"];
const BATCH: &[&str] = &["batch"];
const SYSTEM: &[&str] = &["system"];
const COUNTER: &[&str] = &["counter"];
const PLATFORM: &[&str] = &["platform"];
const NONE: &[&str] = &[""];

const IN: Spec = Spec {
    movement: Movement::Customer,
    direction: Direction::In,
    label: Label::Trade,
    kind: "TRANSFER",
    channels: NETBANK,
    summaries: &["转账"],
    remarks: NONE,
    bank_account: BankAccount::None,
    shortfall: Shortfall::Skip,
    reversible: false,
};
const OUT: Spec = Spec { direction: Direction::Out, ..IN };
const OWN: Spec = Spec {
    label: Label::SameName,
    summaries: &["内部转账", "资金归集", "转账", "往来款"],
    remarks: &["", "", "资金调拨"],
    ..IN
};
const PUBLIC: Spec = Spec { channels: BATCH, shortfall: Shortfall::TopUp, direction: Direction::Out, ..IN };
const AGENCY: Spec = Spec { label: Label::Agency, channels: BATCH, ..IN };
const BANK: Spec = Spec { label: Label::OpeningBank, channels: SYSTEM, ..IN };

/// In the order of [`Movement`].
static SPECS: [Spec; 43] = [
    Spec {
        movement: Movement::Settlement,
        label: Label::PaymentPlatform,
        channels: PLATFORM,
        summaries: &["提现", "商户结算", "交易结算", "平台结算款"],
        remarks: &["", "商户提现#", "T+1结算#"],
        reversible: true,
        ..IN
    },
    Spec {
        movement: Movement::Acquiring,
        kind: "MERCHANT_SETTLEMENT",
        summaries: &["商户入账", "POS结算", "收单清算"],
        remarks: &["", "", "商户号#"],
        bank_account: BankAccount::Agency(Agency::Settlement),
        reversible: true,
        ..AGENCY
    },
    Spec {
        movement: Movement::Customer,
        summaries: &["货款", "转账", "销售款", "往来款", "收款", "服务费"],
        remarks: &["", "", "货款", "合同款#", "发票号#", "尾款", "预付款", "定金"],
        reversible: true,
        ..IN
    },
    Spec {
        movement: Movement::PublicCustomer,
        label: Label::EducationHealth,
        summaries: &["货款", "采购款", "服务费", "工程款"],
        remarks: &["", "食堂采购", "办公用品采购", "合同款#"],
        ..IN
    },
    Spec {
        movement: Movement::BillReceived,
        kind: "BILL",
        channels: SYSTEM,
        summaries: &["银票托收", "票据到期"],
        remarks: &["", "票号#"],
        ..IN
    },
    Spec {
        movement: Movement::CashDeposit,
        label: Label::Cash,
        kind: "CASH_DEPOSIT",
        channels: &["counter", "counter", "pos"],
        summaries: &["现金存入", "存现", "营业款"],
        remarks: &["", "营业款", "货款"],
        reversible: true,
        ..IN
    },
    Spec {
        movement: Movement::FxReceipt,
        kind: "FX",
        summaries: &["结汇", "出口结汇"],
        remarks: &["", "收汇#"],
        bank_account: BankAccount::Internal(Internal::Clearing),
        ..BANK
    },
    Spec {
        movement: Movement::AgencyPayout,
        kind: "AGENCY_PAYOUT",
        summaries: &["代付款项", "补贴发放", "保险理赔"],
        remarks: &["", "农业补贴", "理赔款#"],
        bank_account: BankAccount::Agency(Agency::Payout),
        ..AGENCY
    },
    Spec {
        movement: Movement::TaxRefund,
        direction: Direction::In,
        label: Label::Treasury,
        summaries: &["退税", "退库", "出口退税"],
        remarks: &["", "增值税留抵退税"],
        ..PUBLIC
    },
    Spec {
        movement: Movement::Verification,
        kind: "OTHER",
        channels: SYSTEM,
        summaries: &["小额验证", "账户验证"],
        remarks: &["", "验证码#"],
        ..IN
    },
    Spec { movement: Movement::OwnIn, ..OWN },
    Spec {
        movement: Movement::Supplier,
        summaries: &["货款", "转账", "材料款", "采购款", "往来款"],
        remarks: &["", "", "货款", "付货款", "合同#", "运费", "尾款"],
        shortfall: Shortfall::Scale,
        reversible: true,
        ..OUT
    },
    Spec {
        movement: Movement::BillPaid,
        kind: "BILL",
        channels: SYSTEM,
        summaries: &["银票兑付", "票据到期付款"],
        remarks: &["", "票号#"],
        ..OUT
    },
    Spec {
        movement: Movement::PlatformPayment,
        label: Label::PaymentPlatform,
        channels: PLATFORM,
        summaries: &["快捷支付", "充值", "消费", "网上支付"],
        remarks: &["", "", "采购支付", "推广充值"],
        shortfall: Shortfall::Scale,
        reversible: true,
        ..OUT
    },
    Spec {
        movement: Movement::CashWithdrawal,
        label: Label::Cash,
        kind: "CASH_WITHDRAWAL",
        channels: COUNTER,
        summaries: &["现金支取", "取现"],
        remarks: &["", "备用金", "采购"],
        shortfall: Shortfall::Scale,
        reversible: true,
        ..OUT
    },
    Spec {
        movement: Movement::Person,
        summaries: &["报销", "备用金", "劳务费", "往来款", "转账"],
        remarks: &["", "", "差旅费", "备用金", "劳务费"],
        shortfall: Shortfall::Scale,
        reversible: true,
        ..OUT
    },
    Spec {
        movement: Movement::Customs,
        label: Label::Customs,
        summaries: &["关税", "海关缴款", "进口增值税"],
        remarks: &["", "报关单#"],
        shortfall: Shortfall::Skip,
        ..PUBLIC
    },
    Spec {
        movement: Movement::FxPayment,
        kind: "FX",
        direction: Direction::Out,
        summaries: &["购汇", "售汇"],
        bank_account: BankAccount::Internal(Internal::Clearing),
        ..BANK
    },
    Spec {
        movement: Movement::Fine,
        label: Label::OtherPublic,
        channels: NETBANK,
        summaries: &["罚没款", "缴款", "规费"],
        remarks: &["", "缴款书#"],
        shortfall: Shortfall::Skip,
        ..PUBLIC
    },
    Spec { movement: Movement::OwnOut, direction: Direction::Out, shortfall: Shortfall::Scale, ..OWN },
    Spec {
        movement: Movement::TopUp,
        summaries: &["往来款", "借款", "暂借款"],
        remarks: &["", "周转", "资金周转"],
        ..IN
    },
    Spec {
        movement: Movement::Payroll,
        direction: Direction::Out,
        kind: "PAYROLL",
        summaries: &["代发工资", "工资"],
        remarks: &["", "代发工资", "工资#笔"],
        bank_account: BankAccount::Agency(Agency::Payroll),
        shortfall: Shortfall::TopUp,
        ..AGENCY
    },
    Spec {
        movement: Movement::Tax,
        label: Label::Tax,
        kind: "TAX",
        summaries: &["缴税", "实时扣税", "税款"],
        remarks: &["", "增值税", "附加税费", "个人所得税", "电子税票#"],
        ..PUBLIC
    },
    Spec {
        movement: Movement::SocialInsurance,
        label: Label::SocialInsurance,
        kind: "SOCIAL_INSURANCE",
        summaries: &["社保费", "社会保险费"],
        remarks: &["", "养老保险", "医疗保险"],
        ..PUBLIC
    },
    Spec {
        movement: Movement::HousingFund,
        label: Label::HousingFund,
        kind: "HOUSING_FUND",
        summaries: &["公积金", "住房公积金"],
        remarks: &["", "汇缴"],
        ..PUBLIC
    },
    Spec {
        movement: Movement::UtilityCollected,
        direction: Direction::Out,
        kind: "AGENCY_COLLECTION",
        summaries: &["代扣电费", "代扣水费", "代扣燃气费", "代扣话费"],
        remarks: &["", "户号#"],
        bank_account: BankAccount::Agency(Agency::Collection),
        ..AGENCY
    },
    Spec {
        movement: Movement::UtilityPaid,
        label: Label::Utility,
        channels: BATCH,
        summaries: &["电费", "水费", "燃气费"],
        remarks: &["", "户号#"],
        ..OUT
    },
    Spec {
        movement: Movement::Rent,
        summaries: &["房租", "租金"],
        remarks: &["", "房租", "季度租金"],
        shortfall: Shortfall::TopUp,
        ..OUT
    },
    Spec {
        movement: Movement::Subsidy,
        direction: Direction::In,
        label: Label::Fiscal,
        summaries: &["补贴", "奖补资金"],
        remarks: &["", "稳岗补贴", "创业补贴"],
        ..PUBLIC
    },
    Spec {
        movement: Movement::CourtFee,
        label: Label::Judicial,
        channels: NETBANK,
        summaries: &["诉讼费", "转账"],
        remarks: &["", "诉讼费#"],
        shortfall: Shortfall::Skip,
        ..PUBLIC
    },
    Spec {
        movement: Movement::AccountFee,
        direction: Direction::Out,
        kind: "FEE",
        summaries: &["账户管理费", "短信服务费", "网银服务费"],
        bank_account: BankAccount::Internal(Internal::Fee),
        reversible: true,
        ..BANK
    },
    Spec {
        movement: Movement::TransferFee,
        direction: Direction::Out,
        kind: "FEE",
        summaries: &["手续费", "转账手续费"],
        bank_account: BankAccount::Internal(Internal::Fee),
        reversible: true,
        ..BANK
    },
    Spec {
        movement: Movement::Interest,
        kind: "INTEREST",
        summaries: &["结息", "存款利息"],
        bank_account: BankAccount::Internal(Internal::DepositInterest),
        ..BANK
    },
    Spec {
        movement: Movement::LoanDisbursed,
        kind: "LOAN_DISBURSEMENT",
        summaries: &["贷款发放", "放款"],
        remarks: &["", "借据号#"],
        bank_account: BankAccount::Internal(Internal::Loan),
        ..BANK
    },
    Spec {
        movement: Movement::LoanInterest,
        direction: Direction::Out,
        kind: "LOAN_REPAYMENT",
        summaries: &["贷款利息", "还息"],
        remarks: &["", "借据号#"],
        bank_account: BankAccount::Internal(Internal::LoanInterest),
        shortfall: Shortfall::TopUp,
        ..BANK
    },
    Spec {
        movement: Movement::LoanRepaid,
        direction: Direction::Out,
        kind: "LOAN_REPAYMENT",
        summaries: &["还本", "贷款归还"],
        remarks: &["", "借据号#"],
        bank_account: BankAccount::Internal(Internal::Loan),
        shortfall: Shortfall::TopUp,
        ..BANK
    },
    Spec {
        movement: Movement::WealthBought,
        direction: Direction::Out,
        kind: "WEALTH_PURCHASE",
        summaries: &["理财申购", "购买理财"],
        bank_account: BankAccount::Internal(Internal::Wealth),
        ..BANK
    },
    Spec {
        movement: Movement::WealthRedeemed,
        kind: "WEALTH_REDEMPTION",
        summaries: &["理财赎回", "理财到期"],
        bank_account: BankAccount::Internal(Internal::Wealth),
        ..BANK
    },
    Spec {
        movement: Movement::DepositPlaced,
        direction: Direction::Out,
        kind: "DEPOSIT_PLACEMENT",
        summaries: &["转存定期", "单位定期存入"],
        bank_account: BankAccount::Internal(Internal::FixedDeposit),
        ..BANK
    },
    Spec {
        movement: Movement::DepositMatured,
        kind: "DEPOSIT_MATURITY",
        summaries: &["定期到期", "定期支取"],
        bank_account: BankAccount::Internal(Internal::FixedDeposit),
        ..BANK
    },
    Spec {
        movement: Movement::MarginPlaced,
        direction: Direction::Out,
        kind: "MARGIN",
        summaries: &["存入保证金", "银承保证金"],
        bank_account: BankAccount::Internal(Internal::Margin),
        ..BANK
    },
    Spec {
        movement: Movement::MarginReleased,
        kind: "MARGIN",
        summaries: &["保证金退回", "释放保证金"],
        bank_account: BankAccount::Internal(Internal::Margin),
        ..BANK
    },
    Spec { movement: Movement::Closing, direction: Direction::Out, channels: COUNTER, summaries: &["销户"], ..OWN },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_in_the_order_of_the_table() {
        for (index, movement) in Movement::ALL.iter().enumerate() {
            assert_eq!(*movement as usize, index);
            assert_eq!(movement.key().is_empty(), index >= Movement::EVERYDAY);
        }
    }
}
