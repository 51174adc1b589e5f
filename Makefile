# Everything from a bare clone; needs Python 3.11 or newer, make and the package registries.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory --no-builtin-rules

ENV ?= dev
TARGET ?= local
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup
help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s '	'

setup: .venv/ready node_modules/ready  ## the virtual environment and the CDK command-line interface

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"Slipway needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Name another: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

node_modules/ready: .venv/ready package.json package-lock.json
	$(BIN)/npm ci --silent --no-audit --no-fund
	@touch $@
