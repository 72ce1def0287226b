# leadergate: `make demo` shows it, `make test` proves it. Both do all their own set-up.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup controlplane demo test lint format bench bench-audit soak-certs deploytools deploy-check image image-check clean

PYTHON ?= python3
UV_VERSION := 0.13.9
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
VENV := .venv
# Tests mostly wait for Leases to expire, so two at a time go well on two cores.
JOBS ?= 2
RUN := $(VENV)/bin
# The interpreter that is here is the one that is used: nothing downloads another.
export UV_PYTHON_DOWNLOADS := never
# The tests start some hundred Python programs. Each would compile all that it imports where this is set.
unexport PYTHONDONTWRITEBYTECODE

help: ## List the targets
	@echo "leadergate"
	@echo
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make demo GATE=off   the same story with a check in the operator in place of the gate"
	@echo "  make demo KEEP=1     leave it running and print the kubeconfig"
	@echo "  make test-unit       one layer of the tests; so for every folder of tests/"

setup: $(VENV)/.complete ## Make .venv from the lock file; brings uv where it is missing

$(VENV)/.complete: pyproject.toml uv.lock | $(UV)
	@echo "setup: installing the locked packages into $(VENV)"
	@$(UV) sync --frozen --python $(PYTHON)
	@touch $@

.uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("leadergate needs Python 3.11 or later, and $(PYTHON) is " + sys.version.split()[0] \
	  + ": name another one, e.g. make PYTHON=python3.12 $(MAKECMDGOALS)" if sys.version_info < (3, 11) else 0)'
	@echo "setup: uv is not on PATH; installing uv $(UV_VERSION) into .uv"
	@$(PYTHON) -m venv .uv || { rm -rf .uv; echo "setup: $(PYTHON) cannot make a virtual environment: install its venv" \
	  "module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || { rm -rf .uv; exit 1; }

controlplane: setup ## Find or build etcd, kube-apiserver and kubectl (the first build takes minutes)
	@$(RUN)/python -m leadergate_lab.assets

demo: controlplane ## Show the main job on a real API server (GATE=off, KEEP=1)
	@$(RUN)/python -m leadergate_lab.demo --gate $(or $(GATE),on) $(if $(KEEP),--keep)

deploytools: controlplane
	@$(RUN)/python -m leadergate_lab.deploytools

deploy-check: deploytools ## Install chart and overlays on a real API server, upgrade, restart, take rights away, remove
	@$(RUN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder tests/chart tests/deploy $(PYTEST)

test: controlplane deploytools ## Prove it: every layer of the tests
	@$(RUN)/python -m leadergate_lab.interop.programs
	@$(RUN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST)

test-chart test-village test-deploy test-alerts test-otlp: deploytools

test-%: controlplane
	@$(RUN)/pytest tests/$* $(PYTEST)

lint: setup ## Formatting, lint, types, import contracts, the lock file
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports
	@$(UV) lock --check --quiet

format: setup ## Format the code
	@$(RUN)/ruff check --fix-only --quiet .
	@$(RUN)/ruff format .

bench: controlplane ## Measure the gate against a bare handler, in turns
	@$(RUN)/python -m leadergate_lab.bench $(BENCH)

bench-audit: setup ## Measure leadergate audit against jq on 10 million records (BENCH_AUDIT="--records 1000000")
	@$(RUN)/python -m leadergate_lab.audit_bench $(BENCH_AUDIT)

soak-certs: controlplane ## Rotate the authority 20 times under load and count what failed (SOAK="--rotations 3")
	@$(RUN)/python -m leadergate_lab.certs.soak $(SOAK)

IMAGE ?= leadergate:dev
ENGINE ?= docker

image: ## Build the container image (IMAGE=registry.example.org/leadergate:0.1.0 ENGINE=buildah)
	@$(ENGINE) build --tag $(IMAGE) --build-arg REVISION=$$(git rev-parse HEAD) .

image-check: controlplane ## Build the image twice with buildah, run it, compare (as root, on Debian; some minutes)
	@$(RUN)/python -m leadergate_lab.image

clean: ## Remove what make made here (the control plane's cache stays)
	@rm -rf $(VENV) .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
