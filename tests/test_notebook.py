"""The notebook of the docs runs, from a file to a report, and shows what it says it shows."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "first-analysis.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[nbformat.NotebookNode]:
    folder = tmp_path_factory.mktemp("notebook")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        yield NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()


def outputs(notebook: nbformat.NotebookNode) -> dict[str, dict[str, str]]:
    """What each code cell shows, by type, under the cell's last line."""
    shown: dict[str, dict[str, str]] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            parts = [output.get("data", {"text/plain": output.get("text")}) for output in cell.outputs]
            shown[cell.source.splitlines()[-1]] = {kind: text for part in parts for kind, text in part.items()}
    return shown


def test_it_runs_from_a_file_to_a_figure_and_a_report(executed: nbformat.NotebookNode) -> None:
    shown = outputs(executed)
    assert "People: 3,000 of wvs7, from answers.csv" in shown["print(people)"]["text/plain"]
    assert "Benchmark: 400 people of wvs7, 108 probes each" in shown["benchmark"]["text/plain"]
    assert [name in shown["run.summary"]["text/plain"] for name in ("majority", "gaussian")] == [True, True]
    assert "<svg" in next(parts["image/svg+xml"] for parts in shown.values() if "image/svg+xml" in parts)
    assert shown['iv.load_run(folder / "run").summary.equals(run.summary)']["text/plain"] == "True"


def test_the_stored_figures_are_those_of_this_version(executed: nbformat.NotebookNode) -> None:
    stored = outputs(nbformat.read(NOTEBOOK, as_version=4))
    again = outputs(executed)
    summary = "run.summary"
    assert stored[summary]["text/plain"] == again[summary]["text/plain"]


def test_the_reference_lists_every_public_name() -> None:
    import indievalue

    listed = {
        line.removeprefix("::: indievalue.")
        for line in (NOTEBOOK.parent / "api.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("::: ")
    }
    assert listed == set(indievalue.__all__) - {"__version__"}
