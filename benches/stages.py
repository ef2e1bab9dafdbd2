#!/usr/bin/env python3
"""Prints the share of each stage in the time of a build, from samples of `perf`; each sample counts for one stage.

    perf record --call-graph dwarf,4096 -F 150 liushui build ... --threads 1
    perf script --no-inline -F comm,ip,sym | python3 benches/stages.py [SECONDS] [STAGE ...]

SECONDS, the CPU time of the run, adds seconds to the shares. For each STAGE its busiest functions are listed too.
"""

import collections
import re
import sys

# A sample belongs to `FIRST` if any function on its stack matches, because products are encoded by the same crate that
# decodes the feed. Otherwise it belongs to the stage of the innermost function that matches a pattern, tried in order.
FIRST = [
    ("encode products", r"publish::encode|GroupEncod|render::parquet|ProductFiles|arrow_writer|column::writer|snap::compress"),
]
STAGES = [
    ("decode", r"parquet::|zstd|ZSTD"),
    ("classify", r"class::(classifier|matcher|name_cache|normalise|counterparty_key|decide)|functions::classify"),
    ("fingerprint", r"staging::fingerprint|functions::fingerprint"),
    ("check", r"feed::|liushui::dictionary_column"),
    ("tally, reconcile", r"class::tally|publish::reconcile"),
    ("buffer", r"buffer::(BufferWriter|BufferMemory|RowBuffer>?::(append|keep))|SpillFile>?::append|staging::(RowColumns|Nullable)|codec::put"),
    ("dedup", r"staging::(dedup|MonthOf)|buffer::RowBuffer|SpillFile>?::read"),
    ("products", r"product::"),
    ("cells", r"liushui::cell::|functions::cell"),
    ("plan", r"datafusion|liushui::engine"),
]


def stage(stack):
    """The stage of a sample, whose stack begins with the innermost function."""
    for name, pattern in FIRST:
        if any(re.search(pattern, function) for function in stack):
            return name
    for function in stack:
        for name, pattern in STAGES:
            if re.search(pattern, function):
                return name
    return "other"


def stacks(lines):
    """The stacks of all samples, which are separated by empty lines."""
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
        raise SystemExit("no samples; the input must be the output of perf script")
    for name, count in samples.most_common():
        share = count / total
        print(f"{name:<24}{100 * share:6.1f} %" + (f"{seconds * share:8.2f} s" if seconds else ""))
        for function, of in busiest[name].most_common(10) if name in sys.argv[2:] else ():
            print(f"    {100 * of / total:5.1f} %  {function[:100]}")


if __name__ == "__main__":
    main()
