# Everything from a bare clone; needs Python 3.11 or newer, make and the package registries.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules

ENV ?= dev
TARGET ?= local
AGAINST ?= main
# Endpoints to bring back that were removed because they were idle, such as WAKE="iris fraud".
WAKE ?=
# Strategies of a drill, such as STRATEGY="canary rolling"; by default the endpoint's own.
STRATEGY ?=
# How many times as fast the local AWS's clock runs during a deployment, such as SPEED=60; updates bake there too.
SPEED ?=
PYTHON ?= python3
BIN := .venv/bin
SLIPWAY := $(BIN)/slipway
SOURCES := app.py slipway constructs stacks lambda examples tests

.PHONY: help setup deploy diff review drill synth test fuzz lint bench stop clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS=$$'\t' read -r name text; do printf '%-8s %s\n' "$$name" "$$text"; done

setup: .venv/ready node_modules/ready  ## the virtual environment and the CDK command-line interface

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(f"Slipway needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Name another: make PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "· virtual environment and dependencies (about a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

node_modules/ready: .venv/ready package.json package-lock.json
	@echo "· CDK command-line interface"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --silent --no-audit --no-fund
	@touch $@

deploy: setup  ## deploy ENV (dev) to TARGET (local, or aws), from nothing, and show what is there; WAKE=iris brings back an idle one that was removed, SPEED=60 shortens the bakes of the local AWS
	@$(SLIPWAY) deploy --env $(ENV) --target $(TARGET) $(foreach name,$(WAKE),--wake $(name)) $(if $(SPEED),--speed $(SPEED))

diff: setup  ## what a deployment of ENV to TARGET would change
	@$(SLIPWAY) diff --env $(ENV) --target $(TARGET)

review: setup  ## what a deployment of ENV would do, compared with git AGAINST (main), and a rehearsal of it with faults
	@code=0; $(SLIPWAY) plan --env $(ENV) --against $(AGAINST) || code=$$?; \
	test $$code = 0 -o $$code = 3 || exit $$code; echo; \
	$(SLIPWAY) rehearse --env $(ENV); exit $$code

drill: setup  ## a good model, then a bad one, under live traffic: alarms bring the good one back; STRATEGY=rolling; TARGET=aws ENV=dev in an account
	@$(SLIPWAY) drill --target $(TARGET) $(if $(filter-out file,$(origin ENV)),--env $(ENV)) $(foreach strategy,$(STRATEGY),--strategy $(strategy))

synth: setup  ## the CloudFormation templates of ENV, in cdk.out
	@PATH="$(CURDIR)/$(BIN):$$PATH" node_modules/.bin/cdk synth --quiet -c env=$(ENV)

lint: setup  ## ruff and mypy
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy

test: lint  ## all checks and tests
	@$(BIN)/pytest -n 2 --dist worksteal

fuzz: setup  ## 2,000 random endpoint declarations; SEED=N repeats a run
	@seed=$${SEED:-$$RANDOM$$RANDOM}; echo "· once more with the same declarations: make fuzz SEED=$$seed"; \
	$(BIN)/pytest tests/fuzz -n 2 --dist worksteal --hypothesis-profile=fuzz --hypothesis-seed=$$seed

bench: setup  ## synth with 1, 10 and 100 endpoints against a floor of raw resources; plan, rehearsal; the cleanup with 2,000
	@$(BIN)/python tests/bench/synth.py
	@$(BIN)/python -m tests.bench.review
	@$(BIN)/python tests/bench/idle.py

stop: setup  ## stop the local AWS; everything in it is gone then
	@$(SLIPWAY) local stop

clean:  ## remove everything that was installed or made
	@test ! -x $(SLIPWAY) || $(SLIPWAY) local stop
	@rm -rf .venv node_modules cdk.out .slipway build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
