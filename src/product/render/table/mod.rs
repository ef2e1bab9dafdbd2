//! A product or a dictionary as tables for a terminal.
//!
//! Owns: the selection and the layout. A table shows the last twelve periods and the amounts by class; JSON has everything.
//! Does not own: the text of a table's cells (`text`).

mod dictionary;
mod text;

use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr as _;

use self::text::{MISSING, left, plain, reason_word, right, wrap};
use super::CheckedProduct;
use crate::product::CLASS_SEGMENTS;
use crate::product::dictionary::{ItemDef, Rows, SegmentDef};
use crate::product::value::{Items, Reason, Segment, Value};

pub use self::dictionary::{dictionary_json, dictionary_table};

/// The least width: below it, columns of money do not fit.
const WIDTH_MIN: usize = 40;

/// The number of periods that a table shows, the latest ones.
const PERIODS_SHOWN: usize = 12;

/// The segment of all transactions.
const FUNDS: &str = "funds";

/// Prefixes of codes by direction, and the prefixes of their names.
const DIRECTIONS: [(&str, &str); 3] = [("in_", "收入"), ("out_", "支出"), ("net_", "净流入")];

/// One product of one account, at most `width` columns wide if its words allow.
pub fn product_table(product: CheckedProduct<'_>, width: usize) -> String {
    let dictionary = product.dictionary();
    let mut page = Page::new(width);
    page.line(&format!("{} ({} {})", dictionary.name(), dictionary.product(), dictionary.version()));
    let mut classes_shown = false;
    for (def, segment) in product.segments() {
        match def.rows {
            _ if segment.is_withheld() => page.withheld(def),
            Rows::One => page.one_row(def, segment),
            Rows::PerBand => page.bands(def, segment),
            // The classes are columns of one table per direction, at the place of the first class.
            Rows::PerPeriod if is_class(def) => {
                if !classes_shown {
                    page.classes(product);
                }
                classes_shown = true;
            }
            Rows::PerPeriod => page.periods(def, segment),
        }
    }
    page.legend();
    page.text
}

/// Whether a segment is a class segment.
fn is_class(def: &SegmentDef) -> bool {
    CLASS_SEGMENTS.iter().any(|(code, _)| *code == def.code)
}

/// The text so far, and its width.
struct Page {
    text: String,
    width: usize,
    /// Reasons that occurred, for the legend.
    reasons: BTreeSet<Reason>,
}

impl Page {
    fn new(width: usize) -> Page {
        Page { text: String::new(), width: width.max(WIDTH_MIN), reasons: BTreeSet::new() }
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.line(text);
    }

    /// A segment that the subject withheld.
    fn withheld(&mut self, def: &SegmentDef) {
        let missing = self.cell(&Value::Null(Reason::Withheld));
        self.heading(&format!("{}: {missing}", def.name));
    }

    /// A segment of one row: a table of the items that have directions, and a list of the others.
    fn one_row(&mut self, def: &SegmentDef, segment: &Segment) {
        let row: Items = segment.items(0).collect();
        self.heading(&def.name);
        let (families, others) = by_direction(def);
        if !families.is_empty() {
            let grid = self.direction_grid(def, &row, &families);
            self.grid(&grid);
        }
        let pairs: Vec<(String, String)> = others
            .into_iter()
            .filter_map(|index| Some((def.items.get(index)?, row.get(index)?)))
            .map(|(item, value)| {
                let name = if is_amount(value) { with_unit(&item.name, item) } else { item.name.clone() };
                (name, self.cell(value))
            })
            .collect();
        self.pairs(&pairs);
    }

    fn direction_grid(&mut self, def: &SegmentDef, row: &Items, families: &[Family]) -> Grid {
        let used = |at: usize| families.iter().any(|family| family.items.get(at).copied().flatten().is_some());
        let shown: Vec<usize> = (0..DIRECTIONS.len()).filter(|at| used(*at)).collect();
        let heads = shown.iter().filter_map(|at| DIRECTIONS.get(*at)).map(|(_, word)| word.to_string());
        let mut grid = Grid { heads: std::iter::once(String::new()).chain(heads).collect(), rows: Vec::new() };
        for family in families {
            let mut cells = vec![family.name(def)];
            for at in &shown {
                let value = family.items.get(*at).copied().flatten().and_then(|index| row.get(index));
                cells.push(value.map_or_else(String::new, |value| self.cell(value)));
            }
            grid.rows.push(cells);
        }
        grid
    }

