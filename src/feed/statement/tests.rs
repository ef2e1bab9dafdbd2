//! Statements in both syntaxes: the rows that they give, and the faults that refuse them.

use arrow::array::{Array as _, AsArray as _};
use proptest::prelude::*;

use super::*;
use crate::money::money_text;

/// A camt.053 of one statement: an opening balance of 1,000.00 in, entries, a closing balance.
fn camt(entries: &str, closing: &str) -> String {
    let balance = |code: &str, amount: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"CNY\">{amount}</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2024-01-05</Dt></Dt></Bal>"
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\">\
         <BkToCstmrStmt><GrpHdr><MsgId>M1</MsgId></GrpHdr><Stmt><Id>S1</Id>\
         <Acct><Id><Othr><Id>622200001111</Id></Othr></Id><Ccy>CNY</Ccy></Acct>{}{}{entries}</Stmt></BkToCstmrStmt></Document>",
        balance("OPBD", "1000.00"),
        balance("CLBD", closing),
    )
}

/// An entry of an amount, in or out, with further elements.
fn entry(amount: &str, way: &str, rest: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"CNY\">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>2024-01-05</Dt></BookgDt>{rest}</Ntry>"
    )
}

fn mt940(lines: &[&str], closing: &str) -> String {
    let head = [":20:STARTUMS", ":25:102100000030/622200001111", ":28C:1/1", ":60F:C240105CNY1000,00"];
    let tail = format!(":62F:C240105CNY{closing}");
    [&head, lines, &[tail.as_str()]].concat().join("\r\n") + "\r\n"
}

/// The rows of a file, with `|` between columns, and its skipped rows; or the code and hint of its fault.
fn read(name: &str, content: &[u8]) -> Result<(Vec<String>, Vec<u64>), (Code, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let syntax = if name.contains(".xml") { CAMT053 } else { MT940 };
    let fault = |fault: FileFault| (fault.code, fault.hint);
    let (mut rows, mut skips) = (Vec::new(), Vec::new());
    for raw in open(&path, syntax, 3).map_err(fault)? {
        let raw = raw.map_err(fault)?;
        skips.extend(raw.skips.iter().map(|(row, _)| *row));
        for row in 0..raw.batch.num_rows() {
            let texts: Vec<&str> = raw.batch.columns().iter().map(|c| c.as_string::<i32>().value(row)).collect();
            assert_eq!(raw.batch.column(0).null_count(), 0);
            rows.push(format!("{}: {}", raw.rows.of(row), texts[1..].join("|")));
        }
    }
    Ok((rows, skips))
}

const PARTIES: &str = "<NtryDtls><TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><RltdPties>\
    <Dbtr><Pty><Nm>甲 &amp; 乙贸易</Nm><Id><OrgId><Othr><Id>91350100m000100y43</Id></Othr></OrgId></Id></Pty></Dbtr>\
    <DbtrAcct><Id><IBAN>DE1</IBAN></Id></DbtrAcct><Cdtr><Nm>我方</Nm></Cdtr></RltdPties>\
    <RltdAgts><DbtrAgt><FinInstnId><ClrSysMmbId><MmbId>102100000030</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt></RltdAgts>\
    <RmtInf><Ustrd>货款</Ustrd><Ustrd>一月</Ustrd></RmtInf></TxDtls></NtryDtls><AddtlNtryInf>转账</AddtlNtryInf>";

#[test]
fn an_entry_of_camt_becomes_a_row() {
    let code = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>";
    let entries = [
        entry("500.00", "CRDT", &format!("<AcctSvcrRef>R1</AcctSvcrRef>{code}{PARTIES}")),
        entry("20", "DBIT", "<AcctSvcrRef>R2</AcctSvcrRef>").replace("BOOK", "PDNG"),
        // A reversal of money out.
        entry("30.5", "CRDT", "<RvslInd>true</RvslInd><AcctSvcrRef>R3</AcctSvcrRef>"),
    ];
    let (rows, skips) = read("a.xml", camt(&entries.concat(), "1530.50").as_bytes()).unwrap();
    assert_eq!(
        rows,
        [
            "1: R1|2024-01-05|1|C|500.00|1500.00|CNY|TRANSFER|甲 & 乙贸易|DE1|102100000030|91350100M000100Y43|转账|货款 一月",
            "3: R3|2024-01-05|3|D|-30.5|1530.50|CNY|||||||",
        ]
    );
    assert_eq!(skips, [2]);
}

