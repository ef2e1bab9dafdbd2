//! The binary as its users meet it: exit codes, what goes where, help.

use std::process::{Command, Output};

use crate::util::{ACCOUNTS_HEADER, TestFeed, USCC, program};

fn liushui(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_liushui")).args(arguments).env("COLUMNS", "100").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn feed(amount: &str) -> TestFeed {
    TestFeed::csv(
        &format!("account_id,txn_id,booked_at,direction,amount,colour\nA1,T1,2024-01-02,C,{amount},red\n"),
        &format!("{ACCOUNTS_HEADER}\nA1,P1,示例银行,,{USCC},试验有限公司,,basic,CNY,2020-01-01,,active\n"),
    )
}

fn build(feed: &TestFeed, more: &[&str]) -> Output {
    let path = |name: &str| feed.path(name).display().to_string();
    let (transactions, accounts, out) = (path("transactions.csv"), path("accounts.csv"), path("out"));
    let arguments = ["build", "--transactions", &transactions, "--accounts", &accounts, "--out", &out];
    liushui(&[&arguments[..], more].concat())
}

#[test]
fn a_build_tells_a_person_on_stdout_and_warns_on_stderr() {
    let feed = feed("1.00");
    let output = build(&feed, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("reconciliation"));
    let warned = text(&output.stderr);
    assert!(warned.contains("unknown columns are ignored: `colour`"), "{warned}");
    assert!(feed.out("report.parquet").exists());
}

#[test]
fn json_is_for_machines() {
    let feed = feed("1.00");
    let output = build(&feed, &["--json", "--format", "json", "--products", "report"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["rows_kept"], &report["status"]), (&1.into(), &"done".into()));
    assert!(feed.out("report.ndjson").exists() && !feed.out("report.parquet").exists());
    assert!(!feed.out("detail-summary.ndjson").exists());
}

#[test]
fn records_from_cuts_the_rows_before_it() {
    let feed = feed("1.00");
    let output = build(&feed, &["--json", "--records-from", "2024-01-03"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["rows_kept"], &report["rows_before_opening"]), (&1.into(), &1.into()));
}

