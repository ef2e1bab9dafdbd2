//! The parts of names: towns, districts, brand characters, given names, surnames.
//!
//! Owns no order of parts; the patterns of each kind of name give it.
//!
//! **Invariant:** a character of [`HOLDER_FIRST`] occurs in no other list and no pattern. Every holder's name contains
//! one, so no other name equals a holder's name in any spelling. Otherwise a label could be trade where the same name
//! makes a transfer between own accounts.

/// Invented towns of banks, holders and counterparties.
pub(crate) const TOWNS: [&str; 56] = [
    "江州", "云泽", "澄溪", "岚川", "望洲", "青渡", "沅阳", "隆浦", "栖陵", "白堰", "汐城", "鹭原", "洛屏", "槐津",
    "桐埠", "枫渚", "浔阴", "蓟浦", "曲泷", "汀阳", "堰城", "沧浦", "墨川", "绥泽", "麓宁", "阜溪", "钟渚", "浮泉",
    "苇州", "棠浦", "漳陵", "岫岭", "洹州", "榆浦", "泗川", "菱洲", "泾洲", "鹿渚", "琼泽", "眉渡", "峦城", "翠堰",
    "昌渚", "嵩浦", "梧陂", "澧渡", "泊州", "雁渚", "仙堰", "禹浦", "蒲洲", "芷溪", "凤渚", "瓯浦", "岱川", "汶渚",
];

/// Real cities, for public bodies only. Their numbers follow those of [`TOWNS`].
pub(crate) const CITIES: [&str; 24] = [
    "北京", "上海", "天津", "重庆", "武汉", "成都", "广州", "深圳", "杭州", "南京", "西安", "长沙", "郑州", "济南",
    "青岛", "沈阳", "合肥", "福州", "厦门", "南昌", "昆明", "贵阳", "南宁", "兰州",
];

/// Real provinces, for public bodies only.
pub(super) const PROVINCES: [&str; 20] = [
    "河北省",
    "山西省",
    "辽宁省",
    "吉林省",
    "江苏省",
    "浙江省",
    "安徽省",
    "福建省",
    "江西省",
    "山东省",
    "河南省",
    "湖北省",
    "湖南省",
    "广东省",
    "海南省",
    "四川省",
    "贵州省",
    "云南省",
    "陕西省",
    "甘肃省",
];

/// Districts, counties and townships, without the word for the level.
pub(super) const DISTRICTS: [&str; 32] = [
    "望湖", "东泽", "临溪", "北渚", "南浦", "鼓渡", "龙汀", "河桥", "清沅", "石潭", "新沔", "柳浦", "双桥", "金堤",
    "白塔", "枣林", "大泊", "长汀", "西堰", "梅岭", "马渡", "松岭", "莲塘", "云门", "黄渡", "古槐", "虹桥", "高陂",
    "平湖", "玉泉", "花桥", "沙埠",
];

pub(super) const HOLDER_FIRST: [&str; 40] = [
    "沐", "霁", "槿", "湛", "珺", "砚", "莳", "岑", "菡", "昀", "澍", "珩", "漪", "霖", "砺", "栩", "芮", "樨", "淙",
    "珣", "翎", "珞", "蘅", "筠", "濯", "棣", "煊", "邈", "旻", "甯", "缃", "鸢", "璞", "嵘", "弋", "骁", "琬", "琮",
    "玥", "翮",
];

pub(super) const COUNTERPARTY_FIRST: [&str; 44] = [
    "翊", "淳", "堃", "琰", "昶", "骐", "曜", "皓", "泓", "沣", "钰", "铭", "稷", "峤", "韬", "璟", "骏", "澜", "懋",
    "翰", "煜", "昊", "琨", "晔", "祺", "轩", "沛", "渊", "鑫", "垚", "烨", "曦", "锦", "琦", "瑾", "晖", "灏", "翀",
    "炜", "旭", "恺", "禧", "颢", "潼",
];

pub(super) const SECOND: [&str; 64] = [
    "源", "达", "禾", "川", "岳", "辰", "宇", "晟", "彤", "然", "朗", "逸", "舟", "屿", "樾", "棠", "笙", "柏", "丰",
    "润", "和", "泰", "兴", "茂", "诚", "远", "航", "森", "林", "峰", "野", "谷", "星", "尚", "悦", "佳", "立", "维",
    "越", "凌", "嘉", "成", "广", "盛", "隆", "昌", "顺", "祥", "瑞", "益", "康", "安", "宁", "庆", "裕", "恒", "通",
    "捷", "领", "拓", "卓", "正", "旺", "福",
];

/// 代, 付, 支, 关, 应 and 国 are surnames too, and also begin other words on statements.
pub(super) const SURNAMES: [&str; 64] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "萧", "程", "曹", "袁", "邓", "许", "傅", "沈", "曾",
    "彭", "吕", "苏", "卢", "蒋", "蔡", "贾", "丁", "魏", "薛", "叶", "阎", "余", "潘", "代", "付", "支", "关", "应",
    "国", "欧阳", "上官", "司徒", "诸葛", "皇甫", "夏侯",
];

/// Given names are stems, branches, star mansions and solar terms, which real people hardly bear.
pub(super) const GIVEN: [&str; 48] = [
    "甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬", "癸", "子", "丑", "寅", "卯", "辰", "巳", "午", "未", "申",
    "酉", "戌", "亥", "角", "亢", "氐", "房", "心", "尾", "箕", "斗", "虚", "危", "室", "壁", "奎", "娄", "胃", "昴",
    "毕", "觜", "参", "井", "鬼", "柳", "星", "张", "翼", "轸",
];
pub(super) const SOLAR_TERMS: [&str; 20] = [
    "立春", "雨水", "惊蛰", "春分", "谷雨", "立夏", "小满", "芒种", "夏至", "小暑", "大暑", "立秋", "处暑", "白露",
    "秋分", "寒露", "霜降", "立冬", "冬至", "大寒",
];

/// The last part of a sole proprietor's name, unless the word for the trade is a shop already.
pub(super) const SHOP_FORMS: [&str; 8] = ["经营部", "商行", "店", "批发部", "门市部", "厂", "经销部", "服务部"];
/// Endings of words for a trade that are a shop already.
pub(super) const SHOP_ENDS: [&str; 16] =
    ["店", "部", "厂", "行", "馆", "室", "铺", "坊", "超市", "中心", "吧", "厅", "社", "场", "站", "摊"];
