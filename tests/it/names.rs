//! Name rules on real names: recall and precision by kind, of clean names and of names with the noise of statements. These
//! tests need the shared data; `cargo test --test it names -- --nocapture` prints their table. Names written for this file
//! need no data.

use std::collections::{BTreeMap, BTreeSet};

use liushui::class::{Class, Counterparty, Holder, Matcher, Rules, Subclass, normalise};

use crate::util::shared_data;

/// What statements do to a name. The second text is the kind of the name: each has its own branches.
type Noise = (&'static str, fn(&str, &str) -> String);

const NOISES: &[Noise] = &[
    ("clean", |name, _| name.to_string()),
    ("digits behind", |name, _| format!("{name}1111111111")),
    ("digits in front", |name, _| format!("00123{name}")),
    ("bracket", |name, _| format!("{name}（代收专户）")),
    ("half-width bracket", |name, _| format!("{name}(社保费)")),
    ("purpose", |name, _| format!("{name}零余额账户")),
    ("dash", |name, _| format!("{name}-代缴税费")),
    ("branch", |name, kind| format!("{name}{}", branch(kind))),
    ("old style", |name, _| old_style(name)),
    ("spaces", |name, _| name.chars().flat_map(|c| [c, ' ']).collect()),
    ("full width", |name, _| format!("{name}ＲＭＢ０１２").chars().map(full_width).collect()),
    ("cut at 20", |name, _| cut(name, 20)),
    ("cut at 24", |name, _| cut(name, 24)),
    ("cut at 30", |name, _| cut(name, 30)),
    ("bracket, cut at 20", |name, _| cut(&format!("{name}（预算单位零余额账户）"), 20)),
    ("bracket, cut at 24", |name, _| cut(&format!("{name}（待缴库税款专户）"), 24)),
    ("purpose, cut at 24", |name, _| cut(&format!("{name}预算单位零余额账户"), 24)),
];

/// The branch that a name of this kind has; kinds of bodies first, then the lists of others.
fn branch(kind: &str) -> &'static str {
    match kind {
        "tax" => "城区税务分局",
        "social" => "城区分中心",
        "housing_fund" => "城区管理部",
        "customs" => "驻机场办事处",
        "court" => "城区人民法庭",
        "procurator" => "驻看守所检察室",
        "police" => "城区派出所",
        "companies" => "城区分公司",
        "bank branches" => "城区分理处",
        "one-owner businesses" | "look-alikes" => "城区分店",
        _ => "城区分局",
    }
}

/// The name as the body bore it before its last reform, where that has another word.
fn old_style(name: &str) -> String {
    let words = [
        ("国家税务总局", ""),
        ("税务局", "国家税务局"),
        ("国家国家", "国家"),
        ("地方国家税务局", "地方税务局"),
        ("人力资源和社会保障局", "劳动和社会保障局"),
        ("人力资源社会保障局", "人事劳动局"),
        ("市场监督管理局", "工商行政管理局"),
        ("交通运输局", "交通局"),
        ("农业农村局", "农业局"),
        ("生态环境局", "环境保护局"),
        ("应急管理局", "安全生产监督管理局"),
    ];
    words.iter().fold(name.to_string(), |name, (new, old)| name.replace(new, old))
}

fn cut(name: &str, chars: usize) -> String {
    name.chars().take(chars).collect()
}

fn full_width(c: char) -> char {
    let is_narrow = c.is_ascii_graphic();
    char::from_u32(c as u32 + 0xFEE0).filter(|_| is_narrow).unwrap_or(c)
}

/// The lines of a file of the shared names.
fn lines(file: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(shared_data(&format!("data/names/{file}"))?).unwrap();
    Some(text.lines().map(str::to_string).collect())
}

/// The lines of a file of two columns, without its header.
fn labelled(file: &str) -> Option<Vec<(String, String)>> {
    let split = |line: &String| line.split_once('\t').map(|(name, kind)| (name.to_string(), kind.to_string()));
    Some(lines(file)?.iter().skip(1).filter_map(split).collect())
}

fn classify(matcher: &Matcher, name: &str) -> (Class, Subclass, String) {
    let mut normalised = String::new();
    normalise(name, &mut normalised);
    let name_facts = matcher.name_facts(name, &normalised);
    let row = Counterparty { normalised_name: &normalised, name_facts, ..Default::default() };
    let decision = matcher.decide(&Holder::default(), &row);
    (decision.class, decision.subclass, matcher.rule_id(decision).to_string())
}

