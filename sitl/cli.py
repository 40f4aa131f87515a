"""Commands of ``sitl``; heavy imports stay inside the commands, so that ``skybeat`` starts quickly."""

from __future__ import annotations

import typer

app = typer.Typer()
