# make install and uninstall, make deb, make sdk. chatd gets a virtual environment of its own in LIBDIR; nothing else of Python's is touched.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
LIBDIR := $(PREFIX)/lib/chatd
DOCDIR := $(PREFIX)/share/doc/chatd
UNITDIR := $(PREFIX)/lib/systemd/system
# What only some need: amqp grpc jwt kafka nats redis tui webpush, or all.
EXTRAS ?=
ALL_EXTRAS := amqp grpc jwt kafka nats redis tui webpush
TAKEN := $(sort $(if $(filter all,$(EXTRAS)),$(ALL_EXTRAS),$(EXTRAS)))
WHEELS := build/wheels
DOCS := README.md CHANGELOG.md LICENSE systemd/*.md systemd/*.sql systemd/*.yml systemd/*.json proto/*.md chatctl/README.md \
	chatd/*.md chatd/daemon/SETTINGS.md chatd/transport/queue/README.md
OURS := $(wildcard systemd/*.service systemd/*.target systemd/*.socket)

GOT := $(WHEELS)/locked/got$(subst $(eval) ,,$(TAKEN:%=-%))

.PHONY: wheels install uninstall deb deb-test sdk upgrade-test

# As a user; what root installs then needs no network. Hashes are checked here: what has no wheel is built, and has a hash of its own.
wheels: $(VENV)/build-tools $(GOT) ## Get the wheels that make install takes, from the lock; EXTRAS="jwt redis …" or all
	@rm -rf build/lib build/bdist.* $(WHEELS)/chatd && mkdir -p $(WHEELS)/chatd
	@sed -n 's/ \\$$//; /^[a-z].*==/p' systemd/release/lock/base.txt $(TAKEN:%=systemd/release/lock/%.txt) | sort -u >$(WHEELS)/pins.txt
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir $(WHEELS)/chatd .

# Scripts name the place where they will be, and so do traces of errors, whatever DESTDIR is: pip itself may have left bytecode that names DESTDIR, so all is compiled anew (-f). Symbols for debuggers are left out.
install: wheels ## Install chatd below PREFIX (/usr/local): program, units, manual, completion, documents; EXTRAS=, DESTDIR=, PYTHON=
	@echo "installing into $(DESTDIR)$(PREFIX) …"
	@rm -rf '$(DESTDIR)$(LIBDIR)' && mkdir -p '$(DESTDIR)$(LIBDIR)'
	@$(PYTHON) -m venv --without-pip '$(DESTDIR)$(LIBDIR)'
	@$(BIN)/python -m pip --python '$(DESTDIR)$(LIBDIR)/bin/python3' install --quiet --disable-pip-version-check --no-compile --no-index \
		--no-deps --find-links $(WHEELS)/locked -r $(WHEELS)/pins.txt
	@$(BIN)/python -m pip --python '$(DESTDIR)$(LIBDIR)/bin/python3' install --quiet --disable-pip-version-check --no-compile --no-index \
		--no-deps $(WHEELS)/chatd/*.whl
	@cd '$(DESTDIR)$(LIBDIR)' && rm -rf include lib64 && find bin -type f -not -name chatd -not -name chatctl -delete && sed -i '/^command = /d' pyvenv.cfg
	@sed -i '1s|^#!$(DESTDIR)|#!|' '$(DESTDIR)$(LIBDIR)/bin/chatd' '$(DESTDIR)$(LIBDIR)/bin/chatctl'
	@if command -v strip >/dev/null; then find '$(DESTDIR)$(LIBDIR)' -name '*.so' -not -path '*.libs/*' -exec strip --strip-debug {} +; fi
	@cd '$(DESTDIR)$(LIBDIR)' && bin/python3 -m compileall -q -f -s '$(DESTDIR)$(LIBDIR)' -p '$(LIBDIR)' lib
	@install -d '$(DESTDIR)$(PREFIX)/bin' && ln -sf ../lib/chatd/bin/chatd ../lib/chatd/bin/chatctl '$(DESTDIR)$(PREFIX)/bin/'
	@mkdir -p '$(DESTDIR)$(PREFIX)/share/man/man1' && for one in chatd.daemon.cli chatctl.app; do \
		'$(DESTDIR)$(LIBDIR)/bin/python3' -c 'from sys import argv; from '$$one' import main; argv[1:] = ["man", "$(DESTDIR)$(PREFIX)/share/man/man1"]; main()' >/dev/null; done
	@for shell in bash:$(PREFIX)/share/bash-completion/completions/chatctl zsh:$(ZSHDIR)/_chatctl fish:$(PREFIX)/share/fish/vendor_completions.d/chatctl.fish; do \
		install -d "$(DESTDIR)$$(dirname "$${shell#*:}")" && \
		_CHATCTL_COMPLETE=source_$${shell%%:*} '$(DESTDIR)$(LIBDIR)/bin/python3' -c 'from chatctl.app import main; main()' >"$(DESTDIR)$${shell#*:}"; done
	@install -d '$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(PREFIX)/lib/sysusers.d' '$(DESTDIR)$(SYSCONFDIR)/chatd'
	@for unit in $(notdir $(OURS)); do \
		sed 's|/opt/chatd/venv/|$(LIBDIR)/|; s|/opt/chatd/|$(DOCDIR)/|' systemd/$$unit | install -m 644 /dev/stdin "$(DESTDIR)$(UNITDIR)/$$unit"; done
	@install -m 644 systemd/chatd.sysusers.conf '$(DESTDIR)$(PREFIX)/lib/sysusers.d/chatd.conf'
	@[ -e '$(DESTDIR)$(SYSCONFDIR)/chatd/chatd.toml' ] || \
		'$(DESTDIR)$(LIBDIR)/bin/python3' -m chatd settings --toml | install -m 644 /dev/stdin '$(DESTDIR)$(SYSCONFDIR)/chatd/chatd.toml'
	@for page in $(wildcard $(DOCS)); do install -D -m 644 $$page "$(DESTDIR)$(DOCDIR)/$$page"; done
	@[ -n '$(DESTDIR)' ] || echo "Next, as root: systemd-sysusers && systemctl daemon-reload && systemctl enable --now chatd.target chatd@all"

uninstall: ## Remove what make install has put below PREFIX; settings and data stay
	rm -rf '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(DOCDIR)'
	rm -f '$(DESTDIR)$(PREFIX)'/bin/chatd '$(DESTDIR)$(PREFIX)'/bin/chatctl '$(DESTDIR)$(PREFIX)'/share/man/man1/chatd.1 \
		'$(DESTDIR)$(PREFIX)'/share/man/man1/chatd-*.1 '$(DESTDIR)$(PREFIX)'/share/man/man1/chatctl.1 '$(DESTDIR)$(PREFIX)'/share/man/man1/chatctl-*.1 \
		'$(DESTDIR)$(PREFIX)/share/bash-completion/completions/chatctl' '$(DESTDIR)$(ZSHDIR)/_chatctl' \
		'$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/chatctl.fish' $(OURS:systemd/%='$(DESTDIR)$(UNITDIR)/%') \
		'$(DESTDIR)$(PREFIX)/lib/sysusers.d/chatd.conf'

$(GOT): $(VENV)/build-tools systemd/release/lock/base.txt
	@$(foreach extra,$(filter-out $(ALL_EXTRAS),$(TAKEN)),echo "There is no extra $(extra); there are $(ALL_EXTRAS)"; exit 2;)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != tuple(map(int, sys.argv[1:])))' $$($(BIN)/python -c 'import sys; print(*sys.version_info[:2])') || \
		{ echo "$(VENV) is another Python's: make VENV=build/venv PYTHON=$(PYTHON) …"; exit 1; }
	@mkdir -p $(WHEELS)/locked && echo "getting wheels …"
	@$(BIN)/python -m pip wheel $(LOCKED) --wheel-dir $(WHEELS)/locked -r systemd/release/lock/base.txt $(TAKEN:%=-r systemd/release/lock/%.txt)
	@touch $@

$(VENV)/build-tools: $(VENV)/python systemd/release/lock/build.txt
	@$(PIP) -r systemd/release/lock/build.txt
	@touch $@

deb: ## Make build/chatd_VERSION_ARCH.deb for this release of Debian, with all extras (or EXTRAS=)
	@command -v dpkg-shlibdeps >/dev/null || { echo "dpkg-shlibdeps is missing: apt-get install dpkg-dev"; exit 1; }
	@rm -rf build/deb
	@$(MAKE) --no-print-directory install DESTDIR='$(CURDIR)/build/deb' PREFIX=/usr SYSCONFDIR=/etc ZSHDIR=/usr/share/zsh/vendor-completions \
		EXTRAS='$(or $(EXTRAS),all)' PYTHON=/usr/bin/python3
	@$(BIN)/python -m systemd.release.deb build/deb build

deb-test: deb $(VENV)/installed-dev ## Install the package into a clean root, run it, upgrade it, remove it (needs root, debootstrap)
	@CHATD_DEB="$$(ls build/chatd_*.deb)" $(BIN)/python -m pytest -n 0 -q tests/release/test_deb.py

sdk: $(VENV)/installed-dev ## Make the Python SDK by itself, chatd-client, in build/sdk: a wheel and its source
	@$(BIN)/python -m systemd.release.sdk build/sdk

FROM ?= $(shell git describe --tags --abbrev=0 2>/dev/null)
upgrade-test: $(VENV)/installed-dev ## Upgrade from a revision to this one under load, in the documented order; FROM=REVISION (the last tag)
	@rm -rf build/before && mkdir -p build/before && git archive $(FROM) | tar -x -C build/before
	@CHATD_BEFORE='$(CURDIR)/build/before' $(BIN)/python -m pytest -n 0 -q tests/system/test_upgrade.py
