# Every target works on a fresh clone: it installs its dependencies into .venv.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# Tests start hundreds of programs: without stored byte code, each would compile the sources again.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := libs/chatproto libs/chatbrain libs/chatclient services/web-client services/relay-server services/bot-client services/messenger
CLIENTS := libs/chatproto libs/chatbrain libs/chatclient services/messenger
SOURCES := libs services tests deploy/grafana deploy/desktop deploy/compiled

# Each worker runs consecutive tests, so that those of a file share their fixtures; idle workers take tests from others.
PYTEST := $(BIN)/pytest -q --numprocesses auto --maxprocesses 4 --dist worksteal
# Tests that draw on a screen, even in memory, start and kill NATS, or run tests or a whole demo are slower than all other
# unit tests: make test runs them with the programs.
SLOW := tests/services/messenger/desktop tests/services/messenger/terminal tests/docs/test_terminal_pictures.py \
  tests/services/relay_server/cluster/test_nats.py tests/services/relay_server/cluster/test_nats_three.py \
  tests/services/relay_server/cluster/test_node_store.py tests/mutation tests/services/bot_client/test_demo.py
# The tests that must cover every branch of the protocol, of the brain and of the relay's core.
COVERING := tests/libs/chatproto tests/libs/chatbrain tests/services/relay_server/core tests/services/relay_server/test_resume.py \
  tests/services/relay_server/test_attempts.py tests/services/relay_server/test_sealed.py tests/services/relay_server/test_streams.py \
  tests/services/relay_server/telemetry/test_metrics.py
