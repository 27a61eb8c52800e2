"""Large values that are kept apart from their rows, in files named by their hash (starwhale paper 6.6)."""

from __future__ import annotations

import re
from typing import Any, Final

from swnb.call import note
from swnb.errors import StoreError
from swnb.model import Record
from swnb.providers.starwhale.values import Blob, blob_of
from swnb.stores.folder import Folder, Missing

_HASH: Final = re.compile(r"[0-9a-f]{8,128}")


class Blobs:
    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def restore(self, record: Record) -> Any:
        """The str or bytes that the SDK moved out of a row; any other Record, and one whose blob is gone, as it is."""
        blob = blob_of(record)
        if blob is None:
            return record
        try:
            return blob.value(self._content(blob))
        except StoreError as error:
            note(f"a large value is shown as its record: {error.what}")
            return record

    def _content(self, blob: Blob) -> bytes:
        # Only a hash names a blob here: a path written in a row would let the store choose which file we read.
        if not _HASH.fullmatch(blob.uri):
            raise self._folder.damage(f"the blob {blob.uri!r}", "its name is no hash")
        file = f".objectstore/{blob.uri[:2]}/{blob.uri}"
        try:
            return self._slice(file, blob)
        except Missing:
            return self._slice(f".objectstore/blake2b/{blob.uri[:2]}/{blob.uri}", blob)

    def _slice(self, file: str, blob: Blob) -> bytes:
        with self._folder.open(file) as opened:
            length = opened.seek(0, 2)
            if blob.offset + blob.size > length:
                raise self._folder.damage(file, f"it ends at byte {length}, before the value does")
            opened.seek(blob.offset)
            return opened.read(blob.size)
