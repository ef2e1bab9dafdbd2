//! Facts about the source tree: module docs, money, pipelines, and which module may use which.

use std::collections::{BTreeMap, BTreeSet};
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
    // These have floats for times, ratios of times, and the logarithm of an entropy.
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
        let code = without_tests(&fs::read_to_string(&path).unwrap());
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
        assert!(!text.contains("sum(") && !text.contains("avg("), "{}: sums of SQL wrap", path.display());
    }
}

/// The modules that each module may use: the children of `src/`, `cli` with `main.rs`. Each line may use the lines below it,
/// and no others. A permission that is not used any more is removed from the table.
const MODULES: &[(&str, &str)] = &[
    ("cli", "batch error publish observer feed product class account money period"),
    (
        "batch",
        "error publish intake engine staging observer feed product cell class account dictionary_column flow hash_key \
         money period",
    ),
    ("error", "publish intake engine staging feed product class"),
    ("publish", "intake staging product cell account flow period"),
    ("intake", "engine staging cell class account hash_key period"),
    ("engine", "staging feed cell class"),
    ("staging", "cell class dictionary_column cache_pool flow hash_key period"),
    ("observer", "product account"),
    ("feed", "class account dictionary_column prefetch flow money period"),
    ("product", "cell class account flow money period"),
    ("cell", "class flow period"),
    ("class", "account dictionary_column cache_pool prefetch flow hash_key money"),
    ("account", "period"),
    ("dictionary_column", ""),
    ("cache_pool", ""),
    ("prefetch", ""),
    ("flow", "money"),
    ("hash_key", ""),
    ("money", ""),
    ("period", ""),
];

/// Imports that point up or in a circle, and are to be removed.
const CIRCULAR: &[(&str, &str)] = &[];

#[test]
fn modules_use_only_what_the_table_allows() {
    let imports = imports();
    let listed: BTreeSet<&str> = MODULES.iter().map(|(module, _)| *module).collect();
    let existing: BTreeSet<&str> = imports.keys().map(String::as_str).collect();
    assert_eq!(listed, existing, "the table has the modules of src/");
    assert_eq!(listed.len(), MODULES.len(), "a module has one line");

    let mut faults = Vec::new();
    for (place, (module, allowed)) in MODULES.iter().enumerate() {
        for (used, file) in &imports[*module] {
            if !allowed.split_whitespace().any(|name| name == used) && !CIRCULAR.contains(&(*module, used.as_str())) {
                faults.push(format!("{file} uses `{used}`, which `{module}` may not use"));
            }
        }
        for used in allowed.split_whitespace() {
            if !imports[*module].contains_key(used) {
                faults.push(format!("`{module}` may use `{used}`, but does not"));
            }
            if !MODULES[place + 1..].iter().any(|(below, _)| *below == used) {
                faults.push(format!("`{used}` does not stand below `{module}`"));
            }
        }
    }
    for (module, used) in CIRCULAR {
        if !imports[*module].contains_key(*used) {
            faults.push(format!("`{module}` uses `{used}` no more; remove it from `CIRCULAR`"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// For each module the modules that it uses outside of its tests, each with a file that does.
fn imports() -> BTreeMap<String, BTreeMap<String, String>> {
    let src = root().join("src");
    let mut paths = Vec::new();
    files(&src, "rs", &mut paths);
    let code: Vec<(String, String)> = paths
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
            (name, without_tests(&fs::read_to_string(path).unwrap()))
        })
        .collect();
    // Files that only tests have: `mod x;` under `#[cfg(test)]`.
    let mut only_tests = BTreeSet::new();
    for path in &paths {
        let folder = path.strip_prefix(&src).unwrap().with_extension("");
        let folder = if folder.ends_with("mod") || folder.ends_with("lib") || folder.ends_with("main") {
            folder.parent().unwrap().to_path_buf()
        } else {
            folder
        };
        let text = fs::read_to_string(path).unwrap();
        for (before, line) in text.lines().zip(text.lines().skip(1)) {
            if before == "#[cfg(test)]"
                && let Some(name) = line.strip_suffix(';').and_then(|line| line.rsplit("mod ").next())
            {
                only_tests.insert(folder.join(format!("{name}.rs")).to_string_lossy().replace('\\', "/"));
            }
        }
    }
    let module_of = |name: &str| match name {
        "main.rs" => "cli".to_string(),
        name => name.split('/').next().unwrap().trim_end_matches(".rs").to_string(),
    };
    let code: Vec<_> =
        code.into_iter().filter(|(name, _)| name != "lib.rs" && !only_tests.contains(name.as_str())).collect();
    let mut imports: BTreeMap<String, BTreeMap<String, String>> =
        code.iter().map(|(name, _)| (module_of(name), BTreeMap::new())).collect();
    let names: BTreeSet<String> = imports.keys().cloned().collect();
    for (name, text) in &code {
        let module = module_of(name);
        // A list of modules, or `super` up to the root, would escape the search below.
        assert!(!text.contains("crate::{"), "{name}: name one module in each `use crate::`");
        let depth = name.split('/').count() - usize::from(name.ends_with("/mod.rs"));
        assert!(!text.contains(&"super::".repeat(depth)), "{name}: name modules of the root by `crate::`");
        for root in ["crate::", "liushui::"] {
            for (at, _) in text.match_indices(root) {
                let is_whole = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                let rest = &text[at + root.len()..];
                let used = &rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())];
                if is_whole && used != module && names.contains(used) {
                    imports.get_mut(&module).unwrap().insert(used.to_string(), format!("src/{name}"));
                }
            }
        }
    }
    imports
}

/// The files and folders of `src/feed` use each other in one direction only.
#[test]
fn modules_of_the_feed_have_no_circle() {
    let feed = root().join("src/feed");
    let mut paths = Vec::new();
    files(&feed, "rs", &mut paths);
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let name = path.strip_prefix(&feed).unwrap().to_string_lossy().replace('\\', "/");
        if name == "mod.rs" || name.ends_with("/tests.rs") {
            continue;
        }
        let module = name.split('/').next().unwrap().trim_end_matches(".rs").to_string();
        let code = without_tests(&fs::read_to_string(&path).unwrap());
        let depth = name.split('/').count() - usize::from(name.ends_with("/mod.rs"));
        let of_module = uses.entry(module.clone()).or_default();
        for root in ["crate::feed::".to_string(), "super::".repeat(depth)] {
            for (at, _) in code.match_indices(&root) {
                let is_whole = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                let rest = &code[at + root.len()..];
                let used = &rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())];
                if is_whole && used != module {
                    of_module.insert(used.to_string());
                }
            }
        }
    }
    for (module, used) in &uses {
        let unknown: Vec<&String> = used.iter().filter(|used| !uses.contains_key(*used)).collect();
        assert!(unknown.is_empty(), "`{module}` uses {unknown:?} of the feed, which are no modules");
    }
    assert!(uses["csv"].contains("mapping") && uses["format"].contains("csv"), "{uses:?}");
    // Modules that use no other are taken away until none is left, or those of a circle are.
    while !uses.is_empty() {
        let bottom: Vec<String> =
            uses.iter().filter(|(_, used)| used.is_empty()).map(|(module, _)| module.clone()).collect();
        assert!(!bottom.is_empty(), "a circle among {uses:?}");
        uses.retain(|module, _| !bottom.contains(module));
        uses.values_mut().for_each(|used| used.retain(|used| !bottom.contains(used)));
    }
}

