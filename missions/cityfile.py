"""The text of a city file -> ``City``, or everything that is wrong with it, line by line.

Reads no file itself: whoever has the text names it.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from missions.city import City
from missions.cityrules import check
from missions.errors import CityFileError, Finding
from missions.yamltree import Path, Tree, read, show_path

__all__ = ["CityFileError", "Finding", "parse"]


def parse(text: str, name: str) -> City:
    """Return the city that a file's text describes.

    Parameters
    ----------
    text
        YAML, as the file holds it.
    name
        How to call the file in errors.

    Raises
    ------
    CityFileError
        If anything is wrong; it carries all findings, sorted by line.
    """
    tree = read(text)
    if tree.findings and tree.data is None:
        raise CityFileError(name, tree.findings)
    if not isinstance(tree.data, dict):
        what = "empty" if tree.data is None else f"only a {_kind(tree.data)}"
        rule = f"the file is {what}; a city file is a mapping with {_keys(City)}"
        raise CityFileError(name, [Finding(1, "", rule)])
    city: City | None = None
    try:
        city = City.model_validate(tree.data)
    except ValidationError as error:
        _add_model_findings(tree, error.errors(include_url=False))
    check(tree)
    if tree.findings:
        raise CityFileError(name, _once(tree.findings))
    if city is None:  # pragma: no cover - a ValidationError always leaves findings
        raise AssertionError("a city that is not valid without a finding")
    return city


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without those that are said twice."""
    return list(dict.fromkeys(findings))


def _add_model_findings(tree: Tree, errors: Iterable[ErrorDetails]) -> None:
    """Put what pydantic found on the lines of the file."""
    known = {(f.line, f.key) for f in tree.findings}
    for error in errors:
        if error["type"] == "too_short" and not _is_short(error):
            continue
        path = _data_path(tree.data, error["loc"])
        if error["type"].startswith("union_tag"):
            path = (*path, "kind")
        if (tree.line(path), show_path(path)) not in known:
            tree.add(path, _rule(tree.data, path, error))


def _is_short(error: ErrorDetails) -> bool:
    """Return whether a list is short in the file, and not for the faults of its items."""
    items = error["input"]
    return not isinstance(items, list) or len(items) < error.get("ctx", {})["min_length"]


def _data_path(data: Any, loc: tuple[int | str, ...]) -> Path:
    """Return a pydantic location without the union tags that are no keys of the file."""
    path: list[int | str] = []
    for step in loc:
        if isinstance(data, dict) and step not in data and data.get("kind") == step:
            continue
        data = _inside(data, step)
        path.append(step)
    return tuple(path)


def _keys(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _kind(value: Any) -> str:
    """Return the YAML word for a value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, int | float):
        return "number"
    return "mapping" if isinstance(value, dict) else "list" if isinstance(value, list) else "text"


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that a field's type can hold, whatever tuples and unions are around."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if typing.get_origin(annotation) in (tuple, typing.Union, types.UnionType, typing.Annotated):
        return [m for part in typing.get_args(annotation) for m in _models_in(part)]
    return []


def _field(data: Any, path: Path) -> tuple[list[type[BaseModel]], FieldInfo | None]:
    """Return the models that own the last key of a path, and its field where there is one."""
    owners: list[type[BaseModel]] = [City]
    found: FieldInfo | None = None
    for index, step in enumerate(path):
        if isinstance(step, str):
            fields = [m.model_fields[step] for m in owners if step in m.model_fields]
            found = fields[0] if fields else None
            if index < len(path) - 1:
                owners = [m for f in fields for m in _models_in(f.annotation)]
        data = _inside(data, step)
        if index < len(path) - 1 and isinstance(data, dict):
            owners = [m for m in owners if _has_kind(m, data.get("kind"))] or owners
    return owners, found


def _inside(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(str(step))
    if isinstance(data, list) and isinstance(step, int) and step < len(data):
        return data[step]
    return None


def _has_kind(model: type[BaseModel], kind: Any) -> bool:
    """Return whether a member of a union is the one that its discriminator names."""
    field = model.model_fields.get("kind")
    return field is not None and kind in typing.get_args(field.annotation)


_TYPES = {
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "string_type": "text",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
}

_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}

_SAID = {
    "too_short": "has {actual_length} items; at least {min_length} are needed",
    "string_pattern_mismatch": "{value} is not allowed: must match {pattern}{about}",
    "literal_error": "{value} is not allowed: must be {expected}",
    "union_tag_invalid": "{tag!r} is not allowed: must be one of {expected_tags}",
    "union_tag_not_found": "required key is missing: it must be 'water' or 'crowd'",
}


def _rule(data: Any, path: Path, error: ErrorDetails) -> str:
    """Return one pydantic error in words: the offending value and what is allowed."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    owners, field = _field(data, path)
    about = f" ({field.description})" if field is not None and field.description else ""
    if kind == "extra_forbidden":
        allowed = list(dict.fromkeys(key for model in owners for key in model.model_fields))
        near = did_you_mean(str(path[-1]), allowed)
        return f"unknown key; allowed are {', '.join(allowed)}{near}"
    in_position = isinstance(path[-1], int) or path[-1] in ("position", "origin", "look_at")
    if in_position and kind in ("missing", "too_long"):
        return "a position is two numbers: [longitude, latitude]"
    if isinstance(path[-1], int) and kind in _BOUNDS:
        about = " (a position is [longitude, latitude])"
    if kind == "missing":
        return f"required key is missing{about}"
    if kind in _TYPES:
        shown = "a " + _kind(value) if isinstance(value, dict | list) else _shown(value)
        return f"{shown} is not allowed: must be {_TYPES[kind]}{about}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{_shown(value)} is not allowed: must be {words} {context[key]:g}{about}"
    said = _SAID.get(kind)
    if said is not None:
        return said.format(value=_shown(value), about=about, **context)
    return f"{_shown(value)} is not allowed: {error['msg'].replace('Input should', 'must')}"


def _shown(value: Any) -> str:
    """Return a value as it is printed, cut where it is long."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` where a known word is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