    /// All columns of the latest periods.
    fn periods(&mut self, def: &SegmentDef, segment: &Segment) {
        self.period_heading(&def.name, segment.rows());
        let heads = def.items.iter().map(|item| item.name.clone()).collect();
        let rows = latest(segment).map(|row| row.iter().map(plain).collect()).collect();
        self.grid(&Grid { heads, rows });
    }

    /// Amounts of the latest periods: one column per class, then cash and the whole.
    fn classes(&mut self, product: CheckedProduct<'_>) {
        let given = || product.segments().filter(|(_, segment)| !segment.is_withheld());
        for (code, total_code, cash_code, word) in [
            ("in_amount", "in_amount", "cash_in_amount", "收入金额"),
            ("out_amount", "out_amount", "cash_out_amount", "支出金额"),
        ] {
            let mut columns: Vec<(String, &SegmentDef, &Segment, &str)> = given()
                .filter(|(def, _)| is_class(def))
                .map(|(def, segment)| (short_name(&def.name).to_string(), def, segment, code))
                .collect();
            for (def, segment) in given().filter(|(def, _)| def.code == FUNDS) {
                columns.push(("现金".to_string(), def, segment, cash_code));
                columns.push(("合计".to_string(), def, segment, total_code));
            }
            let Some((_, first, periods, _)) = columns.first() else {
                return;
            };
            self.period_heading(&format!("各类往来{word}"), periods.rows());
            let heads = first.items.first().map(|label| label.name.clone()).into_iter();
            let heads = heads.chain(columns.iter().map(|(head, ..)| head.clone())).collect();
            let rows = latest(periods).map(|row| vec![row.first().map_or_else(String::new, plain)]);
            let mut grid = Grid { heads, rows: rows.collect() };
            for (_, def, segment, code) in &columns {
                let at = def.items.iter().position(|item| item.code == *code);
                for (cells, row) in grid.rows.iter_mut().zip(latest(segment)) {
                    let value = at.and_then(|at| row.get(at));
                    cells.push(value.map_or_else(String::new, plain));
                }
            }
            self.grid(&grid);
        }
    }

    /// The heading of a table of periods, with the unit of its amounts and the number of omitted periods.
    fn period_heading(&mut self, name: &str, periods: usize) {
        match periods.saturating_sub(PERIODS_SHOWN) {
            0 if periods == 0 => self.heading(&format!("{name}: 无")),
            0 => self.heading(&format!("{name} (元)")),
            earlier => self.heading(&format!("{name} (元; 最近{PERIODS_SHOWN}期,另有{earlier}期见 JSON)")),
        }
    }

    /// One table per group of columns whose codes have the same first word: the last quarter, the last year.
    fn bands(&mut self, def: &SegmentDef, segment: &Segment) {
        self.heading(&format!("{} (元)", def.name));
        for columns in column_groups(def) {
            let items: Vec<&ItemDef> = columns.iter().filter_map(|at| def.items.get(*at)).collect();
            let prefix = common_prefix(&items);
            let heads = items.iter().map(|item| item.name.strip_prefix(prefix).unwrap_or(&item.name).to_string());
            let rows = (0..segment.rows()).map(|row| {
                let row: Items = segment.items(row).collect();
                let values = columns.iter().filter_map(|at| row.get(*at)).map(plain);
                std::iter::once(band_name(&row)).chain(values).collect()
            });
            let heads = std::iter::once(prefix.to_string()).chain(heads).collect();
            self.grid(&Grid { heads, rows: rows.collect() });
        }
    }

    /// Names and values, the values in one column and wrapped within it.
    fn pairs(&mut self, pairs: &[(String, String)]) {
        let names = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
        let room = self.width.saturating_sub(names + 4).max(WIDTH_MIN / 2);
        for (name, value) in pairs {
            for (index, part) in wrap(value, room).iter().enumerate() {
                let name = if index == 0 { name.as_str() } else { "" };
                self.line(&format!("  {}  {part}", left(name, names)));
            }
        }
    }

