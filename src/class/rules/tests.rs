//! The grammar of rules files, and its messages.

use super::*;

#[test]
fn the_builtin_file_is_right() {
    let rules = Rules::parse(BUILTIN).unwrap_or_else(|error| panic!("{error}"));
    assert!(!rules.rules.is_empty());
}

#[test]
fn patterns_are_normalised_and_lists_unfolded() {
    let text = r#"
        version = "1"
        [lists]
        firm = ["有限 公司", "ｌｔｄ."]
        [[rule]]
        id = "a"
        class = "PUBLIC"
        uscc_prefix = ["1a"]
        name = { ends = ["（某）局"] }
        unless = { name = { followed_by = ["@firm", "店"] } }
    "#;
    let rules = Rules::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let [rule] = &rules.rules[..] else { panic!("one rule") };
    assert_eq!(rule.subclass, Subclass::OtherPublic);
    assert_eq!(rule.when.uscc_prefixes, ["1A"]);
    assert_eq!(rule.when.names, [(Anchor::Ends, "某局".to_string())]);
    let after = ["有限公司", "LTD", "店"].map(|text| (Anchor::FollowedBy, text.to_string()));
    assert_eq!(rule.unless.names, after);
}

/// Each row: the file without its version, and the beginning of the message.
#[test]
fn the_message_on_a_bad_file_names_rule_and_field() {
    let rule = |body: &str| format!("[[rule]]\nid = \"a\"\n{body}");
    let public = |body: &str| rule(&format!("class = \"PUBLIC\"\n{body}"));
    let fine = public("name = { is = [\"甲\"] }");
    let extending = |body: &str| format!("extends = \"builtin\"\n{body}");
    for (text, expected) in [
        ("rule = 3".to_string(), "rules, `rule`: must be written as `[[rule]]`"),
        ("rule = [3]".to_string(), "rule `#1`, `rule`: must be a table"),
        ("extends = \"ours\"".to_string(), "rules, `extends`: must be \"builtin\""),
        ("remove = [\"name-tax\"]".to_string(), "rules, `remove`: needs `extends"),
        ("[[amend]]\nid = \"name-tax\"".to_string(), "rules, `amend`: needs `extends"),
        (extending("remove = [\"name-taxes\"]"), "rules, `remove`: there is no built-in rule `name-taxes`"),
        (extending("remove = 3"), "rules, `remove`: must be a list of texts"),
        (extending("amend = 3"), "rules, `amend`: must be written as `[[amend]]`"),
        (extending("[[amend]]\nid = \"name-tax\""), "rule `name-tax`, `rule`: has no condition"),
        (extending("[[amend]]\nname.is = [\"甲\"]"), "rule `#1`, `id`: must be a text"),
        (extending("[[amend]]\nid = \"a\"\nname.is = [\"甲\"]"), "rule `a`, `id`: is no built-in rule's"),
        (
            extending("[[amend]]\nid = \"name-tax\"\nclass = \"OTHER\"\nname.is = [\"甲\"]"),
            "rule `name-tax`, `class`: cannot be amended",
        ),
        (
            extending("[[amend]]\nid = \"name-tax\"\nname.followed_by = [\"甲\"]"),
            "rule `name-tax`, `name.followed_by`: is allowed in `unless` only",
        ),
        (
            extending("[[rule]]\nid = \"name-tax\"\nclass = \"PUBLIC\"\nname.is = [\"甲\"]"),
            "rule `name-tax`, `id`: is taken",
        ),
        ("colour = 3".to_string(), "rules, `colour`: is not a known key"),
        ("tails = [\"（\"]".to_string(), "rules, `tails`: `（` is empty after normalisation"),
        ("lists = [\"a\"]".to_string(), "rules, `lists`: must be a table"),
        ("[lists]\na = []".to_string(), "rules, `lists.a`: must not be empty"),
        ("[lists]\na = [\"@b\"]".to_string(), "rules, `lists.a`: `@b`: a list is not allowed here"),
        ("[[rule]]\nclass = \"PUBLIC\"".to_string(), "rule `#1`, `id`: must be"),
        (format!("{fine}\n{fine}"), "rule `a`, `id`: is taken"),
        (fine.replace("\"a\"", "\"cash\""), "rule `cash`, `id`: is taken"),
        (fine.replace("class", "klass"), "rule `a`, `klass`: is not a known key"),
        (rule("kind = [\"TAX\"]"), "rule `a`, `class`: is missing"),
        (fine.replace("PUBLIC", "public"), "rule `a`, `class`: `public` is not a class"),
        (fine.replace("PUBLIC", "CASH"), "rule `a`, `class`: CASH is decided by the code"),
        (fine.replace("PUBLIC", "SAME_NAME"), "rule `a`, `class`: SAME_NAME is decided by the code"),
        (fine.replace("\"PUBLIC\"", "3"), "rule `a`, `class`: holds a integer where a text belongs"),
        (public("subclass = \"none\""), "rule `a`, `subclass`: `none` is not a sub-class"),
        (public("subclass = \"taxes\""), "rule `a`, `subclass`: `taxes` is not a sub-class"),
        (
            public("subclass = \"trade\"\nkind = [\"TAX\"]"),
            "rule `a`, `subclass`: `trade` is not a sub-class of PUBLIC",
        ),
        (
            rule("class = \"OTHER\"\nsubclass = \"unidentified\""),
            "rule `a`, `subclass`: `unidentified` is decided by the code",
        ),
        (
            rule("class = \"AGENCY\"\nsubclass = \"tax\"\nkind = [\"TAX\"]"),
            "rule `a`, `subclass`: `tax` is not a sub-class of AGENCY",
        ),
        (public(""), "rule `a`, `rule`: has no condition"),
        (public("unless = { kind = [\"TAX\"] }"), "rule `a`, `rule`: has no condition"),
        (public("name = {}"), "rule `a`, `rule`: has no condition"),
        (public("kind = \"TAX\""), "rule `a`, `kind`: must be a list of texts"),
        (public("kind = []"), "rule `a`, `kind`: must not be empty"),
        (public("kind = [\"TAXES\"]"), "rule `a`, `kind`: `TAXES` is not a kind"),
        (public("uscc_prefix = [\"\"]"), "rule `a`, `uscc_prefix`: `` must be 1 to 18"),
        (public("bank_prefix = [\"0110000000000\"]"), "rule `a`, `bank_prefix`: `0110000000000` must be"),
        (public("account_prefix = [\"20-88\"]"), "rule `a`, `account_prefix`: `20-88` must be"),
        (public("account_prefix = [\"2088/2\"]"), "rule `a`, `account_prefix`: `2088/2`: a length must be"),
        (public("account_prefix = [\"2088/+16\"]"), "rule `a`, `account_prefix`: `2088/+16`: a length must be"),
        (public("account_prefix = [\"2088/99999999999999999999\"]"), "rule `a`, `account_prefix`: `2088/9"),
        (
            public("kind = [\"TAX\"]\nunless.name.followed_by = [\"甲\"]"),
            "rule `a`, `unless.name.followed_by`: needs a name condition in the rule",
        ),
        ("[[rule]]\nid = \"a\\nb\"".to_string(), "rule `#1`, `id`: must be a text of one line"),
        (
            extending("[[amend]]\nid = \"name-police\"\nand.name.contains = [\"甲\"]"),
            "rule `name-police`, `and`: would narrow a rule that has none",
        ),
        (
            extending("remove = [\"name-tax\", \"name-tax\"]"),
            "rules, `remove`: there is no built-in rule `name-tax`, or",
        ),
        (public("name = [\"甲\"]"), "rule `a`, `name`: must be a table"),
        (public("name = { has = [\"甲\"] }"), "rule `a`, `name.has`: is not a known key"),
        (public("name = { is = [\"（ ）\"] }"), "rule `a`, `name.is`: `（ ）` is empty after normalisation"),
        (public("name = { is = [\"@firm\"] }"), "rule `a`, `name.is`: there is no list `firm`"),
        (public("name = { followed_by = [\"甲\"] }"), "rule `a`, `name.followed_by`: is allowed in `unless` only"),
        (public("name = { preceded_by = [\"甲\"] }"), "rule `a`, `name.preceded_by`: is allowed in `unless` only"),
        (public("name = { is = [\"?甲\"] }"), "rule `a`, `name.is`: `?甲`: `?` is not allowed here"),
        (public("name = { contains = [\"?\"] }"), "rule `a`, `name.contains`: `?` is empty after normalisation"),
        ("tails = [\"?甲\"]".to_string(), "rules, `tails`: `?甲`: `?` is not allowed here"),
        (public("kind = [\"TAX\"]\nand.name.is = [\"甲\"]"), "rule `a`, `and`: needs a name condition in the rule"),
        (public("name.is = [\"甲\"]\nand = {}"), "rule `a`, `and`: holds no condition"),
        (public("name.is = [\"甲\"]\nand = { kind = [\"TAX\"] }"), "rule `a`, `and.kind`: is not allowed here"),
        (
            public("name.is = [\"甲\"]\nand.name.followed_by = [\"乙\"]"),
            "rule `a`, `and.name.followed_by`: is allowed in `unless` only",
        ),
        (format!("{fine}\nunless = 3"), "rule `a`, `unless`: must be a table"),
        (format!("{fine}\nunless = {{}}"), "rule `a`, `unless`: holds no condition"),
        (format!("{fine}\nunless = {{ id = [\"b\"] }}"), "rule `a`, `unless.id`: is not a known key"),
        (
            format!("{fine}\nunless = {{ name = {{ ends = [\"-\"] }} }}"),
            "rule `a`, `unless.name.ends`: `-` is empty after normalisation",
        ),
        ("[[rule".to_string(), "rules: not TOML: "),
    ] {
        let text = format!("version = \"1\"\n{text}");
        let error = Rules::parse(&text).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "expected {expected:?}, got {error:?}");
    }
}

