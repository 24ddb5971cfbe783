"""Serves the files of the web page, unchanged, at `/` and below `/static/`.

There is no build: browsers get what lies in `page/`. The files hold no data, so they need no
token; everything that the page shows comes from the API.
"""

from __future__ import annotations

import hashlib
import html
import posixpath
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from chalice.app import Chalice, Response

from chalicelib.web.responses import error_response

FOLDER = Path(__file__).parent / "page"
SUBFOLDERS = ("views", "widgets", "lib", "vendor")
"""Each has its own route: below a path parameter, API Gateway takes no second name for one."""
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
"""Text only: API Gateway compresses it, and passes on other bytes only to clients that name their
type in Accept."""

_IMPORT = re.compile(r'^import [^;]*? from "(\.[^"]+)";$', re.MULTILINE)
"""Static imports only: what a function imports is fetched when the function is called."""
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "worker-src 'self'",
        "img-src 'self' data:",  # in previews of artifacts, whose frames have the page's policy
        "connect-src 'self'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def register(app: Chalice) -> None:
    """Serve the page at `/` and its files below `/static/`."""

    def index() -> Response:
        return _index(app.current_request)

    def file_in(folder: str) -> Callable[[str, str], Response]:
        def file(version: str, name: str) -> Response:
            return _static(app.current_request, version, posixpath.join(folder, name))

        return file

    def serve(path: str, name: str, view: Callable[..., Response]) -> None:
        app.route(path, methods=["GET", "HEAD"], name=name, content_types=[])(view)

    serve("/", "index", index)
    serve("/static/{version}/{name}", "static", file_in(""))
    for folder in SUBFOLDERS:
        serve(f"/static/{{version}}/{folder}/{{name}}", f"static_{folder}", file_in(folder))


def _index(request: Any) -> Response:
    """The document, with its own path as the base of its links: below a stage they would break if
    the document was requested without the slash at the end."""
    base = "/" + str(request.context.get("path", "/")).strip("/\\")
    base = base if base == "/" else f"{base}/"
    text = _texts()["index.html"].replace("{{preloads}}", _preloads())
    text = text.replace("{{base}}", html.escape(base)).replace("{{version}}", version())
    return _conditional(request, text, CONTENT_TYPES[".html"], _ASK_AGAIN)


def _static(request: Any, asked: str, name: str) -> Response:
    """A page that was open during a deployment requests files of an older version: it gets the
    current ones, but may not keep them."""
    text = _texts().get(name)
    if text is None or name == "index.html":
        return error_response(404, "not_found", f"the page has no file {name}", {})
    keep = _FOR_EVER if asked == version() else _ASK_AGAIN
    return _conditional(request, text, CONTENT_TYPES[Path(name).suffix], keep)


def _conditional(request: Any, text: str, kind: str, keep: str) -> Response:
    etag = '"' + hashlib.sha256(text.encode()).hexdigest()[:24] + '"'
    headers: dict[str, str | list[str]] = {
        "Content-Type": kind,
        "Cache-Control": keep,
        "ETag": etag,
        **SECURITY_HEADERS,
    }
    if request.headers.get("if-none-match") == etag:
        return Response("", headers, 304)
    return Response(text, headers)


@cache
def version() -> str:
    """A hash of all files. It is a part of their URLs, so browsers may keep each file for ever."""
    digest = hashlib.sha256()
    for name, text in sorted(_texts().items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()[:12]


@cache
def first_modules() -> tuple[str, ...]:
    """The modules of the first view, with everything they import."""
    return _with_imports("app.js", "views/home.js")


@cache
def later_modules() -> dict[str, tuple[str, ...]]:
    """Return for each other view what is not loaded with the first one; its own module first."""
    views = [name for name in _texts() if name.startswith("views/") and name not in first_modules()]
    return {
        view: tuple(name for name in _with_imports(view) if name not in first_modules())
        for view in views
    }


def _with_imports(*names: str) -> tuple[str, ...]:
    modules = [*names]
    for name in modules:
        imported = (
            posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            for target in _IMPORT.findall(_texts()[name])
        )
        modules += [other for other in dict.fromkeys(imported) if other not in modules]
    return tuple(modules)


def _preloads() -> str:
    """Links that load all first modules at once, and for lib/modules.js what other views need. A
    browser learns of an import only when it has the importing module."""
    links = [
        f'<link rel="modulepreload" href="static/{{{{version}}}}/{name}">'
        for name in first_modules()
    ]
    later = "; ".join(" ".join(names) for names in later_modules().values())
    return "\n  ".join([*links, f'<meta name="modules" content="{later}">'])


@cache
def _texts() -> dict[str, str]:
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text("utf-8")
        for path in sorted(FOLDER.rglob("*"))
        if path.suffix in CONTENT_TYPES
    }
