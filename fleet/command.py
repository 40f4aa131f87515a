"""The command ``skybeat``: gathers what each package offers through an entry-point group."""

from __future__ import annotations

import os
from importlib.metadata import entry_points, version
from typing import Annotated

import typer

GROUP = "skybeat.commands"
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "1")
"""Matrices are small here and processes many: threads of each would only wait for each other, which
takes a plan on a busy machine of two cores four times as long."""


def build() -> typer.Typer:
    """Return the whole command line.

    Each entry point of the group ``skybeat.commands`` names a ``typer.Typer`` whose commands and
    sub-commands are added; no package imports another for it.
    """
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, help="Controller of a police drone patrol."
    )

    @app.callback(invoke_without_command=True)
    def root(
        show_version: Annotated[
            bool, typer.Option("--version", help="Print the version and exit.")
        ] = False,
    ) -> None:
        if show_version:
            typer.echo(f"skybeat {version('skybeat')}")
            raise typer.Exit

    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        part: typer.Typer = entry.load()
        app.registered_commands.extend(part.registered_commands)
        app.registered_groups.extend(part.registered_groups)
    return app


def main() -> None:
    """Run the command line."""
    # before anything loads numpy; processes started from here have it too
    os.environ.setdefault(*ONE_THREAD)
    build()()


if __name__ == "__main__":
    main()