#[test]
fn a_file_may_extend_the_builtin_rules() {
    let text = r#"
        version = "mine"
        extends = "builtin"
        tails = ["某某户"]
        remove = ["kind-tax"]
        [lists]
        firm = ["某某社"]
        own = ["某某中心"]
        [[rule]]
        id = "kind-tax"
        class = "PUBLIC"
        subclass = "fiscal"
        kind = ["TAX"]
        name.contains = ["@own"]
        [[amend]]
        id = "name-tax"
        name.contains = ["某某税站"]
        unless.name.is = ["某某税务局之友"]
    "#;
    let (builtin, rules) = (Rules::builtin(), Rules::parse(text).unwrap_or_else(|error| panic!("{error}")));
    assert_eq!(rules.version, format!("{}+mine", builtin.version));
    assert_eq!(rules.rules.len(), builtin.rules.len());
    let first = &rules.rules[0];
    assert_eq!((first.id.as_str(), first.subclass), ("kind-tax", Subclass::Fiscal));
    assert_eq!(first.when.names, [(Anchor::Contains, "某某中心".to_string())]);
    let rule = |id: &str| rules.rules.iter().find(|rule| rule.id == id).unwrap_or_else(|| panic!("{id}"));
    let tax = rule("name-tax");
    assert!(tax.when.names.contains(&(Anchor::Contains, "某某税站".to_string())));
    assert!(tax.when.names.contains(&(Anchor::Contains, "税务局".to_string())));
    assert!(tax.unless.names.contains(&(Anchor::Is, "某某税务局之友".to_string())));
    // A pattern added to a list counts in the built-in rules that use it.
    assert!(tax.unless.names.contains(&(Anchor::FollowedBy, "某某社".to_string())));
    assert_eq!(rules.tails.last().map(String::as_str), Some("某某户"));
}

