# `make help` lists the targets. demo and test need only Python 3.11 with venv; check also needs systemd.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROTOS := $(shell find proto -name '*.proto' | sort)
PB ?= chatd/pb
TEST_WORKERS ?= 3

.PHONY: demo test t check lint types imports protocol fresh lock lock-check units fix proto proto-dist settings man screenshots baseline bench bench-peers bench-compare chart bench-guard chaos fuzz powercut machine-test \
	clean help

demo: $(VENV)/installed ## Install into .venv, start chatd, send a few lines, show them arrive on two devices
	@$(BIN)/python -m tests.demo

test: $(VENV)/installed-dev ## Run all tests; a part: ARGS="tests/store -k reader"
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal $(ARGS)

# PostgreSQL's start costs more than most modules' tests, so it is left out unless ONLY is given. One process: a worker's start costs a second.
ONLY ?= not postgres
NAME := $(patsubst %.py,%,$(patsubst chatd/%,%,$(MODULE)))
t: $(VENV)/installed-dev ## Run one module's tests, on SQLite only: MODULE=default/rooms/access; on both engines: ONLY=
	@[ -n "$(NAME)" ] || { echo "usage: make t MODULE=default/rooms/access"; exit 2; }
	@file=tests/$(dir $(NAME))test_$(notdir $(NAME)).py; \
	if [ -f $$file ]; then $(BIN)/python -m pytest -q -n 0 -k "$(ONLY)" $(ARGS) $$file; else \
		echo "There is no $$file. Tests that import the module:"; \
		grep -rlE "\b$(subst /,\.,$(NAME))\b" tests --include='test_*.py' || echo none; exit 2; fi

check: lint types imports protocol fresh lock-check units ## Check what CI checks besides the tests

lint: $(VENV)/installed-dev ## Check the code with ruff, and that SQL is made of constants
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m tests.store.sql_lint

types: $(VENV)/installed-dev ## Check the types with mypy
	$(BIN)/mypy

imports: $(VENV)/installed-dev ## Check which package may import which
	PYTHONPATH=. $(BIN)/lint-imports

protocol: $(VENV)/installed-dev ## Check proto/ and that it still understands the released protocol
	$(BIN)/buf lint proto
	$(BIN)/buf breaking proto --against proto/baseline.binpb

fresh: $(VENV)/installed-dev ## Check that chatd/pb is what proto/ generates
	@rm -rf build/pb && mkdir -p build/pb && touch build/pb/__init__.py
	@$(MAKE) --no-print-directory proto PB=build/pb >/dev/null
	@diff -r -x __pycache__ build/pb chatd/pb || { echo "chatd/pb is stale: make proto"; exit 1; }
	@echo "generated code is fresh"

lock-check: $(VENV)/installed-dev ## Check that systemd/release/lock is what pyproject.toml asks for
	@$(BIN)/python -m systemd.release.lock && echo "the lock is fresh"

lock: $(VENV)/python ## Renew systemd/release/lock, the versions and hashes of what chatd needs
	@$(PIP) -r systemd/release/lock/lock.txt
	@$(BIN)/python -m systemd.release.lock --renew

# The units name an installed chatd. The check runs on copies that name a program this machine has.
units: ## Check the systemd units
	@command -v systemd-analyze >/dev/null || { echo "systemd-analyze is missing: apt-get install systemd"; exit 1; }
	@rm -rf build/units && mkdir -p build/units
	@for name in default gateway all gateway-2; do sed 's|^ExecStart=.*|ExecStart=/bin/true|' systemd/chatd@.service > "build/units/chatd@$$name.service"; done ; cp systemd/chatd.target build/units/
	systemd-analyze verify --recursive-errors=no --man=no build/units/*.service build/units/chatd.target
	@for unit in build/units/chatd@*.service; do systemd-analyze security --offline=true --no-pager --threshold=12 $$unit >build/units/security.txt || { cat build/units/security.txt; exit 1; }; done
	@tail -n 1 build/units/security.txt

fix: $(VENV)/installed-dev ## Repair what can be repaired: ruff's fixes, formatting, generated code and SETTINGS.md
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .
	@$(MAKE) --no-print-directory proto settings

# protoc knows no package above its root, so the import lines are rewritten.
proto: $(VENV)/installed-dev ## Generate chatd/pb from proto/
	@rm -rf $(PB)/*/
	@mkdir -p build
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=$(PB) --pyi_out=$(PB) --include_imports --include_source_info --descriptor_set_out=build/protos.binpb $(PROTOS)
	@find $(PB) -name '*.py*' -exec sed -i -E 's/^from (admin|chat|events|gateway|node)\.v1 import/from chatd.pb.\1.v1 import/' {} +
	@find $(PB) -mindepth 1 -type d -not -name __pycache__ -exec touch {}/__init__.py \;
	$(BIN)/python -m tests.gateway.fronts.http.openapi build/protos.binpb $(PB)/openapi.json