#[test]
fn transactions_that_add_up_to_their_entry_are_rows() {
    let detail = |amount: &str, name: &str| {
        format!("<TxDtls><Amt Ccy=\"CNY\">{amount}</Amt><RltdPties><Cdtr><Nm>{name}</Nm></Cdtr></RltdPties></TxDtls>")
    };
    let batch = |second: &str| {
        let details = format!("<NtryDtls>{}{}</NtryDtls>", detail("10.00", "甲"), detail(second, "乙"));
        let text = camt(&entry("30.00", "DBIT", &format!("<AcctSvcrRef>R</AcctSvcrRef>{details}")), "970.00");
        read("a.xml", text.as_bytes()).unwrap().0
    };
    assert_eq!(
        batch("20.00"),
        ["1: R/1|2024-01-05|1|D|10.00|990.00|CNY||甲|||||", "2: R/2|2024-01-05|2|D|20.00|970.00|CNY||乙|||||"]
    );
    assert_eq!(batch("19.99"), ["1: R|2024-01-05|1|D|30.00|970.00|CNY|||||||"]);
}

#[test]
fn a_line_of_mt940_becomes_a_row() {
    let lines = [
        ":61:2401050105C500,NTRFNONREF//R1",
        ":86:166?00转账?20货款?21一月?30102100000030?31DE1?32甲乙?33贸易",
        // Booked on the first day of the year after the value date's.
        ":61:2412310101RD12,5NCHGNONREF",
        ":86:/NAME/某行/REMI/手续费 a/b",
        ":61:240105D2,50FMSCX//R2",
        "details",
        ":86:free text",
        "on two lines",
    ];
    let text = mt940(&lines, "1510,00");
    let (rows, _) = read("a.sta", text.as_bytes()).unwrap();
    // The later booking comes first, so the balance after an entry is not certain.
    assert_eq!(rows[0], "1: R1|2024-01-05|1|C|500||CNY|TRANSFER|甲乙贸易|DE1|102100000030||转账|货款一月");
    // Without a reference of the bank, the identifier is made from the file's content and the row.
    assert!(rows[1].starts_with("2: ") && rows[1].split('|').next().unwrap().ends_with("-2"), "{}", rows[1]);
    let enveloped = format!("{{1:F01A}}{{2:O940}}{{4:\r\n{text}-}}");
    for (name, content) in [("a.sta", text.clone()), ("b.sta", enveloped)] {
        let (rows, _) = read(name, content.as_bytes()).unwrap();
        assert!(rows[1].ends_with("|2025-01-01|2|D|-12.5||CNY|FEE|某行|||||手续费 a/b"), "{}", rows[1]);
        assert_eq!(rows[2], "3: R2|2024-01-05|3|D|2.50||CNY||||||details|free text on two lines");
    }
}

#[test]
fn references_that_repeat_do_not_identify_entries() {
    let lines = [":61:240105C1,NTRFA//R", ":61:240105C2,NTRFA//R", ":61:240105C3,NTRFA//S"];
    let (rows, _) = read("a.sta", mt940(&lines, "1006,").as_bytes()).unwrap();
    let ids: Vec<&str> = rows.iter().map(|row| row[3..].split('|').next().unwrap()).collect();
    assert!(ids[0].ends_with("-1") && ids[1].ends_with("-2") && ids[0][..16] == ids[1][..16]);
    assert_eq!(ids[2], "S");
}

/// A statement with these balances and two entries, 100.00 in and 20.00 out.
fn with_balances(balances: &[(&str, &str)]) -> String {
    let entries = entry("100.00", "CRDT", "") + &entry("20.00", "DBIT", "");
    let text = camt(&entries, "0");
    let (start, end) = (text.find("<Bal>").unwrap(), text.rfind("</Bal>").unwrap() + "</Bal>".len());
    let balance = |(code, amount): &(&str, &str)| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"CNY\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>"
        )
    };
    format!("{}{}{}", &text[..start], balances.iter().map(balance).collect::<String>(), &text[end..])
}

