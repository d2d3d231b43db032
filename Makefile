# make app    creates .venv, installs the requirements and opens the app (PORT=8501)
# make serve  the same for others: ADDRESS=0.0.0.0, PORT=8501, NAME= (host name), BASE= (path); see docs/deploy.md
# make test   also installs the test requirements, then checks format, lint and types and runs the tests
# make test-all runs the slow tests too and counts covered lines; make test-quick (under 1 minute) and make test-core
# (under 5) run parts of it; make test-lowest tests the library with the lowest versions of requirements.txt
PORT ?= 8501
ADDRESS ?= 0.0.0.0
NAME ?=
BASE ?=
PYTHON ?= python3
BIN := .venv/bin
CHROMIUM := $(shell command -v chromium || true)

# Tests without workers and long calculations.
QUICK := tests/artifacts tests/common tests/store tests/test_public_interface.py
LONG := tests/browser tests/engine tests/pages tests/catalog/test_training.py tests/test_old_home.py \
	tests/test_docs.py tests/forgetting/test_every_architecture.py
CORE := tests/artifacts tests/catalog tests/commands tests/common tests/engine tests/forgetting tests/jobs \
	tests/measuring tests/store

.PHONY: app serve test test-all test-quick test-core test-lowest clean

app: .venv/app-installed
	$(BIN)/python -m unlearn_core app --port $(PORT)

# Without NAME the server answers only requests to localhost, such as those of a proxy on this machine.
serve: .venv/app-installed
	UNLEARN_SHARED=$${UNLEARN_SHARED:-1} UNLEARN_LOG=$${UNLEARN_LOG:--} $(BIN)/python -m unlearn_core app \
		--port $(PORT) --server.address $(ADDRESS) --server.headless true --logger.enableRich false \
		$(if $(BASE),--server.baseUrlPath "$(BASE)") \
		$(foreach name,$(NAME) $(if $(NAME),localhost 127.0.0.1),--server.allowedHosts "$(name)")

define CHECKS
$(BIN)/ruff format --check .
$(BIN)/ruff check .
$(BIN)/mypy
$(BIN)/lint-imports --no-logo
endef
# The longest files come first (tests/conftest.py). One thread each: two processes with a thread per core slow each
# other down several times.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations 20

test: .venv/tests-installed
	$(CHECKS)
	$(PYTEST) -m "not slow"

test-all: .venv/tests-installed
	$(CHECKS)
	$(PYTEST) --cov --cov-report term:skip-covered

test-quick: .venv/tests-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 $(QUICK)

test-core: .venv/tests-installed
	$(CHECKS)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(addprefix --ignore ,$(LONG))

# Only the packages of requirements.txt have their lowest versions, not the test tools.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-lowest/bin/uv pip install --python .venv-lowest --resolution lowest-direct -r requirements.txt
	.venv-lowest/bin/uv pip install --python .venv-lowest -r requirements-test.txt
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest -n 2 --dist loadfile $(CORE)

clean:
	rm -rf .venv .venv-lowest .pytest_cache .mypy_cache .ruff_cache

.venv/app-installed: requirements.txt constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Unlearn Lens needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	$(BIN)/python -m compileall -q app.py pages unlearn_core  # Otherwise the first start does it.
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