/// A list counts at each use, so a short file cannot make many patterns.
#[test]
fn patterns_are_bounded_after_lists_are_unfolded() {
    let big: Vec<String> = (0..100_000).map(|number| format!("\"甲{number}\"")).collect();
    let head = format!("version = \"1\"\n[lists]\nbig = [{}]\n", big.join(","));
    let rule = |index: usize, key: &str| {
        format!("[[rule]]\nid = \"r{index}\"\nclass = \"OTHER\"\nname.is = [\"乙\"]\n{key} = [\"@big\"]\n")
    };
    for key in ["name.contains", "and.name.contains", "unless.name.contains"] {
        let text = head.clone() + &(0..10).map(|index| rule(index, key)).collect::<String>();
        let error = Rules::parse(&text).expect_err(key).to_string();
        assert!(error.ends_with("4194304 bytes allowed together"), "{key}: {error}");
    }
    let again = ["\"@big\""; 10].join(",");
    let text = head + &rule(0, "name.ends").replace("\"@big\"", &again);
    let error = Rules::parse(&text).expect_err("one condition").to_string();
    assert!(error.starts_with("rule `r0`, `name.ends`: name patterns"), "{error}");
}

#[test]
fn a_file_needs_a_version_and_has_a_bound() {
    for (text, expected) in [
        ("", "rules, `version`: is missing"),
        ("version = 1", "rules, `version`: must be a text of one line that is not empty"),
        ("version = \" \"", "rules, `version`: must be a text of one line that is not empty"),
    ] {
        assert_eq!(Rules::parse(text).expect_err(expected).to_string(), expected);
    }
    let rule = |index| format!("[[rule]]\nid = \"r{index}\"\nclass = \"OTHER\"\nkind = [\"BILL\"]\n");
    let file = |count| format!("version = \"1\"\n{}", (0..count).map(rule).collect::<String>());
    assert!(Rules::parse(&file(MAX_RULES)).is_ok());
    let error = Rules::parse(&file(MAX_RULES + 1)).expect_err("too many").to_string();
    assert_eq!(error, "rules, `rule`: holds 257 rules, more than the 256 allowed");
}
