//! The invented banks that keep the accounts.
//!
//! Owns their names, codes and the time resolution of their books.

use crate::code;

/// The time resolution of a bank's bookings, which determines how its feed shows their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeResolution {
    /// Seconds, each used once. There is no sequence number.
    Seconds,
    /// Minutes. Times coincide, and a sequence number gives the order.
    Minutes,
    /// Days, with a sequence number.
    Days,
}

/// A bank that provides a feed.
pub(crate) struct Provider {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// The first four digits of its account numbers.
    pub(crate) prefix: u64,
    pub(crate) time_resolution: TimeResolution,
    /// The first three digits of its CNAPS codes: city commercial, rural commercial or village bank.
    kind: u32,
    city: u32,
}

impl Provider {
    pub(crate) fn bank_code(&self, branch: u32) -> String {
        code::bank_code(self.kind, self.city, branch)
    }
}

pub(crate) static PROVIDERS: [Provider; 4] = [
    Provider {
        id: "JZYH",
        name: "江州银行股份有限公司",
        prefix: 6001,
        time_resolution: TimeResolution::Seconds,
        kind: 313,
        city: 1,
    },
    Provider {
        id: "YZNS",
        name: "云泽农村商业银行股份有限公司",
        prefix: 6002,
        time_resolution: TimeResolution::Days,
        kind: 314,
        city: 2,
    },
    Provider {
        id: "CXYH",
        name: "澄溪银行股份有限公司",
        prefix: 6003,
        time_resolution: TimeResolution::Minutes,
        kind: 313,
        city: 4,
    },
    Provider {
        id: "LCCZ",
        name: "岚川村镇银行股份有限公司",
        prefix: 6004,
        time_resolution: TimeResolution::Seconds,
        kind: 320,
        city: 5,
    },
];
