# SPDX-License-Identifier: MIT
# One line per verb; every verb first installs what it misses. `make help` lists them.
PRESET ?= release
BUILD := build/$(PRESET)
# Arguments for `make run`, e.g. make run ARGS="--topology switch --seed 7".
ARGS ?=

.PHONY: help setup build run test lint format docs lspci regs sanitize clang seeds models matrix regress speed synth prove mutants fuzz install package clean

help:
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile
setup:
	@tools/setup.sh build
build: setup ## build everything into build/release
	@tools/build.sh $(PRESET)
run: build ## the project's main job: one live update, judged
	@$(BUILD)/bin/holdover run --isolation process $(ARGS)
test: build ## all tests, at most six minutes
	@ctest --preset $(PRESET)
lint: build ## Verilator -Wall, include directions, generated files, formatting, clang-tidy
	@tools/setup.sh lint
	@tools/lint.sh $(BUILD)
format: ## clang-format over all C++ files
	@tools/setup.sh lint
	@git ls-files '*.h' '*.cc' | xargs clang-format -i
docs: build ## write the tables of docs/ that come from runs anew
	@$(BUILD)/bin/holdover matrix --markdown docs/matrix.md >/dev/null
	@$(BUILD)/bin/holdover question all --markdown docs/findings.md >/dev/null
lspci: build ## write the outputs of lspci that tests expect anew (tests/data/lspci)
	@/usr/bin/python3 tests/cli/lspci_test.py $(BUILD)/bin/holdover tests/data/lspci --renew
regs: setup ## regenerate everything that comes from rtl/registers.toml
	@/usr/bin/python3 tools/regmap.py
sanitize: ## unit and integration tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory test PRESET=sanitize
clang: ## the tests built by clang
	@tools/setup.sh lint
	@$(MAKE) --no-print-directory test PRESET=clang
seeds: build ## 100 seeds on each topology in both isolations; SEEDS=N for more or fewer
	@tools/seeds.py --holdover $(BUILD)/bin/holdover --seeds $(or $(SEEDS),100)
models: build ## endpoints of other widths and channel counts: about ten minutes
	@cmake --build $(BUILD) --target models
regress: models ## every width, topology and disturbance, drawn from the seed; SEEDS=N, 200 where it is left out
	@$(BUILD)/bin/holdover regress --seeds $(or $(SEEDS),200) --require-all-models --keep-going $(ARGS)
matrix: build ## the core tests on every data width and channel count: 32 endpoints, about half an hour
	@tools/matrix.py --build $(BUILD)
speed: build ## clocks per second of the whole bench beside the bare model
	@$(BUILD)/bin/holdover-speed
synth: ## what the endpoint takes on UltraScale+ and 7-series, block by block; about ten minutes
	@tools/setup.sh synth
	@tools/synth.py
prove: ## proofs of the endpoint's small parts, each seen to fail with the part changed
	@tools/setup.sh synth
	@tools/prove.py
mutants: setup ## the endpoint broken in one place at a time; the tests must notice each
	@tools/mutants.py
fuzz: ## libFuzzer over everything that is read out of a handover; FUZZ_SECONDS per target, 600 where it is left out
	@tools/setup.sh fuzz
	@tools/fuzz.py
install: build ## below PREFIX, /usr/local where it is left out (docs/install.md)
	@cmake --install $(BUILD) --prefix $(or $(PREFIX),/usr/local)
package: build ## the Debian package, tried in a clean root; takes root and some minutes
	@tools/setup.sh package
	@tools/try_package.sh $(BUILD)
clean: ## remove all build folders
	@rm -rf build