    /// A table. If it is too wide, its columns continue below, after the first one.
    fn grid(&mut self, grid: &Grid) {
        if grid.rows.is_empty() {
            return;
        }
        let widths = grid.widths();
        let Some(first) = widths.first() else { return };
        let mut from = 1;
        while from < widths.len() {
            let mut used = 2 + first;
            let fitting = widths.iter().skip(from).take_while(|width| {
                used += 2 + **width;
                used <= self.width
            });
            // A single column that is too wide is shown all the same.
            let to = from + fitting.count().max(1);
            if from > 1 {
                self.text.push('\n');
            }
            for cells in std::iter::once(&grid.heads).chain(&grid.rows) {
                let mut line = String::from("  ");
                line.push_str(&left(cells.first().map_or("", String::as_str), *first));
                for (cell, width) in cells.iter().zip(&widths).take(to).skip(from) {
                    line.push_str("  ");
                    line.push_str(&right(cell, *width));
                }
                self.line(&line);
            }
            from = to;
        }
    }

    /// A value of a list, or the sign of a missing value with its reason.
    fn cell(&mut self, value: &Value) -> String {
        match value {
            Value::Null(reason) => {
                self.reasons.insert(*reason);
                format!("{MISSING} {}", reason_word(*reason))
            }
            other => plain(other),
        }
    }

    fn legend(&mut self) {
        let reasons = std::mem::take(&mut self.reasons);
        if reasons.is_empty() {
            return;
        }
        let words = reasons.iter().map(|reason| format!("{} {}", reason_word(*reason), reason.name()));
        let words: Vec<String> = words.collect();
        self.text.push('\n');
        for line in wrap(&format!("{MISSING} 无值: {}", words.join("; ")), self.width) {
            self.line(&line);
        }
    }
}

/// Cells of text: the first column is left-aligned, the others are right-aligned.
struct Grid {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| head.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }
}

/// Items that differ only in their direction: an index for each of [`DIRECTIONS`].
struct Family {
    items: [Option<usize>; DIRECTIONS.len()],
}

impl Family {
    /// The name without its direction, with the unit.
    fn name(&self, def: &SegmentDef) -> String {
        let first = self.items.iter().zip(DIRECTIONS).find_map(|(index, (_, word))| Some(((*index)?, word)));
        let Some((item, word)) = first.and_then(|(index, word)| Some((def.items.get(index)?, word))) else {
            return String::new();
        };
        with_unit(item.name.strip_prefix(word).unwrap_or(&item.name), item)
    }
}

/// The families of a segment with two directions or more, and the indexes of all other items.
fn by_direction(def: &SegmentDef) -> (Vec<Family>, Vec<usize>) {
    let (mut families, mut others) = (Vec::new(), Vec::new());
    for (index, item) in def.items.iter().enumerate() {
        let stem = DIRECTIONS.iter().find_map(|(prefix, _)| item.code.strip_prefix(prefix));
        let Some(stem) = stem else {
            others.push(index);
            continue;
        };
        let items = DIRECTIONS
            .map(|(prefix, _)| def.items.iter().position(|item| item.code.strip_prefix(prefix) == Some(stem)));
        let first = items.iter().flatten().min() == Some(&index);
        match items.iter().flatten().count() {
            1 => others.push(index),
            // A family is listed at the first of its items.
            _ if first => families.push(Family { items }),
            _ => {}
        }
    }
    (families, others)
}

/// The indexes of a band's columns after its bounds, grouped by the first word of their codes.
fn column_groups(def: &SegmentDef) -> Vec<Vec<usize>> {
    let word = |item: &ItemDef| item.code.split('_').next().unwrap_or_default().to_string();
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, item) in def.items.iter().enumerate().filter(|(_, item)| !item.code.ends_with("_bound")) {
        match groups.last_mut() {
            Some((last, columns)) if *last == word(item) => columns.push(index),
            _ => groups.push((word(item), vec![index])),
        }
    }
    groups.into_iter().map(|(_, columns)| columns).collect()
}

