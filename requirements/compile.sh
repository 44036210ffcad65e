#!/bin/sh
# Makes the lock files anew from pyproject.toml. Needs uv on the PATH (pip install uv).
set -eu
cd "$(dirname "$0")/.."
common="--universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q"
uv pip compile pyproject.toml --extra serve --group build $common -o requirements/serve.lock
uv pip compile pyproject.toml --extra serve --group build --group dev $common -c requirements/serve.lock -o requirements/dev.lock