#[test]
fn a_refused_feed_exits_with_1_and_says_where() {
    let feed = feed("1.005");
    let output = build(&feed, &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(told.contains("row 1, column `amount`: bad_type"), "{told}");
    assert!(told.contains("rejects.csv") && !told.contains("1.005"), "{told}");
}

#[test]
fn wrong_usage_exits_with_2() {
    let good = feed("1.00");
    let cases: [(&[&str], &str); 6] = [
        (&["--as-of", "2024-13-01"], "2025-12-31"),
        (&["--records-from", "2024"], "2025-12-31"),
        (&["--memory", "1MiB"], "at least 64MiB"),
        (&["--threads", "0"], "threads"),
        (&["--mapping", "no-such-mapping"], "no-such-mapping"),
        (&["--rules", "no-such-rules"], "no-such-rules"),
    ];
    for (arguments, told) in cases {
        let output = build(&good, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(told), "{arguments:?}: {}", text(&output.stderr));
    }
    let output = liushui(&["build", "--transactions", "nowhere", "--accounts", "nowhere", "--out", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("`nowhere` does not exist"));
}

#[test]
fn the_whole_demo() {
    let feed = TestFeed::new();
    let out = feed.path("demo").display().to_string();
    let output = liushui(&["demo", "--accounts", "30", "--out", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = text(&output.stdout);
    for word in ["30/30", "rows a second", "企业账户资金流信用信息报告", "rejects.csv"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    // Another demo takes its place; a folder with something else is left alone.
    assert_eq!(liushui(&["demo", "--accounts", "5", "--out", &out]).status.code(), Some(0));
    let mine = feed.path("mine");
    std::fs::create_dir(&mine).unwrap();
    std::fs::write(mine.join("precious"), "x").unwrap();
    let output = liushui(&["demo", "--out", &mine.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(mine.join("precious").exists());
}

#[test]
fn an_arrow_stream_on_standard_input() {
    use std::io::Write as _;
    use std::process::Stdio;

    use arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray, TimestampSecondArray};
    use arrow::ipc::writer::StreamWriter;

    let feed = feed("1.00");
    let text = |values: &[&str]| -> ArrayRef { std::sync::Arc::new(StringArray::from(values.to_vec())) };
    let amounts = Decimal128Array::from(vec![1_i128, 25]).with_precision_and_scale(10, 1).unwrap();
    let times = TimestampSecondArray::from(vec![1_704_153_600, 1_704_240_000]).with_timezone("UTC");
    let batch = RecordBatch::try_from_iter([
        ("account_id", text(&["A1", "A1"])),
        ("txn_id", text(&["T1", "T2"])),
        ("booked_at", std::sync::Arc::new(times)),
        ("direction", text(&["C", "D"])),
        ("amount", std::sync::Arc::new(amounts)),
    ])
    .unwrap();
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let run = |bytes: &[u8]| {
        let (accounts, out) = (feed.path("accounts.csv"), feed.path("out"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_liushui"))
            .args(["build", "--transactions", "-", "--format", "json", "--accounts"])
            .args([accounts.as_os_str(), "--out".as_ref(), out.as_os_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        child.wait().unwrap().code()
    };
    assert_eq!(run(&stream), Some(0));
    let report = &feed.products("report")[0];
    let quarter = report["funds"].as_array().unwrap().last().unwrap();
    assert_eq!((&quarter["in_amount"], &quarter["out_amount"]), (&"0.10".into(), &"2.50".into()));
    // Cut before the end mark, the stream is refused: what it holds may not be all.
    assert_eq!(run(&stream[..stream.len() - 8]), Some(1));
    assert_eq!(feed.rejects(), ["-,,,truncated_file"]);
}

#[test]
fn help_alone_would_do() {
    for command in ["demo", "build", "classify", "datagen", "replay", "dictionary", "completions", "man"] {
        let output = liushui(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("Example"), "{command}");
    }
    let output = liushui(&["dictionary", "report", "--format", "json"]);
    let dictionary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(dictionary["product"], "report");
}

/// The subcommands that the help of a command lists, and theirs, each as its words.
fn subcommands(words: &[&str], found: &mut Vec<Vec<String>>) {
    let help = text(&liushui(&[words, &["--help"]].concat()).stdout);
    let names = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A description that goes on in a further line is indented further.
    for name in names.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next()) {
        if name != "help" {
            let words = [words, &[name]].concat();
            found.push(words.iter().map(ToString::to_string).collect());
            subcommands(&words, found);
        }
    }
}

fn all_subcommands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    subcommands(&[], &mut found);
    for known in [vec!["build"], vec!["feed", "check"], vec!["mapping", "guess"], vec!["completions"]] {
        assert!(found.iter().any(|words| *words == known), "{known:?}: {found:?}");
    }
    found
}

#[test]
fn completions_of_each_shell_mention_every_subcommand() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = liushui(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}: {}", text(&output.stderr));
        let script = text(&output.stdout);
        let is_word = |word: &str| script.split(|c: char| !c.is_ascii_alphanumeric()).any(|found| found == word);
        for name in all_subcommands().into_iter().flatten() {
            assert!(is_word(&name), "{shell}: {name}");
        }
    }
    assert_eq!(liushui(&["completions", "tcsh"]).status.code(), Some(2));
}

/// The script in a shell, at three places of a command line.
#[test]
fn bash_completes_by_its_script() {
    let Some(bash) = program("bash") else { return };
    let script = text(&liushui(&["completions", "bash"]).stdout);
    let complete = |words: &[&str]| {
        let (at, last) = (words.len() - 1, words[words.len() - 1]);
        let ask = format!(
            "{script}\nCOMP_WORDS=({}); COMP_CWORD={at}; _liushui liushui '{last}' ''; echo \"${{COMPREPLY[*]}}\"",
            words.join(" "),
        );
        Command::new(&bash).args(["--norc", "-c", &ask]).output().unwrap()
    };
    let cases: [(&[&str], &str); 3] = [
        (&["liushui", "bu"], "build"),
        (&["liushui", "mapping", "gu"], "guess"),
        (&["liushui", "dictionary", "rep"], "report"),
    ];
    for (words, expected) in cases {
        let output = complete(words);
        assert_eq!(text(&output.stdout).trim(), expected, "{words:?}: {}", text(&output.stderr));
    }
}

#[test]
fn every_subcommand_has_a_man_page_and_no_other() {
    let feed = TestFeed::new();
    let folder = feed.path("new/man1");
    let output = liushui(&["man", &folder.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    let named = |words: &Vec<String>| format!("liushui-{}.1", words.join("-"));
    let mut expected: Vec<_> = all_subcommands().iter().map(named).collect();
    expected.push("liushui.1".to_string());
    expected.sort();
    let pages = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<_> = pages.collect();
    pages.sort();
    assert_eq!(pages, expected);
    for page in pages {
        let content = std::fs::read_to_string(folder.join(&page)).unwrap();
        let (name, footer) = (page.trim_end_matches(".1"), format!("\"liushui {}\"", env!("CARGO_PKG_VERSION")));
        let title = content.lines().find(|line| line.starts_with(".TH"));
        assert!(title.is_some_and(|title| title.contains(name) && title.contains(&footer)), "{page}: {title:?}");
    }
    let build = std::fs::read_to_string(folder.join("liushui-build.1")).unwrap();
    assert!(build.contains("transactions") && build.contains("Example"), "{build}");
    // A file where the folder should be.
    feed.write("taken", "x");
    assert_eq!(liushui(&["man", &feed.path("taken").display().to_string()]).status.code(), Some(3));
}