/// The common prefix of all names; empty for a single name.
fn common_prefix<'a>(items: &[&'a ItemDef]) -> &'a str {
    let Some((first, rest)) = items.split_first() else {
        return "";
    };
    if rest.is_empty() {
        return "";
    }
    let ends = first.name.char_indices().map(|(at, _)| at).rev();
    let mut prefixes = ends.filter_map(|end| first.name.get(..end));
    prefixes.find(|prefix| rest.iter().all(|item| item.name.starts_with(prefix))).unwrap_or_default()
}

/// `1,000 - 10,000`, or `2,000,000 以上` where there is no upper bound.
fn band_name(row: &Items) -> String {
    let bound = |value: &Value| {
        let text = plain(value);
        text.strip_suffix(".00").map_or_else(|| text.clone(), str::to_string)
    };
    match (row.first(), row.get(1)) {
        (Some(lower), Some(upper @ Value::Money(_))) => format!("{} - {}", bound(lower), bound(upper)),
        (Some(lower), _) => format!("{} 以上", bound(lower)),
        (None, _) => String::new(),
    }
}

/// The name of a class without the words that all classes share.
fn short_name(name: &str) -> &str {
    let name = name.strip_suffix("资金往来").unwrap_or(name);
    let name = name.strip_prefix("可识别的").unwrap_or(name);
    name.strip_prefix("与").or_else(|| name.strip_prefix("借助")).unwrap_or(name)
}

fn latest(segment: &Segment) -> impl Iterator<Item = Items> {
    (segment.rows().saturating_sub(PERIODS_SHOWN)..segment.rows()).map(|row| segment.items(row).collect())
}

fn with_unit(name: &str, item: &ItemDef) -> String {
    if item.unit.is_empty() { name.to_string() } else { format!("{name}({})", item.unit) }
}

