# make demo   install everything, take in a collection, search it, serve it (SERVE=0 to end instead, ALL=1 for all of it)
# make test   install what tests need, run them
# make test-slow   run those that take minutes: real collections, killed runs, many random queries
# make train-lite   make the weights of the encoder lite anew: about an hour; Ctrl-C stops it, and it goes on when given again
# make figures   measure lite anew, and write the figures into the documentation: an hour or two
# make messages   take new messages of the portal up into its translations, and compile those
# All use the active virtual environment, or make one in .venv.

VENV := $(or $(VIRTUAL_ENV),.venv)
PYTHON ?= python3
BIN := $(VENV)/bin
SERVE ?= 1
ALL ?= 0
TESTS ?= tests
PYTEST_OPTIONS ?=
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
LITE ?= .lite
LITE_WEIGHTS ?= stylesearch/encoders/weights/lite.safetensors
FIGURES ?= lite_data crossed_icons openclipart_artists whole_image telling_cases lite_speed ingest

.PHONY: demo test test-slow train-lite figures check messages format clean

demo: $(VENV)/.stylesearch
	$(BIN)/stylesearch demo $(if $(filter 0,$(SERVE)),--no-serve) $(if $(filter 1,$(ALL)),--all)

test: $(VENV)/.stylesearch-dev
	$(PYTEST) -m "not slow" $(PYTEST_OPTIONS) $(TESTS)

test-slow: $(VENV)/.stylesearch-dev
	$(PYTEST) -m slow $(PYTEST_OPTIONS) $(TESTS)

train-lite: $(VENV)/.stylesearch-train
	$(BIN)/stylesearch train-lite --packages $(LITE)/packages --work $(LITE)/work --out $(LITE_WEIGHTS)

figures: $(VENV)/.stylesearch-dev
	set -e; for name in $(FIGURES); do $(BIN)/python benchmarks/$$name.py --packages $(LITE)/packages; done
	$(BIN)/python docs/generate.py

check: $(VENV)/.stylesearch-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

messages: $(VENV)/.stylesearch-dev
	$(BIN)/pybabel -q extract -F pyproject.toml -k lazy_gettext -k _ --no-location --omit-header --sort-output -o messages.pot .
	$(BIN)/pybabel -q update -i messages.pot -d web/translations --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap
	$(BIN)/pybabel -q compile -d web/translations
	rm messages.pot

format: $(VENV)/.stylesearch-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp a set of requirements: nothing is installed again until pyproject.toml changes.
$(VENV)/.stylesearch: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -q -e .
	touch $@

$(VENV)/.stylesearch-train: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -q -e '.[train]'
	touch $@ $(VENV)/.stylesearch

$(VENV)/.stylesearch-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -q -e '.[dev]'
	touch $@ $(VENV)/.stylesearch $(VENV)/.stylesearch-train
