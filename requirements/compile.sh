#!/bin/sh
# Makes the lock files anew from pyproject.toml. Needs uv on the PATH (pip install uv).
set -eu
cd "$(dirname "$0")/.."
compile() {
  uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -q "$@"
}
compile pyproject.toml --extra serve --group build -o requirements/serve.lock
compile pyproject.toml --extra serve --extra cluster --extra lambda --extra multilingual --group build --group dev -c requirements/serve.lock \
  -o requirements/dev.lock
compile pyproject.toml --extra serve --extra cluster --extra lambda --extra multilingual --group build --group dev --group cluster-tests \
  -c requirements/dev.lock -o requirements/cluster-tests.lock
compile pyproject.toml --extra cluster --extra documents --extra terminal -c requirements/dev.lock \
  -o requirements/documents.lock
compile pyproject.toml --extra cluster --extra terminal -c requirements/dev.lock -o requirements/light.lock
compile --group manifests -c requirements/dev.lock -o requirements/manifests.lock
compile --group helm --no-deps -o requirements/helm.lock
compile --group build -c requirements/dev.lock -o requirements/build.lock
# CUDA 12.8: the newest torch and ONNX Runtime that are built for it. ONNX Runtime with CUDA takes the place of the other.
compile pyproject.toml requirements/cuda.in --extra cluster --extra docling --extra terminal -c requirements/dev.lock \
  --override requirements/cuda-override.in -o requirements/documents-gpu.lock