UNIT := tests/test_ports.py tests/libs tests/services tests/docs tests/fuzz/test_corpus.py $(SLOW:%=--ignore=%)
# The tests of a file share their fixtures, and mostly wait; the two slowest files come first.
CONTAINERS := $(PYTEST) --numprocesses 3 --dist loadfile --no-loadscope-reorder \
  tests/e2e/containers/test_compose.py tests/e2e/containers/test_restart.py tests/e2e/containers

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  \033[1mmake %-20s\033[0m %s\n", $$1, $$2}'

PIP := $(BIN)/python -m pip --disable-pip-version-check
# A line for each library while pip works, and pip's own output if something fails.
SHOW := awk '/^Collecting/ {printf "    %s\n", $$2; fflush(); next} /^Installing collected/ {print "    ...unpacking"; fflush()} /ERROR|error:/ {print}'

# The stamps mark finished installations; a changed lock file or manifest triggers a new one.
$(VENV)/runtime.stamp: requirements/runtime.txt $(PACKAGES:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11")'
	@echo "==> making $(VENV) (once; under a minute)"
	@$(PIP) --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "Python can't make a virtual environment: on Debian or Ubuntu, apt install python3-venv."; rm -rf $(VENV); exit 2; }
	@echo "==> installing the libraries, hash-locked"
	@$(PIP) install --require-hashes -r requirements/runtime.txt 2>&1 | $(SHOW)
	@echo "==> installing the project's packages"
	@$(PIP) install --quiet --no-deps --no-build-isolation $(PACKAGES:%=--editable %)
	@touch $@

$(VENV)/desktop.stamp: requirements/desktop.txt $(VENV)/runtime.stamp
	@echo "==> installing the window's libraries, hash-locked (Qt: about 80 MB)"
	@$(PIP) install --require-hashes -r requirements/desktop.txt 2>&1 | $(SHOW)
	@touch $@

$(VENV)/cluster.stamp: requirements/cluster.txt $(VENV)/runtime.stamp
	@echo "==> installing the server of the nodes' directory, hash-locked (NATS: 7 MB)"
	@$(PIP) install --require-hashes -r requirements/cluster.txt 2>&1 | $(SHOW)
	@touch $@

$(VENV)/compile.stamp: requirements/compile.txt $(VENV)/runtime.stamp
	@echo "==> installing the compiler of Python, hash-locked (mypy: 30 MB)"
	@$(PIP) install --require-hashes -r requirements/compile.txt 2>&1 | $(SHOW)
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/runtime.stamp
	@echo "==> installing the tools, hash-locked"
	@$(PIP) install --require-hashes -r requirements/dev.txt 2>&1 | $(SHOW)
	@touch $@

.PHONY: install
install: $(VENV)/runtime.stamp ## make .venv with relay-server, bot-client and chat in .venv/bin

.PHONY: install-desktop
install-desktop: $(VENV)/desktop.stamp ## the same, and the libraries of chat-desktop (Qt)

.PHONY: demo
demo: install ## watch bots chat through a real relay for half a minute
	@$(BIN)/bot-client demo

.PHONY: cluster
cluster: $(VENV)/cluster.stamp ## watch bots chat through three relays, one of which is killed: make cluster [ARGS="--first-port 9300"]
	@$(BIN)/bot-client cluster $(ARGS)

.PHONY: run
run: install ## run a relay with default settings
	@$(BIN)/relay-server run

# The compiled relay is imported from here; its wheel, for other environments, is in dist/compiled.
COMPILED := build/compiled/packages
COMPILED_OF := $(wildcard deploy/compiled/*) $(shell find services/relay-server/src -name '*.py')

build/compiled/stamp: $(COMPILED_OF) services/relay-server/pyproject.toml $(VENV)/compile.stamp
	@$(BIN)/python deploy/compiled/compiling.py dist/compiled build/compiled/work
	@rm -rf $(COMPILED)
	@$(PIP) install --quiet --no-deps --target $(COMPILED) dist/compiled/*.whl
	@touch $@

.PHONY: compiled
compiled: build/compiled/stamp ## compile the relay's hot path: dist/compiled/*.whl (a minute; needs a C compiler and Python's headers)

.PHONY: run-compiled
run-compiled: build/compiled/stamp ## the same as make run, with the compiled relay
	@PYTHONPATH=$(COMPILED) $(BIN)/relay-server run

.PHONY: desktop
desktop: install-desktop ## chat in a window
	@$(BIN)/chat-desktop

BUNDLE_TESTS := tests/e2e/test_desktop_bundle.py

.PHONY: desktop-bundle
desktop-bundle: $(VENV)/dev.stamp ## build and test dist/chat-desktop, a folder that needs no Python (some minutes; not in make test)
	@echo "==> collecting chat-desktop and its dependencies into dist/chat-desktop"
	@$(BIN)/pyinstaller --noconfirm --log-level ERROR --workpath build/pyinstaller --distpath dist deploy/desktop/chat-desktop.spec
	@echo "==> testing it ($$(du -sh dist/chat-desktop | cut -f 1))"
	@CHAT_REQUIRE=bundle$${CHAT_REQUIRE:+,$$CHAT_REQUIRE} $(BIN)/pytest -q $(BUNDLE_TESTS)

.PHONY: desktop-install
desktop-install: install-desktop ## add chat-desktop to your desktop's menu, and let it open chat:// links (Linux)
	@deploy/desktop/launcher.sh install $(BIN)/chat-desktop

.PHONY: desktop-uninstall
desktop-uninstall: ## remove chat-desktop from your desktop's menu
	@deploy/desktop/launcher.sh uninstall

.PHONY: lint
lint: $(VENV)/dev.stamp ## format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy $(PACKAGES:%=%/src) tests deploy/grafana deploy/desktop deploy/compiled
	@$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 --no-error-summary $(CLIENTS:%=%/src)
	@$(BIN)/lint-imports | tail -n 4

WEB_CLIENT := services/web-client
# The tools alone need Node; the page is served as it is.
$(WEB_CLIENT)/node_modules/.package-lock.json: $(WEB_CLIENT)/package-lock.json
	@echo "==> installing the tools that check the page, hash-locked"
	@cd $(WEB_CLIENT) && npm ci --silent
	@touch $@

.PHONY: web-check
web-check: ## types, lint and unit tests of the page for browsers (needs Node 20 or newer; without it, it says so)
	@if node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null; then \
	  $(MAKE) --no-print-directory web-tests; \
	elif [[ ",$${CHAT_REQUIRE:-}," == *,node,* ]]; then echo "The page can't be checked: install Node 20 or newer." >&2; exit 2; \
	else echo "==> the page for browsers is NOT checked: there is no Node 20 or newer"; fi

.PHONY: web-tests
web-tests: $(WEB_CLIENT)/node_modules/.package-lock.json $(VENV)/runtime.stamp
	@cd $(WEB_CLIENT) && npm run --silent types && npm run --silent lint
	@cd $(WEB_CLIENT) && node --test --test-reporter=dot tests/*.test.js
	@PYTHONPATH=tests $(BIN)/python -m served_page build/page # as browsers get it: without comments
	@cd build/page/$(WEB_CLIENT) && node --test --test-reporter=dot tests/*.test.js

.PHONY: check check-units
check: $(VENV)/dev.stamp ## lint, quick unit tests, documents (under a minute)
	@echo "==> unit tests, lint and the page's checks side by side (under a minute); each prints its result when it is done"
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-units lint web-check
check-units: $(VENV)/dev.stamp
	@$(PYTEST) --numprocesses 3 -m "not slow" $(UNIT)

.PHONY: test
test: $(VENV)/dev.stamp ## everything except attacks (make faults): lint, units with coverage, conformance, programs, containers, dashboards
	@echo "==> lint, and tests of containers, units, programs and dashboards, two kinds at a time (up to twenty minutes); each prints its result when it is done"
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(KINDS)

# Tests of containers mostly wait, those of programs half of the time, all others compute: two at a time use two cores.
KINDS := test-containers test-programs test-units lint web-check test-dashboards
.PHONY: test-containers test-units test-programs test-dashboards
test-units: $(VENV)/dev.stamp # coverage slows down tests, so only the tests that need it run with it
	@$(PYTEST) --cov --cov-report=term $(COVERING)
	@$(PYTEST) $(UNIT) $(COVERING:%=--ignore=%)
test-programs: $(VENV)/dev.stamp # the slowest come first
	@$(PYTEST) --numprocesses 3 --ignore tests/e2e/containers --ignore $(BUNDLE_TESTS) \
	  tests/e2e/test_vps_upgrade.py tests/e2e/test_vps_install.py tests/e2e tests/bench tests/deploy \
	  tests/conformance tests/fuzz/test_program.py $(SLOW)
test-containers: $(VENV)/dev.stamp
	@$(CONTAINERS)
test-dashboards: $(VENV)/dev.stamp # one Prometheus for all, so in one process
	@$(BIN)/pytest -q tests/observability

# All that passes through compiled code: the relay's own tests, the protocol's rules, and attacks with input of any kind.
COMPILED_TESTS := tests/deploy/test_compiled.py tests/services/relay_server/core tests/services/relay_server/net \
  tests/services/relay_server/operator tests/services/relay_server/telemetry tests/services/relay_server/web \
  $(wildcard tests/services/relay_server/test_*.py) tests/fuzz/test_corpus.py tests/conformance \
  tests/faults/test_junk.py tests/faults/test_books.py tests/faults/test_receipts.py \
  tests/faults/test_random_input.py::test_broken_sessions

.PHONY: test-compiled
test-compiled: build/compiled/stamp $(VENV)/dev.stamp ## test the compiled relay: its units, conformance, some attacks (three minutes)
	@PYTHONPATH=$(CURDIR)/$(COMPILED) CHAT_REQUIRE=compiled$${CHAT_REQUIRE:+,$$CHAT_REQUIRE} $(PYTEST) -k 'not asyncio' \
	  $(COMPILED_TESTS)

.PHONY: test-e2e
test-e2e: $(VENV)/dev.stamp ## end to end: the programs, their images and the compose file (these two with Docker)
	@$(PYTEST) --numprocesses 4 --ignore tests/e2e/containers tests/e2e
	@$(CONTAINERS)

.PHONY: conformance
conformance: $(VENV)/dev.stamp ## test the protocol's rules on any relay: make conformance TARGET=host:port [LEVEL=text|robust|extension] [FORM=plain|json] [UDP=port] [LOBBY=port] [SILENCE=seconds]
	@$(BIN)/pytest -q tests/conformance --target "$(TARGET)" $(LEVEL:%=--level %) $(FORM:%=--form %) \
	  $(UDP:%=--udp-port %) $(LOBBY:%=--lobby-port %) $(SILENCE:%=--silence-seconds %)

.PHONY: faults
faults: $(VENV)/dev.stamp ## attack relays (twenty minutes; some tests need root): floods, junk, forgeries, dead members
	@$(PYTEST) --numprocesses 3 tests/faults # half of the time they wait

.PHONY: faults-long
faults-long: $(VENV)/dev.stamp ## kill nodes, hang them and cut their networks again and again (half an hour; needs root), with the figures at the end
	@$(BIN)/pytest -q -m repeated --long tests/faults

.PHONY: fuzz
fuzz: $(VENV)/dev.stamp ## fuzz the code that parses outside bytes: make fuzz [ARGS="--seconds 60 relay"]
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

.PHONY: mutate
mutate: $(VENV)/dev.stamp ## change the sources a little, in copies, and see whether tests notice: make mutate [ARGS="--seed 7 --count 300 --package chatproto"]
	@PYTHONPATH=tests $(BIN)/python -m mutation $(ARGS)

SEEDS ?= 1000
.PHONY: simulate
simulate: $(VENV)/dev.stamp ## let clients talk over a thousand bad networks, and with nodes that die, in virtual time (two minutes): make simulate [SEEDS=5000]
	@PYTHONPATH=tests $(BIN)/python -m libs.chatbrain.simulate $(SEEDS)

HISTORIES ?= 10000
.PHONY: simulate-cluster
simulate-cluster: $(VENV)/dev.stamp ## let clusters break in ten thousand ways in virtual time (two minutes): make simulate-cluster [HISTORIES=300]
	@PYTHONPATH=tests $(BIN)/python -m services.relay_server.core.cluster_world $(HISTORIES)

.PHONY: bench
bench: install ## measure the relay against references in C, another build or other servers: make bench [ARGS="--profile"]
	@PYTHONPATH=tests $(BIN)/python -m bench $(ARGS)

.PHONY: bench-compiled
bench-compiled: build/compiled/stamp ## measure what compiling the relay brings for each kind of message (a minute)
	@PYTHONPATH=tests $(BIN)/python -m bench.decisions --compiled $(CURDIR)/$(COMPILED)

.PHONY: bench-streams
bench-streams: install ## measure chats over streams, beside Redis if it is installed: make bench-streams [ARGS="--only idle"]
	@PYTHONPATH=tests $(BIN)/python -m bench.streams $(ARGS)

.PHONY: bench-web
bench-web: $(VENV)/dev.stamp ## measure chats in browsers, and UDP chats beside them: make bench-web [ARGS="--rooms 20 --members 10"]
	@PYTHONPATH=tests $(BIN)/python -m bench.web $(ARGS)

.PHONY: bench-replace
bench-replace: $(VENV)/dev.stamp ## measure how long a chat pauses while a relay is replaced: make bench-replace [ARGS="--members 1000"]
	@PYTHONPATH=tests $(BIN)/python -m bench.replacing $(ARGS)

.PHONY: bench-receipts
bench-receipts: install ## measure what receipts cost, turn by turn: make bench-receipts [ARGS="--shape 100x5"]
	@PYTHONPATH=tests $(BIN)/python -m bench.receipts $(ARGS)

.PHONY: bench-noticing
bench-noticing: $(VENV)/dev.stamp ## measure how soon chat notices that it isn't heard (four minutes): make bench-noticing [ARGS="--times 3"]
	@PYTHONPATH=tests $(BIN)/python -m bench.noticing $(ARGS)

.PHONY: bench-cluster
bench-cluster: $(VENV)/dev.stamp ## measure what being a node of a cluster costs a relay: make bench-cluster [ARGS="--runs 3"]
	@PYTHONPATH=tests $(BIN)/python -m bench.cluster $(ARGS)

.PHONY: budget
budget: install ## measure the cost of each kind of input, for docs/limits.md: make budget [ARGS="--only who,json --seconds 5"]
	@PYTHONPATH=tests $(BIN)/python -m bench.budget $(ARGS)

.PHONY: desktop-bench
desktop-bench: $(VENV)/dev.stamp ## measure the time that chat-desktop's window needs for a frame: make desktop-bench [ARGS="--rate 500"]
	@PYTHONPATH=tests $(BIN)/python -m bench.frames $(ARGS)

.PHONY: format
format: $(VENV)/dev.stamp ## format the code and fix what lint can fix
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

.PHONY: docs
docs: $(VENV)/dev.stamp ## write the generated tables of docs/settings.md, docs/metrics.md and docs/licences.md
	@PYTHONPATH=tests $(BIN)/python -m docs.generated

.PHONY: look-alikes
look-alikes: $(VENV)/dev.stamp ## write the relay's table of characters that look alike from Unicode's data
	@PYTHONPATH=tests $(BIN)/python -m services.relay_server.core.look_alikes

CATALOGUES := services/messenger/src/messenger/presentation/locale

.PHONY: catalogues
catalogues: $(VENV)/dev.stamp ## collect the apps' and the page's texts for translators, and compile the translations
	@mkdir -p build
	@$(BIN)/pybabel -q extract -F pyproject.toml -k L_ --add-location file --width 120 -o build/messenger.pot \
	  services/messenger/src libs/chatproto/src services/web-client/src
	@$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 120 \
	  -D messenger -i build/messenger.pot -d $(CATALOGUES)
	@$(BIN)/pybabel -q compile -D messenger -d $(CATALOGUES)
	@PYTHONPATH=tests $(BIN)/python -m docs.page_words

.PHONY: dashboards
dashboards: $(VENV)/dev.stamp ## build Grafana's dashboards, deploy/grafana/dashboards
	@PYTHONPATH=deploy/grafana $(BIN)/python -m boards

.PHONY: dashboard-pictures
dashboard-pictures: $(VENV)/dev.stamp ## draw the dashboards for docs/images from a real Prometheus (some minutes)
	@PYTHONPATH=tests $(BIN)/python -m observability.pictures

.PHONY: pictures
pictures: $(VENV)/dev.stamp ## redraw the window, the app on a terminal and, with Chromium, the page for docs/images/chat-*
	@PYTHONPATH=tests $(BIN)/python -m docs.record_terminal
	@PYTHONPATH=tests $(BIN)/python -m docs.record_desktop
	@PYTHONPATH=tests $(BIN)/python -m docs.record_page

.PHONY: picture
picture: $(VENV)/dev.stamp ## record the demo again for docs/images/demo.svg
	@PYTHONPATH=tests $(BIN)/python -m docs.record_demo

.PHONY: lock
lock: $(VENV)/dev.stamp ## upgrade the libraries and lock their hashes
	@for set in runtime desktop cluster compile dev; do $(BIN)/uv pip compile --quiet --universal --upgrade --generate-hashes --no-strip-extras \
	  --no-emit-index-url --no-header --python-version 3.11 requirements/$$set.in -o requirements/$$set.txt; done

.PHONY: audit
audit: $(VENV)/dev.stamp ## check every locked library against the public advisories; one that can't be looked up fails too
	@for set in runtime desktop cluster compile dev; do echo "==> requirements/$$set.txt"; \
	  $(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements/$$set.txt; done

.PHONY: sbom
sbom: $(VENV)/dev.stamp ## write bills of materials of the programs' libraries, without and with Qt: build/sbom*.cdx.json (CycloneDX)
	@mkdir -p build
	@$(BIN)/cyclonedx-py requirements requirements/runtime.txt --output-reproducible -o build/sbom.cdx.json
	@$(BIN)/cyclonedx-py requirements requirements/desktop.txt --output-reproducible -o build/sbom-desktop.cdx.json
	@echo "build/sbom.cdx.json and build/sbom-desktop.cdx.json are written."

.PHONY: airgap-images
airgap-images: ## build the base images from Debian's packages, without an image registry (docs/airgap.md)
	@deploy/airgap/images.sh $(ARGS)

.PHONY: clean
clean: ## remove installed and built files
	@rm -rf $(VENV) build dist
