# Everything that is done to this project, each in one command. `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
PEERS := .venv-peers
# Not quiet: it takes minutes, and pip says what it does.
INSTALL := $(BIN)/pip install --disable-pip-version-check --constraint constraints.txt

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Re-made whenever the package's dependencies or the pins change.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "archscope needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	@echo "1 of 2: torch, the largest part ..."
	$(INSTALL) 'torch==2.13.0'
	@echo "2 of 2: archscope and what else it needs ..."
	$(INSTALL) --editable '.[dev]'
	touch $@

.PHONY: venv
venv: $(VENV)/.installed ## Make the virtual environment and install everything

.PHONY: demo
demo: $(VENV)/.installed ## Install, and show the main commands
	$(BIN)/archscope list
	$(BIN)/archscope params --dilations 1,2,4
	$(BIN)/archscope params --depth 24
	$(BIN)/archscope report --depth 24 -o report.html
	@echo
	@echo "The page to open:  file://$(CURDIR)/report.html"
	@echo "The line to type:  . $(VENV)/bin/activate && archscope params resnet50"

# What is compiled is kept, whatever the environment says: workers and commands that tests start
# would compile it all anew.
.PHONY: test
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.installed ## Install, and run all tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

# Made anew and not upgraded: an installed version would be kept where it is in the range. pip cannot
# ask for the lowest versions. UV_TORCH_BACKEND=cpu leaves out CUDA's libraries, 4 GB of them.
$(OLDEST)/.installed: pyproject.toml
	python3.11 -m venv --clear $(OLDEST)
	$(OLDEST)/bin/pip install --quiet uv
	$(OLDEST)/bin/uv pip install --python $(OLDEST)/bin/python --quiet \
		--resolution lowest-direct --editable '.[dev,hf,timm,onnx]'
	touch $@

.PHONY: oldest
oldest: $(OLDEST)/.installed ## Run all tests with the lowest versions promised; large downloads
	$(OLDEST)/bin/python -m pytest --numprocesses auto --dist loadfile

.PHONY: lint
lint: $(VENV)/.installed ## Check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.PHONY: check
check: lint test ## Format, style, types and tests; what must pass before a commit

.PHONY: format
format: $(VENV)/.installed ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(VENV)/.installed ## Measure how fast and frugal it is against aims; 8 minutes
	$(BIN)/python -m benchmarks.bench

# Counters and what they import: without their dependencies, since several would pull another torch.
# Two of them are both called thop.
$(PEERS)/.installed: pyproject.toml constraints.txt benchmarks/scoreboard/peers.txt benchmarks/scoreboard/peer_needs.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --constraint constraints.txt 'torch==2.13.0'
	$(PEERS)/bin/pip install --quiet --constraint constraints.txt --editable .
	$(PEERS)/bin/pip install --quiet --requirement benchmarks/scoreboard/peer_needs.txt
	$(PEERS)/bin/pip install --quiet --no-deps --requirement benchmarks/scoreboard/peers.txt
	$(PEERS)/bin/pip install --quiet --no-deps --target $(PEERS)/ultralytics-thop ultralytics-thop==2.2.3
	touch $@

.PHONY: scoreboard
scoreboard: $(PEERS)/.installed ## Hold other counters, and archscope, against what is right; 15 minutes
	$(PEERS)/bin/python benchmarks/scoreboard

.PHONY: verify
verify: $(VENV)/.installed ## Run published networks against what rf says of them; an hour and more
	$(BIN)/python benchmarks/verify.py --presets --seconds 14 --limit 20 --workers 2 --report

.PHONY: census
census: $(VENV)/.installed ## Count every published network in closed form and by both engines
	$(BIN)/python benchmarks/census.py

.PHONY: torture
torture: $(VENV)/.installed ## Try to break archscope, 150,000 times, and write reports/torture.md; hours
	$(BIN)/python benchmarks/torture

.PHONY: reports
reports: $(VENV)/.installed ## Make the sample reports and their pictures again
	$(BIN)/python reports/make.py

.PHONY: dist
dist: $(VENV)/.installed ## Build the wheel and the archive of sources into dist/
	$(INSTALL) --quiet build
	$(BIN)/python -m build

$(VENV)/.docs: $(VENV)/.installed
	$(INSTALL) --editable '.[docs]'
	touch $@

.PHONY: docs
docs: $(VENV)/.docs ## Build the documentation, offline; warnings are errors
	cd docs && $(abspath $(BIN))/python -m generate
	@echo "The page to open:  file://$(CURDIR)/site/index.html"

.PHONY: clean
clean: ## Remove what the other commands made
	rm -rf $(VENV) $(OLDEST) $(PEERS) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
