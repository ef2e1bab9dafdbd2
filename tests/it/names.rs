//! Name rules on real names that this project did not write: recall on public bodies, and what is taken for
//! one without being one. Skipped, saying so, where the shared data are absent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use liushui::class::{Class, Counterparty, Holder, Matcher, Rules, Subclass, normalise};

fn names(file: &str) -> Option<Vec<String>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/names").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no {}", path.display());
        return None;
    };
    Some(text.lines().map(str::to_string).collect())
}

/// The lines of a file of two columns, without its header.
fn labelled(file: &str) -> Option<Vec<(String, String)>> {
    let split = |line: &String| line.split_once('\t').map(|(name, kind)| (name.to_string(), kind.to_string()));
    Some(names(file)?.iter().skip(1).filter_map(split).collect())
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

#[test]
fn public_bodies_are_found() {
    let Some(bodies) = labelled("public-bodies.tsv") else {
        return;
    };
    let matcher = Matcher::new(&Rules::builtin());
    for (noise, noisy) in NOISES {
        let mut by_kind: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
        for (name, kind) in &bodies {
            let (class, subclass, rule) = classify(&matcher, &noisy(name));
            let counts = by_kind.entry(kind).or_default();
            counts.0 += 1;
            counts.1 += usize::from(class == Class::Public);
            counts.2 += usize::from(subclass == expected_subclass(kind));
            if class != Class::Public || (*noise == "clean" && subclass != expected_subclass(kind)) {
                println!("{noise}: {kind} {name} is {} {} by {rule}", class.name(), subclass.name());
            }
        }
        for (kind, (all, public, right)) in by_kind {
            let recall = public as f64 / all as f64;
            println!("{noise:12} {kind:12} {all:5} names, recall {recall:.4}, sub-class right {right:5}");
            assert!(recall >= if *noise == "clean" { 0.97 } else { 0.95 }, "{noise} {kind}");
        }
    }
}

type Noise = (&'static str, fn(&str) -> String);

const NOISES: &[Noise] = &[
    ("clean", |name| name.to_string()),
    ("digits", |name| format!("{name}1111111111")),
    ("bracket", |name| format!("{name}（代收专户）")),
    ("purpose", |name| format!("{name}零余额账户")),
    ("spaces", |name| name.chars().flat_map(|c| [c, ' ']).collect()),
    ("cut at 20", |name| name.chars().take(20).collect()),
    ("cut bracket", |name| format!("{name}（待缴库税款专户）").chars().take(24).collect()),
];

#[test]
fn businesses_are_not_taken_for_public_bodies_or_platforms() {
    let matcher = Matcher::new(&Rules::builtin());
    for (noise, noisy) in NOISES {
        for (file, allowed) in [("companies.txt", 20), ("individual-businesses.txt", 4)] {
            let Some(names) = names(file) else { return };
            let wrong = wrong_names(&matcher, &names, noisy);
            println!("{noise} {file}: {} of {} wrong: {:?}", wrong.len(), names.len(), first(&wrong));
            assert!(wrong.len() <= allowed, "{noise} {file}");
        }
    }
}

#[test]
fn look_alikes_are_never_taken() {
    let Some(names) = labelled("hard-negatives.tsv") else {
        return;
    };
    let names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
    let matcher = Matcher::new(&Rules::builtin());
    for (noise, noisy) in NOISES {
        let wrong = wrong_names(&matcher, &names, noisy);
        assert!(wrong.is_empty(), "{noise}: {} wrong: {:?}", wrong.len(), first(&wrong));
    }
}

#[test]
fn bank_branches_are_never_public() {
    let Some(names) = names("bank-branches.txt") else {
        return;
    };
    let matcher = Matcher::new(&Rules::builtin());
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &names {
        *tally.entry(classify(&matcher, name).0.name()).or_default() += 1;
        assert_ne!(classify(&matcher, name).0, Class::Public, "{name}");
    }
    println!("bank branches: {tally:?}");
}

fn wrong_names(matcher: &Matcher, names: &[String], noisy: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
    let taken = names.iter().filter_map(|name| {
        let (class, _, rule) = classify(matcher, &noisy(name));
        matches!(class, Class::Public | Class::PaymentPlatform).then(|| (name.clone(), rule))
    });
    taken.collect()
}

/// Enough of a list to see what is wrong with it.
fn first(wrong: &[(String, String)]) -> &[(String, String)] {
    &wrong[..wrong.len().min(10)]
}
