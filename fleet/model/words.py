"""What people write in a request: text that every database keeps."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Without NUL, which PostgreSQL keeps in no text."""
