"""A secret that is missing or malformed is refused at start, and never printed."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.cad.secret import read_secret
from fleet.errors import SettingsError
from missions.city import CadEndpoint

CAD = CadEndpoint(id="cad", url="http://127.0.0.1:1/", secret_env="TEST_CAD_SECRET")


@given(key=st.binary(min_size=24, max_size=64))
def test_any_key_of_allowed_length_is_read_with_and_without_padding(key: bytes) -> None:
    text = "whsec_" + base64.b64encode(key).decode()
    assert read_secret(CAD, {"TEST_CAD_SECRET": text}) == key
    assert read_secret(CAD, {"TEST_CAD_SECRET": text.rstrip("=") + "\n"}) == key


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "is not set"),
        ("sesame", "does not begin with whsec_"),
        ("whsec_!sesame!", "is not base64"),
        ("whsec_" + base64.b64encode(b"sesame").decode(), "6 bytes; 24 to 64"),
        ("whsec_" + base64.b64encode(b"sesame" * 20).decode(), "120 bytes; 24 to 64"),
    ],
)
def test_a_bad_secret_is_refused_by_the_name_of_its_variable(text: str, rule: str) -> None:
    with pytest.raises(SettingsError, match=rule) as caught:
        read_secret(CAD, {"TEST_CAD_SECRET": text})
    assert "TEST_CAD_SECRET" in str(caught.value)
    assert "sesame" not in str(caught.value)
    assert "whsec_" in caught.value.hint


def test_a_variable_that_is_not_there_is_named(endpoint: Callable[..., CadEndpoint]) -> None:
    with pytest.raises(SettingsError, match="TEST_CAD_SECRET is not set"):
        read_secret(endpoint("http://127.0.0.1:1/"), {})
