# `make` alone explains itself.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
JOBS ?= 2
SUITE ?=
LOCK ?=

BIN := $(abspath $(VENV))/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install --quiet --no-compile
SPHINX = OMP_NUM_THREADS=1 $(BIN)/python -m sphinx --fail-on-warning --keep-going \
	--nitpicky --quiet --jobs $(JOBS)
READY := $(VENV)/.ready
OF_TORCH := triton cuda-bindings cuda-pathfinder cuda-toolkit nvidia-cublas \
	nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 \
	nvidia-cufft nvidia-cufile nvidia-curand nvidia-cusolver nvidia-cusparse \
	nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink nvidia-nvshmem-cu13 nvidia-nvtx

.PHONY: help .venv demo test checks fast pytest coverage lint format types layers \
	spelling docs catalogues wheel \
	oldest newest lock bench clean

help: ## This list
	@awk -F ':.*## ' '/^[.a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.venv: $(READY) ## The environment, at the versions of constraints.txt (VENV=, PYTHON=)

# torch first and alone, so that its build is chosen before other packages require it.
# pip would compile all files one after another, and tests of packages that nobody runs.
$(READY): pyproject.toml $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(LOCK),$(INSTALL) --require-hashes --no-deps --requirement $(LOCK))
	$(INSTALL) --constraint $(CONSTRAINTS) --upgrade pip
	$(INSTALL) --constraint $(CONSTRAINTS) torch
	$(INSTALL) --constraint $(CONSTRAINTS) --group dev
	$(INSTALL) --constraint $(CONSTRAINTS) --no-build-isolation --editable '.[all]'
	-$(BIN)/python -m compileall -qq -j $(JOBS) -x '/tests/|/testing/_internal/' $(VENV)/lib
	touch $@

demo: $(READY) ## Run examples/demo.py
	$(BIN)/python examples/demo.py

test: checks coverage ## Everything that CI checks

# Two at a time, since pages of the course and the types are computed on one core each.
checks: $(READY) ## The same without the tests
	$(MAKE) --jobs $(JOBS) --output-sync=target lint spelling layers docs types wheel

fast: $(READY) ## The quick tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) -m "not slow and not network"

# One thread a worker: many small networks at once, and no two of them share a core.
pytest: $(READY) ## All tests, doctests and README blocks (JOBS= workers)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --durations 10 \
		$(COVERAGE)

coverage: COVERAGE = --cov
coverage: pytest ## The same, and which branches of src they run; fails below 95 %

lint: $(READY) ## Style and format, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## Format, and repair what can be repaired safely
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## Static types of the package, and of its use (tests/typing)
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(if $(wildcard tests/typing),$(BIN)/basedpyright --pythonpath $(BIN)/python \
		--project tests/typing && $(BIN)/mypy)

layers: $(READY) ## Imports run one way
	$(BIN)/lint-imports --no-logo

spelling: $(READY) ## Common misspellings
	$(BIN)/codespell

# A warning is an error. The Chinese build shows the English text of what is not translated.
docs: $(READY) ## The site in English and Chinese, in out/docs
	$(SPHINX) -d out/doctrees/en docs out/docs
	$(SPHINX) -b gettext -d out/doctrees/gettext docs out/gettext
	$(SPHINX) -D language=zh_CN -d out/doctrees/zh_CN docs out/docs/zh_CN
	$(BIN)/python .ci/site.py out/docs
	$(BIN)/python .ci/translations.py out/gettext

catalogues: $(READY) ## Bring docs/locale up to date with the pages, after `make docs`
	-$(BIN)/python .ci/translations.py --update out/gettext

# The wheel precedes the checkout on the path, and smoke.py checks that it was imported.
wheel: $(READY) ## Build sdist and wheel, and run on the wheel alone
	rm -rf out/wheel
	$(BIN)/python -m build --no-isolation --outdir out/wheel/dist .
	$(PIP) install --quiet --no-deps --no-index --target out/wheel/site \
		out/wheel/dist/*.whl
	cd out/wheel && PYTHONPATH=site OMP_NUM_THREADS=1 \
		$(BIN)/python -W error "$(CURDIR)/.ci/smoke.py" site

oldest: ## The tests on the lower bounds of pyproject.toml, in a separate environment
	mkdir -p out
	$(PYTHON) .ci/oldest.py > out/oldest.txt
	$(MAKE) pytest VENV=out/oldest CONSTRAINTS=out/oldest.txt

newest: ## The tests on the latest versions that pyproject.toml allows, likewise
	mkdir -p out
	: > out/newest.txt
	PIP_UPGRADE=1 PIP_UPGRADE_STRATEGY=eager \
		$(MAKE) pytest VENV=out/newest CONSTRAINTS=out/newest.txt

# torch and what only it requires are left out: their builds differ by processor.
lock: ## .ci/requirements.lock, the hashes of the versions of constraints.txt (needs uv)
	uv pip compile pyproject.toml --quiet --group dev --all-extras --universal \
		--python-version 3.11.5 --constraint constraints.txt --generate-hashes \
		--no-annotate --custom-compile-command "make lock" --no-emit-package torch \
		$(addprefix --no-emit-package ,$(OF_TORCH)) --output-file .ci/requirements.lock

bench: $(READY) ## Measure against other libraries (SUITE= one of benchmarks/)
	@test -d benchmarks || { echo "there is no benchmarks/ yet"; exit 1; }
	$(PIP) install --quiet --constraint $(CONSTRAINTS) --group bench
	$(BIN)/python -m benchmarks $(SUITE)

clean: ## Remove what was built and measured; the environment stays
	rm -rf out dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache \
		.hypothesis .coverage docs/api docs/auto_course
	find src tests -name __pycache__ -prune -exec rm -rf {} +