/// Banks give several opening and closing balances; each row's is the same whichever they give.
#[test]
fn one_opening_balance_opens_a_statement() {
    let given: [&[(&str, &str)]; 4] = [
        &[("OPBD", "1000.00"), ("CLBD", "1080.00")],
        &[("PRCD", "1000.00"), ("OPBD", "1000.00"), ("CLBD", "1080.00")],
        &[("PRCD", "1000.00"), ("ITBD", "1050.00"), ("CLBD", "1080.00"), ("CLAV", "7.00")],
        &[("CLBD", "1080.00"), ("PRCD", "999.00"), ("OPBD", "1000.00")],
    ];
    for balances in given {
        let (rows, _) = read("a.xml", with_balances(balances).as_bytes()).unwrap();
        let balances: Vec<&str> = rows.iter().map(|row| row.split('|').nth(5).unwrap()).collect();
        assert_eq!(balances, ["1100.00", "1080.00"]);
    }
    // A first page of two ends with an interim balance; alone it lacks the rest.
    let page = [("OPBD", "1000.00"), ("ITBD", "1080.00")];
    assert_eq!(read("a.xml", with_balances(&page).as_bytes()).unwrap_err().0, Code::TruncatedFile);
    let first = with_balances(&page);
    let last = with_balances(&[("ITBD", "1080.00"), ("CLBD", "1160.00")]);
    let stmt = |text: &str| text[text.find("<Stmt>").unwrap()..text.find("</BkToCstmrStmt>").unwrap()].to_string();
    let both = first.replace("</Stmt>", &format!("</Stmt>{}", stmt(&last)));
    let (rows, _) = read("a.xml", both.as_bytes()).unwrap();
    assert!(rows.len() == 4 && rows[3].contains("|1160.00|CNY|"), "{rows:?}");
}

/// Inputs that once ended the process, or gave too much text.
#[test]
fn odd_lines_and_large_entries() {
    assert!(read("a.sta", mt940(&[":61:240105C5,€A//R"], "1005,00").as_bytes()).is_ok_and(|(rows, _)| rows.len() == 1));
    let (rows, skips) =
        read("a.sta", mt940(&[":61:240105EC5,NTRFA", ":86:x", ":86:/text/"], "1000,00").as_bytes()).unwrap();
    assert_eq!((rows.len(), skips), (0, vec![1]));
    let (rows, _) = read("a.sta", mt940(&[":61:240105C5,NTRFA//R", ":86:/some text"], "1005,00").as_bytes()).unwrap();
    assert!(rows[0].ends_with("||/some text|"), "{rows:?}");
    // One text of 60 KB that every one of 2,000 transactions would repeat.
    let details = "<TxDtls><Amt>1.00</Amt></TxDtls>".repeat(2_000);
    let large = format!("<NtryDtls>{details}</NtryDtls><AddtlNtryInf>{}</AddtlNtryInf>", "x".repeat(60_000));
    let text = camt(&entry("2000.00", "CRDT", &large), "3000.00");
    assert_eq!(read("a.xml", text.as_bytes()).unwrap_err().0, Code::UnreadableFile);
    let latin = camt("", "1000.00").replace("UTF-8", "ISO-8859-1");
    assert_eq!(read("a.xml", latin.as_bytes()).unwrap_err().0, Code::UnreadableFile);
}

/// Faults that refuse a file. The first of each pair of balances is the control: the file has no other fault.
#[test]
fn faulty_statements_are_refused() {
    use Code::{StatementMismatch, TruncatedFile, UnreadableFile};
    let good = entry("500.00", "CRDT", "");
    let whole = camt(&good, "1500.00");
    let message = mt940(&[":61:240105C500,NTRFA"], "1500,00");
    let pages = |second: &str| {
        let first = message.replace(":62F:", ":62M:");
        first + &mt940(&[], second).replace(":60F:C240105CNY1000,00", &format!(":60M:C240105CNY{second}"))
    };
    let cases: [(&str, String, Option<Code>); 20] = [
        ("a.xml", whole.clone(), None),
        ("a.xml", camt(&good, "1500.01"), Some(StatementMismatch)),
        ("a.xml", camt(&entry("500.00", "DBIT", ""), "1500.00"), Some(StatementMismatch)),
        ("a.xml", whole.replace("OPBD", "XXXX"), Some(StatementMismatch)),
        ("a.xml", whole.replace("CLBD", "XXXX"), Some(StatementMismatch)),
        ("a.xml", camt(&good, "1e5"), Some(StatementMismatch)),
        ("a.xml", whole.replace("BkToCstmrStmt", "BkToCstmrAcctRpt"), Some(UnreadableFile)),
        ("a.xml", whole.replace("<Document", "<!DOCTYPE a [<!ENTITY b \"c\">]><Document"), Some(UnreadableFile)),
        ("a.xml", whole.replace("S1", "&b;"), Some(UnreadableFile)),
        ("a.xml", whole.replace("S1", &"x".repeat(FIELD_BYTES_MAX * 2)), Some(UnreadableFile)),
        ("a.xml", whole.replace("S1", &"<a>".repeat(50)), Some(UnreadableFile)),
        ("a.xml", "<Document><BkToCstmrStmt></BkToCstmrStmt></Document>".to_string(), Some(UnreadableFile)),
        ("a.xml", String::new(), Some(UnreadableFile)),
        ("a.sta", message.clone(), None),
        ("a.sta", message.replace("1500,00", "1500,01"), Some(StatementMismatch)),
        ("a.sta", message.replace(":62F:", ":64:"), Some(TruncatedFile)),
        ("a.sta", message.replace(":61:240105C500,NTRFA", ":61:24010C5"), Some(UnreadableFile)),
        ("a.sta", format!("{}{}", message, "x".repeat(FIELD_BYTES_MAX * 2)), Some(UnreadableFile)),
        ("a.sta", pages("1500,00"), None),
        ("a.sta", pages("1400,00"), Some(StatementMismatch)),
    ];
    for (number, (name, text, code)) in cases.into_iter().enumerate() {
        let found = read(name, text.as_bytes());
        assert_eq!(found.as_ref().err().map(|(code, _)| *code), code, "case {number}: {found:?}");
        if let Err((_, hint)) = found {
            assert!(!hint.contains("1500") && !hint.contains("500.00"), "{hint}");
        }
    }
}

