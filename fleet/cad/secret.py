"""Signing secrets: read from the environment, never from a file that is committed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from fleet.errors import SettingsError
from missions.city import CadEndpoint

PREFIX = "whsec_"
_HINT = (
    "make one and give it to the CAD too: "
    "python3 -c 'import base64,os; print(\"whsec_\" + base64.b64encode(os.urandom(32)).decode())'"
)


def read_secret(
    endpoint: CadEndpoint, environment: Mapping[str, str], variable: str | None = None
) -> bytes:
    """Return a CAD's signing key.

    Parameters
    ----------
    endpoint
        The CAD; its ``secret_env`` names the variable.
    environment
        The process's environment.
    variable
        Another that names it; the one for its calls.

    Raises
    ------
    SettingsError
        If the variable is not set, or is no Standard Webhooks secret (``whsec_`` and the base64 of
        24 to 64 bytes). The message never holds the value.
    """
    name = variable or endpoint.secret_env
    text = environment.get(name, "").strip()
    if not text:
        raise SettingsError(
            f"CAD {endpoint.id!r}: the environment variable {name} is not set", hint=_HINT
        )
    if not text.startswith(PREFIX):
        raise SettingsError(f"CAD {endpoint.id!r}: {name} does not begin with {PREFIX}", hint=_HINT)
    encoded = text.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise SettingsError(
            f"CAD {endpoint.id!r}: {name} is not base64 after {PREFIX}", hint=_HINT
        ) from None
    if not 24 <= len(key) <= 64:
        raise SettingsError(
            f"CAD {endpoint.id!r}: {name} holds {len(key)} bytes; 24 to 64 are allowed", hint=_HINT
        )
    return key
