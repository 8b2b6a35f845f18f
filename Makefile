# Everything happens in make.py, which also runs where there is no make: `py make.py demo` on Windows.
PYTHON ?= python3
EXTRAS ?=

.PHONY: demo test quick lint format serve doctor docs audit install clean
demo test quick lint format serve doctor docs audit install:
	@$(PYTHON) make.py $@ --extras "$(EXTRAS)"

clean:
	rm -rf .venv demo-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