fn expected_subclass(kind: &str) -> Subclass {
    match kind {
        "tax" => Subclass::Tax,
        "social" => Subclass::SocialInsurance,
        "housing_fund" => Subclass::HousingFund,
        "customs" => Subclass::Customs,
        "finance" => Subclass::Fiscal,
        "court" | "procurator" => Subclass::Judicial,
        _ => Subclass::OtherPublic,
    }
}

/// What one noise did to all names.
#[derive(Default)]
struct Column {
    /// Recall by kind: names, and those of them that are PUBLIC.
    kinds: BTreeMap<String, (usize, usize)>,
    /// Precision by sub-class: names given it, and those of them whose kind it is.
    subclasses: BTreeMap<&'static str, (usize, usize)>,
    /// By list of others: names, and those of them taken for PUBLIC or PAYMENT_PLATFORM.
    others: BTreeMap<&'static str, (usize, usize)>,
    /// Some of what went wrong, to be told by a failing test.
    wrong: Vec<String>,
}

/// Names that are no public bodies and no platforms, and how many of a thousand may be taken for one.
const OTHERS: &[(&str, &str, usize)] = &[
    ("companies", "companies.txt", 1),
    ("one-owner businesses", "individual-businesses.txt", 1),
    ("look-alikes", "hard-negatives.tsv", 0),
    ("bank branches", "bank-branches.txt", 0),
];

impl Column {
    fn new(matcher: &Matcher, noise: &Noise, bodies: &[(String, String)], others: &[Vec<String>]) -> Column {
        let mut column = Column::default();
        for (name, kind) in bodies {
            let noisy = (noise.1)(name, kind);
            let (class, subclass, rule) = classify(matcher, &noisy);
            let counts = column.kinds.entry(kind.clone()).or_default();
            counts.0 += 1;
            if class == Class::Public {
                counts.1 += 1;
                column.given(subclass, subclass == expected_subclass(kind));
            } else {
                column.wrong.push(format!("{noisy} is {} by {rule}", class.name()));
            }
        }
        for ((list, _, _), names) in OTHERS.iter().zip(others) {
            for name in names {
                let noisy = (noise.1)(name, list);
                let (class, subclass, rule) = classify(matcher, &noisy);
                let counts = column.others.entry(list).or_default();
                counts.0 += 1;
                if matches!(class, Class::Public | Class::PaymentPlatform) {
                    counts.1 += 1;
                    column.wrong.push(format!("{noisy} is {} by {rule}", class.name()));
                    if class == Class::Public {
                        column.given(subclass, false);
                    }
                }
            }
        }
        column
    }

    fn given(&mut self, subclass: Subclass, is_right: bool) {
        let counts = self.subclasses.entry(subclass.name()).or_default();
        counts.0 += 1;
        counts.1 += usize::from(is_right);
    }
}

fn share((all, some): (usize, usize)) -> String {
    format!("{:.4}", some as f64 / all.max(1) as f64)
}

/// The table as the docs have it.
fn table(columns: &[Column]) -> String {
    let clean = &columns[0];
    let heads: Vec<&str> = NOISES.iter().map(|(noise, _)| *noise).collect();
    let mut table = format!("| | names | {} |\n|---|--:|{}\n", heads.join(" | "), "--:|".repeat(NOISES.len()));
    let mut row = |title: String, names: String, cell: &dyn Fn(&Column) -> String| {
        let cells: Vec<String> = columns.iter().map(cell).collect();
        table += &format!("| {title} | {names} | {} |\n", cells.join(" | "));
    };
    for (kind, counts) in &clean.kinds {
        row(format!("recall of {kind}"), counts.0.to_string(), &|column| share(column.kinds[kind]));
    }
    let subclasses: BTreeSet<&str> = clean.kinds.keys().map(|kind| expected_subclass(kind).name()).collect();
    for subclass in subclasses {
        let cell = |column: &Column| column.subclasses.get(subclass).map_or("–".to_string(), |counts| share(*counts));
        row(format!("precision of {subclass}"), String::new(), &cell);
    }
    for (list, counts) in &clean.others {
        row(format!("{list} taken"), counts.0.to_string(), &|column| column.others[list].1.to_string());
    }
    table
}

