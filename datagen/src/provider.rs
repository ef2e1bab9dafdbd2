//! The invented banks that keep the accounts, and how each of them keeps its books.

use crate::code;

/// How a bank's feed tells the order of an account's bookings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// To the second, never twice the same; no sequence number is sent.
    Seconds,
    /// To the minute, so that times coincide and a sequence number decides.
    Minutes,
    /// The day only, with a sequence number.
    Days,
}

/// A bank that sends a feed.
pub(crate) struct Provider {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    /// The first four digits of its account numbers.
    pub(crate) prefix: u64,
    pub(crate) clock: Clock,
    /// First three digits of its CNAPS codes: city commercial, rural commercial, village bank.
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
        id: "JZYH", name: "江州银行股份有限公司", prefix: 6001, clock: Clock::Seconds, kind: 313, city: 1
    },
    Provider {
        id: "YZNS", name: "云泽农村商业银行股份有限公司", prefix: 6002, clock: Clock::Days, kind: 314, city: 2
    },
    Provider {
        id: "CXYH", name: "澄溪银行股份有限公司", prefix: 6003, clock: Clock::Minutes, kind: 313, city: 4
    },
    Provider {
        id: "LCCZ", name: "岚川村镇银行股份有限公司", prefix: 6004, clock: Clock::Seconds, kind: 320, city: 5
    },
];
