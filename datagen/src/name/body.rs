//! Names of public bodies, in new and old styles, from province to township, with offices and branches; and names of
//! the accounts through which taxes reach the treasury.
//!
//! Owns their patterns and the sub-class of each kind of body.

use super::part::{CITIES, TOWNS};
use super::pattern::Filler;

/// Number of places of public bodies: the invented towns, then real cities.
pub(crate) const BODY_PLACES: u16 = (TOWNS.len() + CITIES.len()) as u16;

/// A kind of public body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Revenue,
    Treasury,
    SocialInsurance,
    MedicalInsurance,
    Employment,
    HousingFund,
    Customs,
    Finance,
    Court,
    Procurator,
    Police,
    Government,
    Market,
    Bureau,
    School,
    Hospital,
}

impl Body {
    pub(crate) const ALL: [Body; 16] = [
        Body::Revenue,
        Body::Treasury,
        Body::SocialInsurance,
        Body::MedicalInsurance,
        Body::Employment,
        Body::HousingFund,
        Body::Customs,
        Body::Finance,
        Body::Court,
        Body::Procurator,
        Body::Police,
        Body::Government,
        Body::Market,
        Body::Bureau,
        Body::School,
        Body::Hospital,
    ];

    /// The sub-class of PUBLIC.
    pub(crate) fn subclass(self) -> &'static str {
        match self {
            Body::Revenue => "tax",
            Body::Treasury => "treasury",
            Body::SocialInsurance | Body::MedicalInsurance | Body::Employment => "social_insurance",
            Body::HousingFund => "housing_fund",
            Body::Customs => "customs",
            Body::Finance => "fiscal",
            Body::Court | Body::Procurator => "judicial",
            Body::Police | Body::Government | Body::Market | Body::Bureau => "other_public",
            Body::School | Body::Hospital => "education_health",
        }
    }

    /// The first two characters of its unified social credit code: 11 organ, 12 institution, 13 body with fixed posts.
    pub(crate) fn uscc_prefix(self, hash: u64) -> &'static str {
        match self {
            Body::SocialInsurance | Body::MedicalInsurance | Body::Employment | Body::HousingFund => "12",
            Body::School | Body::Hospital => "12",
            // Federations and unions are among the patterns of governments.
            Body::Government if hash.is_multiple_of(16) => "13",
            _ => "11",
        }
    }

    fn patterns(self) -> &'static [&'static str] {
        match self {
            Body::Revenue => &REVENUE,
            Body::Treasury => &TREASURY,
            Body::SocialInsurance => &SOCIAL_INSURANCE,
            Body::MedicalInsurance => &MEDICAL_INSURANCE,
            Body::Employment => &EMPLOYMENT,
            Body::HousingFund => &HOUSING_FUND,
            Body::Customs => &CUSTOMS,
            Body::Finance => &FINANCE,
            Body::Court => &COURT,
            Body::Procurator => &PROCURATOR,
            Body::Police => &POLICE,
            Body::Government => &GOVERNMENT,
            Body::Market => &MARKET,
            Body::Bureau => &BUREAU,
            Body::School => &SCHOOL,
            Body::Hospital => &HOSPITAL,
        }
    }
}

/// Appends the name of a public body. `place` is taken modulo [`BODY_PLACES`].
pub(crate) fn push_body(out: &mut String, body: Body, place: u16, hash: u64) {
    Filler { place, ..Filler::new(hash, body as u64) }.push_one(out, body.patterns());
}

/// Appends the name of an account through which taxes reach the treasury, as banks print it.
pub(crate) fn push_treasury_account(out: &mut String, place: u16, hash: u64) {
    Filler { place, ..Filler::new(hash, 0x7469_7073) }.push_one(out, &TREASURY_ACCOUNTS);
}

