"""Makes the peers' input of a feed: the same files, with the class and the counterparty key as columns.

SQL can compute neither, so both are given. The class is what `liushui classify` tells of each row; the key is computed
here, from the words of the specification and with Python's own Unicode tables. None of this is timed.
"""

import argparse
import functools
import pathlib
import shutil
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq

# White_Space that is in neither Z nor P.
CONTROL_SPACE = set("\t\n\x0b\x0c\r\x85")
# A text column's trim: all of White_Space, which Python's own `strip` has with four separators (1C to 1F) too many.
WHITE_SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")


@functools.cache
def normalised(name):
    kept = [c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c)[0] not in "ZP"]
    return "".join(c for c in kept if c not in CONTROL_SPACE).upper()


def trimmed(text):
    return text.strip(WHITE_SPACE) if text else ""


@functools.cache
def key(uscc, name, account):
    """The counterparty's key, or None where nothing identifies it."""
    if trimmed(uscc):
        return "u:" + trimmed(uscc).upper()
    name = normalised(trimmed(name))
    if name:
        return "n:" + name
    account = "".join(c for c in account or "" if c.isalnum()).upper()
    return "a:" + account if account else None


def with_class_and_key(path, classes, out):
    """Writes the file again, in its own order and row groups, with two columns more."""
    table = pq.read_table(path)
    if len(table) != len(classes):
        raise SystemExit(f"{path.name}: {len(table)} rows, {len(classes)} of them classified")
    parts = (table[column].to_pylist() for column in ("counterparty_uscc", "counterparty_name", "counterparty_account"))
    keys = pa.array([key(*of_row) for of_row in zip(*parts)], pa.string())
    table = table.append_column("class", classes).append_column("counterparty_key", keys)
    rows = pq.ParquetFile(path).metadata.row_group(0).num_rows
    pq.write_table(table, out, compression="zstd", row_group_size=rows)


def classes_by_file(path):
    """Each file's classes in the order of its rows."""
    table = pq.read_table(path, columns=["file", "row", "class"])
    text = pa.schema([("file", pa.string()), ("row", pa.uint64()), ("class", pa.string())])
    table = table.cast(text).sort_by([("file", "ascending"), ("row", "ascending")])
    start = 0
    for run in table["file"].combine_chunks().dictionary_encode().value_counts():
        rows = run["counts"].as_py()
        yield pathlib.Path(run["values"].as_py()).name, table["class"].slice(start, rows)
        start += rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", type=pathlib.Path, required=True, help="folder with transactions/ and accounts.parquet")
    parser.add_argument("--classes", type=pathlib.Path, required=True, help="what `liushui classify --out` wrote")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write")
    arguments = parser.parse_args()

    transactions = arguments.out / "transactions"
    transactions.mkdir(parents=True)
    shutil.copy(arguments.feed / "accounts.parquet", arguments.out)
    classes = dict(classes_by_file(arguments.classes))
    for path in sorted((arguments.feed / "transactions").glob("*.parquet")):
        with_class_and_key(path, classes[path.name], transactions / path.name)


if __name__ == "__main__":
    main()
