"""Compares a peer's products with ours, value by value.

Every item of every account, period and band is one value. Null equals null alone; the reasons of nulls are ours only
and are not compared. Exits with 1 where a value, an account or a period differs.
"""

import argparse
import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PRODUCTS = ("detail-summary", "report")
SHOWN = 5


def one_column(file, name):
    """A top-level column whole. One at a time, so that 100,000 accounts fit into memory."""
    return file.read(columns=[name])[name].combine_chunks()


def columns(name, array, accounts):
    """Each item's values with the account of each: structs and lists taken apart."""
    if pa.types.is_struct(array.type):
        fields = [array.type.field(i).name for i in range(array.type.num_fields)]
        for field, values in zip(fields, array.flatten()):
            yield from columns(f"{name}.{field}", values, accounts)
    elif pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        of_items = accounts.take(pc.list_parent_indices(array))
        yield f"{name}.length", pc.list_value_length(array), accounts
        yield from columns(name, pc.list_flatten(array), of_items)
    else:
        yield name, array, accounts


def comparable(array):
    """One type for what says the same: an instant in any unit, text of any width, an integer of any size."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp("us")) if kind.tz is None else array.cast(pa.timestamp("us", "UTC"))
    if pa.types.is_integer(kind):
        return array.cast(pa.int64())
    texts = (pa.types.is_null, pa.types.is_dictionary, pa.types.is_large_string, pa.types.is_string_view)
    if any(is_one(kind) for is_one in texts):
        return array.cast(pa.string())
    return array


def differences(ours, peers):
    """A mask of the values that differ."""
    ours, peers = comparable(ours), comparable(peers)
    if ours.type != peers.type and pa.types.is_decimal(ours.type):
        peers = peers.cast(ours.type)
    if ours.type != peers.type and peers.null_count == len(peers):
        peers = pa.nulls(len(peers), ours.type)
    unequal = pc.fill_null(pc.not_equal(ours, peers), False)
    return pc.or_(unequal, pc.xor(ours.is_null(), peers.is_null()))


def compare(product, ours, peers, segments):
    """The numbers of values compared and of differences; tells the first ones."""
    ours, peers = pq.ParquetFile(ours), pq.ParquetFile(peers)
    names = [name for name in ours.schema_arrow.names if name != "null_reasons"]
    if segments:
        names = ["account_id"] + [name for name in names if name in segments]
    accounts = one_column(ours, "account_id")
    if len(accounts) != peers.metadata.num_rows:
        print(f"{product}: {len(accounts)} accounts, the peer has {peers.metadata.num_rows}")
        return 0, 1
    values = different = 0
    for name in names:
        if name not in peers.schema_arrow.names:
            print(f"{product}.{name}: the peer has none")
            different += 1
            continue
        mine = {path: (array, of) for path, array, of in columns(name, one_column(ours, name), accounts)}
        theirs = {path: array for path, array, _ in columns(name, one_column(peers, name), accounts)}
        for path, (array, of) in mine.items():
            other = theirs.pop(path, None)
            if other is None or len(other) != len(array):
                print(f"{product}.{path}: {len(array)} values, the peer has {0 if other is None else len(other)}")
                different += 1
                continue
            mask = differences(array, other)
            found = pc.sum(mask).as_py() or 0
            values += 0 if path.endswith(".length") else len(array)
            different += found
            if found:
                print(f"{product}.{path}: {found} of {len(array)} differ")
                for place in pc.indices_nonzero(mask).to_pylist()[:SHOWN]:
                    print(f"    account {of[place]}: {array[place]} is {other[place]} in the peer")
        for path in theirs:
            print(f"{product}.{path}: an item of the peer's alone")
            different += 1
    return values, different


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ours", type=pathlib.Path, required=True, help="folder that `liushui build` wrote")
    parser.add_argument("--peers", type=pathlib.Path, required=True, help="folder that a peer wrote")
    parser.add_argument("--segments", nargs="*", default=(), help="these segments alone [default: all]")
    arguments = parser.parse_args()
    values = different = 0
    for product in PRODUCTS:
        of_product = (folder / f"{product}.parquet" for folder in (arguments.ours, arguments.peers))
        compared, found = compare(product, *of_product, arguments.segments)
        values, different = values + compared, different + found
    print(f"{values} values compared, {different} differences")
    return 1 if different or not values else 0


if __name__ == "__main__":
    sys.exit(main())
