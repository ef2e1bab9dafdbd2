//! The kinds of transaction in a feed.
//!
//! Owns: their names and numbers. Does not own: the class that follows from a kind ([`super::decide`]).

/// The `kind` column of a feed. Its null is `Option::None`, not [`Kind::Other`].
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A transfer between accounts.
    Transfer = 0,
    /// Cash paid in.
    CashDeposit = 1,
    /// Cash drawn.
    CashWithdrawal = 2,
    /// Wages paid through the bank.
    Payroll = 3,
    /// Collected by the bank on mandate.
    AgencyCollection = 4,
    /// Paid out by the bank on mandate.
    AgencyPayout = 5,
    /// The bank's settlement of a merchant's takings.
    MerchantSettlement = 6,
    /// Tax.
    Tax = 7,
    /// Social insurance.
    SocialInsurance = 8,
    /// Housing provident fund.
    HousingFund = 9,
    /// The bank's fees.
    Fee = 10,
    /// Interest, either way.
    Interest = 11,
    /// A loan paid out.
    LoanDisbursement = 12,
    /// A loan paid back.
    LoanRepayment = 13,
    /// Money placed on time or notice deposit.
    DepositPlacement = 14,
    /// A deposit paid back.
    DepositMaturity = 15,
    /// A wealth-management product bought.
    WealthPurchase = 16,
    /// A wealth-management product redeemed.
    WealthRedemption = 17,
    /// Margin or guarantee money held by the bank.
    Margin = 18,
    /// Foreign exchange with the bank.
    Fx = 19,
    /// A bill or draft.
    Bill = 20,
    /// Told by the provider to be none of these.
    Other = 21,
}

impl Kind {
    /// All kinds, by discriminant.
    pub const ALL: [Kind; 22] = [
        Kind::Transfer,
        Kind::CashDeposit,
        Kind::CashWithdrawal,
        Kind::Payroll,
        Kind::AgencyCollection,
        Kind::AgencyPayout,
        Kind::MerchantSettlement,
        Kind::Tax,
        Kind::SocialInsurance,
        Kind::HousingFund,
        Kind::Fee,
        Kind::Interest,
        Kind::LoanDisbursement,
        Kind::LoanRepayment,
        Kind::DepositPlacement,
        Kind::DepositMaturity,
        Kind::WealthPurchase,
        Kind::WealthRedemption,
        Kind::Margin,
        Kind::Fx,
        Kind::Bill,
        Kind::Other,
    ];

    /// The name in feeds and rules, such as `CASH_DEPOSIT`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Transfer => "TRANSFER",
            Kind::CashDeposit => "CASH_DEPOSIT",
            Kind::CashWithdrawal => "CASH_WITHDRAWAL",
            Kind::Payroll => "PAYROLL",
            Kind::AgencyCollection => "AGENCY_COLLECTION",
            Kind::AgencyPayout => "AGENCY_PAYOUT",
            Kind::MerchantSettlement => "MERCHANT_SETTLEMENT",
            Kind::Tax => "TAX",
            Kind::SocialInsurance => "SOCIAL_INSURANCE",
            Kind::HousingFund => "HOUSING_FUND",
            Kind::Fee => "FEE",
            Kind::Interest => "INTEREST",
            Kind::LoanDisbursement => "LOAN_DISBURSEMENT",
            Kind::LoanRepayment => "LOAN_REPAYMENT",
            Kind::DepositPlacement => "DEPOSIT_PLACEMENT",
            Kind::DepositMaturity => "DEPOSIT_MATURITY",
            Kind::WealthPurchase => "WEALTH_PURCHASE",
            Kind::WealthRedemption => "WEALTH_REDEMPTION",
            Kind::Margin => "MARGIN",
            Kind::Fx => "FX",
            Kind::Bill => "BILL",
            Kind::Other => "OTHER",
        }
    }

    /// The kind with this [`name`](Kind::name); case counts.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind with this discriminant.
    pub fn from_u8(value: u8) -> Option<Kind> {
        Kind::ALL.get(usize::from(value)).copied()
    }
}
