"""The map page: its sources here, the built files in ``static`` (see ``hatch_build.py``)."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""Folder with the built page (``index.html`` and ``assets``); missing where it was not built."""