/// Code without comments and without items under `#[cfg(test)]`. As rustfmt leaves it, an item ends with its line or with a
/// closing brace as far from the margin as its beginning.
fn without_tests(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let item = lines.by_ref().find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
            if !item.ends_with([';', ',', '}']) {
                let end = format!("{}}}", &item[..item.len() - item.trim_start().len()]);
                assert!(lines.by_ref().any(|line| line.starts_with(&end)), "no end of `{item}`");
            }
        } else {
            code += line.split("//").next().unwrap_or_default();
            code.push('\n');
        }
    }
    code
}

#[test]
fn without_tests_leaves_the_rest() {
    let text = "use a; // crate::b\n#[cfg(test)]\nmod laws;\nfn f() {}\n    #[cfg(test)]\n    #[expect(x)]\n    fn g() {\n        \
                crate::c();\n    }\n//! crate::d\nuse e;\n#[cfg(test)]\nmod tests {\n    use crate::f;\n}\n";
    assert_eq!(without_tests(text), "use a; \nfn f() {}\n\nuse e;\n");
}

/// DataFusion belongs to `engine`, a session to one file of it; nothing depends on an asynchronous runtime.
#[test]
fn only_the_engine_uses_datafusion() {
    let mut found = Vec::new();
    files(&root().join("src"), "rs", &mut found);
    let (mut engine, mut sessions) = (0, Vec::new());
    for path in found {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let code: String = fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default().to_string() + "\n")
            .collect();
        let names = |word: &str| code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == word);
        if names("datafusion") {
            assert!(name.starts_with("src/engine/"), "{name} names `datafusion`");
            engine += 1;
        }
        assert!(!names("tokio"), "{name} names `tokio`");
        if code.contains("SessionContext::new") {
            sessions.push(name);
        }
    }
    assert!(engine > 0);
    assert_eq!(sessions, ["src/engine/mod.rs"]);
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    assert!(!manifest["dependencies"].as_table().unwrap().contains_key("tokio"), "Cargo.toml names `tokio`");
}

#[test]
fn clocks_generators_and_io_have_one_place() {
    let cases: [(&str, &[&str]); 2] = [
        ("std::time::SystemTime", &["src/cli/mod.rs"]),
        ("datagen::", &["src/cli/datagen.rs", "src/cli/demo.rs", "src/cli/mod.rs"]),
    ];
    let mut found = Vec::new();
    files(&root().join("src"), "rs", &mut found);
    for (word, allowed) in cases {
        for path in &found {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
            let contains = fs::read_to_string(path).unwrap().contains(word);
            assert!(!contains || allowed.contains(&name.as_str()), "{name} uses {word}");
        }
    }
    // Cells, products and classes are computed without I/O and without waiting.
    for folder in ["src/cell", "src/product", "src/class"] {
        let mut pure = Vec::new();
        files(&root().join(folder), "rs", &mut pure);
        for path in pure {
            let code = without_tests(&fs::read_to_string(&path).unwrap());
            let does_io = ["std::fs", "async fn", ".await", "std::net"].iter().any(|word| code.contains(word));
            assert!(!does_io, "{} does I/O or waits", path.display());
        }
    }
}
