"""What every peer is told: the prepared feed, the dictionaries' texts, and what of a build cannot be computed again."""

import argparse
import json
import pathlib
import tomllib


def dictionary(path):
    """The texts of a dictionary that its products show."""
    with path.open("rb") as file:
        table = tomllib.load(file)
    return {name: table[name] for name in ("product", "name", "version", "terms")}


def arguments_of_a_peer(about):
    """The arguments, and the settings of the computation by name."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--feed", type=pathlib.Path, required=True, help="folder that prepare.py wrote")
    parser.add_argument("--schemas", type=pathlib.Path, required=True, help="folder of the dictionaries")
    parser.add_argument("--run", type=pathlib.Path, required=True, help="run.json of our build of the same feed")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", help="what a peer that works within a bound may take: DuckDB")
    parser.add_argument("--tmp", help="where such a peer keeps the rest")
    arguments = parser.parse_args()
    run = json.loads(arguments.run.read_text(encoding="utf-8"))
    setting = {
        "transactions": str(arguments.feed / "transactions" / "*.parquet"),
        "accounts": str(arguments.feed / "accounts.parquet"),
        "as_of": run["as_of"],
        "generated_at": run["generated_at"],
        "rules_version": run["versions"]["rules"],
        "detail": dictionary(arguments.schemas / "detail-summary.toml"),
        "report": dictionary(arguments.schemas / "report.toml"),
    }
    return arguments, setting
