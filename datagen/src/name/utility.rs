//! Names of utilities: companies that sell power, water, gas and heat.
//!
//! Owns their patterns. By law they are companies: their class is OTHER, their sub-class utility.

use super::pattern::Filler;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Utility {
    Power,
    Water,
    Gas,
    Heat,
}

impl Utility {
    pub(crate) const ALL: [Utility; 4] = [Utility::Power, Utility::Water, Utility::Gas, Utility::Heat];

    fn patterns(self) -> &'static [&'static str] {
        match self {
            Utility::Power => &[
                "n供电公司",
                "n市供电有限公司",
                "国网n供电公司",
                "国网zn市供电公司",
                "国网z电力有限公司n供电公司",
                "国网z电力有限公司d县供电分公司",
                "n电力有限公司n供电分公司",
                "n供电局",
                "n市d供电所",
                "国家电网公司n供电公司",
            ],
            Utility::Water => &[
                "n市自来水有限公司",
                "n自来水公司",
                "n市自来水总公司",
                "n水务集团有限公司",
                "n市供水有限公司",
                "d县供水公司",
                "n水务有限公司d自来水分公司",
                "n市d水务有限公司",
                "n市给排水公司",
            ],
            Utility::Gas => &[
                "n燃气有限公司",
                "n市燃气集团有限公司",
                "n天然气有限公司",
                "n管道燃气有限公司",
                "n市煤气公司",
                "n市天然气销售有限公司",
                "n燃气股份有限公司d分公司",
            ],
            Utility::Heat => &[
                "n热力有限公司",
                "n市热力公司",
                "n市热力集团有限公司",
                "n市供热有限公司",
                "n集中供热有限公司",
                "n市d供热中心",
                "n热力总公司",
            ],
        }
    }
}

/// Appends the name of a utility. `place` is the number of a town.
pub(crate) fn push_utility(out: &mut String, which: Utility, place: u16, hash: u64) {
    Filler { place, ..Filler::new(hash, 0x7574_696C + which as u64) }.push_one(out, which.patterns());
}
