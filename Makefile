# make demo   a simulated bot, ten simulated minutes
# make test   style, types, import contracts, tests and coverage gates
# make campaign   thousands of simulated faulty sessions, every crash point, every planted bug; about half an hour
# They make .venv first, with what pyproject.toml names. PYTHON=… chooses the interpreter (3.11 or newer).

PYTHON ?= python3
PROCESSES ?= 2
SEEDS ?= 0:3000
BIN := .venv/bin

.PHONY: demo test lint types imports pytest campaign python

demo: .venv/ready
	$(BIN)/python bot.py start conf/pmm_sim.yml --for 10m --speed max

test: lint types imports pytest

lint: .venv/ready-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@echo "Exceptions to determinism:"; grep -rn --include='*.py' 'det-ok: ' engine connectors strategies || echo "none"

types: .venv/ready-test
	$(BIN)/mypy --strict

imports: .venv/ready-test
	$(BIN)/lint-imports --no-logo

pytest: .venv/ready-test
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadgroup --cov --cov-report=
	$(BIN)/coverage json -q -o .coverage.json
	$(BIN)/python tests/check_coverage.py .coverage.json

campaign: .venv/ready-test
	$(BIN)/python scripts/campaign.py --seeds $(SEEDS) --jobs $(PROCESSES)
	$(BIN)/python scripts/campaign.py --seeds 0:300 --scale 3 --jobs $(PROCESSES)
	$(BIN)/python scripts/campaign.py --crash-points
	$(BIN)/python scripts/campaign.py --crash-points --profile lossy --stride 2
	$(BIN)/python scripts/campaign.py --crash-points --double --stride 10
	$(BIN)/python scripts/campaign.py --mutants --seeds 0:500

.venv/ready: pyproject.toml scripts/environment.py | python
	$(PYTHON) scripts/environment.py
	touch $@

.venv/ready-test: pyproject.toml scripts/environment.py | python
	$(PYTHON) scripts/environment.py test
	touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Tickwright needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.11")'
