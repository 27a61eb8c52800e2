"""YAML that others wrote, as plain values."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import yaml

_BASE: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_BASE):  # type: ignore[misc]
    """Plain values only, times as the text that stands there."""

    yaml_implicit_resolvers: ClassVar = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }


def read_yaml(content: bytes) -> Any:
    """What a YAML document says; ValueError where it is none, or refers to parts of itself: a small file of that kind
    could unfold into an endless value, and the SDKs write none."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(content, Loader=_Loader)):
            raise ValueError("it refers to parts of itself")
        return yaml.load(content, Loader=_Loader)  # noqa: S506 (a safe loader)
    except yaml.YAMLError as error:
        problem = str(error)
    raise ValueError(problem)
