#!/bin/sh
# Makes a throw-away virtual environment with the peers: setup.sh FOLDER
set -eu
python3 -m venv "$1"
"$1/bin/pip" install --quiet duckdb==2.0.0 polars==2.1.0 datafusion==55.0.0 pyarrow==26.0.1