#[test]
fn recall_and_precision_by_kind_and_noise() {
    let Some(bodies) = labelled("public-bodies.tsv") else { return };
    let mut others = Vec::new();
    for (_, file, _) in OTHERS {
        let Some(names) = lines(file) else { return };
        let first_column = |line: &String| line.split('\t').next().unwrap_or_default().to_string();
        let skipped = usize::from(file.ends_with(".tsv"));
        others.push(names.iter().skip(skipped).map(first_column).collect());
    }
    let matcher = Matcher::new(&Rules::builtin());
    let columns: Vec<Column> = NOISES.iter().map(|noise| Column::new(&matcher, noise, &bodies, &others)).collect();
    let table = table(&columns);
    println!("{table}");
    for ((noise, _), column) in NOISES.iter().zip(&columns) {
        let some: Vec<&String> = column.wrong.iter().take(20).collect();
        for (kind, (all, found)) in &column.kinds {
            let percent = if *noise == "clean" { 97 } else { 95 };
            assert!(found * 100 >= all * percent, "{noise}: {found} of {all} {kind} found: {some:#?}");
        }
        for (list, _, allowed) in OTHERS {
            let (all, taken) = column.others[list];
            assert!(taken * 1000 <= all * allowed, "{noise}: {taken} of {all} {list} taken: {some:#?}");
        }
    }
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/names.md")).unwrap();
    assert!(docs.contains(&table), "docs/names.md has another table; paste this one:\n{table}");
}

/// Names written for this test, of the kinds that the shared lists do not have, and look-alikes. A line without
/// indent is a class and sub-class; the lines under it are names of that class.
const CASES: &str = "\
# tax
PUBLIC tax
  国家税务总局平顶山市石龙区税务局 | 国家税务总局上海市浦东新区税务局第三十税务所
  国家税务总局驻马店市驿城区税务局（社保费） | 国家税务总局巴音郭楞蒙古自治州税务局第一稽查局
  国家税务总局某市税务局第二税务分局 | 某市地方税务局直属分局 | 某县国家税务局办税服务厅 | 北京市朝阳区地税局
  某某市国税 | 某市国税局稽查局待缴税款 | 国家税务总局深圳市龙岗区税务局布吉税务 | 国 家 税 务 总 局 某 市 税 务 局
  国家税务总局某县税务局-社保费代征 | 00123国家税务总局某县税务局 | 国家税务总局某县税务局城关税务分局（契税专户）
  国家税务总局某市税务局车辆购置税征收管理分局 | 新疆生产建设兵团第八师税务局 | 某市财政地税局
OTHER trade
  某某税务师事务所有限公司 | 上海某某税务代理有限公司 | 某市百税通税务咨询服务部 | 税务筹划网络科技（北京）有限公司
  某市税务局招待所 | 税务大厦酒店管理有限公司 | 某税务培训学校有限公司 | 山东百丞税务服务股份有限公司 | 国税宾馆
  地税局对面李记面馆 | 税务局旁打印复印 | 某某金税信息技术有限公司 | 爱信诺航天信息有限公司
  税友软件集团股份有限公司
# treasury
PUBLIC treasury
  国家金库某市中心支库 | 国家金库某县支库（待缴库税款）0012 | 国家金库上海市黄浦区支库 | 待报解预算收入
  待报解预算收入（TIPS系统） | 待报解预算收入专户 | TIPS电子缴税款业务待报解预算收入 | 待报解预算收入-电子退库
  待报解预算收入-待报解预算收入（代理支库专用） | 中国工商银行股份有限公司某市分行待报解预算收入
  某农商银行待报解地方预算收入 | 待报解中央预算收入 | 待报解共享收入 | 待缴库税款 | 待结算财政款项
  财税库银横向联网税款 | 实时缴税 | 代理国库经收处待划转税款 | 国库待结算款项 | 国家金库某市分库电子缴税 | TIPS
OTHER trade
  水库支库土菜馆 | 金库酒吧 | 张支库 | 金库KTV娱乐有限公司
# social insurance
PUBLIC social_insurance
  某市社会保险事业管理中心 | 某市社会保险基金管理局社保费专户 | 某县医疗保障局
  某市医疗保障事务中心（职工医保基金） | 某市人力资源和社会保障局 | 某区人社局 | 某县城乡居民社会养老保险事业管理局
  某某市失业保险基金支出户 | 某县机关事业单位养老保险中心 | 北京市社会保险基金管理中心西城分中心
  某市劳动就业服务局 | 某县新型农村合作医疗管理办公室 | 社保费 | 某市社保 | 某县社保局城关社保所
  某县农村社会养老保险站 | 某区人力资源服务中心 | 国家税务总局某市税务局社会保险费征收管理局 | 某市医疗保险处2010001
