# Everything runs in .venv, which the first target that needs it makes from the lock files.
#   make train            the main job on the embedded corpus
#   make test             the tests
#   make encoder          what the rungs static, encoder and finetune need: torch and transformers
# PYTHON chooses the interpreter of a new .venv; CONFIG, MODEL, INPUT and OUTPUT what to run on.

PYTHON  ?= python3
CONFIG  ?= configs/default.yaml
ROOT    ?= data/benchmarks
MODEL   ?= runs/default/model
INPUT   ?= data/articles.jsonl
OUTPUT  ?= predictions.parquet
RUN     := .venv/bin/python -m

# The build of torch. Plain pip takes a CUDA build of several gigabytes on Linux; TORCH_INDEX names
# another package index, such as the one for CPU builds that PyTorch's installation page names.
TORCH       ?= torch==2.13.0
TORCH_INDEX ?=
# Configs that name one of these kinds need it.
NEEDS_ENCODER = $(shell grep -lsE 'kind: *["'\'']?(static|encoder|finetune)' $(CONFIG))

# Threads that wait asleep instead of spinning: with another busy process around, spinning slows
# numerical libraries down many times.
export OMP_WAIT_POLICY ?= PASSIVE

.DEFAULT_GOAL := help
.PHONY: help train test check format ui predict bench bench-accuracy encoder lock clean

help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

# The lock files name every package with its digest, so nothing is resolved (--no-deps: torch is in
# none of them, and comes by itself). uv installs them in seconds; where it cannot
# be had, pip does from the same files.
.venv/core: requirements/core.lock pyproject.toml
	@test -x .venv/bin/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Slant needs Python 3.11 or newer; set PYTHON=python3.11, say" >&2; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@$(call install,requirements/core.lock)
	@touch $@

.venv/encoder: .venv/core requirements/encoder.lock
	@$(call install,requirements/encoder.lock)
	@echo "installing $(TORCH) into .venv" >&2
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 1 \
	  $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	@touch $@

.venv/dev: .venv/core requirements/dev.lock
	@$(call install,requirements/dev.lock)
	@touch $@

define install
	echo "installing $(1) into .venv" >&2; \
	.venv/bin/uv --version >/dev/null 2>&1 || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv \
	  || echo "no uv; going on with pip" >&2; \
	if .venv/bin/uv --version >/dev/null 2>&1; then \
	  .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --require-hashes -r $(1) && \
	  .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --editable .; \
	else \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(1) && \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .; \
	fi
endef

train: .venv/core $(if $(NEEDS_ENCODER),.venv/encoder)  ## Run the main job: CONFIG=configs/default.yaml, from articles to a tracked model.
	@$(RUN) pipeline.cli run $(CONFIG)

encoder: .venv/encoder  ## Install what the rungs static, encoder and finetune need; TORCH_INDEX=… chooses the build.

test: .venv/dev  ## Run all tests, on all processors; those of encoders are skipped before `make encoder`.
	@$(RUN) pytest --dist loadfile --no-loadscope-reorder --maxprocesses 8 \
	  --numprocesses $$(.venv/bin/python -c "from pipeline.processors import available; print(available())")

check: .venv/dev  ## Run what CI checks beside the tests: format, lint, types, imports.
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@.venv/bin/lint-imports

format: .venv/dev  ## Format the code, and mend what the linter can.
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

ui: .venv/core  ## Compare the recorded runs in MLflow, on http://127.0.0.1:5000.
	@$(RUN) pipeline.cli ui

predict: .venv/core  ## Predict INPUT with MODEL into OUTPUT.
	@$(RUN) pipeline.cli predict $(INPUT) --model $(MODEL) --output $(OUTPUT)

bench: .venv/dev  ## Measure speed against scikit-learn on made articles.
	@$(RUN) benchmarks.speed

bench-accuracy: .venv/dev .venv/encoder  ## Train and score RUNG on the public SET below ROOT, or with COST=1 time its training; adds to benchmarks/results.jsonl.
	@$(RUN) benchmarks.accuracy $(SET) $(RUNG) --root $(ROOT)/$(or $(FOLDER),$(SET)) $(if $(filter-out 0,$(COST)),--cost)

lock: .venv/dev  ## Make the lock files again from pyproject.toml.
	@for set in "core" "encoder --extra encoder" "dev --all-extras --group test --group check"; do set -- $$set; \
	  out=requirements/$$1.lock; shift; \
	  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --no-emit-package torch --overrides requirements/overrides.txt pyproject.toml "$$@" --output-file $$out; \
	done

clean:  ## Remove the environment, caches and runs; asks nothing, so look first.
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache runs mlruns mlartifacts mlflow.db*
