"""The house: what may import what, what a light import loads, how long files are."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "trainability"

FLOORS = {
    "core": 0,
    "activations": 1, "initializers": 1, "losses": 1, "normalization": 1, "optimizers": 1, "problems": 1,
    "schedules": 1,
    "engine": 2, "theory": 2, "vitals": 2,
    "adapters": 3, "diagnosis": 3, "store": 3, "sweep": 3,
    "report": 4, "treatment": 4,
    "api": 5,
    "doctor": 6, "lab": 6, "testing": 6,
    "cli": 7,
}  # fmt: skip

FILES = sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "trainability" else [module]
        rooms |= {name.split(".")[1] for name in names if name.startswith("trainability.")}
    return rooms


def test_every_room_has_a_floor():
    assert {_room(path) for path in FILES} - {"__init__", "__main__"} == set(FLOORS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_lower_floors_and_its_own_room(path: Path):
    room = _room(path)
    if room in ("__init__", "__main__"):
        return
    for other in _imported_rooms(path) - {room}:
        assert FLOORS[other] < FLOORS[room], f"{room} (floor {FLOORS[room]}) imports {other} (floor {FLOORS[other]})"


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "tests").rglob("*.py"))], ids=lambda path: path.name)
def test_files_stay_small(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


HEAVY = ("jax", "matplotlib", "polars", "sklearn", "torch", "keras", "scipy")


COMMAND = "import sys; sys.argv = {}; from trainability.cli.main import run\ntry: run()\nexcept SystemExit: pass"


@pytest.mark.parametrize(
    "code",
    [
        "import trainability; dir(trainability); trainability.theory; trainability.lab",
        COMMAND.format(["trainability", "--help"]),
        COMMAND.format(["trainability", "compare", "--help"]),
        COMMAND.format(["trainability", "predict", "--help"]),
        COMMAND.format(["trainability", "activation", "--help"]),
        COMMAND.format(["trainability", "lab", "--help"]),
    ],
    ids=["import", "--help", "compare --help", "predict --help", "activation --help", "lab --help"],
)
def test_a_light_import_loads_nothing_heavy(code: str):
    show = f"\nimport sys; print('HEAVY', [m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + show], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout


def test_nothing_is_evaluated_or_unpickled():
    """No `eval`, `exec` or pickle in the package: formulas are parsed, files are data."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "__import__", "compile"), path
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "pickle" not in ast.dump(node), path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path
