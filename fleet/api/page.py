"""``/``: the map's files, or how to build them where they are not built."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

STATIC = Path(__file__).parent.parent / "web" / "static"

_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Skybeat</title><link rel="icon" href="data:,"></head>
<body>
<h1>Skybeat</h1>
<p>The controller runs; its map is not built. <code>make env</code> in the source tree builds it
(and so does installing the package), then start the controller again.</p>
<p>地图尚未构建：在源码目录运行 <code>make env</code>，然后重新启动控制器。</p>
<p><a href="docs">API</a></p>
</body>
</html>
"""


class MapFiles(StaticFiles):
    """The built map: names with a hash in them never change, the page itself is asked for anew."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve a file."""
        response = await super().get_response(path, scope)
        lasting = path.startswith("assets/")
        response.headers["cache-control"] = (
            "public, max-age=31536000, immutable" if lasting else "no-cache"
        )
        return response


def install(app: FastAPI, static: Path = STATIC) -> None:
    """Serve the map at ``/``; to be called last, it takes what no router took."""
    if (static / "index.html").is_file():
        app.mount("/", MapFiles(directory=static, html=True), name="map")
        return

    @app.get("/", include_in_schema=False)
    async def not_built() -> HTMLResponse:
        return HTMLResponse(_NOT_BUILT)
