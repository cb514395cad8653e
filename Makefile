PYTHON ?= python3
PROFILE ?= default

RUN := .venv/bin/python
READY := .venv/.ready
UNFINISHED := .venv/.unfinished

.PHONY: book test lint lab pair
book: $(READY)
	$(RUN) book/build.py --profile $(PROFILE)

test: $(READY)
	$(RUN) -m pytest -m "not slow"

lint: $(READY)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	.venv/bin/mypy

lab: pair
	cd book && ../$(RUN) -m jupyter lab --ServerApp.default_url=/lab/tree/notebooks

pair: $(READY)
	$(RUN) book/build.py --pair

# Debian's python3 has no ensurepip and refuses to install outside a venv: its pip serves the venv.
# After an interrupted install the venv starts empty, for half a package looks like a whole one.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || \
		{ echo "$(PYTHON) has no pip: apt-get install python3-pip, or make PYTHON=..." >&2; exit 2; }
	$(PYTHON) -m venv --without-pip $(if $(wildcard $(UNFINISHED)),--clear) .venv
	@touch $(UNFINISHED)
	$(PYTHON) -m pip --python $(RUN) install --quiet -r requirements.txt -e .
	@mv $(UNFINISHED) $@
