//! The graph of uses among the modules of this crate has no cycle.
//!
//! A module is a file or a folder directly under `src`. The graph is computed from the sources: comments, texts and
//! items under `#[cfg(test)]` are removed, then every path that begins with `crate::` is an edge. `lib.rs` only declares
//! and re-exports, so a re-exported name counts as a use of the module that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The source without comments, and with empty text and character literals.
fn without_literals(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut out = String::new();
    let mut index = 0;
    while index < chars.len() {
        match (at(index), at(index + 1)) {
            ('/', '/') => {
                while index < chars.len() && at(index) != '\n' {
                    index += 1;
                }
            }
            ('/', '*') => {
                index += 2;
                while index < chars.len() && (at(index), at(index + 1)) != ('*', '/') {
                    index += 1;
                }
                index += 2;
            }
            ('"', _) => {
                index += 1;
                while index < chars.len() && at(index) != '"' {
                    index += if at(index) == '\\' { 2 } else { 1 };
                }
                index += 1;
                out.push_str("\"\"");
            }
            // A lifetime has no closing quote.
            ('\'', '\\') => {
                index += 3;
                while index < chars.len() && at(index) != '\'' {
                    index += 1;
                }
                index += 1;
            }
            ('\'', _) if at(index + 2) == '\'' => index += 3,
            (other, _) => {
                out.push(other);
                index += 1;
            }
        }
    }
    out
}

/// The code without the items under `#[cfg(test)]`: each ends with its first `;` outside of braces, or with its
/// closing brace.
fn without_tests(code: &str) -> String {
    let mut parts = code.split("#[cfg(test)]");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut depth = 0;
        let end = part.char_indices().find(|(_, character)| {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            depth == 0 && matches!(character, ';' | '}')
        });
        out.push_str(end.map_or("", |(at, _)| &part[at + 1..]));
    }
    out
}

fn is_part_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn name_at(code: &str) -> &str {
    let end = code.find(|character| !is_part_of_a_name(character)).unwrap_or(code.len());
    &code[..end]
}

/// The names at the outer level of a group such as `{a, b::{c, d}}`.
fn names_of_group(group: &str) -> Vec<&str> {
    let (mut depth, mut names) = (0, Vec::new());
    for (at, character) in group.char_indices() {
        match character {
            '{' | ',' if depth + i32::from(character == '{') == 1 => {
                names.push(name_at(group[at + 1..].trim_start()));
                depth += i32::from(character == '{');
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The first names of all paths that begin with `crate::`.
fn uses(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, start) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|character| is_part_of_a_name(character) || character == '$') {
            continue;
        }
        let path = &code[at + start.len()..];
        let found = if path.starts_with('{') { names_of_group(path) } else { vec![name_at(path)] };
        names.extend(found.into_iter().map(str::to_owned));
    }
    names
}

/// The modules of the re-exported names of `lib.rs`.
fn reexports(lib: &str) -> BTreeMap<String, String> {
    let mut modules = BTreeMap::new();
    for (at, start) in lib.match_indices("pub use ") {
        let path = &lib[at + start.len()..];
        let module = name_at(path);
        let names = &path[module.len() + 2..];
        let names = if names.starts_with('{') { names_of_group(names) } else { vec![name_at(names)] };
        modules.extend(names.into_iter().map(|name| (name.to_owned(), module.to_owned())));
    }
    modules
}

fn sources(folder: &Path, under: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{under}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            sources(&entry.path(), &format!("{path}/"), found);
        } else if path.ends_with(".rs") {
            found.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs"))
}

fn graph(sources: &[(String, String)]) -> Graph {
    let lib = sources.iter().find(|(path, _)| path == "lib.rs").map(|(_, source)| without_literals(source)).unwrap();
    let reexports = reexports(&lib);
    let module = |path: &str| path.split(['/', '.']).next().unwrap().to_owned();
    let mut graph = Graph::new();
    for (path, source) in sources.iter().filter(|(path, _)| path != "lib.rs" && !is_test(path)) {
        let code = without_tests(&without_literals(source));
        // `super` leaves the module where it is repeated once for each level of the file.
        let levels = path.matches('/').count() + usize::from(!path.ends_with("mod.rs"));
        assert!(!code.contains(&"super::".repeat(levels.max(1))), "{path} uses the root by `super`");
        let of_module = graph.entry(module(path)).or_default();
        of_module.extend(uses(&code).into_iter().map(|name| reexports.get(&name).cloned().unwrap_or(name)));
    }
    for (module, uses) in &mut graph {
        uses.remove(module);
    }
    graph
}

/// A path through the graph that ends where it begins, if there is one.
fn cycle(graph: &Graph) -> Option<Vec<String>> {
    fn visit<'a>(graph: &'a Graph, at: &'a str, path: &mut Vec<&'a str>, done: &mut BTreeSet<&'a str>) -> bool {
        if let Some(start) = path.iter().position(|module| *module == at) {
            path.drain(..start);
            path.push(at);
            return true;
        }
        if done.contains(at) {
            return false;
        }
        path.push(at);
        if graph.get(at).into_iter().flatten().any(|next| visit(graph, next, path, done)) {
            return true;
        }
        path.pop();
        done.insert(at);
        false
    }
    let mut done = BTreeSet::new();
    graph.keys().find_map(|start| {
        let mut path = Vec::new();
        visit(graph, start, &mut path, &mut done).then(|| path.into_iter().map(str::to_owned).collect())
    })
}

