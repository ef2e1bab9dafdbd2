//! Industries and their figures: how much a business turns over, in which movements, and when in the year.
//! The figures are round numbers chosen for a plausible picture; they are not estimates from a source.

use crate::movement::Movement;

/// What a business does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Industry {
    Catering,
    Retail,
    Wholesale,
    Manufacturing,
    Services,
}

/// One kind of everyday movement of an industry.
pub(crate) struct Trade {
    pub(crate) movement: Movement,
    /// Share of the everyday rows.
    pub(crate) rows: u32,
    /// Size of one row relative to the other movements of the same direction.
    pub(crate) size: u32,
}

/// The figures of an industry. Shares in thousandths.
pub(crate) struct Figures {
    /// Share of the businesses, relative to the other industries.
    pub(crate) weight: u32,
    /// Mean monthly turnover.
    pub(crate) turnover_yuan: i64,
    /// Rows relative to the mean over all industries.
    pub(crate) rows: u32,
    /// Sole proprietors among the businesses.
    pub(crate) sole: u32,
    /// People among the customers.
    pub(crate) people: u32,
    pub(crate) customers: u32,
    pub(crate) suppliers: u32,
    /// Wages in turnover.
    pub(crate) payroll: i64,
    /// Open during the Spring Festival.
    pub(crate) festival: bool,
    /// Turnover and rows by month, January first.
    pub(crate) season: [u32; 12],
    pub(crate) trades: &'static [&'static str],
    pub(crate) shops: &'static [&'static str],
    pub(crate) mix: &'static [Trade],
}

impl Industry {
    pub(crate) const ALL: [Industry; 5] =
        [Industry::Catering, Industry::Retail, Industry::Wholesale, Industry::Manufacturing, Industry::Services];

    pub(crate) fn figures(self) -> &'static Figures {
        match self {
            Industry::Catering => &CATERING,
            Industry::Retail => &RETAIL,
            Industry::Wholesale => &WHOLESALE,
            Industry::Manufacturing => &MANUFACTURING,
            Industry::Services => &SERVICES,
        }
    }
}

const fn trade(movement: Movement, rows: u32, size: u32) -> Trade {
    Trade { movement, rows, size }
}

static CATERING: Figures = Figures {
    weight: 18,
    turnover_yuan: 130_000,
    rows: 1_200,
    sole: 650,
    people: 500,
    customers: 20,
    suppliers: 15,
    payroll: 190,
    festival: true,
    season: [1_020, 1_080, 940, 960, 1_030, 980, 1_010, 1_020, 960, 1_040, 960, 1_000],
    trades: &["餐饮管理", "餐饮服务", "食品"],
    shops: &["小吃店", "饭店", "面馆", "茶餐厅", "早餐店"],
    mix: &[
        trade(Movement::Settlement, 430, 100),
        trade(Movement::Acquiring, 90, 120),
        trade(Movement::Customer, 50, 150),
        trade(Movement::PublicCustomer, 6, 400),
        trade(Movement::CashDeposit, 60, 150),
        trade(Movement::Supplier, 220, 100),
        trade(Movement::PlatformPayment, 40, 40),
        trade(Movement::CashWithdrawal, 40, 60),
        trade(Movement::Person, 50, 70),
        trade(Movement::OwnIn, 8, 150),
        trade(Movement::OwnOut, 20, 200),
        trade(Movement::Verification, 3, 0),
    ],
};

static RETAIL: Figures = Figures {
    weight: 27,
    turnover_yuan: 160_000,
    rows: 1_250,
    sole: 600,
    people: 600,
    customers: 40,
    suppliers: 25,
    payroll: 90,
    festival: true,
    season: [1_100, 980, 930, 940, 980, 1_040, 940, 960, 990, 1_020, 1_070, 1_050],
    trades: &["百货", "商贸", "便利连锁", "服饰", "日用品"],
    shops: &["便利店", "商行", "文具店", "服装店", "烟酒店"],
    mix: &[
        trade(Movement::Settlement, 450, 100),
        trade(Movement::Acquiring, 110, 110),
        trade(Movement::Customer, 70, 140),
        trade(Movement::PublicCustomer, 4, 300),
        trade(Movement::CashDeposit, 50, 140),
        trade(Movement::Supplier, 210, 120),
        trade(Movement::PlatformPayment, 40, 50),
        trade(Movement::CashWithdrawal, 20, 60),
        trade(Movement::Person, 30, 60),
        trade(Movement::OwnIn, 8, 150),
        trade(Movement::OwnOut, 20, 200),
        trade(Movement::Verification, 3, 0),
    ],
};

