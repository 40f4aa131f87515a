"""The import rules of ARCHITECTURE.md, held on the source itself."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("missions", "vision", "fleet", "sitl")
ALLOWED = {
    "missions": ("missions",),
    "vision": ("vision", "missions.geo"),
    "fleet": ("fleet", "missions"),
    "sitl": ("sitl", "missions"),
}
MOST_LINES = 500

IMPURE = {
    "asyncio", "concurrent", "http", "multiprocessing", "os", "pathlib", "random", "requests",
    "secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess",
    "tempfile", "threading", "time", "urllib", "uuid", "httpx", "aiomqtt", "mavsdk", "pymavlink",
    "cv2", "av", "sqlalchemy", "fastapi", "structlog", "logging",
}  # fmt: skip
"""What ``missions`` has no use for: it does no I/O, waits for nothing and has no clock."""
IMPURE_CALLS = {"open", "input", "print", "now", "utcnow", "today", "read_text", "write_text"}

GEO_ONLY = {"numpy", "pyproj", "shapely", "missions.errors"}
"""All that ``missions.geo`` may need, since ``vision`` carries it."""

HEAVY = {"av", "cv2", "fastapi", "mavsdk", "pymavlink", "sqlalchemy", "uvicorn", "numpy", "amqtt"}
"""What ``skybeat --help`` must not wait for."""


@dataclass(frozen=True)
class Import:
    """One import: where it stands, what it names, and whether importing the file runs it."""

    file: str
    line: int
    module: str
    at_import: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def sources(package: str) -> list[Path]:
    files = sorted((ROOT / package).rglob("*.py"))
    return [file for file in files if "node_modules" not in file.parts]


def imports(file: Path) -> list[Import]:
    return list(_imports(file, ast.parse(file.read_text(encoding="utf-8")), at_import=True))


def _imports(file: Path, node: ast.AST, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inner = at_import and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            inner = False
        name = str(file.relative_to(ROOT))
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(name, child.lineno, alias.name, at_import)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                module = _absolute(file, child)
                yield Import(name, child.lineno, f"{module}.{alias.name}", at_import)
        else:
            yield from _imports(file, child, inner)


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = file.relative_to(ROOT).with_suffix("").parts[: -node.level]
    return ".".join((*package, *([node.module] if node.module else [])))


def within(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(allowed + ".")


def everything(package: str) -> list[Import]:
    return [found for file in sources(package) for found in imports(file)]


def test_each_package_has_sources() -> None:
    for package in PACKAGES:
        assert len(sources(package)) > 5, package


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_each_other_one_way_only(package: str) -> None:
    wrong = [
        str(found)
        for found in everything(package)
        if found.module.split(".")[0] in PACKAGES
        and not any(within(found.module, allowed) for allowed in ALLOWED[package])
    ]
    assert wrong == []


def floors() -> list[str]:
    """Return the floors of ``fleet`` as ARCHITECTURE.md names them, from the bottom."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    found = re.search(r"floors are, from the bottom:\s*`([^`]+)`", text)
    assert found is not None, "ARCHITECTURE.md no longer names the floors of fleet"
    return [name.strip() for name in found[1].split(",")]


def test_the_floors_are_those_of_the_design() -> None:
    named = floors()
    design = ["model", "config", "store", "link", "docks", "cad", "flight", "incidents"]
    design += ["units", "api", "web", "cli"]
    assert [name for name in named if name in design] == design
    assert len(set(named)) == len(named)


def floor_of(parts: tuple[str, ...]) -> str:
    """Return the floor of ``fleet.<floor>...``."""
    return parts[1] if len(parts) > 1 else "__init__"


def test_every_file_of_fleet_is_on_a_floor() -> None:
    named = floors()
    unknown = [
        str(file.relative_to(ROOT))
        for file in sources("fleet")
        if floor_of(file.relative_to(ROOT).with_suffix("").parts) not in [*named, "__init__"]
    ]
    assert unknown == []


def test_each_floor_of_fleet_uses_only_those_below_it() -> None:
    named = floors()
    wrong = []
    for file in sources("fleet"):
        own = floor_of(file.relative_to(ROOT).with_suffix("").parts)
        below = [] if own == "__init__" else named[: named.index(own) + 1]
        for found in imports(file):
            parts = tuple(found.module.split("."))
            if parts[0] == "fleet" and floor_of(parts) not in below:
                wrong.append(str(found))
    assert wrong == []


def test_no_file_leads_back_to_itself() -> None:
    """An import for types alone counts too: who reads one file of a circle must read them all."""
    files = {_name(file): file for package in PACKAGES for file in sources(package)}
    uses = {name: _files_named(imports(file), files) - {name} for name, file in files.items()}
    order = TopologicalSorter(uses)
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def _name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _files_named(found: Iterable[Import], files: Mapping[str, Path]) -> set[str]:
    """Return the files that imports name: ``a.b.c`` is module ``a.b.c``, or a name in ``a.b``."""
    modules = {one.module for one in found}
    return {m if m in files else m.rpartition(".")[0] for m in modules} & files.keys()


def test_missions_is_pure() -> None:
    wrong = [
        str(found)
        for found in everything("missions")
        if found.module.split(".")[0] in IMPURE and not within(found.module, "time.struct_time")
    ]
    assert wrong == []


def test_missions_reads_no_file_and_no_clock() -> None:
    wrong = []
    for file in sources("missions"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFunctionDef | ast.Await):
                wrong.append(f"{file.name}:{node.lineno} is async")
            elif isinstance(node, ast.Call):
                called = node.func
                name = called.attr if isinstance(called, ast.Attribute) else None
                name = called.id if isinstance(called, ast.Name) else name
                if name in IMPURE_CALLS:
                    wrong.append(f"{file.name}:{node.lineno} calls {name}")
    assert wrong == []


def test_geo_carries_little() -> None:
    wrong = [
        str(found)
        for found in imports(ROOT / "missions" / "geo.py")
        if found.module.split(".")[0] not in sys.stdlib_module_names
        and not any(within(found.module, allowed) for allowed in GEO_ONLY)
    ]
    assert wrong == []
    assert [
        str(found)
        for found in imports(ROOT / "missions" / "errors.py")
        if found.module.split(".")[0] not in sys.stdlib_module_names
    ] == []


@pytest.mark.parametrize("package", ["vision", "fleet", "sitl"])
def test_the_command_line_starts_quickly(package: str) -> None:
    wrong = [
        str(found)
        for found in imports(ROOT / package / "cli.py")
        if found.at_import and found.module.split(".")[0] in HEAVY
    ]
    assert wrong == []


def test_no_file_is_longer_than_500_lines() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for package in PACKAGES
        for file in sources(package)
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_imports_of_every_shape_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test itself: a rule that sees no import would hold for ever."""
    file = tmp_path / "fleet" / "api" / "x.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import vision.water as w, os\n"
        "from sitl import scene\n"
        "from ..model import order\n"
        "from . import auth\n"
        "def f():\n    import cv2\n"
        "if TYPE_CHECKING:\n    import av\n"
    )
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert [(found.module, found.at_import) for found in imports(file)] == [
        ("vision.water", True),
        ("os", True),
        ("sitl.scene", True),
        ("fleet.model.order", True),
        ("fleet.api.auth", True),
        ("cv2", False),
        ("av", False),
    ]
