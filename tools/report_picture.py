"""Pictures of the first screen of a report, in light and dark: python tools/report_picture.py docs/images/report.png

The report is on synthetic people. The dark one is written beside the light one, as report-dark.png.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import indievalue as iv

WIDTH, HEIGHT = 1200, 1080
SCALE = 1.5
"""Dots per pixel: sharp on most screens, in a file that is still small."""


def main() -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="PNG to write")
    file = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        report(page)
        photograph(page, {"light": file, "dark": file.with_stem(f"{file.stem}-dark")})


def report(page: Path) -> None:
    """Write a report on synthetic people."""
    people = iv.synthetic_people(5000)
    benchmark = iv.build_benchmark(people, form="polar", people_tested=300)
    iv.evaluate(people, benchmark, ["random", "majority", "resemble:k=35", "gaussian"]).report(page)


def photograph(page: Path, files: dict[str, Path]) -> None:
    """Write the first screen of a page to a file for each colour scheme."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme, file in files.items():
            view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SCALE)
            view.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            view.goto(page.resolve().as_uri())
            view.screenshot(path=file)
        browser.close()


if __name__ == "__main__":
    main()
