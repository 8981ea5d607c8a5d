# `make up` and `make test` need Python 3.11 or later and nothing else; they make everything else in .venv/.

PORT ?= 6543
DATA ?= data
PYTHON ?= $(firstword $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python; done))

BIN := .venv/bin
INSTALLED := .venv/installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-config \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# A recipe is one shell, so that `exec` hands Ctrl-C and SIGTERM to the program itself.
.ONESHELL:
.SHELLFLAGS := -euc
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help up test lint format words services services-stop bench requirements clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

up: $(INSTALLED)  ## install, then serve on http://127.0.0.1:PORT with all data in DATA (PORT=6543 DATA=data)
	@exec $(BIN)/lms up --port "$(PORT)" --data "$(DATA)"

test: $(INSTALLED)  ## install, then run the tests (ARGS="tests/unit -k name" picks some)
	@exec $(BIN)/pytest $(ARGS)

lint: $(INSTALLED)  ## check style, types and who imports whom
	@$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)  ## put the code into the style that `make lint` checks
	@$(BIN)/ruff check --fix
	$(BIN)/ruff format

words: $(INSTALLED)  ## bring the catalogs in lms_core/locale up to date with what the code and the templates say
	@pot=$$(mktemp)
	trap 'rm -f "$$pot"' EXIT
	$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --add-location file --sort-by-file --output-file "$$pot" .
	for po in lms_core/locale/*/lms.po; do
		$(BIN)/pybabel --quiet update --input-file "$$pot" --output-file "$$po" --locale "$$(basename "$$(dirname "$$po")")" \
			--width 120 --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	done

services:  ## start RabbitMQ, OpenSearch, Redis, S3 and clamd for the tests; prints the variables to set
	@tests/services/services install
	tests/services/services start

services-stop:  ## stop them
	@tests/services/services stop

bench: $(INSTALLED)  ## measure requests per second of the real server
	@exec $(BIN)/python -m benchmarks $(ARGS)

requirements: $(INSTALLED)  ## pin the newest releases that setup.cfg allows, with their hashes
	@$(PIP) 'pip-tools>=7.5'
	$(COMPILE) --upgrade --extra production --extra pserve --extra test --extra lint \
		--output-file requirements.txt setup.cfg requirements.in
	$(COMPILE) --upgrade --output-file tests/services/requirements.txt tests/services/requirements.in
	rm -rf lms_core.egg-info  # Compiling leaves it, and its entry points would hide those of the installation.

clean:  ## remove what make made, but no data
	@tests/services/services kill
	rm -rf .venv .services build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.txt setup.cfg setup.py pyproject.toml | $(BIN)/pip
	@echo "Installing what requirements.txt pins"
	$(PIP) --require-hashes --requirement requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	mkdir -p .venv/links
	ln -sfn ../../plugins .venv/links/lms_plugins
	ln -sfn ../../migrations .venv/links/lms_migrations
	touch $@

# Debian ships apart what brings pip into a virtual environment. Where that is missing, pip is taken out of the
# package that holds it, which needs no root and installs nothing on the machine.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed; PYTHON=... names one outside PATH." >&2; exit 1; }
	if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then exec $(PYTHON) -m venv .venv; fi
	$(PYTHON) -m venv --clear --without-pip .venv
	mkdir .venv/debian
	cd .venv/debian
	test "$$(id -u)" != 0 || apt-get update -qq || true
	apt-get download -qq python3-pip-whl && dpkg -x python3-pip-whl_*.deb . ||
		{ echo "Python cannot make virtual environments here; on Debian: apt-get install python3-venv" >&2; exit 1; }
	wheel=$$(echo usr/share/python-wheels/pip-*.whl)
	../bin/python "$$wheel/pip" install --quiet --no-index "$$wheel"
	rm -rf ../debian
