"""A picture of a person in the explorer, in light and dark: python tools/explore_picture.py docs/images/explore.png

The people are synthetic. The dark one is written beside the light one, as explore-dark.png.
"""

import argparse
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from playwright.sync_api import sync_playwright

import indievalue as iv
from indievalue.app.explore.server import explorer
from indievalue.app.serving import Access

WIDTH, HEIGHT, SCALE = 1200, 1000, 1.5
PREDICTORS = ("majority", "resemble:k=35", "gaussian")


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="PNG to write")
    file = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        people = iv.synthetic_people(5000)
        run = iv.evaluate(people, iv.build_benchmark(people, people_tested=300), list(PREDICTORS))
        run.save(Path(folder) / "run")
        with served(Path(folder) / "run") as address:
            photograph(f"{address}/person?id={run.people['person'][2]}", file)


@contextmanager
def served(run: Path) -> Iterator[str]:
    """Serve the explorer of a run in a thread, and yield its address."""
    server = uvicorn.Server(uvicorn.Config(explorer(Access(), runs=[run]), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def photograph(address: str, file: Path) -> None:
    """Write the first screen of a page to two files."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, dark in ((file, False), (file.with_stem(f"{file.stem}-dark"), True)):
            view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
            view.emulate_media(color_scheme="dark" if dark else "light")
            view.goto(address)
            view.screenshot(path=name)
        browser.close()


if __name__ == "__main__":
    main()
