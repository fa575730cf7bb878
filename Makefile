# vfio-wizard. `make run ARGS=--check` looks at this machine; `make test` is what CI runs.

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

ARGS ?=
BIN := .venv/bin

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: ## run the program: make run ARGS=--check
	@sh scripts/bootstrap.sh run
	@sh scripts/bootstrap-run.sh $(ARGS)

test: lint types format-check imports docs-check pytest ## install what is needed and run everything that must hold

tools:
	@sh scripts/install-test-tools.sh test
	@sh scripts/bootstrap.sh dev

lint: tools ## ruff's rules
	$(BIN)/ruff check .

format-check: tools
	$(BIN)/ruff format --check .

types: tools ## mypy --strict, tests included
	$(BIN)/mypy

imports: tools ## the floors
	$(BIN)/lint-imports

pytest: tools
	$(BIN)/pytest $(ARGS)

format: tools ## write ruff's format and safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: tools ## write the generated documents
	$(BIN)/python scripts/compile_knowledge.py
	$(BIN)/python scripts/make_docs.py
	$(BIN)/python -m scripts.shell_words
	$(BIN)/python -m scripts.picture

pictures: tools ## draw the screens of the wizard and record a visit to it anew
	VFIO_WIZARD_PICTURES=write $(BIN)/pytest tests/tui/test_pictures.py
	$(BIN)/python -m scripts.record_session

docs-check: tools
	$(BIN)/python scripts/compile_knowledge.py --check
	$(BIN)/python scripts/make_docs.py --check
	$(BIN)/python -m scripts.shell_words --check
	$(BIN)/python -m scripts.picture --check

cover: tools ## branch coverage of the floors that decide: 95 percent of each, or it fails
	$(BIN)/pytest tests/unit tests/contracts tests/domain tests/nix tests/replay tests/virt/test_edit.py --cov --cov-report= $(ARGS)
	$(BIN)/python -m scripts.cover

fuzz: tools ## 100,000 inputs for the parsers, and every attribute of every recorded machine in trouble
	@$(BIN)/python -m pip install --quiet --group fuzz || echo "atheris does not install here: inputs are made at random"
	$(BIN)/python -m tests.fuzz.run $(ARGS)
	VFIO_WIZARD_FUZZ=1 $(BIN)/pytest tests/fuzz/test_trouble.py

properties: tools ## the property tests with many more examples
	$(BIN)/pytest -m hypothesis --hypothesis-profile=fuzz $(ARGS)

faults: tools ## strike every step of a change and of its undo, on every boot chain (some 20 minutes)
	$(BIN)/python -m tests.faults.run --table docs/safety.md $(ARGS)

lab: tools ## boot what CI boots: machines, a sample of predictions, and a change made, rebooted and undone
	@sh scripts/install-test-tools.sh lab
	$(BIN)/python -m tests.lab.run $(ARGS)

lab-predict: tools ## only the predictions (ARGS=--full: all of them)
	@sh scripts/install-test-tools.sh lab
	$(BIN)/python -m tests.lab.predict.run $(ARGS)

lab-installed: tools ## only the installed systems that are changed and rebooted (ARGS=--full: all of them)
	@sh scripts/install-test-tools.sh lab
	$(BIN)/python -m tests.lab.full.run $(ARGS)

lab-full: tools ## boot every virtual machine there is; writes docs/prediction.md and docs/lab-full.md
	@sh scripts/install-test-tools.sh lab
	$(BIN)/python -m tests.lab.run --full $(ARGS)

bench: tools ## time the program against what it could be replaced with
	$(BIN)/python -m scripts.bench $(ARGS)

dist: tools ## wheel and source archive in dist/
	$(BIN)/python -m build

packages: tools ## build wheel, zipapp, Debian, Arch and RPM packages twice, and compare
	@sh scripts/install-test-tools.sh packages
	sh scripts/check-packages.sh $(ARGS)

zipapp: tools ## dist/vfio-wizard.pyz, the program as one file
	$(BIN)/python scripts/zipapp.py

deb: tools ## the Debian package in dist/
	sh scripts/build-deb.sh

clean: ## remove everything that can be made again
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage* htmlcov .lab .bench
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: pictures help run test tools lint format-check types imports pytest format docs docs-check cover fuzz faults lab lab-predict lab-installed lab-full bench dist packages zipapp deb clean
