"""Serves the built web app: hashed assets for ever, and its entry pages for every address of theirs."""

from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from service.problems import NotFound

FOLDER = Path(__file__).parent / "web_app"

ENTRIES = {"room": "room.html", "connection-test": "connection-test.html"}
"""Pages that are light entries of their own; every other address is the app's."""

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Three Classrooms</title>
<h1>The web app was not built / 网页尚未构建</h1>
<p>The service is running, but this installation carries no pages. Run <code>make build</code> and start again.</p>
"""


class _Assets(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            # Their names change with their content.
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def install_web_pages(application: FastAPI, folder: Path = FOLDER) -> None:
    """Serve the pages in `folder`; call after the API's routes, because every other path is an address of the app."""
    if (folder / "assets").is_dir():
        application.mount("/assets", _Assets(directory=folder / "assets"), name="assets")

    @application.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    def read_page(path: str, request: Request) -> Response:
        if path == "api" or path.startswith(("api/", "assets/")):
            raise NotFound("There is no such address.")
        file = _top_level_file(folder, path)
        if file is not None:
            return FileResponse(file)
        page = folder / ENTRIES.get(path.split("/", 1)[0].removesuffix(".html"), "index.html")
        if not page.is_file():
            return HTMLResponse(NOT_BUILT, status_code=503)
        return FileResponse(page, headers={"Cache-Control": "no-cache"})


def _top_level_file(folder: Path, path: str) -> Path | None:
    """A file such as favicon.ico that lies beside the entry pages; never one outside the folder, never a page."""
    if not path or "/" in path or "\\" in path or "\0" in path or path.startswith(".") or path.endswith(".html"):
        return None
    file = folder / path
    return file if len(path) < 200 and file.is_file() else None