OTHER trade
  平顶山市社会保险服务公司 | 平顶山市社会保险服务公司（社保费） | 某某社保代理有限公司 | 社保科技有限公司
  金保社保代办服务部 | 某某人力资源有限公司（代缴社保） | 某某人力资源服务（上海）有限公司
  中国人寿养老保险股份有限公司某中心支公司 | 泰康养老保险股份有限公司 | 太平养老保险股份有限公司某分公司
  某某商贸有限公司（社保费） | 老王水果店（社保费） | 老王水果店社保费专户 | 老王水果（社会保险费）
  某市人才市场打印部 | 劳合社保险（中国）有限公司 | 王社保 | 湖南人才就业社保信息报社有限责任公司
  中国太平洋财产保险股份有限公司某中心支公司
# housing fund
PUBLIC housing_fund
  北京住房公积金管理中心1111111111 | 北京住房公积金管理中心中央国家机关分中心 | 某市住房公积金管理中心某县管理部
  某市住房公积金管理中心铁路分中心 | 上海市公积金管理中心 | 某省省直单位住房公积金管理中心 | 某市住房公积金
  某油田住房公积金管理中心办事处 | 某市住房公积金服务中心 | 住房公积金
OTHER trade
  公积金大厦酒店 | 公积金咨询服务有限公司 | 某某商贸有限公司住房公积金 | 李公积金 | 老王水果店住房公积金
# customs
PUBLIC customs
  中华人民共和国上海海关 | 马鞍山海关（保证金） | 山海关海关 | 秦皇岛海关 | 深圳海关缉私局 | 天津新港海关税款专户
  上海浦江海关 | 某市出入境检验检疫局 | 中华人民共和国海关总署 | 北京海关机关服务中心 | 大鹏海关待缴税款
  拱北海关驻斗门办事处 | 粤海关
OTHER trade
  山海关 | 秦皇岛市山海关 | 山海关船舶重工有限责任公司 | 上海关东大嫂超市有限公司 | 上海关勒铭有限公司
  海关报关有限公司 | 某某海关报关行 | 王海关 | 苏海关 | 海关大厦 | 海关路早餐店 | 武汉海关大厦
  中远海关务代理有限公司 | 临海关务科技有限公司
# fiscal
PUBLIC fiscal
  某县财政国库支付中心零余额账户 | 某市财政局 | 秦皇岛市山海关区财政局 | 某区财政局预算外资金专户 | 某镇财政所
  某市国库集中支付中心 | 某县会计核算中心 | 某省财政厅非税收入专户 | 某市非税收入管理局 | 某市财政
  某县人民政府国有资产监督管理委员会 | 财政专户 | 预算单位零余额账户 | 某市财政票据管理中心
OTHER trade
  山西省财政资产管理有限公司 | 某市财政资产经营有限公司 | 某某财政税务咨询有限公司 | 周财政 | 某财政宾馆
  财政局家属院便利店 | 某某财务有限公司 | 某集团财务有限责任公司
# judicial
PUBLIC judicial
  某市中级人民法院 | 某县人民法院（诉讼费） | 某区人民法院执行款专户 | 某区人民检察院 | 某市中级人民法
  某省高级人民法院 | 上海金融法院 | 某铁路运输法院 | 海淀法院 | 县检察院 | 某市仲裁委员会 | 某县人民法院案款
  某县人民法院机关工会
OTHER trade
  李法院 | 法院路小吃店 | 海德公园法院酒店 | 某法院印刷厂 | 某司法鉴定所有限公司 | 某律师事务所 | 某公证服务有限公司
# police
PUBLIC other_public
  某市公安局 | 某市公安局交通警察支队 | 某县公安局城关派出所 | 公安县公安局 | 公安朝阳分局 | 某市交警大队
  某市消防救援支队 | 某省第二监狱 | 某市看守所 | 某市车辆管理所 | 某市强制隔离戒毒所
OTHER trade
  某监狱 | 公安县铜套有限公司 | 公安县宏泰小额贷款股份有限公司 | 派出所旁小吃店 | 派出所对面王姐麻辣烫
  某公安用品店 | 公安县城关水果店 | 某保安服务有限公司
PUBLIC education_health
  公安县第一中学 | 公安县人民医院
