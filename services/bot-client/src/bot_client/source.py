"""YAML that knows its lines: text to plain data, and from a point in the data back to the line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from chatproto import sanitize

MAX_SOURCE_BYTES: Final = 1_048_576
"""A scenario is written by hand; what is larger is a mistake."""

_MAX_DEPTH: Final = 50
_MISREAD: Final = (AttributeError, LookupError, OverflowError, TypeError, ValueError)
"""What PyYAML fails with at a date such as 2024-02-31, or at a tag that doesn't fit, such as ``!!bool maybe``."""
_VARIABLE: Final = re.compile(r"\$(BOT_[A-Z_]+)")

Path = Sequence[str | int]


class ScenarioError(ValueError):
    """A scenario can't be played; ``str()`` names the file, the line and what is wrong."""


class Source:
    """One YAML file: its data, with ``$BOT_...`` scalars filled in, and the line of every part of it."""

    def __init__(self, text: str, name: str, variables: Mapping[str, float]) -> None:
        """Parse text.

        Raises:
            ScenarioError: it is no YAML, or uses aliases, duplicate keys or an unknown variable.

        """
        self.name = name
        self._variables = variables
        if len(text) > MAX_SOURCE_BYTES:
            raise self._error(0, f"the file is over {MAX_SOURCE_BYTES} bytes")
        try:
            self._check_events(text)
            self._loader = yaml.SafeLoader(text)
            root = self._loader.get_single_node()
            if root is None:
                raise self._error(0, "the file is empty")
            self._root: Node = root
            self.data = self._value(root)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._error(mark.line if mark else 0, f"it isn't YAML: {error.problem}") from None
        except yaml.YAMLError as error:
            raise self._error(0, f"it isn't YAML: {str(error).splitlines()[0]}") from None

    def fault(self, path: Path, message: str) -> ScenarioError:
        """Make the error for what stands at a path in the data."""
        return self._error(self._line(path), message)

    def _error(self, line: int, message: str) -> ScenarioError:
        # The message may quote the file, which may hold anything.
        return ScenarioError(f"{self.name}, line {line + 1}: {sanitize(message)}.")

    def _line(self, path: Path) -> int:
        # Validation may name parts that aren't written (a missing key, a short form's long name): the
        # line is then that of the nearest part around it.
        node, line = self._root, self._root.start_mark.line
        for part in path:
            if isinstance(node, MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == part), None)
                if found:
                    line, node = found[0].start_mark.line, found[1]
            elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line
        return line

    def _check_events(self, text: str) -> None:
        # Before anything recursive sees it: aliases could make a small file huge, nesting a deep stack.
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line if event.start_mark else 0
            if isinstance(event, yaml.AliasEvent):
                raise self._error(line, "aliases (*name) aren't supported: write it out")
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > _MAX_DEPTH:
                    raise self._error(line, f"it is nested over {_MAX_DEPTH} levels deep")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1

    def _value(self, node: Node) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            return [self._value(item) for item in node.value]
        if isinstance(node, ScalarNode) and node.style is None and (found := _VARIABLE.fullmatch(node.value)):
            if found[1] not in self._variables:
                known = ", ".join(f"${name}" for name in self._variables)
                raise self._error(node.start_mark.line, f"{node.value} isn't known here: use one of {known}")
            return self._variables[found[1]]
        try:
            return self._loader.construct_object(node)
        except _MISREAD as error:
            raise self._error(node.start_mark.line, f"{node.value[:60]} can't be read ({error}): quote it") from None

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line
            if not isinstance(key_node, ScalarNode):
                raise self._error(line, "a key has to be one word")
            key = key_node.value
            if key in mapping:
                raise self._error(line, f'the key "{key}" stands here twice, first in line {lines[key] + 1}')
            lines[key] = line
            mapping[key] = self._value(value_node)
        return mapping
