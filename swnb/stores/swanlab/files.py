"""What lies beside a run's container in ``files/``: its config and what was recorded about machine and packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from swnb.call import note
from swnb.errors import StoreError
from swnb.providers.swanlab.words import unwrapped
from swnb.stores.documents import read_yaml
from swnb.stores.folder import Folder, Missing, plain_name, steady

_BYTES: Final = 4 << 20
_USUAL: Final[Mapping[str, str]] = {
    "config": "config.yaml",
    "metadata": "swanlab-metadata.json",
    "requirements": "requirements.txt",
    "conda": "conda.yaml",
}


class Files:
    """The side files of one run. ``names``: what the container calls them, where it does; none leads out of files/."""

    def __init__(self, run: Folder, run_id: str, names: Mapping[str, str]) -> None:
        self._run = run
        self._id = run_id
        self._names = {**_USUAL, **{kind: name for kind, name in names.items() if plain_name(name)}}

    def config(self) -> dict[str, Any]:
        """The user's config in the order in which it was set; empty where there is none that can be read."""
        return self._read("config", _config) or {}

    def profile(self) -> dict[str, Any]:
        """``metadata requirements conda``, those that there are."""
        decoders: dict[str, Callable[[bytes], Any]] = {
            "metadata": msgspec.json.decode,
            "requirements": _text,
            "conda": _text,
        }
        read = {kind: self._read(kind, decode) for kind, decode in decoders.items()}
        return {kind: content for kind, content in read.items() if content is not None}

    def _read(self, kind: str, decode: Callable[[bytes], Any]) -> Any:
        file = f"files/{self._names[kind]}"
        try:
            return steady(lambda: self._run.parse(file, decode, _BYTES))
        except Missing:
            return None
        except StoreError as error:
            note(f"run {self._id}: {error.what}")
            return None


def _config(content: bytes) -> dict[str, Any]:
    """The config of a config.yaml, plain and in the order in which it was set; ValueError where it is none."""
    wrapped = read_yaml(content)
    if not isinstance(wrapped, (dict, type(None))):
        raise ValueError("it is no mapping of names")
    return unwrapped(wrapped)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