fn is_amount(value: &Value) -> bool {
    matches!(value, Value::Count(_) | Value::Money(_) | Value::Ratio(_))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::super::samples::{Dice, product};
    use super::*;
    use crate::product::dictionary::Dictionary;
    use crate::product::value::Product;
    use crate::product::{ProductKind, Withheld};

    fn table(kind: ProductKind, width: usize, change: impl Fn(&Dictionary, &mut Product)) -> String {
        let dictionary = Dictionary::builtin(kind).unwrap();
        let mut product = product(&dictionary, dictionary.max_periods(), &mut Dice(21));
        change(&dictionary, &mut product);
        product_table(check(&dictionary, &product).unwrap(), width)
    }

    fn set(dictionary: &Dictionary, product: &mut Product, segment: &str, item: &str, value: Value) {
        super::super::samples::set(dictionary, product, (segment, item), 0, value);
    }

    #[test]
    fn tables_keep_to_the_width() {
        for kind in ProductKind::ALL {
            for width in [80, 100, 160] {
                for line in table(kind, width, |_, _| ()).lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                    assert_eq!(line.trim_end(), line);
                    assert!(!line.contains(char::is_control), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn directions_stand_side_by_side() {
        let text = table(ProductKind::Report, 100, |dictionary, product| {
            let values = [
                ("qoq", [Value::Ratio(100_000), Value::Ratio(-2_500_000), Value::Null(Reason::NoActivity)]),
                ("yoy", [Reason::NoPriorPeriod; 3].map(Value::Null)),
                ("theil_sen_slope", [1, 2, 3].map(Value::Ratio)),
                ("mann_kendall_tau", [Reason::NotDefined; 3].map(Value::Null)),
                ("recent_to_prior_ratio", [1_000_000; 3].map(Value::Ratio)),
            ];
            for (stem, values) in values {
                for (value, (prefix, _)) in values.into_iter().zip(DIRECTIONS) {
                    set(dictionary, product, "trend", &format!("{prefix}{stem}"), value);
                }
            }
        });
        let expected = "
交易趋势
                            收入        支出      净流入
  环比                  0.100000   -2.500000  — 无发生额
  同比                — 无对比期  — 无对比期  — 无对比期
  趋势斜率              0.000001    0.000002    0.000003
  单调趋势系数          — 无定义    — 无定义    — 无定义
  近三月与此前月均比    1.000000    1.000000    1.000000
";
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("无对比期 no_prior_period"), "the legend gives the reason's code");
    }

    #[test]
    fn the_latest_periods_of_all_classes() {
        let text = table(ProductKind::DetailSummary, 1_000, |_, _| ());
        let mut lines = text.lines().skip_while(|line| !line.starts_with("各类往来收入金额"));
        assert_eq!(lines.next(), Some("各类往来收入金额 (元; 最近12期,另有24期见 JSON)"));
        let heads: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let classes = ["公共机构", "同名账户", "第三方支付平台", "开户机构代理", "开户机构", "其他"];
        assert_eq!(heads, [&["月份"][..], &classes, &["现金", "合计"]].concat());
        let months: Vec<&str> = lines.by_ref().take(12).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!((months[0], months[11]), ("2023-09", "2024-08"));
        assert_eq!(lines.next(), Some(""));
    }

    #[test]
    fn another_segment_of_periods_is_a_table_of_its_own() {
        let new = "[[unit.segment]]\ncode = \"recent\"\nname = \"近况\"\nrows = \"per_period\"\nabout = \"New.\"\nitems = [\
                   { code = \"period\", name = \"月份\", type = \"period\", unit = \"\", formula = \"Month.\" },\
                   { code = \"days\", name = \"天数\", type = \"int\", unit = \"\", formula = \"Any.\" }]\n\n\
                   [[unit.segment]]\ncode = \"agency\"";
        let text =
            include_str!("../../../../schemas/detail-summary.toml").replace("[[unit.segment]]\ncode = \"agency\"", new);
        let dictionary = Dictionary::parse(ProductKind::DetailSummary, &text).unwrap();
        let product = product(&dictionary, 2, &mut Dice(24));
        let text = product_table(check(&dictionary, &product).unwrap(), 1_000);
        let mut lines = text.lines().skip_while(|line| !line.starts_with("近况"));
        assert_eq!(lines.nth(1).unwrap().split_whitespace().collect::<Vec<_>>(), ["月份", "天数"]);
        assert_eq!(text.matches("各类往来收入金额").count(), 1);
        assert!(!text.lines().any(|line| line.contains("同名账户") && line.contains("近况")), "{text}");
    }

    #[test]
    fn bands_are_named_by_their_bounds() {
        let text = table(ProductKind::Report, 1_000, |_, _| ());
        let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("分金额区间")).collect();
        let heads = ["最近季度", "收入笔数", "收入金额", "收入金额占比", "支出笔数", "支出金额", "支出金额占比"];
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), heads);
        assert!(lines[2].starts_with("  0 - 1,000 ") && lines[8].starts_with("  6,000 以上 "), "{}", lines[8]);
        assert!(lines[9].starts_with("  近十二个月"), "{}", lines[9]);
    }

    #[test]
    fn withheld_segments_are_named_and_leave_no_column() {
        let dictionary = Dictionary::builtin(ProductKind::Report).unwrap();
        let mut product = product(&dictionary, 3, &mut Dice(23));
        product.withhold(&dictionary, &Withheld::new(["public", "other", "trend"]).unwrap());
        let text = product_table(check(&dictionary, &product).unwrap(), 1_000);
        assert!(text.contains("\n交易趋势: — 未授权\n") && text.contains("未授权 withheld"), "{text}");
        let mut lines = text.lines().skip_while(|line| !line.starts_with("各类往来收入金额"));
        let heads: Vec<&str> = lines.nth(1).unwrap().split_whitespace().collect();
        assert_eq!(heads, ["季度", "同名账户", "第三方支付平台", "开户机构代理", "开户机构", "现金", "合计"]);
        assert!(lines.take(3).all(|line| line.split_whitespace().count() == heads.len()), "{text}");
    }

    #[test]
    fn an_account_without_periods() {
        let dictionary = Dictionary::builtin(ProductKind::Report).unwrap();
        let product = product(&dictionary, 0, &mut Dice(22));
        let text = product_table(check(&dictionary, &product).unwrap(), 100);
        assert!(text.contains("账户资金情况: 无\n"), "{text}");
    }
}