const REVENUE: [&str; 22] = [
    "国家税务总局p税务局",
    "国家税务总局p税务局",
    "国家税务总局p税务局",
    "国家税务总局p税务局",
    "国家税务总局p税务局",
    "国家税务总局p税务局第o税务所",
    "国家税务总局p税务局第o税务分局",
    "国家税务总局p税务局t税务分局",
    "国家税务总局n市税务局稽查局",
    "国家税务总局n市税务局第o稽查局",
    "国家税务总局z税务局",
    "p税务局",
    "p税务局第o税务所",
    "p国家税务局",
    "p国家税务局",
    "p地方税务局",
    "p地方税务局",
    "p国税局",
    "p地税局",
    "p地方税务局第o税务所",
    "p国家税务局车辆购置税征收管理分局",
    "n市d区地方税务局直属分局",
];

const TREASURY: [&str; 9] = [
    "国家金库n市中心支库",
    "国家金库p支库",
    "国家金库p支库",
    "国家金库n市d区支库",
    "国家金库d县支库",
    "国家金库z分库",
    "中华人民共和国国家金库p支库",
    "国家金库n市中心支库国库科",
    "国家金库p支库（待缴库税款）",
];

const SOCIAL_INSURANCE: [&str; 20] = [
    "p社会保险事业管理中心",
    "p社会保险事业管理中心",
    "p社会保险事业管理局",
    "p社会保险基金管理局",
    "p社会保险基金管理中心",
    "p社会保险事业局",
    "p社会保险中心",
    "p社会保险服务中心",
    "p人力资源和社会保障局",
    "p人力资源和社会保障局",
    "p劳动和社会保障局",
    "p人事劳动和社会保障局",
    "n市社会保险基金管理局d分局",
    "p社保局",
    "n市d社保分局",
    "p机关事业单位社会保险管理中心",
    "p城乡居民社会养老保险管理中心",
    "p农村社会养老保险事业管理处",
    "p企业养老保险管理处",
    "p社会保险费征缴管理中心",
];

const MEDICAL_INSURANCE: [&str; 10] = [
    "p医疗保障局",
    "p医疗保障局",
    "p医疗保障局",
    "p医疗保障事务中心",
    "p医疗保障基金管理中心",
    "p医疗保险管理中心",
    "p医疗保险事业管理处",
    "p城镇职工基本医疗保险基金管理中心",
    "p新型农村合作医疗管理中心",
    "p医保局",
];

const EMPLOYMENT: [&str; 8] = [
    "p公共就业服务中心",
    "p就业服务管理局",
    "p劳动就业服务局",
    "p公共就业和人才服务中心",
    "p人才交流服务中心",
    "p失业保险管理中心",
    "p就业促进和劳动保障监察局",
    "p劳动保障事务所",
];

const HOUSING_FUND: [&str; 12] = [
    "p住房公积金管理中心",
    "p住房公积金管理中心",
    "n市住房公积金管理中心",
    "n住房公积金管理中心",
    "n市住房公积金管理中心d分中心",
    "n市住房公积金管理中心d管理部",
    "n住房公积金管理中心铁路分中心",
    "p公积金管理中心",
    "n市住房公积金管理中心d县管理部",
    "n市住房公积金管理中心第o营业部",
    "z住房公积金管理中心",
    "n工业园区公积金管理中心",
];

const CUSTOMS: [&str; 10] = [
    "中华人民共和国n海关",
    "中华人民共和国n海关",
    "中华人民共和国n机场海关",
    "n海关",
    "n海关",
    "n机场海关",
    "n保税区海关",
    "中华人民共和国n海关驻d办事处",
    "n海关缉私分局",
    "n出入境检验检疫局",
];

const FINANCE: [&str; 13] = [
    "p财政局",
    "p财政局",
    "p财政局",
    "z财政厅",
    "p财政国库支付中心",
    "p国库集中支付中心",
    "p会计核算中心",
    "p财政局非税收入管理局",
    "t财政所",
    "n市d区t财政所",
    "p财政国库支付局",
    "p财政局国库支付中心零余额账户",
    "p财政局（非税收入专户）",
];

const COURT: [&str; 8] = [
    "p人民法院",
    "p人民法院",
    "p人民法院",
    "n市中级人民法院",
    "zn市中级人民法院",
    "z高级人民法院",
    "p人民法院t人民法庭",
    "p人民法院（诉讼费专户）",
];

