# make lab    opens JupyterLab on the first lesson
# make test   runs everything that must hold
# make slow   runs what takes longer: every choice of every list, lessons that train, in JupyterLab
# make words  collects the sentences for translators, and compiles translations
# make bundle makes the stage's one JavaScript module of its parts (needs Node)
# All of them build .venv first, once. Nothing is installed outside this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
NODE_MODULES := node_modules/.package-lock.json

# The pair that the lessons' stored numbers were made with.
TORCH := torch==2.13.0 torchvision==0.28.0
# 200 MB instead of 5 GB of CUDA libraries. Asked once and briefly: where this index does not answer,
# the installation goes on without it.
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu
BRIEFLY := --retries 0 --timeout 5

# JupyterLab is not to ask for news, or for updates, from the network.
QUIET := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}
LAB_OPTIONS := --ServerApp.ip=127.0.0.1 --LabApp.extension_manager=readonly
ifeq ($(shell id -u),0)
LAB_OPTIONS += --allow-root
endif

.PHONY: help lab test slow lint javascript bundle words types notebooks bench clean

help:
	@sed -n 's/^# make/make/p' Makefile

lab: $(INSTALLED)
	$(BIN)/jupyter lab $(LAB_OPTIONS) notebooks/00-start-here.ipynb

test: $(INSTALLED) lint types
	$(BIN)/python -m pytest -n 2 -m 'not slow' --durations=10 \
		--nbval --nbval-current-env --nbval-cell-timeout=120 tests resample_viz notebooks

# In one process: training is to have both cores for itself.
slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow tests

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory javascript

# TypeScript and biome, for those who have Node; the suite itself needs none.
javascript:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_MODULES) && npm run --silent check; \
	else echo "skipped: the checks of JavaScript need Node"; fi

bundle: $(NODE_MODULES)
	npm run --silent bundle

words: $(INSTALLED)
	$(BIN)/python tools/words.py

$(NODE_MODULES): package-lock.json
	npm ci --silent
	@touch $@

types: $(INSTALLED)
	$(BIN)/mypy

notebooks: $(INSTALLED)
	$(BIN)/python tools/notebooks.py

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

$(INSTALLED): pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: try make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "python3 -m venv failed: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	test "$$(uname)" != Linux || \
		$(BIN)/python -m pip install -q $(BRIEFLY) --index-url $(TORCH_CPU_INDEX) $(TORCH) 2>/dev/null || \
		echo "PyTorch's index of CPU builds did not answer: going on with pip's own choice"
	$(BIN)/python -m pip install -q $(TORCH) -e '.[notebooks,test]'
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@echo '$(QUIET)' > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $(INSTALLED)

clean:
	rm -rf $(VENV) node_modules test-artifacts .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
