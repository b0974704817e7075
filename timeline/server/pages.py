"""The notebooks as pages: each under its name, and an index of them at `/`."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import marimo
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from timeline.pages.display import STYLE
from timeline.server.foresight import Foresight

_INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Decision timelines</title>
<link rel="icon" href="data:,">
<style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 42rem; margin: 4rem auto; padding: 0 1rem } li { margin: 0.5rem 0 }</style>
</head>
<body>
<h1>Decision timelines</h1>
<ul>
%s
</ul>
</body>
</html>
"""


MARIMO = "/marimo"
"""Where the files of marimo are. All notebooks take them from there, so that a browser keeps them once."""
_STATIC = Path(marimo.__file__).parent / "_static"
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_VEGA_STYLE = re.compile(rb"`((?:#vg-tooltip-element|\.vega-embed) \{[^`$\\]*)`")
"""How the style of a chart's tooltip and of its frame stand in the scripts of marimo: Vega puts them into the page as they are."""


@functools.cache
def styles() -> tuple[bytes, ...]:
    """The inline styles that a notebook puts into its page: those of our helpers, and those of the charts."""
    scripts = (_STATIC / "assets").glob("*.js")
    of_vega = (text for path in sorted(scripts) for text in _VEGA_STYLE.findall(path.read_bytes()))
    return tuple(dict.fromkeys([*(text.encode() for text in _STYLE.findall(STYLE)), *of_vega]))


def shipped() -> dict[str, Path]:
    """The notebooks of the package, by name."""
    import notebooks

    return {path.stem: path for path in sorted(Path(notebooks.__path__[0]).glob("*.py")) if path.stem != "__init__"}


OF_FINDINGS = ("what_leaked", "what_happened", "replay_a_seed")
"""Notebooks whose answer is made of findings."""


class Pages:
    """Notebooks under their names, for a router."""

    def __init__(self, notebooks: Mapping[str, Path], database: Path) -> None:
        """`database` is the one that they show."""
        self._notebooks, self._foresight = notebooks, Foresight(database)
        builder = marimo.create_asgi_app(quiet=True, include_code=False, asset_url=f"..{MARIMO}")
        for name, path in notebooks.items():
            builder = builder.with_app(path=f"/{name}", root=str(path))
        self._app: Any = builder.build()  # the builder says ASGIApp and gives a Starlette

    def routes(self) -> list[BaseRoute]:
        """The index, and every notebook."""
        named = [Route(f"/{name}", _with_slash) for name in self._notebooks]
        return [Route("/", self._index), *named, Mount(MARIMO, StaticFiles(directory=_STATIC)), Mount("/", self._foreseen)]

    async def _foreseen(self, scope: Any, receive: Any, send: Any) -> None:
        """A notebook; while a browser still loads its page, the log is judged for it."""
        if scope["type"] == "http" and scope["path"].strip("/") in OF_FINDINGS and b"as_of=" not in scope["query_string"]:
            self._foresight.begin()
        await self._app(scope, receive, send)

    def close(self) -> None:
        """End all sessions, whose threads would keep the process."""
        self._foresight.end()
        for route in self._app.routes:
            if isinstance(route, Mount):
                route.app.state.session_manager.close_all_sessions()  # type: ignore[attr-defined]  # marimo's apps are Starlettes

    def _index(self, _: Request) -> Response:
        lines = (f'<li><a href="/{escape(name)}/">{escape(_question(path))}</a></li>' for name, path in self._notebooks.items())
        return HTMLResponse(_INDEX % "\n".join(lines))


def _with_slash(request: Request) -> Response:
    """A notebook loads what it needs from below its own path, so that has to end in a slash; its parameters stay."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.url.path}/{query}", status_code=307)


def _question(path: Path) -> str:
    """What a notebook asks: the first line of its docstring."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem).partition("\n")[0]
