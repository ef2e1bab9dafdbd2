//! `schemas/feed.toml` tells the feed's two tables; the code has the same.

use liushui::feed::schema::{ACCOUNTS, Column, ColumnType, TRANSACTIONS};

fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "utf8",
        ColumnType::Time => "timestamp",
        ColumnType::Integer => "int64",
        ColumnType::Money => "decimal(18,2)",
        ColumnType::Date => "date32",
        ColumnType::Texts => "list<utf8>",
    }
}

#[test]
fn the_code_has_the_tables_of_the_schema() {
    let path = format!("{}/schemas/feed.toml", env!("CARGO_MANIFEST_DIR"));
    let schema: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let tables = schema["table"].as_array().unwrap();
    assert_eq!(tables.len(), 2);
    for (name, columns) in [("transactions", &TRANSACTIONS[..]), ("accounts", &ACCOUNTS[..])] {
        let table = tables.iter().find(|table| table["name"].as_str() == Some(name)).unwrap();
        let told: Vec<(&str, &str, bool)> = table["column"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| {
                let text = |key: &str| column[key].as_str().unwrap();
                (text("name"), text("type"), column["required"].as_bool().unwrap())
            })
            .collect();
        let coded: Vec<(&str, &str, bool)> =
            columns.iter().map(|Column { name, kind, required }| (*name, type_name(*kind), *required)).collect();
        assert_eq!(told, coded, "{name}");
    }
}
