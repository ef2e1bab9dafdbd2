//! Industries: their names, and the words that their businesses use in company names.
//!
//! Owns no figures; they are the profile's.

/// The industry of a business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Industry {
    /// Shops.
    Retail,
    /// Restaurants and canteens.
    Catering,
    /// Traders that sell to businesses.
    Wholesale,
    /// Makers of goods.
    Manufacturing,
    /// Builders and decorators.
    Construction,
    /// Services to businesses and households.
    Services,
    /// Exporters.
    Export,
    /// Growers and breeders.
    Farming,
}

impl Industry {
    /// Number of industries.
    pub const COUNT: usize = Industry::ALL.len();

    /// All industries, in the order of the profile.
    pub const ALL: [Industry; 8] = [
        Industry::Retail,
        Industry::Catering,
        Industry::Wholesale,
        Industry::Manufacturing,
        Industry::Construction,
        Industry::Services,
        Industry::Export,
        Industry::Farming,
    ];

    /// The name in the profile.
    pub fn name(self) -> &'static str {
        match self {
            Industry::Retail => "retail",
            Industry::Catering => "catering",
            Industry::Wholesale => "wholesale",
            Industry::Manufacturing => "manufacturing",
            Industry::Construction => "construction",
            Industry::Services => "services",
            Industry::Export => "export",
            Industry::Farming => "farming",
        }
    }

    /// The words for the trade in the names of its companies.
    pub(crate) fn trades(self) -> &'static [&'static str] {
        match self {
            Industry::Retail => &["百货", "商贸", "便利连锁", "服饰", "日用品", "家居用品"],
            Industry::Catering => &["餐饮管理", "餐饮服务", "食品", "餐饮"],
            Industry::Wholesale => &["贸易", "供应链管理", "农产品", "建材", "食品批发", "商贸"],
            Industry::Manufacturing => &["机械制造", "电子科技", "塑料制品", "纺织", "五金制品", "包装材料"],
            Industry::Construction => &["建筑工程", "装饰工程", "建筑劳务", "市政工程", "园林绿化", "防水工程"],
            Industry::Services => &["企业服务", "信息技术", "物流", "广告传媒", "物业服务", "文化传播"],
            Industry::Export => &["进出口", "国际贸易", "外贸", "进出口贸易"],
            Industry::Farming => &["农业发展", "生态农业", "种植", "养殖", "农业科技", "果蔬"],
        }
    }

    /// The words for the trade in the names of its sole proprietors.
    pub(crate) fn shops(self) -> &'static [&'static str] {
        match self {
            Industry::Retail => &["便利店", "商行", "文具店", "服装店", "烟酒店", "母婴用品店"],
            Industry::Catering => &["小吃店", "饭店", "面馆", "茶餐厅", "早餐店", "奶茶店"],
            Industry::Wholesale => &["批发部", "经营部", "商行", "建材经营部"],
            Industry::Manufacturing => &["加工厂", "五金厂", "制衣厂", "木器厂"],
            Industry::Construction => &["装饰店", "门窗店", "水电安装部", "装修服务部"],
            Industry::Services => &["工作室", "修理部", "理发店", "洗衣店", "打印店"],
            Industry::Export => &["外贸服饰店", "工艺品商行"],
            Industry::Farming => &["种植场", "养殖场", "农资店", "苗圃经营部"],
        }
    }
}