#[test]
fn invalid_amounts_are_left_to_the_checks() {
    let text = camt(&(entry("5,00", "CRDT", "") + &entry("1.00", "CRDT", "")), "1500.00");
    let (rows, _) = read("a.xml", text.as_bytes()).unwrap();
    assert!(rows[0].contains("|C|5,00||CNY|") && rows[1].contains("|C|1.00||CNY|"));
}

/// A file that is cut anywhere is refused, or gives the same rows where only white space is lost. A file with any byte
/// changed is refused or read; it never causes a panic.
#[test]
fn damaged_files_are_refused() {
    let camt = camt(&entry("500.00", "CRDT", PARTIES), "1500.00");
    let message = mt940(&[":61:240105C500,NTRFA//R1", ":86:166?00转账?20货款?32甲乙"], "1500,00");
    for (name, text) in [("a.xml", camt), ("a.sta", message)] {
        let whole = read(name, text.as_bytes()).unwrap();
        let mut refused = 0;
        for end in 0..text.len() {
            match read(name, &text.as_bytes()[..end]) {
                Err(_) => refused += 1,
                // The last digits of the closing amount may be cut: `1500,0` equals `1500,00`.
                Ok(rows) => assert!(text.len() - end < 8, "{name} cut at {end}: {rows:?} {whole:?}"),
            }
        }
        assert!(refused > text.len() - 10);
        let mut refused = 0;
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1 << (at % 8);
            refused += usize::from(read(name, &bytes).is_err());
        }
        // Names and remarks may be any text; the syntax or the balances protect most of the rest.
        assert!(refused > text.len() / 4, "{name}: {refused} of {}", text.len());
    }
}

proptest! {
    #![proptest_config(crate::testing::property(64))]

    /// Both syntaxes give the same rows and running balances for the same entries.
    #[test]
    fn both_syntaxes_give_the_same_rows(amounts in prop::collection::vec((1_i64..=10_000_000, any::<bool>()), 0..12)) {
        let (mut xml, mut lines, mut balance) = (String::new(), Vec::new(), 100_000_i64);
        for (number, (fen, is_credit)) in amounts.iter().enumerate() {
            let text = money_text(i128::from(*fen));
            let way = if *is_credit { ("CRDT", "C") } else { ("DBIT", "D") };
            xml += &entry(&text, way.0, &format!("<AcctSvcrRef>R{number}</AcctSvcrRef>"));
            lines.push(format!(":61:240105{}{}NMSCA//R{number}", way.1, text.replace('.', ",")));
            balance += if *is_credit { *fen } else { -fen };
        }
        let closing = money_text(i128::from(balance.abs()));
        let mut xml = camt(&xml, &closing);
        let mut message = mt940(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &closing.replace('.', ","));
        if balance < 0 {
            let at = xml.rfind("<Cd>CLBD").unwrap();
            xml.replace_range(at.., &xml[at..].replacen("CRDT", "DBIT", 1));
            message = message.replace(":62F:C", ":62F:D");
        }
        let (of_xml, _) = read("a.xml", xml.as_bytes()).unwrap();
        let (of_message, _) = read("a.sta", message.as_bytes()).unwrap();
        prop_assert_eq!(&of_xml, &of_message);
        if let Some(last) = of_xml.last() {
            let expected = format!("|{}|CNY|", money_text(i128::from(balance)));
            prop_assert!(last.contains(&expected));
        }
    }
}