# government and organs
PUBLIC other_public
  某市人民政府 | 某市人民政府办公室 | 某镇人民政府 | 某街道办事处 | 某市政府路街道办事处 | 中共某市委组织部
  中国共产党某县委员会 | 某县人大常委会办公室 | 政协某市委员会 | 某市纪委 | 某市总工会 | 某区妇女联合会
  某县残疾人联合会 | 某市红十字会 | 某市科协 | 某高新区管委会 | 某经济技术开发区管理委员会 | 某市机关事务管理局
  某市市场监督管理局 | 某市工商行政管理局某分局 | 某县交通运输局 | 某市生态环境局某分局 | 某县自然资源和规划局
  某市城市管理综合行政执法局 | 某市住房和城乡建设局 | 某县农业农村和水利局 | 某县煤炭工业局 | 某市退役军人事务局
  某市卫健委 | 某省发改委 | 扬州教育局 | 扬州教育局（教育费附加） | 某区教体局 | 国家能源局某监管办公室
  某市公共资源交易中心 | 某市政务服务中心 | 某县畜牧兽医站 | 某乡农技站 | 某市环境监测站 | 某县公路管理局
  某市图书馆 | 某县疾病预防控制中心 | 某市广播电视台 | 某县供销合作社联合社 | 某市殡仪馆 | 某镇敬老院 | 某市公证处
  中国人民解放军73012部队 | 某县人武部 | 武警某市支队 | 某市社会福利院 | 某县不动产登记中心 | 某市邮政管理局
  某市烟草专卖局 | 某省地震局 | 某市会展局 | 某县防汛抗旱指挥部办公室
OTHER trade
  某县某某村村民委员会 | 某街道某某社区居民委员会 | 某镇某某村经济合作社 | 某小区业主委员会 | 某市消费者协会
  某市个体私营企业协会 | 某县供销社农资门市部 | 某市邮政局 | 某市铁路局 | 某油田勘探局 | 中铁十一局集团有限公司
  中铁一局 | 某省烟草公司某市公司 | 某机关服务有限公司 | 九江市政府机关装饰工程有限公司 | 某市印钞厂
  某某银行股份有限公司市政府支行 | 中国农业银行某市财政局分理处 | 中国银行某市海关支行 | 某农村信用社镇政府分社
  政府路理发 | 某市饭局餐饮 | 北京市朝阳区小酒局 | 上海市静安区老酒局 | 某市烧烤局 | 王政府 | 张人大 | 陈政协
  某地方政府融资平台公司 | 某城市建设投资集团有限公司 | 某市国有资产经营有限公司 | 某县招商局码头有限公司
  招商局集团有限公司 | 某市建筑设计院 | 某报社 | 某某畜牧养殖专业合作社 | 某畜牧发展有限公司 | 新航道学校
  某市健康管理中心 | 某市物业管理处 | 某市区美容中心 | 某县农机配件门市部 | 某市体育用品店
# schools and hospitals
OTHER trade
  某大学 | 某市民办某某中学 | 某双语小学 | 某国际学校 | 某某中学有限公司 | 某市小太阳幼儿园 | 某男科医院
  某整形美容医院有限公司 | 某口腔门诊部 | 某协和医院 | 某宠物医院 | 某手机医院 | 人民医院对面水果店 | 大学城烤肉店
  大学生创业园有限公司 | 某中学生用品店 | 某大学路眼镜店 | 陈大学 | 赵中学 | 李小学 | 某教育培训中心 | 某驾驶学校
  某电脑职业培训学校 | 某大学科技园发展有限公司 | 人民医院门口早点 | 某某大学出版社有限公司 | 某商学院咨询有限公司
PUBLIC education_health
  北京大学 | 清华大学附属中学 | 某市第三十九中学 | 某县实验小学 | 某市第一中学 | 某镇中心小学 | 某镇中心幼儿园
  某市机关幼儿园 | 人大附中 | 某市职业技术学院 | 某师范学院 | 某市委党校 | 某市技师学院
  浙江大学医学院附属邵逸夫医院 | 第四军医大学西京医院 | 某市人民医院 | 某市第二人民医院 | 某县中医院
  某市妇幼保健院 | 某镇卫生院 | 某社区卫生服务中心 | 某省肿瘤医院 | 某市中医医院 | 某军区总医院
  某县人民医院医保结算户 | 某某大学财务处 | 某某大学工会
PUBLIC other_public
  某市中心血站
