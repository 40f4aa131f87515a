# make demo | test | check | bench | test-long | conformance: each makes the environment (.venv) by itself first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp
WEB    := $(shell find fleet/web -path fleet/web/node_modules -prune -o -path fleet/web/static -prune -o -type f -print 2>/dev/null)
ARGS   ?=
# more than there are processors: half of what the tests take is waiting for vehicles, timers and processes
WORKERS ?= 4
# what was compiled is kept, whatever the environment says: each process under test loads all of it
unexport PYTHONDONTWRITEBYTECODE

.PHONY: env demo test check bench test-long conformance clean
env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt hatch_build.py $(WEB)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Skybeat needs Python 3.11 or newer; $$($(PYTHON) --version) found. Name another: make PYTHON=python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "hint: on Debian and Ubuntu install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@exec $(BIN)/skybeat demo $(ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest -rs -n $(WORKERS) --dist worksteal -m "not long and not bench and not px4" $(ARGS)

test-long: $(STAMP)
	$(BIN)/python -m pytest -m long $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

# says by the tests' names which autopilots it ran on; those of PX4 are skipped, with the reason, where there is none
conformance: $(STAMP)
	$(BIN)/python -m pytest -v -rs tests/conformance tests/whole_way/tracks/test_calls.py $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m pytest -m bench -s -q --no-header tests $(ARGS)

clean:
	rm -rf $(VENV) fleet/web/static fleet/web/node_modules
