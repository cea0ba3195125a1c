# demo and test need nothing but Python 3.11 with venv; check is what CI runs besides. README.md says more.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROTOS := $(shell find proto -name '*.proto' | sort)
PB ?= chatd/pb
TEST_WORKERS ?= 2

.PHONY: demo test check proto baseline bench bench-peers bench-compare bench-guard chaos powercut clean units

demo: $(VENV)/installed
	@$(BIN)/python -m tests.demo

test: $(VENV)/installed-dev
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal $(ARGS)

check: $(VENV)/installed-dev units
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports
	$(BIN)/buf lint proto
	$(BIN)/buf breaking proto --against proto/baseline.binpb
	@rm -rf build/pb && mkdir -p build/pb && touch build/pb/__init__.py
	@$(MAKE) --no-print-directory proto PB=build/pb >/dev/null
	@diff -r -x __pycache__ build/pb chatd/pb || { echo "chatd/pb is stale: make proto"; exit 1; }
	@echo "generated code is fresh"

# Code for chatd/pb from proto/. The import lines are rewritten because protoc knows no package above its root.
proto: $(VENV)/installed-dev
	@rm -rf $(PB)/*/
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=$(PB) --pyi_out=$(PB) $(PROTOS)
	@find $(PB) -name '*.py*' -exec sed -i -E 's/^from (admin|chat|events|gateway|node)\.v1 import/from chatd.pb.\1.v1 import/' {} +
	@find $(PB) -mindepth 1 -type d -not -name __pycache__ -exec touch {}/__init__.py \;

# What `make check` compares proto/ with: renew it with each release.
baseline: $(VENV)/installed-dev
	$(BIN)/buf build proto -o proto/baseline.binpb

# The units name an installed chatd: for the check, copies that name something that exists here.
units:
	@command -v systemd-analyze >/dev/null || { echo "systemd-analyze is missing: apt-get install systemd"; exit 1; }
	@rm -rf build/units && mkdir -p build/units
	@for mode in default gateway all; do sed 's|^ExecStart=.*|ExecStart=/bin/true|' systemd/chatd@.service > "build/units/chatd@$$mode.service"; done
	systemd-analyze verify --recursive-errors=no --man=no build/units/*.service
	@for unit in build/units/*.service; do systemd-analyze security --offline=true --no-pager --threshold=20 $$unit >build/units/security.txt || { cat build/units/security.txt; exit 1; }; done
	@tail -n 1 build/units/security.txt

# Every scenario on chatd; ARGS=--help says what else. bench-peers: beside what is installed of nats-server, mosquitto, ejabberd, rabbitmq-server.
bench: $(VENV)/installed
	@$(BIN)/python -m tests.bench $(ARGS)

bench-peers: $(VENV)/installed
	@$(BIN)/python -m tests.bench --peers $(ARGS)

# Against the figures of baseline.json, which only mean something on the machine that made them (ARGS=--save makes them).
bench-compare: $(VENV)/installed
	@$(BIN)/python -m tests.bench hot-room ping wide-room-1000 many-rooms --repeat 3 --compare $(ARGS)

# Has a delivery become much more expensive? In ratios, so it means something everywhere.
bench-guard: $(VENV)/installed
	@$(BIN)/python -m tests.bench.guard $(ARGS)

# Faults at random for MINUTES on DB, judged from outside; SEED makes the same choices again.
chaos: $(VENV)/installed-dev
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(DB),--db $(DB)) $(ARGS)

# The power goes CUTS times while events are acknowledged; needs root and loop devices.
powercut: $(VENV)/installed-dev
	@$(BIN)/python -m tests.durability.power_cut $(if $(CUTS),--cuts $(CUTS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "chatd needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { echo "Python's venv is missing: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/installed: $(VENV)/python pyproject.toml
	@echo "installing chatd into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed pyproject.toml
	@echo "installing what tests and checks need into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