static WHOLESALE: Figures = Figures {
    weight: 22,
    turnover_yuan: 520_000,
    rows: 1_000,
    sole: 300,
    people: 150,
    customers: 120,
    suppliers: 60,
    payroll: 45,
    festival: false,
    season: [1_080, 760, 1_020, 1_000, 990, 1_010, 970, 990, 1_040, 980, 1_060, 1_100],
    trades: &["贸易", "供应链管理", "农产品", "建材", "食品批发"],
    shops: &["批发部", "经营部", "商行"],
    mix: &[
        trade(Movement::Settlement, 60, 40),
        trade(Movement::Acquiring, 30, 50),
        trade(Movement::Customer, 400, 100),
        trade(Movement::PublicCustomer, 10, 120),
        trade(Movement::BillReceived, 12, 300),
        trade(Movement::CashDeposit, 20, 60),
        trade(Movement::Supplier, 330, 100),
        trade(Movement::PlatformPayment, 15, 30),
        trade(Movement::CashWithdrawal, 12, 30),
        trade(Movement::Person, 40, 30),
        trade(Movement::OwnIn, 15, 120),
        trade(Movement::OwnOut, 25, 130),
        trade(Movement::Verification, 4, 0),
    ],
};

static MANUFACTURING: Figures = Figures {
    weight: 15,
    turnover_yuan: 780_000,
    rows: 900,
    sole: 150,
    people: 40,
    customers: 30,
    suppliers: 40,
    payroll: 140,
    festival: false,
    season: [960, 700, 1_060, 1_030, 1_020, 1_020, 980, 990, 1_040, 1_020, 1_070, 1_110],
    trades: &["机械制造", "电子科技", "塑料制品", "纺织", "五金制品", "包装材料"],
    shops: &["加工厂", "五金厂", "制衣厂"],
    mix: &[
        trade(Movement::Settlement, 15, 30),
        trade(Movement::Customer, 330, 100),
        trade(Movement::PublicCustomer, 8, 100),
        trade(Movement::BillReceived, 30, 250),
        trade(Movement::CashDeposit, 8, 40),
        trade(Movement::Supplier, 400, 100),
        trade(Movement::PlatformPayment, 15, 20),
        trade(Movement::CashWithdrawal, 12, 20),
        trade(Movement::Person, 70, 25),
        trade(Movement::OwnIn, 15, 120),
        trade(Movement::OwnOut, 25, 130),
        trade(Movement::Verification, 4, 0),
    ],
};

static SERVICES: Figures = Figures {
    weight: 18,
    turnover_yuan: 190_000,
    rows: 650,
    sole: 350,
    people: 250,
    customers: 50,
    suppliers: 15,
    payroll: 320,
    festival: false,
    season: [1_000, 790, 990, 1_010, 1_000, 1_060, 980, 990, 1_020, 980, 1_030, 1_150],
    trades: &["企业服务", "信息技术", "物流", "广告传媒", "装饰工程", "文化传播"],
    shops: &["工作室", "修理部", "理发店", "洗衣店"],
    mix: &[
        trade(Movement::Settlement, 120, 50),
        trade(Movement::Acquiring, 40, 60),
        trade(Movement::Customer, 340, 100),
        trade(Movement::PublicCustomer, 25, 150),
        trade(Movement::CashDeposit, 20, 60),
        trade(Movement::Supplier, 230, 100),
        trade(Movement::PlatformPayment, 40, 40),
        trade(Movement::CashWithdrawal, 25, 40),
        trade(Movement::Person, 120, 50),
        trade(Movement::OwnIn, 15, 120),
        trade(Movement::OwnOut, 30, 130),
        trade(Movement::Verification, 5, 0),
    ],
};
