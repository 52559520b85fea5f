"""Serve pages of synthetic people and photograph them, for the pictures of the docs."""

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import sync_playwright

WIDTH, SCALE = 1200, 1.5
"""Pixels across; and dots per pixel: sharp on most screens, in a file that is still small."""


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve pages in a thread, and yield their address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def photograph(addresses: Sequence[str], file: Path, height: int) -> None:
    """Open addresses one after the other, and write the first screen of the last to two files, light and dark."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, dark in ((file, False), (file.with_stem(f"{file.stem}-dark"), True)):
            view = browser.new_page(viewport={"width": WIDTH, "height": height}, device_scale_factor=SCALE)
            view.emulate_media(color_scheme="dark" if dark else "light")
            for address in addresses:
                view.goto(address)
            view.screenshot(path=name)
        browser.close()
