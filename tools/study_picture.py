"""A picture of a question to a rater, in light and dark: python tools/study_picture.py docs/images/study.png

The person is synthetic. The dark one is written beside the light one, as study-dark.png.
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
from indievalue.app.serving import Access
from indievalue.app.study import raters
from indievalue.app.study.assignment import claim
from indievalue.app.study.create import Wanted, make_study
from indievalue.app.study.database import Database
from indievalue.app.study.server import OPEN_PATHS, Served, study_server
from indievalue.app.study.settings import Plan

WIDTH, HEIGHT, SCALE = 1200, 900, 1.5
PERSON = "synthetic-000778"


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="PNG to write")
    file = parser.parse_args().file
    people = iv.synthetic_people(1000)
    drawn = iv.build_benchmark(people, people_tested=[PERSON], setups=[0])
    study, content, _ = make_study("strangers", people, drawn, Wanted(Plan(people=1, statements=12, attention_every=0)))
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/study.db")
        with database.writing() as session:
            raters.add_study(session, study, content)
            (link,) = raters.invite(session, study, 1)
            rater = raters.find_rater(session, study, link.token)
            rater.consented = time.time()
            person = claim(session, study, rater, time.time())
        with served(Served(study, content, "", database)) as address:
            photograph(f"{address}/r/{link.token}", f"{address}/study/person/{person}/0", file)
        database.close()


@contextmanager
def served(study: Served) -> Iterator[str]:
    """Serve a study in a thread, and yield its address."""
    app = study_server(Access(token="for nobody but the picture", open_paths=OPEN_PATHS), study)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def photograph(link: str, address: str, file: Path) -> None:
    """Open a rater's link, and write the first screen of a page to two files."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, dark in ((file, False), (file.with_stem(f"{file.stem}-dark"), True)):
            view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
            view.emulate_media(color_scheme="dark" if dark else "light")
            view.goto(link)
            view.goto(address)
            view.screenshot(path=name)
        browser.close()


if __name__ == "__main__":
    main()
