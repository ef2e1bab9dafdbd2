#!/usr/bin/env python3
"""Times whole builds of both products, ours and the peers', and keeps every number.

    python3 benches/run.py --liushui target/release/liushui --rows 10M --decode target/release/deps/decode-...

Makes the feed, the peers' input and the peers' environment where the work folder has none, runs all contestants in
turns, each in a process of its own, compares every value of every peer with ours, and only then prints one table:
medians, and ratios to the decode and to our build. Raw numbers, machine, versions and commands go to
benches/runs/<date>/.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PEERS = ("duckdb", "polars", "datafusion")
MONTHS = 36
ROWS_PER_ACCOUNT = 1000
MEASURES = ("cpu", "wall", "peak_mib")


def say(text):
    """What is going on, to standard error: standard output is the table's."""
    print(text, file=sys.stderr, flush=True)


def rows_of(text):
    unit = {"k": 1_000, "M": 1_000_000}.get(text[-1:], 1)
    return int(text.rstrip("kM")) * unit


def memory_of_machine():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def output_of(command):
    """What a command prints, or null where there is no such command."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def measured(command):
    """Runs a command: its CPU and wall seconds, the peak of its memory in MiB, and what it prints."""
    with tempfile.TemporaryFile("w+") as printed:
        begun = time.perf_counter()
        child = subprocess.Popen(command, stdout=printed)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        # Popen must not wait for a child that is gone.
        child.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        text = printed.read()
    if child.returncode != 0:
        raise SystemExit(f"{shlex.join(map(str, command))}: exit code {child.returncode}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "peak_mib": usage.ru_maxrss / 1024}, text


class Bench:
    """The folders of a bench, and what is made in them."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.liushui = arguments.liushui.resolve()
        work = arguments.work.resolve()
        self.work = work / ("selftest" if arguments.selftest else arguments.rows)
        self.feed = arguments.feed.resolve() if arguments.feed else self.work / "feed"
        self.prepared = self.work / "prepared"
        self.products = self.work / "products"
        self.tmp = self.work / "tmp"
        self.venv = work / "venv"
        self.python = arguments.python or self.venv / "bin" / "python"
        self.memory = arguments.memory or f"{memory_of_machine() * 2 // 3 >> 20}MiB"

    def make(self, what, folder, steps):
        """Runs the steps that make a folder, unless it is there; under another name until it is whole."""
        if folder.exists():
            return
        partial = folder.with_name(folder.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        begun = time.perf_counter()
        for step in steps(partial):
            subprocess.run(step, check=True, stdout=subprocess.DEVNULL)
        partial.rename(folder)
        say(f"{what}: made in {time.perf_counter() - begun:.0f} s")

    def make_all(self):
        if not self.arguments.python:
            # A virtual environment knows its own path, so it is made in place; its marker tells that it is whole.
            if not (self.venv / "ready").exists():
                subprocess.run([HERE / "peers" / "setup.sh", self.venv], check=True)
                (self.venv / "ready").touch()
        self.make("feed", self.feed, self.generate)
        self.make("peers' input", self.prepared, self.prepare)
        self.tmp.mkdir(exist_ok=True)

    def generate(self, out):
        if self.arguments.selftest:
            # Few rows of many accounts, some of them sent twice.
            size = ["--accounts", "12", "--rows-per-account-month", "3", "--dirty", "0.05"]
        else:
            size = ["--accounts", str(max(rows_of(self.arguments.rows) // ROWS_PER_ACCOUNT, 1))]
        yield [self.liushui, "datagen", *size, "--months", str(MONTHS), "--seed", "1", "--out", out, "--no-progress"]

    def prepare(self, out):
        classes = self.work / "classes.parquet"
        yield [self.liushui, "classify", *self.input(), "--out", classes, "--no-progress"]
        yield [self.python, HERE / "peers" / "prepare.py", "--feed", self.feed, "--classes", classes, "--out", out]
        classes.unlink()

    def input(self):
        return ["--transactions", self.feed / "transactions", "--accounts", self.feed / "accounts.parquet"]

    def decode(self):
        """The decode alone: a command that decodes all files several times and tells how many."""
        return [self.arguments.decode.resolve(), *sorted((self.feed / "transactions").glob("*.parquet"))]

    def contestants(self, threads):
        """Each contestant's command by name. Ours is the first: the others read its run.json."""
        ours = self.products / "liushui"
        found = {"liushui": [self.liushui, "build", *self.input(), "--out", ours, "--threads", str(threads),
                             "--tmp", self.tmp, "--no-progress"]}
        if self.arguments.preclassified:
            places = {"feed": self.feed, "prepared": self.prepared, "out": self.products / "liushui-preclassified",
                      "run": ours / "run.json", "tmp": self.tmp, "threads": threads}
            found["liushui-preclassified"] = [word.format(**places) for word in shlex.split(self.arguments.preclassified)]
        for peer in self.arguments.only:
            # The peers take as-of date, instant and versions of our build, so that the products are the same.
            found[peer] = [self.python, HERE / "peers" / f"{peer}_products.py", "--feed", self.prepared,
                           "--schemas", HERE.parent / "schemas", "--run", ours / "run.json",
                           "--out", self.products / peer, "--threads", str(threads),
                           "--memory", self.memory, "--tmp", self.tmp]
        return found

    def compare(self, name, threads):
        """Every value of a contestant's products with ours; ends all where one differs."""
        # In a process of its own: what this one holds would count as the least peak of all that it starts.
        comparison = [self.python, HERE / "peers" / "compare.py", "--ours", self.products / "liushui",
                      "--peers", self.products / name]
        found = subprocess.run(comparison, stdout=subprocess.PIPE, text=True)
        say(f"{name}, {threads} threads: {found.stdout.strip()}")
        if found.returncode != 0:
            raise SystemExit(1)
        return found.stdout.strip()

    def read_once(self):
        """Brings the files into the system's cache, so that no first run waits for the disk."""
        for folder in (self.feed, self.prepared):
            for path in sorted((folder / "transactions").iterdir()):
                with path.open("rb") as file:
                    while file.read(1 << 24):
                        pass

    def run(self):
        """All runs, and what the comparisons said: the first products of each contestant and number of threads."""
        runs, compared = [], {}
        for number in range(self.arguments.runs):
            if self.arguments.decode:
                runs.append({"name": "decode", "threads": 1, "run": number, **self.decode()})
            for threads in self.arguments.threads:
                for name, command in self.contestants(threads).items():
                    shutil.rmtree(self.products / name, ignore_errors=True)
                    numbers, _ = measured(command)
                    runs.append({"name": name, "threads": threads, "run": number, **numbers})
                    if number == 0 and name != "liushui":
                        compared[f"{name}, {threads} threads"] = self.compare(name, threads)
        return runs, compared

    def decode(self):
        """One decode's share of what the command took."""
        numbers, printed = measured(self.decode())
        times = int(re.search(r"(\d+) times", printed)[1])
        return {"cpu": numbers["cpu"] / times, "wall": numbers["wall"] / times, "peak_mib": numbers["peak_mib"]}

    def starts(self):
        """What it costs to start Python and load a peer: part of its times."""
        return {peer: measured([self.python, "-c", f"import {peer}"])[0] for peer in self.arguments.only}

    def shown(self, command):
        """A command without the paths of this machine."""
        text = shlex.join(map(str, command))
        known = {self.feed: "FEED", self.work: "WORK", self.arguments.work.resolve(): "WORK", HERE: "benches",
                 HERE.parent: ".", self.liushui: "liushui", self.python: "python"}
        for path, name in sorted(known.items(), key=lambda item: -len(str(item[0]))):
            text = text.replace(str(path), name)
        return re.sub(r"(?<![\w.*-])(?:\.\.|~)?/\S*/", "", text)

    def record(self, runs, compared):
        """All that is kept beside the table."""
        build = json.loads((self.products / "liushui" / "run.json").read_text(encoding="utf-8"))
        packages = "import importlib.metadata as m, json; print(json.dumps({p: m.version(p) for p in %r}))"
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), None)
        commands = [command for threads in self.arguments.threads for command in self.contestants(threads).values()]
        decode = [self.shown(self.decode()[:1]) + " FEED/transactions/*.parquet"] if self.arguments.decode else []
        return {
            "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "command": self.shown(["python3", "benches/run.py", *sys.argv[1:]]),
            "commands": [*decode, *map(self.shown, commands)],
            "machine": {"cores": os.cpu_count(), "processor": model, "architecture": platform.machine(),
                        "memory_mib": memory_of_machine() >> 20, "kernel": f"{platform.system()} {platform.release()}"},
            "versions": {
                "liushui": output_of([self.liushui, "--version"]),
                "commit": output_of(["git", "describe", "--always", "--dirty", "--abbrev=12"]),
                "rustc": output_of(["rustc", "--version"]),
                "python": output_of([self.python, "--version"]),
                **json.loads(output_of([self.python, "-c", packages % (("pyarrow", *self.arguments.only),)])),
            },
            "feed": {"rows": build["rows_read"], "accounts": build["accounts"], "as_of": build["as_of"],
                     "bytes": sum(path.stat().st_size for path in (self.feed / "transactions").iterdir())},
            "compared": compared,
            "starts": self.starts(),
            "runs": runs,
        }


def table(runs, rows):
    """Medians as text, a line a contestant and number of threads."""
    groups = {}
    for run in runs:
        groups.setdefault((run["threads"], run["name"]), []).append(run)
    medians = {key: {measure: statistics.median(run[measure] for run in group) for measure in MEASURES}
               for key, group in groups.items()}
    decode = medians.get((1, "decode"))
    lines = [f"{rows:,} rows, medians of {max(map(len, groups.values()))}", ""]
    heads = ("threads", "contestant", "cpu s", "wall s", "peak MiB", "cpu ns/row", "cpu/decode", "cpu/ours",
             "wall/ours")
    lines.append("  ".join(f"{head:<13}" if head == "contestant" else f"{head:>10}" for head in heads))
    for (threads, name), of in sorted(medians.items(), key=lambda item: item[0][0]):
        ours = medians[threads, "liushui"]
        cells = (f"{of['cpu']:.2f}", f"{of['wall']:.2f}", f"{of['peak_mib']:.0f}", f"{of['cpu'] / rows * 1e9:.0f}",
                 f"{of['cpu'] / decode['cpu']:.2f}" if decode else "-",
                 f"{of['cpu'] / ours['cpu']:.2f}", f"{of['wall'] / ours['wall']:.2f}")
        lines.append("  ".join([f"{threads:>10}", f"{name:<13}", *(f"{cell:>10}" for cell in cells)]))
    return "\n".join(lines) + "\n"


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--liushui", type=pathlib.Path, required=True, help="our binary, built for release")
    parser.add_argument("--rows", default="1M", help="about so many rows: 1M, 10M, 100M [default: 1M]")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "liushui-benches",
                        help="folder for feeds, the peers' environment and products [default: in the system's]")
    parser.add_argument("--feed", type=pathlib.Path, help="a feed that is there already [default: made]")
    parser.add_argument("--decode", type=pathlib.Path, help="the bench `decode`, built: the decode alone")
    parser.add_argument("--preclassified", help="command of our build with class and key preclassified; {feed}, {prepared}, {out}, "
                        "{run}, {tmp} and {threads} are filled in")
    parser.add_argument("--only", nargs="*", choices=PEERS, default=PEERS, help="these peers [default: all]")
    parser.add_argument("--threads", nargs="*", type=int, default=(1, 2))
    parser.add_argument("--runs", type=int, default=3, help="of each contestant [default: 3]")
    parser.add_argument("--memory", help="what DuckDB may take before it goes to disk [default: two thirds of all]")
    parser.add_argument("--name", help="of the files in benches/runs/<date> [default: the rows]")
    parser.add_argument("--python", type=pathlib.Path, help="an interpreter that has the peers [default: one is made]")
    parser.add_argument("--selftest", action="store_true", help="compare all at a thousand rows, and time nothing")
    return parser.parse_args()


def main():
    arguments = parsed()
    if arguments.selftest:
        arguments.runs = 1
    bench = Bench(arguments)
    kept = HERE / "runs" / datetime.datetime.now(datetime.UTC).date().isoformat() / (arguments.name or arguments.rows)
    if not arguments.selftest and kept.with_suffix(".json").exists():
        raise SystemExit(f"{kept.relative_to(HERE)}.json is there already: give another --name")
    bench.make_all()
    if arguments.selftest:
        bench.run()
        return
    bench.read_once()
    runs, compared = bench.run()
    record = bench.record(runs, compared)
    text = table(runs, record["feed"]["rows"])
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    told = [", ".join(f"{name} {value}" for name, value in record[of].items()) for of in ("machine", "versions")]
    kept.with_suffix(".txt").write_text("\n".join([record["command"], *told, "", text]), encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
