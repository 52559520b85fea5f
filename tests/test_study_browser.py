"""A rater in a browser: joins, answers by keys, reloads, goes back and finishes; and what a screen reader meets."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")

import uvicorn

from conftest import CHROMIUM
from indievalue.app.serving import Access
from indievalue.app.study import raters
from indievalue.app.study.assignment import progress
from indievalue.app.study.database import Database
from indievalue.app.study.server import OPEN_PATHS, Served, study_server
from study import small_study

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")

SERIOUS = {"serious", "critical"}


def test_a_rater_joins_answers_by_keys_reloads_goes_back_and_finishes(tmp_path: Path, browser: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    study, content = small_study(people=2, created=time.time(), own=1, attention_every=1, people_per_rater=2)
    database = Database(f"sqlite:///{tmp_path / 'study.db'}")
    with database.writing() as session:
        raters.add_study(session, study, content)
        (link,) = raters.invite(session, study, 1)
    served = Served(study, content, "# Welcome\n\nPlease read.", database)
    app = study_server(Access(token="the token of the administrator", open_paths=OPEN_PATHS), served)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    page = browser.new_page(viewport={"width": 390, "height": 844})
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))

    def check() -> None:
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in SERIOUS] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"

    def press(*keys: str) -> None:
        for key in keys[:-1]:
            page.keyboard.press(key)
        with page.expect_navigation():
            page.keyboard.press(keys[-1])

    try:
        page.goto(f"{address}/r/{link.token}")
        assert link.token not in page.url
        check()
        page.get_by_label("I have read this").check()
        page.get_by_role("button", name="Begin").click()
        assert "What do you think yourself?" in page.inner_text("h1")
        press("2", "Enter")
        check()
        first = page.url
        page.keyboard.press("1")
        page.reload()
        assert page.locator("input:checked").count() == 0, "what was not sent is not kept"
        press("1", "4", "Enter")
        page.goto(first)
        assert "You chose: I like plant 0. (sure)" in page.inner_text("main")
        check()
        press("Enter")
        while page.locator("form[data-steps]").count():
            press(*(("1", "Enter") if "reader, not" in page.inner_text("main") else ("2", "1", "Enter")))
        assert "You have predicted 2 people" in page.inner_text("main")
        check()
    finally:
        page.close()
        server.should_exit = True
        thread.join(10)
    assert problems == []
    with database.reading() as session:
        assert progress(session, study, time.time()).complete == {0: 1, 1: 1}
    database.close()
