"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import trainability

# Importing these starts the program.
STARTING = {"trainability.__main__"}
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


class Checker(doctest.OutputChecker):
    """An example that states no answer has to run, and may answer anything."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return not want or super().check_output(want, got, optionflags)


def found() -> list[doctest.DocTest]:
    """The examples of every module of the package, one `DocTest` for each docstring that has some."""
    names = [trainability.__name__]
    names += [module.name for module in pkgutil.walk_packages(trainability.__path__, "trainability.")]
    modules = [importlib.import_module(name) for name in names if name not in STARTING]
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for module in modules for test in finder.find(module) if test.examples]


EXAMPLES = found()


def test_there_are_examples():
    stating = {example.name for example in EXAMPLES if any(line.want for line in example.examples)}
    assert "trainability.api.compare" in stating


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_each_example_does_what_it_says(
    example: doctest.DocTest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TRAINABILITY_HOME", str(tmp_path_factory.mktemp("home")))
    said: list[str] = []
    result = doctest.DocTestRunner(Checker(), optionflags=OPTIONS).run(example, out=said.append)
    assert result.attempted == len(example.examples) > 0
    assert result.failed == 0, "".join(said)
