# make app    makes .venv, installs what is needed and opens the app (PORT=8501)
# make test   also installs what the tests need, then formats, lints, types and tests
PORT ?= 8501
PYTHON ?= python3
BIN := .venv/bin
CHROMIUM := $(shell command -v chromium || true)

.PHONY: app test clean

app: .venv/app-installed
	$(BIN)/python -m unlearn_core app --port $(PORT)

test: .venv/tests-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
# The longest files come first (tests/conftest.py): nothing then waits for them at the end.
# One thread each: two processes with a thread a core get in each other's way and take many times as long.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 20

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache

.venv/app-installed: requirements.txt constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Unlearn Lens needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	touch $@

.venv/tests-installed: .venv/app-installed requirements-test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt -c constraints.txt
ifeq ($(CHROMIUM),)
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	else \
		$(BIN)/python -m playwright install --with-deps chromium || $(BIN)/python -m playwright install chromium; \
	fi
endif
	touch $@
