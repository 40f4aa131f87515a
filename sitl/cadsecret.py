"""The secret that a simulated CAD shares with the controller; light to import, unlike the CAD itself."""

from __future__ import annotations

import base64
import binascii
import os

from sitl.errors import SimError

SECRET_ENV = "SKYBEAT_CAD_SECRET"


class CadError(SimError):
    """A CAD that cannot be started; ``status`` is the command's exit status (2: asked wrongly)."""

    def __init__(self, message: str, *, hint: str = "", status: int = 2) -> None:
        super().__init__(message, hint=hint)
        self.status = status


def secret(name: str = SECRET_ENV) -> str:
    """Return the signing secret from the environment.

    Raises
    ------
    CadError
        If it is not set or no Standard Webhooks secret.
    """
    value = os.environ.get(name, "")
    hint = (
        f'export {name}="whsec_$(head -c 32 /dev/urandom | base64)"; the controller needs the same'
    )
    if not value:
        raise CadError(f"environment variable {name} is not set", hint=hint)
    try:
        key = base64.b64decode(value.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise CadError(f"{name} is no Standard Webhooks secret: {error}", hint=hint) from error
    if len(key) < 24:
        raise CadError(
            f"{name} has {len(key)} bytes; Standard Webhooks asks for 24 to 64", hint=hint
        )
    return value