#[test]
fn modules_have_no_cycle() {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut found);
    let graph = graph(&found);
    for (module, uses) in &graph {
        for used in uses {
            assert!(graph.contains_key(used), "{module} uses `crate::{used}`, which is no module");
        }
    }
    // The graph is that of the crate: it has its top, its bottom, and a use by a group and by a nested file.
    for (from, to) in [("run", "feed"), ("row", "party"), ("name", "random"), ("profile", "error")] {
        assert!(graph[from].contains(to), "{from} uses {to}, but the graph lacks it: {graph:?}");
    }
    assert!(graph["code"].is_empty() && !graph.contains_key("tests"), "{graph:?}");
    assert_eq!(cycle(&graph).map(|path| path.join(" -> ")), None);
}

#[test]
fn cycles_are_found() {
    let graph = |edges: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    };
    assert_eq!(cycle(&graph(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")])), None);
    let path = cycle(&graph(&[("a", "b"), ("b", "c"), ("b", "d"), ("d", "b")])).unwrap();
    assert_eq!(path, ["b", "d", "b"]);
}

#[test]
fn uses_are_found_in_code_only() {
    let file = |path: &str, source: &str| (path.to_owned(), source.to_owned());
    let sources = [
        file("lib.rs", "mod a; mod b; mod c; mod d;\npub use d::{Date, Time};\npub use c::Class;"),
        file(
            "a.rs",
            "use crate::{\n    Date, b::{self, X},\n};\nfn f<'x>() -> &'x str { \"crate::no\" } // crate::no\n",
        ),
        file("b/mod.rs", "/* crate::no */ const C: char = '\"'; fn f() { crate::c::g('\\''); }"),
        file("b/part.rs", "use super::X;\n#[cfg(test)]\nfn t() { if x { crate::no() } }\nuse crate::Class;"),
        file("b/tests.rs", "use crate::no;"),
        file("c.rs", "#[cfg(test)]\nmod tests;\nuse std::fmt;\n#[cfg(test)]\nmod more { use crate::no; }"),
        file("d.rs", ""),
    ];
    let expected = [("a", vec!["b", "d"]), ("b", vec!["c"]), ("c", vec![]), ("d", vec![])];
    let expected: Graph = expected
        .into_iter()
        .map(|(module, uses)| (module.to_owned(), uses.into_iter().map(str::to_owned).collect()))
        .collect();
    assert_eq!(graph(&sources), expected);
}
