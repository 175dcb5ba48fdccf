# make demo   a made-up brand, live        make test   all tests        make setup   .venv/bin/dangol, and nothing else
# A bare Debian or Ubuntu with python3 (3.11 to 3.13) and make is enough; nothing is installed outside .venv.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test chaos bench lint check clean

RUN := .venv/bin

help:  ## these lines
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

setup:  ## .venv with Dangol in it
	@sh tools/bootstrap/setup.sh run

setup-dev:  ## the same, with what tests and checks need
	@sh tools/bootstrap/setup.sh dev

demo: setup  ## a made-up Korean brand, live, with a guided tour
	@$(RUN)/dangol demo

# Three test processes, each with files of its own: most tests wait for a page, a process or a disk more than for the processor.
test: setup-dev  ## every test but the long chaos form; the quick ones first
	@$(RUN)/python -m pytest -m "not chaos" -n 3 --dist loadfile --no-loadscope-reorder

chaos: setup-dev  ## the long form: kill -9, full disk, State stopped, for minutes; many more orders of the same events
	@$(RUN)/python -m pytest -m chaos --timeout 3600
	@DANGOL_TEST_EXAMPLES=8 $(RUN)/python -m pytest -k "any_order" --timeout 3600 tests/flow

bench: setup  ## measure this machine, with the floor beside each number
	@$(RUN)/dangol bench

lint: setup-dev  ## style, types, and which room may import which
	@$(RUN)/ruff check src tests tools
	@$(RUN)/mypy
	@$(RUN)/lint-imports

check: lint test  ## lint and test

clean:  ## forget .venv and caches; workspaces are left alone
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