# platforms
PAYMENT_PLATFORM none
  支付宝 | 支付宝-李四 | 支付宝（中国）网络技术有限公司客户备付金 | 支付宝（中国）网络技术有限公司
  支付宝支付科技有限公司 | 财付通 | 财付通-扫二维码付款 | 深圳市财付通支付科技有限公司
  财付通支付科技有限公司客户备付金 | 微信支付北京一卡通 | 微信转账 | 微信零钱提现 | 银联商务股份有限公司客户备付金
  银联商务支付股份有限公司 | 拉卡拉支付股份有限公司 | 快钱支付清算信息有限公司 | 通联支付网络服务股份有限公司客户备
  易宝支付有限公司 | 上海汇付支付有限公司 | 随行付支付有限公司 | 网银在线（北京）科技有限公司 | 京东支付
  美团支付-某某外卖 | 抖音支付科技有限公司 | 连连银通电子支付有限公司 | 杉德支付网络服务发展有限公司
  天翼电子商务有限公司 | 宝付网络科技（上海）有限公司 | 中移电子商务有限公司 | 平安付科技服务有限公司
  乐刷科技有限公司 | 北京海科融通支付服务有限公司 | 联动优势电子商务有限公司 | 合利宝支付科技有限公司 | 云闪付
  PayPal | 某某有限公司客户备付金 | 拉卡拉
OTHER trade
  某某支付宝贝母婴用品店 | 支付宝贝母婴用品店 | 某市优微信息技术有限公司 | 上海梓微信息科技有限公司 | 微信无人快闪店
  深圳微信软件开发有限公司 | 武汉微信宝科技有限公司 | 广东云支付科技有限公司 | 某聚合支付科技有限公司
  某支付设备有限公司 | 跨境银行间支付清算（上海）有限责任公司 | 上海付钱通信息科技有限公司
  某某财付信息咨询有限公司 | 深圳市财付通网络金融小额贷款有限公司 | 佰付通信息技术（上海）有限公司
  友钱包装材料有限公司 | 快钱便利店 | 连连看服饰店 | 网联清算有限公司 | 中国银联股份有限公司
  杭州连连看网络科技有限公司 | 某市金库KTV
# agency
AGENCY none
  代发工资户 | 代发工资 | 批量代发工资过渡户 | 某银行股份有限公司某支行代发工资专户 | 中国工商银行某支行代发工资
  代扣代缴个人所得税 | 批量代扣 | 代收代付业务资金 | 代付 | 待清算商户资金 | 特约商户待清算款项 | 收单业务待结算
OTHER trade
  某某有限公司（代发工资） | 某某劳务派遣有限公司代发工资专户 | 某某商贸有限公司代发户 | 代发明 | 代付贵
  代收快递服务部 | 某某代理记账有限公司 | 代驾服务有限公司
# bank
OPENING_BANK none
  应付个人活期储蓄存款利息 | 应付利息 | 利息支出 | 手续费收入 | 结息 | 利息税 | 账户管理费收入 | 短期贷款
  流动资金贷款户 | 贷款还款专户 | 银行承兑汇票保证金 | 应解汇款 | 待处理出纳长款 | 中国建设银行某支行贷款户
OTHER trade
  某某有限公司贷款户 | 某某有限公司保证金户 | 某某有限公司承兑汇票保证金 | 某某小额贷款有限公司
  某某汽车金融有限公司 | 应收账款保理有限公司 | 应付军 | 利息岭农家乐 | 中国工商银行股份有限公司某市分行
  某市农村商业银行股份有限公司某支行 | 中国银行大厦 | 老银行酒店
# utilities
OTHER utility
  国网某省电力有限公司某市供电公司 | 某市自来水公司 | 某市供水集团有限公司 | 某市燃气有限公司 | 某市热力公司
  某港华燃气有限公司 | 广东电网有限责任公司某供电局 | 某水务集团有限公司 | 某集中供热有限公司 | 某县供电局
OTHER trade
  某某燃气设备有限公司 | 某供水设备制造有限公司 | 某电力工程有限公司 | 某热力设计院有限公司 | 燃气灶维修店
";

#[test]
fn cases_by_hand() {
    let matcher = Matcher::new(&Rules::builtin());
    let mut expected = "";
    let mut count = 0;
    let mut wrong = Vec::new();
    for line in CASES.lines().filter(|line| !line.starts_with('#')) {
        let Some(names) = line.strip_prefix("  ") else {
            expected = line;
            continue;
        };
        for name in names.split(" | ") {
            count += 1;
            let (class, subclass, rule) = classify(&matcher, name);
            let got = format!("{} {}", class.name(), subclass.name());
            if got != expected {
                wrong.push(format!("{name} is {got} by {rule}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} wrong: {wrong:#?}", wrong.len());
    assert!(count > 400, "{count} cases read");
}
