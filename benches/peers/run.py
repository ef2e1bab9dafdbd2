"""Times the peers, and our build beside them, each run in a process of its own.

Before any time is taken each peer computes both products once, and every value is compared with ours. A difference ends
the run with exit code 1 and no times. Raw numbers of every run go to a JSON file; the table shows medians.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
PEERS = ("duckdb", "polars", "datafusion")


def measured(command):
    """Runs a command; CPU and wall seconds and the peak of its memory in MiB."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    # Popen must not wait for a child that is gone.
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {child.returncode}")
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": wall, "peak_mib": usage.ru_maxrss / 1024}


def commands(arguments, threads, out):
    """Each contestant's command by name."""
    feed, build = arguments.feed, out / "liushui"
    ours = [arguments.liushui.resolve(), "build", "--transactions", feed / "transactions", "--accounts", feed / "accounts.parquet",
            "--out", build, "--threads", str(threads), "--no-progress", "--json"]
    if arguments.as_of:
        ours += ["--as-of", arguments.as_of]
    found = {"liushui": ours}
    for peer in arguments.peers:
        # The peers take as-of date, instant and versions of our build, so that the products are the same.
        found[peer] = [sys.executable, HERE / f"{peer}_products.py", "--feed", arguments.prepared, "--schemas",
                       arguments.schemas, "--run", build / "run.json", "--out", out / peer, "--threads", str(threads)]
    return found


def compare_all(arguments, out):
    """Every peer's values against ours, with as many threads as will be timed."""
    for threads in arguments.threads:
        for name, command in commands(arguments, threads, out).items():
            measured(command)
            if name == "liushui":
                continue
            print(f"{name}, {threads} threads: ", end="", flush=True)
            # In a process of its own: what this one holds would count as the least peak of all that it starts.
            comparison = [sys.executable, HERE / "compare.py", "--ours", out / "liushui", "--peers", out / name]
            if subprocess.run(comparison).returncode != 0:
                raise SystemExit(1)


def time_all(arguments, out):
    """Contestants in turns, so that what else the machine does hits all alike."""
    runs = []
    for threads in arguments.threads:
        for number in range(arguments.runs):
            for name, command in commands(arguments, threads, out).items():
                runs.append({"name": name, "threads": threads, "run": number, **measured(command)})
    return runs


def starts(arguments):
    """What it costs to start Python and load a peer: part of its times."""
    return {peer: measured([sys.executable, "-c", f"import {peer}"]) for peer in arguments.peers}


def table(runs, rows):
    groups = {}
    for run in runs:
        groups.setdefault((run["threads"], run["name"]), []).append(run)
    median = {key: {field: statistics.median(run[field] for run in group) for field in ("cpu", "wall", "peak_mib")}
              for key, group in groups.items()}
    print(f"{'threads':>7}  {'name':<10}  {'cpu s':>7}  {'wall s':>7}  {'peak MiB':>8}  {'cpu ns/row':>10}  {'cpu / ours':>10}  {'wall / ours':>11}")
    for (threads, name), of in median.items():
        ours = median[threads, "liushui"]
        print(f"{threads:>7}  {name:<10}  {of['cpu']:>7.2f}  {of['wall']:>7.2f}  {of['peak_mib']:>8.0f}  "
              f"{of['cpu'] / rows * 1e9:>10.0f}  {of['cpu'] / ours['cpu']:>10.2f}  {of['wall'] / ours['wall']:>11.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--liushui", type=pathlib.Path, required=True, help="our binary")
    parser.add_argument("--feed", type=pathlib.Path, required=True, help="folder with transactions/ and accounts.parquet")
    parser.add_argument("--prepared", type=pathlib.Path, required=True, help="what prepare.py made of it")
    parser.add_argument("--schemas", type=pathlib.Path, required=True, help="folder of the dictionaries")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="JSON file for the raw numbers")
    parser.add_argument("--as-of", help="data cut-off [default: the newest booking date]")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--threads", nargs="*", type=int, default=(1, 2))
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder)
        compare_all(arguments, out)
        runs = time_all(arguments, out)
        build = json.loads((out / "liushui" / "run.json").read_text(encoding="utf-8"))
    record = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "versions": {"python": platform.python_version()} | {peer: importlib.metadata.version(peer) for peer in arguments.peers},
        "feed": {"rows": build["rows_read"], "accounts": build["accounts"], "as_of": build["as_of"]},
        "starts": starts(arguments),
        "runs": runs,
    }
    arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    table(runs, build["rows_read"])


if __name__ == "__main__":
    main()
