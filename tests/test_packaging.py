"""What is shipped and pinned: no host in any lock, the built map in the wheel, its sources not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
WEB = ROOT / "fleet" / "web"


def _walk(value: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in _walk(item, f"{path}/{key}")]
    if isinstance(value, list):
        return [pair for item in value for pair in _walk(item, path)]
    return [(path, value)] if isinstance(value, str) else []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.partition("==") for line in lines if line.strip() and not line.startswith("#")]
    return {_normal(name): version for name, _, version in pins}


def test_lock_file_names_no_host_and_pins_by_hash() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert "node_modules/maplibre-gl" in packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if "integrity" not in entry] == []
    # authors' donation pages are all the addresses that may be in it
    hosts = [pair for pair in _walk(lock) if "://" in pair[1] and "/funding" not in pair[0]]
    assert hosts == []


def test_npm_settings_keep_the_lock_without_hosts() -> None:
    settings = (WEB / ".npmrc").read_text(encoding="utf-8").split()
    assert "omit-lockfile-registry-resolved=true" in settings
    assert not any("registry=" in line or "://" in line for line in settings)


def test_lock_file_fits_the_package_file() -> None:
    package = json.loads((WEB / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][""].get("devDependencies") == package["devDependencies"]


def test_constraints_are_plain_pins() -> None:
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.+!]*", line)
            assert "+" not in line, f"a local version is in no registry: {line}"


def test_constraints_pin_every_dependency_within_its_range() -> None:
    requirements = pytest.importorskip("packaging.requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pins = _pins()
    for text in wanted:
        requirement = requirements.Requirement(text)
        pin = pins.get(_normal(requirement.name))
        assert pin is not None, f"{requirement.name} is not pinned in constraints.txt"
        assert requirement.specifier.contains(pin), f"{text} does not admit the pin {pin}"


def test_map_is_an_artifact_that_git_ignores() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    assert "fleet/web/static/**" in hatch["build"]["artifacts"]
    assert hatch["build"]["hooks"]["custom"]["path"] == "hatch_build.py"
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert "fleet/web/static/" in ignored
    assert "node_modules/" in ignored


@pytest.fixture
def hook() -> ModuleType:
    """The build hook, loaded from its file; hatchling is there where the project is built."""
    pytest.importorskip("hatchling", reason="hatchling is only there while the project is built")
    import importlib.util

    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "src" / "main.ts").write_text("one")
    return tmp_path


def test_map_is_built_again_only_when_its_sources_change(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def step(command: list[str], web: Path, limit_s: int) -> None:
        steps.append(command[2])
        (web / "static").mkdir(exist_ok=True)
        (web / "static" / "index.html").write_text("page")

    monkeypatch.setattr(hook, "toolchain", lambda: ("node", "npm"))
    monkeypatch.setattr(hook, "_step", step)
    assert hook.build_map(sources) is True
    assert steps == ["ci", "run"]
    assert hook.build_map(sources) is False
    (sources / "node_modules").mkdir()
    (sources / "node_modules" / "x.js").write_text("not a source")
    assert hook.build_map(sources) is False
    (sources / "src" / "main.ts").write_text("two")
    assert hook.build_map(sources) is True


def test_failed_step_says_which_and_shows_the_end_of_its_output(
    hook: ModuleType, sources: Path
) -> None:
    script = "print('much before\\n' * 50 + 'the reason'); raise SystemExit(7)"
    with pytest.raises(hook.MapBuildError) as error:
        hook._step([sys.executable, "-c", script], sources, 30)
    first, *tail = str(error.value).splitlines()
    assert "ended with 7" in first
    assert tail[-1].strip() == "the reason"
    assert len(tail) == hook.TAIL_LINES


def test_step_that_hangs_is_given_up(hook: ModuleType, sources: Path) -> None:
    with pytest.raises(hook.MapBuildError, match="took longer than 1 s"):
        hook._step([sys.executable, "-c", "import threading; threading.Event().wait()"], sources, 1)


def test_failed_build_leaves_no_stamp(
    hook: ModuleType, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(command: list[str], web: Path, limit_s: int) -> None:
        raise hook.MapBuildError("no registry")

    monkeypatch.setattr(hook, "toolchain", lambda: ("node", "npm"))
    monkeypatch.setattr(hook, "_step", step)
    with pytest.raises(hook.MapBuildError, match="no registry"):
        hook.build_map(sources)
    assert not (sources / "static").exists()


@pytest.mark.long
@pytest.mark.timeout(900)
def test_wheel_built_in_a_clean_copy_holds_the_map_and_not_its_sources(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing to make a clean copy of")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / "copy" / name)
    # as on a machine without Node: only what npm itself calls
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "env"):
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "--no-deps",
            "--wheel-dir", str(tmp_path / "dist"), str(tmp_path / "copy"),
        ],
        env={**os.environ, "PATH": str(tmp_path / "bin")},
        check=True,
        timeout=800,
    )  # fmt: skip
    (wheel,) = (tmp_path / "dist").glob("skybeat-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    web = [name.removeprefix("fleet/web/") for name in names if name.startswith("fleet/web/")]
    assert "static/index.html" in web
    assert any(re.fullmatch(r"static/assets/index-[\w-]+\.js", name) for name in web)
    assert any(re.fullmatch(r"static/assets/maplibre-gl-worker-[\w-]+\.mjs", name) for name in web)
    assert [name for name in web if not name.startswith("static/")] == ["__init__.py"]
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"fleet", "vision", "missions", "sitl"}
