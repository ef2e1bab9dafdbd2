//! Ambiguity: whether a spelling still shows the kind of its bearer.
//!
//! Owns the few words by which a person recognises it. They are the generator's own and not the rules of a reader:
//! ambiguity must not depend on the reader.

/// Words that suggest a public body. Companies use most of them too.
pub(super) const BODY_LIKE_WORDS: [&str; 24] = [
    "税务",
    "国税",
    "地税",
    "金库",
    "国库",
    "预算收入",
    "社会保",
    "社保",
    "人力资源和社",
    "医疗保",
    "医保",
    "公积金",
    "海关",
    "财政",
    "法院",
    "检察院",
    "公安",
    "派出所",
    "政府",
    "局",
    "中学",
    "小学",
    "大学",
    "医院",
];

/// Words that identify a public body. No company name continues after them.
pub(super) const BODY_WORDS: [&str; 57] = [
    "局",
    "厅",
    "国家税务",
    "国家金库",
    "待报解",
    "预算收入",
    "缴税",
    "缴库税",
    "国库经收",
    "社会保险事业",
    "社会保险基金",
    "社会保险中心",
    "社会保险服务中心",
    "社会保险管理",
    "社会保险费征",
    "社保中心",
    "医保中心",
    "保险事业管理",
    "保险管理中心",
    "养老保险管理",
    "保险基金管理",
    "医疗保障基金",
    "医疗保障事务",
    "合作医疗",
    "公共就业",
    "就业服务管理",
    "交流服务中心",
    "保障事务所",
    "公积金管",
    "公积金中心",
    "海关",
    "财政所",
    "财政国库",
    "集中支付",
    "会计核算中心",
    "法院",
    "人民法",
    "检察院",
    "人民检",
    "派出所",
    "政府",
    "街道办",
    "委员会",
    "卫健委",
    "联合会",
    "总工会",
    "中学",
    "小学",
    "大学",
    "学院",
    "学校",
    "幼儿园",
    "教育中心",
    "医院",
    "卫生院",
    "保健院",
    "卫生服务中",
];

/// Words that identify a business or a building, whatever else the name contains.
pub(super) const BUSINESS_WORDS: [&str; 23] = [
    "公司",
    "有限",
    "师事务所",
    "报关",
    "大厦",
    "酒店",
    "小吃",
    "餐厅",
    "面馆",
    "超市",
    "厂",
    "经营部",
    "工作室",
    "合作社",
    "合伙",
    "药房",
    "药店",
    "店",
    "科技",
    "咨询",
    "服务部",
    "代办",
    "机械",
];

/// Whether the registered name shows the kind of its bearer and the spelled one does not: a body without its
/// identifying word, or a business with a word of a body and without a word of a business.
pub(super) fn is_ambiguous(registered: &str, spelled: &str) -> bool {
    if has_any(registered, &BUSINESS_WORDS) {
        has_any(spelled, &BODY_LIKE_WORDS) && !has_any(spelled, &BUSINESS_WORDS)
    } else {
        has_any(registered, &BODY_WORDS) && !has_any(spelled, &BODY_WORDS)
    }
}

pub(super) fn has_any(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| name.contains(word))
}
