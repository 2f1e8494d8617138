# make demo     install the product and answer one question, with a report
# make test     install the test extra and run every check; what CI runs
# make install  the product alone
# make sanitized  the kernel with checks of every address, for the tests
# make bench    speed against peers, in one run
# make soak     the long tests
PYTHON ?= python3
BIN := .venv/bin
# Two test processes on two cores; each compiles programs of its own.
JOBS ?= 2

.PHONY: demo test install check sanitized pytest bench soak clean

install: .venv/.product

KERNEL := CMakeLists.txt $(wildcard src/trainability/engine/lanes/native/*)

.venv/.product: pyproject.toml $(KERNEL)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/.test: pyproject.toml .venv/.product
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

demo: .venv/.product
	$(BIN)/trainability compare xor --depth 1,2,4,9 --width 5 --activation sigmoid,tanh,relu,leaky_relu,elu \
	  --init uniform:1 --loss bce --optimizer sgd --lr 0.1 --steps 10000 --seeds 256 --report report.html

test: check pytest

check: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

sanitized: .venv/.sanitized

.venv/.sanitized: .venv/.test $(KERNEL) $(wildcard tests/native/*)
	$(BIN)/cmake -S . -B build/sanitized -G Ninja -DCMAKE_BUILD_TYPE=Debug -DTRAINABILITY_SANITIZE=ON \
	  -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja -DPython_EXECUTABLE=$(abspath $(BIN))/python
	$(BIN)/cmake --build build/sanitized --parallel $(JOBS)
	touch $@

pytest: .venv/.sanitized
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

soak: .venv/.test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m soak
	for backend in jax tensorflow; do KERAS_BACKEND=$$backend $(BIN)/python -m pytest -n $(JOBS) --dist worksteal \
	  -m "soak or not soak" -k "not other_seeds" tests/test_zoo_keras.py || exit 1; done

bench: .venv/.test
	$(BIN)/python -m bench

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis report.html
