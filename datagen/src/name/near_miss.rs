//! Near misses: companies, shops and buildings whose names look like a public body, a bank, a platform or an agency
//! account. All of them are trade.
//!
//! Owns their patterns.

use super::pattern::Filler;

const NEAR_MISSES: [&str; 84] = [
    // Tax and treasury.
    "nb税务师事务所有限公司",
    "nb税务师事务所有限责任公司n分所",
    "nb税务师事务所（普通合伙）",
    "nb税务代理有限公司",
    "nb税务咨询有限公司",
    "n中税b税务师事务所有限公司",
    "nb财税服务有限公司",
    "nb国税地税代办咨询有限公司",
    "b金库保险箱（n）有限公司",
    "nb国库券收藏品店",
    // Customs, the town of Shanhaiguan, and Shanghai before 关.
    "nb海关报关行",
    "nb海关报关有限公司",
    "nb报关行有限公司",
    "上海关b教育科技有限公司",
    "上海关b贸易有限公司",
    "上海关b影视文化工作室",
    "秦皇岛山海关b食品有限公司",
    "秦皇岛市山海关b机械厂",
    "山海关b船舶配件有限责任公司",
    "山海关b酒店",
    "n海关大厦",
    "n海关路b小吃店",
    "b火锅海关店",
    // The county named 公安.
    "公安县b建材有限责任公司",
    "公安县b棉业有限公司",
    "公安县b汽车销售有限公司",
    "荆州市公安县b装饰工程有限公司",
    "公安县b超市",
    "nb公安器材有限公司",
    // Social insurance and housing fund.
    "nb社保代理有限公司",
    "nb社保科技有限公司",
    "nb社保咨询服务有限公司",
    "nb社保代缴服务部",
    "nb社会保险代理服务有限公司",
    "nb医保大药房有限公司",
    "nb医保定点药店",
    "nb人力资源和社会保障咨询有限公司",
    "n公积金大厦",
    "n公积金大厦b酒店",
    "n公积金大厦物业管理有限公司",
    "nb住房公积金咨询有限公司",
    "nb公积金代办服务部",
    // Finance, courts, governments.
    "nb财政印务有限公司",
    "n财政培训中心b酒店",
    "nb国有资产经营有限公司",
    "n法院路b餐厅",
    "b法院公寓酒店",
    "nb检察院路便利店",
    "n市政府机关b装饰工程有限公司",
    "n市政府西门b面馆",
    "n政府采购代理b有限公司",
    "n派出所旁b便利店",
    "nb市政工程有限公司",
    "n工商局路b打印店",
    // Schools and hospitals.
    "n第o中学b文具店",
    "n大学城b网络科技有限公司",
    "n实验小学路b便利店",
    "n人民医院b便利店",
    "nb小学堂教育咨询有限公司",
    "nb中学生文化传播有限公司",
    // Banks.
    "n银行大厦",
    "n建设银行大厦b酒店",
    "中国银行大厦b咖啡店",
    "n招商银行大厦物业管理有限公司",
    "nb银行设备有限公司",
    "n老银行b酒店",
    "nb银行家餐厅",
    "nb小额贷款有限公司",
    "nb贷款咨询服务有限公司",
    "nb手续费计算软件有限公司",
    // Platforms.
    "nb优微信息科技有限公司",
    "n雨微信息咨询有限公司",
    "b微信息技术（n）有限公司",
    "nb支付宝贝母婴用品店",
    "n支付宝贝b儿童摄影店",
    "nb财付通讯器材有限公司",
    "nb易宝石珠宝行有限公司",
    "nb微信通讯器材店",
    "nb云闪付费打印店",
    // Words of agency business that are also trades.
    "nb一件代发商贸经营部",
    "nb代发货超市",
    "nb代收包裹服务部",
    "nb代付账务咨询有限公司",
    "nb应收账款管理咨询有限公司",
];

/// Appends the name of a near miss. Each pattern has a town or a brand, so there are many names.
pub(crate) fn push_near_miss(out: &mut String, hash: u64) {
    Filler::new(hash, 0x6E65_6172).push_one(out, &NEAR_MISSES);
}
