//! Payment institutions as statements show them: registered names, reserve accounts, brands and marks, account numbers.
//!
//! Owns a short list of licensed institutions under their public names, the most frequent first.

use super::pattern::Filler;
use crate::code;
use crate::random;

struct Platform {
    /// The licensed institution.
    institution: &'static str,
    /// Its brands, as in the mark before a dash.
    brands: &'static [&'static str],
}

/// Number of platforms. A higher number is taken modulo this.
pub(crate) const PLATFORMS: u8 = INSTITUTIONS.len() as u8;

const INSTITUTIONS: [Platform; 16] = [
    Platform {
        institution: "支付宝（中国）网络技术有限公司", brands: &["支付宝", "支付宝", "支付宝（中国）"]
    },
    Platform {
        institution: "财付通支付科技有限公司", brands: &["财付通", "微信支付", "财付通-微信支付", "微信转账"]
    },
    Platform { institution: "银联商务支付股份有限公司", brands: &["银联商务"] },
    Platform { institution: "拉卡拉支付股份有限公司", brands: &["拉卡拉", "拉卡拉支付"] },
    Platform { institution: "网银在线（北京）科技有限公司", brands: &["京东支付", "网银在线"] },
    Platform { institution: "北京钱袋宝支付技术有限公司", brands: &["美团支付"] },
    Platform { institution: "抖音支付科技有限公司", brands: &["抖音支付"] },
    Platform { institution: "通联支付网络服务股份有限公司", brands: &["通联支付"] },
    Platform { institution: "快钱支付清算信息有限公司", brands: &["快钱支付"] },
    Platform { institution: "易宝支付有限公司", brands: &["易宝支付"] },
    Platform { institution: "上海汇付支付有限公司", brands: &["汇付支付"] },
    Platform { institution: "上海富友支付服务股份有限公司", brands: &["富友支付"] },
    Platform { institution: "连连银通电子支付有限公司", brands: &["连连支付"] },
    Platform { institution: "平安付科技服务有限公司", brands: &["壹钱包"] },
    Platform { institution: "天翼电子商务有限公司", brands: &["翼支付"] },
    Platform { institution: "中移电子商务有限公司", brands: &["和包支付"] },
];

const ALIPAY: u8 = 0;

/// Text after a brand: people, shops, purposes.
const MARKS: [&str; 12] = [
    "-x",
    "-x",
    "-x",
    "-x",
    "-nb便利店",
    "-b小吃店",
    "-提现",
    "-商户结算",
    "－x",
    "-x-支付宝余额提现",
    "-b百货",
    "-b餐饮店",
];

const RESERVES: [&str; 7] =
    ["客户备付金", "客户备付金", "客户备付金", "备付金", "-客户备付金", "（备付金）", "（客户备付金）"];

/// Appends one of the names under which statements show `platform`.
pub(crate) fn push_platform(out: &mut String, platform: u8, hash: u64) {
    let Some(shown) = INSTITUTIONS.get(usize::from(platform % PLATFORMS)) else {
        return;
    };
    let mut filler = Filler::new(hash, 0x706C_6174);
    match filler.rng.below(100) {
        0..40 => {
            out.push_str(shown.institution);
            out.push_str(filler.pick(&RESERVES));
        }
        40..60 => out.push_str(shown.institution),
        60..72 => out.push_str(filler.pick(shown.brands)),
        _ => {
            out.push_str(filler.pick(shown.brands));
            let mark = filler.pick(&MARKS);
            // The last part of this mark is Alipay's own.
            filler.push(out, if mark.ends_with("余额提现") && platform != ALIPAY { "-x" } else { mark });
        }
    }
}

/// Appends the account of `platform` on a statement. For Alipay it is mostly an account of its own (2088 and twelve
/// digits) or the number of its licence; for others it is a licence number, a bank account, or nothing. The numbers are
/// invented.
pub(crate) fn push_platform_account(out: &mut String, platform: u8, hash: u64) {
    let draw = random::hash(&[hash, 0x706C_6163]);
    match (platform % PLATFORMS == ALIPAY, draw >> 56) {
        (true, 0..140) => {
            out.push_str("2088");
            code::push_digits(out, draw, 12);
        }
        (true, 140..220) | (false, 0..90) => {
            // A licence number is Z2, a four-digit series, a region and a serial number. One bank appends N.
            out.push_str("Z200");
            code::push_digits(out, draw, 10);
            if draw >> 55 & 1 == 1 {
                out.push('N');
            }
        }
        (false, 90..200) => code::push_digits(out, draw, 16),
        _ => {}
    }
}
