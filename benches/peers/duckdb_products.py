"""Both products by DuckDB: runs duckdb_products.sql and writes what it defines."""

import pathlib

import duckdb

from inputs import arguments_of_a_peer

SQL = pathlib.Path(__file__).with_suffix(".sql")


def main():
    arguments, setting = arguments_of_a_peer(__doc__)
    connection = duckdb.connect()
    settings = {"threads": arguments.threads, "memory_limit": arguments.memory, "temp_directory": arguments.tmp}
    for name, value in settings.items():
        if value is not None:
            connection.execute(f"set {name} = $value", {"value": value})
    # Aggregates need no order of rows, and keeping it costs.
    connection.execute("set preserve_insertion_order = false")
    for name, value in setting.items():
        connection.execute(f"set variable {name} = $value", {"value": value})
    connection.execute(SQL.read_text(encoding="utf-8"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    for product, view in (("detail-summary", "detail_summary"), ("report", "report")):
        path = str(arguments.out / f"{product}.parquet")
        connection.execute(f"copy (from {view}) to '{path}' (format parquet, compression snappy)")


if __name__ == "__main__":
    main()
