# The two commands of the README are `make demo` and `make test`; both can be run again and again.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench docs clean

.venv/.installed: pyproject.toml msgspec_runner/_version.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

demo: .venv/.installed
	$(BIN)/msgspec-runner lint specs
	$(BIN)/msgspec-runner send specs --sandbox --yes

check: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: check
	$(BIN)/pytest -n auto --maxschedchunk 32  # slow tests stand together: nobody is to get all of them

docs: .venv/.installed
	$(BIN)/python -m tests.docs

bench: .venv/.installed
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf .venv build dist *.egg-info