DIST = chatd-proto-$(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' chatd/__init__.py)
proto-dist: $(VENV)/installed-dev ## Make build/chatd-proto-VERSION.tar.gz for writers of clients: proto/ and its descriptor set
	@rm -rf build/$(DIST) && mkdir -p build && cp -rL proto build/$(DIST)
	@find build/$(DIST) -name __pycache__ -prune -exec rm -r {} + ; rm build/$(DIST)/baseline.binpb
	@cp LICENSE chatd/daemon/SETTINGS.md build/$(DIST) && sed -i 's|(\.\./chatd/daemon/SETTINGS\.md)|(SETTINGS.md)|' build/$(DIST)/PROTOCOL.md
	@$(BIN)/python -m grpc_tools.protoc -Iproto --include_imports --include_source_info --descriptor_set_out=build/$(DIST)/chatd.binpb $(PROTOS)
	@tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C build -cf - $(DIST) | gzip -n >build/$(DIST).tar.gz
	@rm -r build/$(DIST) && echo build/$(DIST).tar.gz

settings: $(VENV)/installed-dev ## Renew chatd/daemon/SETTINGS.md
	@mkdir -p build && $(BIN)/chatd settings --markdown >build/SETTINGS.md
	@cmp -s build/SETTINGS.md chatd/daemon/SETTINGS.md || cp build/SETTINGS.md chatd/daemon/SETTINGS.md

man: $(VENV)/installed ## Make the manual pages, in build/man
	@$(BIN)/chatd man build/man >/dev/null && $(BIN)/chatctl man build/man >/dev/null
	@echo "$$(ls build/man | wc -l) pages in build/man"

screenshots: $(VENV)/installed-dev ## Make the pictures in the documents anew: chatctl top and chat, the page (needs chromium)
	$(BIN)/python -m tests.chatctl.top.screenshots
	$(BIN)/python -m tests.chatctl.chat.screenshots
	$(BIN)/python -m tests.gateway.fronts.http.screenshots

baseline: $(VENV)/installed-dev ## Renew what `make protocol` compares proto/ with; for a release
	$(BIN)/buf build proto -o proto/baseline.binpb

bench: $(VENV)/installed ## Measure chatd; ARGS=--help lists the scenarios
	@$(BIN)/python -m tests.bench $(ARGS)

bench-peers: $(VENV)/installed ## Measure chatd beside the other systems that are installed
	@$(BIN)/python -m tests.bench --peers $(ARGS)

bench-compare: $(VENV)/installed ## Compare with baseline.json of this machine; ARGS=--save makes it
	@$(BIN)/python -m tests.bench hot-room ping wide-room-1000 many-rooms --repeat 3 --compare $(ARGS)

chart: $(VENV)/installed ## Draw tests/bench/figures.svg anew from figures.json, which `make bench-peers ARGS="… --json …"` writes
	@$(BIN)/python -m tests.bench.chart $(ARGS)

bench-guard: $(VENV)/installed ## Check that no delivery costs much more than it did; in ratios, for any machine
	@$(BIN)/python -m tests.bench.guard $(ARGS)

chaos: $(VENV)/installed-dev ## Inject random faults and judge from outside; SEED=, MINUTES=, DB=sqlite or postgres, QUEUE=redis, nats, amqp or kafka
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(DB),--db $(DB)) $(if $(QUEUE),--queue $(QUEUE)) $(ARGS)

fuzz: $(VENV)/installed-fuzz ## Feed anything to all that reads strangers' bytes; TARGET=, MINUTES=, SEED=
	@$(BIN)/python -m tests.fuzz $(if $(TARGET),--target $(TARGET)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

powercut: $(VENV)/installed-dev ## Cut the power under a disk image; CUTS=, SEED=; needs root and loop devices
	@$(BIN)/python -m tests.durability.power_cut $(if $(CUTS),--cuts $(CUTS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

machine-test: $(VENV)/installed-dev ## Install and run chatd on a Debian 12 that boots; needs root, debootstrap and systemd-container; ARGS="--only kill"
	@$(BIN)/python -m tests.systemd.machine $(ARGS)

clean: ## Remove the virtual environment and everything that was built
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile systemd/release/install.mk

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "chatd needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { echo "Python's venv is missing: apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@touch $@

# Versions and hashes are those of systemd/release/lock. What has no wheel is built with the setuptools that is locked, too.
LOCKED := --quiet --disable-pip-version-check --require-hashes --no-build-isolation --no-deps
PIP := $(BIN)/python -m pip install $(LOCKED)
include systemd/release/install.mk

$(VENV)/installed: $(VENV)/build-tools pyproject.toml systemd/release/lock/base.txt
	@echo "installing chatd into $(VENV) …"
	@$(PIP) -r systemd/release/lock/base.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed systemd/release/lock/dev.txt
	@echo "installing what tests and checks need into $(VENV) …"
	@$(PIP) -r systemd/release/lock/base.txt -r systemd/release/lock/dev.txt
	@touch $@

# There are wheels of atheris for some machines only, and building it needs clang.
$(VENV)/installed-fuzz: $(VENV)/installed-dev
	@$(PIP) --only-binary atheris -r systemd/release/lock/base.txt -r systemd/release/lock/fuzz.txt || echo "no atheris for this machine: Hypothesis searches at random"
	@touch $@
