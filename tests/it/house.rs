//! Facts about the tree itself, not taste.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["src", "tests", "datagen/src"] {
        files(&root().join(folder), "rs", &mut found);
    }
    assert!(found.len() > 50, "{}", found.len());
    found
}

#[test]
fn every_module_says_what_it_owns() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} has no module docs", path.display());
    }
}

#[test]
fn money_is_never_a_float() {
    // Floats may hold wall time, a ratio of wall time, and the entropy's logarithm, and nothing else.
    let allowed = [
        "src/batch/build.rs",
        "src/batch/run_report.rs",
        "src/batch/classify/report.rs",
        "src/product/distribution.rs",
        "src/cli/datagen.rs",
    ];
    let mut found = Vec::new();
    files(&root().join("src"), "rs", &mut found);
    for path in found {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let code: String =
            fs::read_to_string(&path).unwrap().split("#[cfg(test)]").next().unwrap_or_default().to_string();
        let has_float = code.contains("f64") || code.contains("f32");
        assert_eq!(has_float, allowed.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn pipelines_have_a_header_and_no_bare_sum() {
    let mut found = Vec::new();
    files(&root().join("pipelines"), "sql", &mut found);
    assert_eq!(found.len(), 3);
    for path in found {
        let text = fs::read_to_string(&path).unwrap();
        for part in ["-- Question:", "-- Input:", "-- Output:", "-- Order:", "-- Keeps:"] {
            assert!(text.contains(part), "{} lacks `{part}`", path.display());
        }
        assert!(!text.contains("sum(") && !text.contains("avg("), "{}: sums wrap there", path.display());
    }
}

/// Arrows point down only.
#[test]
fn only_one_place_knows_each_heavy_thing() {
    let cases: [(&str, &[&str]); 3] = [
        ("SessionContext::new", &["src/engine/mod.rs"]),
        ("std::time::SystemTime", &["src/cli/mod.rs"]),
        ("datagen::", &["src/cli/datagen.rs", "src/cli/demo.rs", "src/cli/mod.rs"]),
    ];
    let mut found = Vec::new();
    files(&root().join("src"), "rs", &mut found);
    for (word, allowed) in cases {
        for path in &found {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            let holds = fs::read_to_string(path).unwrap().contains(word);
            assert!(!holds || allowed.contains(&name.as_str()), "{name} knows {word}");
        }
    }
    // Cells, products, classes and money neither wait nor touch files; the functions over DataFusion await nothing.
    for folder in ["src/cell", "src/product", "src/class"] {
        let mut pure = Vec::new();
        files(&root().join(folder), "rs", &mut pure);
        for path in pure {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let does_io = ["std::fs", "async fn", ".await", "std::net"].iter().any(|word| code.contains(word));
            assert!(!does_io, "{} does I/O or waits", path.display());
        }
    }
}
