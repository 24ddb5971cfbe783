"""Previews of artifacts and of files beside DAG files: what kind of content it is, and its
beginning.

A preview is data, never markup: whoever shows it decides by `kind` alone, and nothing that a
command wrote chooses a media type that a browser would run.
"""

from __future__ import annotations

import base64

from chalicelib.database.reads.artifacts import StoredObject
from chalicelib.enums import PreviewKind
from chalicelib.ports import Bucket
from chalicelib.web.response_models import ArtifactPreview

TEXT_BYTES = 128 * 1024
IMAGE_BYTES = 2 * 1024 * 1024
"""An answer of Lambda has at most 6 MB, and base64 adds a third."""

_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_BY_SUFFIX = {
    ".csv": PreviewKind.CSV,
    ".tsv": PreviewKind.CSV,
    ".json": PreviewKind.JSON,
    ".geojson": PreviewKind.JSON,
}
_SVG = "image/svg+xml"


def preview(runs: Bucket, stored: StoredObject) -> ArtifactPreview:
    """Read the beginning of an artifact. Raises Unavailable."""
    artifact = stored.artifact
    if artifact.is_folder:
        return _none("a folder can only be downloaded, as a tar archive")
    return preview_object(runs, stored.key, artifact.file_name, artifact.size_bytes)


def preview_object(runs: Bucket, key: str, file_name: str, size_bytes: int) -> ArtifactPreview:
    """Read the beginning of an object of the runs bucket. Raises Unavailable."""
    found = runs.get(key, limit=TEXT_BYTES)
    if found is None:
        return _none("the file is no longer in the runs bucket")
    image = _image_type(file_name, found.body)
    if image is None:
        return _text(file_name, found.body, is_all=len(found.body) >= size_bytes)
    if size_bytes > IMAGE_BYTES:
        return _none(f"the image is larger than {IMAGE_BYTES // 1024**2} MiB; download it")
    whole = runs.get(key, limit=IMAGE_BYTES)
    content = base64.b64encode(whole.body if whole else b"").decode()
    return ArtifactPreview(PreviewKind.IMAGE, image, content, is_truncated=False, reason="")


def _image_type(file_name: str, head: bytes) -> str | None:
    """Return the type of an image by its first bytes; of SVG, which is text, by its name."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if file_name.lower().endswith(".svg") and _decoded(head) is not None:
        return _SVG
    return next((kind for magic, kind in _IMAGES.items() if head.startswith(magic)), None)


def _text(file_name: str, head: bytes, *, is_all: bool) -> ArtifactPreview:
    text = _decoded(head, is_all=is_all)
    if text is None:
        return _none("this is neither text nor an image that can be shown; download it")
    suffix = f".{file_name.lower().rpartition('.')[2]}"
    kind = _BY_SUFFIX.get(suffix, PreviewKind.PLAIN)
    return ArtifactPreview(kind, "text/plain", text, is_truncated=not is_all, reason="")


def _decoded(head: bytes, *, is_all: bool = False) -> str | None:
    """The text; None if it is none. A character may be cut at the end of what was read."""
    if b"\0" in head:
        return None
    for cut in (0, 1, 2, 3) if not is_all else (0,):
        try:
            return head[: len(head) - cut].decode("utf-8-sig")
        except UnicodeDecodeError:
            continue
    return None


def _none(reason: str) -> ArtifactPreview:
    return ArtifactPreview(PreviewKind.NONE, "text/plain", "", is_truncated=False, reason=reason)