const PROCURATOR: [&str; 4] = ["p人民检察院", "p人民检察院", "z人民检察院", "p检察院"];

const POLICE: [&str; 10] = [
    "p公安局",
    "p公安局",
    "n市公安局d分局",
    "d区公安分局",
    "z公安厅",
    "p公安局交通警察支队",
    "p公安局交通警察大队",
    "p公安局t派出所",
    "n市公安局d分局t派出所",
    "p公安局出入境管理支队",
];

const GOVERNMENT: [&str; 14] = [
    "p人民政府",
    "p人民政府",
    "p人民政府办公室",
    "n市d区t人民政府",
    "d县t人民政府",
    "n市d区d街道办事处",
    "d街道办事处",
    "t政府",
    "p机关事务管理局",
    "n经济技术开发区管理委员会",
    "n高新技术产业开发区管理委员会",
    "p总工会",
    "p妇女联合会",
    "p残疾人联合会",
];

const MARKET: [&str; 9] = [
    "p市场监督管理局",
    "p市场监督管理局",
    "p市场监督管理局",
    "p市场监督管理局d分局",
    "p工商行政管理局",
    "p工商局",
    "p质量技术监督局",
    "p食品药品监督管理局",
    "p市场监督管理局t市场监督管理所",
];

const BUREAU: [&str; 20] = [
    "p交通运输局",
    "p自然资源局",
    "p自然资源和规划局",
    "p国土资源局",
    "p生态环境局",
    "n市生态环境局d分局",
    "p环境保护局",
    "p农业农村局",
    "p农业局",
    "p应急管理局",
    "p教育局",
    "p民政局",
    "p水利局",
    "p卫生健康委员会",
    "p卫生局",
    "p住房和城乡建设局",
    "p城市管理综合行政执法局",
    "p商务局",
    "p科学技术局",
    "p退役军人事务局",
];

const SCHOOL: [&str; 14] = [
    "p第o中学",
    "n市第o中学",
    "n市实验小学",
    "n市d区实验小学",
    "t中心小学",
    "n市d区t中心小学",
    "n市第o小学",
    "n市机关幼儿园",
    "n大学",
    "n师范学院",
    "n职业技术学院",
    "n市第o高级中学",
    "n市特殊教育学校",
    "d县职业教育中心",
];

const HOSPITAL: [&str; 10] = [
    "p人民医院",
    "p人民医院",
    "n市第o人民医院",
    "n市中心医院",
    "p中医医院",
    "p中医院",
    "p妇幼保健院",
    "n市d区t卫生院",
    "n大学附属医院",
    "n市d区d社区卫生服务中心",
];

const TREASURY_ACCOUNTS: [&str; 34] = [
    "待报解预算收入",
    "待报解预算收入",
    "待报解预算收入",
    "待报解预算收入（TIPS系统）",
    "待报解预算收入(TIPS)",
    "TIPS电子缴税款业务待报解预算收入",
    "TIPS系统待报解预算收入",
    "待报解预算收入-电子退库",
    "待报解预算收入—财税库银",
    "待报解预算收入（财税库银横向联网）",
    "待报解预算收入（实时扣税）",
    "待报解预算收入专户",
    "待报解预算收入（社保费）",
    "待报解中央预算收入",
    "待报解地方预算收入",
    "待报解共享预算收入",
    "待报解中央与地方共享预算收入",
    "代理国库待报解预算收入",
    "国库待报解预算收入",
    "n待报解预算收入",
    "待报解预算收入（n支行）",
    "待报解预算收入##",
    "待报解预算收入#########",
    "电子缴税待报解预算收入",
    "财税库银税款待报解预算收入",
    "待报解预算收入（待缴库税款）",
    "待报解　预算收入",
    "代理国家金库p支库",
    "国家金库p支库（代理）",
    "国家金库n市中心支库（待缴库税款）",
    "国家金库p支库",
    "p国库经收处",
    "待缴库税款",
    "待报解预算收入_TIPS",
];
