#!/usr/bin/env python3
"""Tells where a build's time goes, by stage: the samples of `perf`, each counted for one stage.

    perf record --call-graph dwarf,4096 -F 150 liushui build ... --threads 1
    perf script --no-inline -F comm,ip,sym | python3 benches/stages.py [SECONDS] [STAGE ...]

SECONDS, the run's CPU time, adds seconds beside the shares; each STAGE named is followed by its busiest functions.
"""

import collections
import re
import sys

# A sample belongs to the first of these whose pattern any function on its stack has. Within `FIRST` the outermost frame
# counts, since products are encoded by the same crate that decodes the feed.
FIRST = [
    ("encode products", r"build::encode|GroupEncod|render::parquet|ProductFiles|arrow_writer|column::writer|snap::compress"),
]
STAGES = [
    ("decode (parquet crate)", r"parquet::|zstd|ZSTD"),
    ("classify", r"class::function|class::matcher|class::name"),
    ("hash content and id", r"rows::function"),
    ("check", r"feed::|liushui::dictionary_column"),
    ("tally, reconcile", r"class::tally|reconcile"),
    ("gather", r"parts::(Gatherer|Memory|ReducedColumns|Store>?::(append|keep))|rows::Columns|codec::put|build::read::work"),
    ("products", r"product::"),
    ("cells", r"cell::"),
    ("admit", r"rows::"),
    ("plan", r"datafusion"),
]


def stage(stack):
    """The stage of a sample; its stack's innermost function comes first."""
    for name, pattern in FIRST:
        if any(re.search(pattern, function) for function in stack):
            return name
    for function in stack:
        for name, pattern in STAGES:
            if re.search(pattern, function):
                return name
    return "else"


def stacks(lines):
    """The stacks of all samples, which empty lines part."""
    stack = []
    for line in lines:
        if line[:1].isspace() and line.strip():
            stack.append(line.split(maxsplit=1)[-1].strip())
        elif not line.strip() and stack:
            yield stack
            stack = []
    if stack:
        yield stack


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else None
    samples, busiest = collections.Counter(), collections.defaultdict(collections.Counter)
    for stack in stacks(sys.stdin):
        name = stage(stack)
        samples[name] += 1
        busiest[name][stack[0]] += 1
    total = samples.total()
    if total == 0:
        raise SystemExit("no samples: give the output of perf script")
    for name, count in samples.most_common():
        share = count / total
        print(f"{name:<24}{100 * share:6.1f} %" + (f"{seconds * share:8.2f} s" if seconds else ""))
        for function, of in busiest[name].most_common(10) if name in sys.argv[2:] else ():
            print(f"    {100 * of / total:5.1f} %  {function[:100]}")


if __name__ == "__main__":
    main()
