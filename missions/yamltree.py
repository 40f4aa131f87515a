"""YAML text -> plain data that knows the line of every key.

Only what a configuration file needs: one document, text keys, no application tags. Anchors and
aliases work; their growth is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from missions.errors import Finding

Path = tuple[str | int, ...]

MAX_NODES = 200_000
MAX_DEPTH = 32
MAX_CHARACTERS = 4_000_000

_TAG = "tag:yaml.org,2002:"


def show_path(path: Path) -> str:
    """Return a path as it is printed: ``drones[1].system_id``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(slots=True)
class Tree:
    """Data read from YAML, and where each part of it stands."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    """Line, from 1, of a mapping's key or a sequence's item."""
    findings: list[Finding] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing above it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def add(self, path: Path, rule: str) -> None:
        """Note a finding at a path."""
        self.findings.append(Finding(self.line(path), show_path(path), rule))


def read(text: str) -> Tree:
    """Read one YAML 1.2 document.

    Parameters
    ----------
    text
        The whole file.

    Returns
    -------
    Tree
        Never raises for bad text: what is wrong is in ``findings``.
    """
    tree = Tree()
    if len(text) > MAX_CHARACTERS:
        tree.findings.append(
            Finding(1, "", f"{len(text)} characters; at most {MAX_CHARACTERS} are read")
        )
        return tree
    yaml = YAML(typ="safe", pure=True)
    try:
        node = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(part for part in (error.context, error.problem) if part)
        line = mark.line + 1 if mark is not None else 1
        tree.findings.append(Finding(line, "", f"not YAML: {said}"))
        return tree
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        tree.findings.append(
            Finding(line, "", f"not YAML: character {_shown(error.character)} is not allowed")
        )
        return tree
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        # ruamel leaves some broken tokens (tags, directives, escapes) to Python's own errors
        tree.findings.append(Finding(1, "", f"not YAML: {error or type(error).__name__}"))
        return tree
    except RecursionError:
        tree.findings.append(Finding(1, "", f"nested deeper than {MAX_DEPTH} levels"))
        return tree
    if node is not None:
        try:
            tree.data = _Reader(tree, yaml).value(node, ())
        except _TooLarge as error:
            tree.findings = [Finding(error.line, "", str(error))]
    return tree


def _shown(character: Any) -> str:
    return f"U+{character:04X}" if isinstance(character, int) else repr(character)


class _TooLarge(Exception):
    def __init__(self, node: Node) -> None:
        super().__init__(f"larger than {MAX_NODES} values or deeper than {MAX_DEPTH} levels")
        self.line = node.start_mark.line + 1


class _Reader:
    """Turns nodes into data and fills the tree's lines."""

    def __init__(self, tree: Tree, yaml: YAML) -> None:
        self._tree = tree
        self._constructor = yaml.constructor
        self._nodes = 0

    def value(self, node: Node, path: Path) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise _TooLarge(node)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                self._tree.lines[(*path, index)] = item.start_mark.line + 1
                items.append(self.value(item, (*path, index)))
            return items
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._tree.findings.append(Finding(line, show_path(path), "a key must be text"))
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in data:
                first = self._tree.lines[here]
                self._tree.findings.append(
                    Finding(line, show_path(here), f"key {key!r} is already on line {first}")
                )
                continue
            self._tree.lines[here] = line
            data[key] = self.value(value_node, here)
        return data

    def _scalar(self, node: Node, path: Path) -> Any:
        tag = str(node.tag)
        text = str(node.value)
        if tag == _TAG + "null":
            return None
        try:
            if tag == _TAG + "bool":
                return text.lower() == "true"
            if tag == _TAG + "int":
                return int(self._constructor.construct_yaml_int(node))
            if tag == _TAG + "float":
                return float(self._constructor.construct_yaml_float(node))
        except (ValueError, LookupError, YAMLError):
            self._tree.findings.append(
                Finding(node.start_mark.line + 1, show_path(path), f"{text!r} is no number")
            )
            return None
        if not tag.startswith(_TAG):
            self._tree.findings.append(
                Finding(node.start_mark.line + 1, show_path(path), f"tag {tag!r} is not allowed")
            )
        return text
