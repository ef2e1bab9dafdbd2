"""Makes the peers' input of a feed: the same files, with the class and the counterparty key as columns.

SQL can compute neither, so both are given. The class is what `liushui classify` tells of each row; the key is computed
here, from the words of the specification and with Python's own Unicode tables. None of this is timed. A row group is
held at a time, and each text is worked on once a row group.
"""

import argparse
import pathlib
import shutil
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# White_Space that is in neither Z nor P.
CONTROL_SPACE = set("\t\n\x0b\x0c\r\x85")
# A text column's trim: all of White_Space, which Python's own `strip` has with four separators (1C to 1F) too many.
WHITE_SPACE = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\x1c\x1d\x1e\x1f")


class Kept(dict):
    """What `str.translate` keeps of a name, learnt a character at a time: no separators, no punctuation."""

    def __missing__(self, code):
        c = chr(code)
        self[code] = None if unicodedata.category(c)[0] in "ZP" or c in CONTROL_SPACE else code
        return self[code]


KEPT = Kept()


def key_of_uscc(text):
    text = text.strip(WHITE_SPACE)
    return "u:" + text.upper() if text else None


def key_of_name(text):
    text = unicodedata.normalize("NFKC", text.strip(WHITE_SPACE)).translate(KEPT).upper()
    return "n:" + text if text else None


def key_of_account(text):
    text = "".join(c for c in text if c.isalnum()).upper()
    return "a:" + text if text else None


GIVEN = ("class", "counterparty_key")
# What identifies a counterparty, the strongest first.
KEYS = {
    "counterparty_uscc": key_of_uscc,
    "counterparty_name": key_of_name,
    "counterparty_account": key_of_account,
}


def keys(table):
    """Each row's counterparty key; null where nothing identifies the counterparty."""

    def of_column(name, key):
        texts = table[name].combine_chunks().dictionary_encode()
        found = [None if text is None else key(text) for text in texts.dictionary.to_pylist()]
        return pa.array(found, pa.string()).take(texts.indices)

    return pc.coalesce(*(of_column(name, key) for name, key in KEYS.items()))


class Classes:
    """The classes in the feed's order, handed out as rows are asked for."""

    def __init__(self, path):
        columns = ["file", "row", "class"]
        self.batches = pq.ParquetFile(path).iter_batches(columns=columns)
        self.waiting = pa.table({"file": pa.array([], pa.string()), "row": pa.array([], pa.uint64()),
                                 "class": pa.array([], pa.string())})

    def take(self, file, first, rows):
        """The classes of so many rows of a file, of which `first` is the first one's number."""
        while len(self.waiting) < rows:
            batch = next(self.batches, None)
            if batch is None:
                raise SystemExit(f"{file}: not all of its rows are classified")
            of_batch = pa.Table.from_batches([batch]).cast(self.waiting.schema)
            self.waiting = pa.concat_tables([self.waiting, of_batch])
        taken, self.waiting = self.waiting.slice(0, rows), self.waiting.slice(rows)
        # In the feed's order, so both ends tell all.
        for place, row in ((0, first), (rows - 1, first + rows - 1)):
            found = taken.slice(place, 1).to_pylist()[0]
            if (pathlib.Path(found["file"]).name, found["row"]) != (file, row):
                raise SystemExit(f"{file}: row {row} is not classified where it should be")
        return taken["class"]


def with_class_and_key(path, classes, out):
    """Writes the file again, in its own order, row groups and encodings, with two columns more."""
    source = pq.ParquetFile(path)
    if source.metadata.num_row_groups == 0:
        shutil.copy(path, out)
        return
    group = source.metadata.row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    by_dictionary = [column.path_in_schema for column in columns if "RLE_DICTIONARY" in column.encodings]
    given = [pa.field(name, pa.string()) for name in GIVEN]
    schema = pa.schema([*source.schema_arrow, *given], source.schema_arrow.metadata)
    first = 1
    with pq.ParquetWriter(
        out, schema, compression=columns[0].compression, use_dictionary=[*by_dictionary, *GIVEN],
        store_decimal_as_integer=True,
    ) as writer:
        for number in range(source.metadata.num_row_groups):
            table = source.read_row_group(number)
            columns = (classes.take(path.name, first, len(table)), keys(table))
            for name, values in zip(GIVEN, columns):
                table = table.append_column(name, values)
            writer.write_table(table.cast(schema), row_group_size=len(table))
            first += len(table)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feed", type=pathlib.Path, required=True, help="with transactions/ and accounts.parquet")
    parser.add_argument("--classes", type=pathlib.Path, required=True, help="what `liushui classify --out` wrote")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write")
    arguments = parser.parse_args()

    transactions = arguments.out / "transactions"
    transactions.mkdir(parents=True)
    shutil.copy(arguments.feed / "accounts.parquet", arguments.out)
    classes = Classes(arguments.classes)
    for path in sorted((arguments.feed / "transactions").glob("*.parquet")):
        with_class_and_key(path, classes, transactions / path.name)


if __name__ == "__main__":
    main()
