"""Mutation testing: changes one operator or constant at a time, and lists the changes that no test notices.

    python tools/mutants.py --seed 0 --count 100 --workers 2

draws mutants of the modules in MODULES, and tests each in a copy of the project: first by the tests that execute the
changed line, the quickest first, and where none of them fails by the whole test files named there. A mutant is killed
where a test fails or the tests take far longer than without it. `--only decode` keeps the files whose path holds that
text, `--start 100` goes on after the first hundred of the same seed.
"""

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import TypeGuard

from indievalue.intervals import wilson

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path("src/indievalue")

_OF_ALL_SCORES = ("test_exact_values", "test_weights", "test_scoring_inputs", "test_scoring_order", "test_spread")

MODULES = {
    "scoring/accuracy.py": ("test_scoring", *_OF_ALL_SCORES, "test_calibration"),
    "scoring/bootstrap.py": ("test_paired", "test_scoring", "test_inequity", "test_exact_values"),
    "scoring/calibration.py": ("test_calibration", "test_scoring", *_OF_ALL_SCORES),
    "scoring/distances.py": ("test_distributions",),
    "scoring/answer_shares.py": ("test_distributions",),
    "scoring/distributions.py": ("test_distributions",),
    "scoring/exaggeration.py": ("test_distributions",),
    "scoring/representativeness.py": ("test_distributions",),
    "scoring/flattening.py": ("test_flattening", *_OF_ALL_SCORES),
    "scoring/inequity.py": ("test_inequity", *_OF_ALL_SCORES),
    "scoring/paired.py": ("test_paired", *_OF_ALL_SCORES),
    "scoring/ceiling.py": ("test_ceiling",),
    "scoring/explained.py": ("test_ceiling",),
    "scoring/noise.py": ("test_ceiling",),
    "scoring/halves.py": ("test_ceiling",),
    "scoring/gaps.py": ("test_ceiling", "test_inequity"),
    "scoring/families.py": ("test_paired", "test_inequity"),
    "scoring/reliabilities.py": ("test_reliabilities",),
    "scoring/retest*.py": ("test_retest", "test_panel", "test_retest_command"),
    "scoring/histogram.py": ("test_streamed_scores",),
    "scoring/streamed.py": ("test_streamed_scores",),
    "scoring/crossed.py": ("test_crossed",),
    "scoring/breakdown.py": ("test_runs", "test_tables_page"),
    "scoring/*.py": ("test_scoring", "test_flattening", "test_inequity", "test_paired", *_OF_ALL_SCORES),
    "estimation/powered.py": ("test_powered",),
    "estimation/*.py": ("test_estimate",),
    "benchmark/show.py": ("test_show", "test_benchmark"),
    "benchmark/together.py": ("test_show", "test_benchmark"),
    "benchmark/narrow.py": ("test_show", "test_benchmark"),
    "benchmark/questions.py": ("test_unseen_questions",),
    "benchmark/circumstances.py": ("test_context_blocks",),
    "benchmark/country_facts.py": ("test_context_blocks",),
    "benchmark/storage.py": ("test_benchmark", "test_boundaries", "test_show"),
    "benchmark/*.py": ("test_benchmark", "test_show", "test_evaluation_in_blocks", "test_scoring_order"),
    "people/decode*.py": ("test_decode", "test_read", "test_specification"),
    "prompts/answer*.py": ("test_prompts",),
    "impute/rubin.py": ("test_rubin",),
    "impute/*.py": ("test_impute_draws", "test_impute"),
}
"""Which test files are run for a module; the first pattern that fits counts."""

SLOW = ("-k", "not (command_line or holds_the_truth or p_is_uniform or without_demographics_is_told)")
"""What is left out of the tests: simulations and whole runs, which take most of the time and notice little more."""

MOST = 60
"""The most tests of a line that are run before whole files are."""

_PAIRS = (
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn)),
    *((ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitAnd, ast.BitOr), (ast.And, ast.Or)),
)
OTHER: dict[type[ast.AST], type[ast.AST]] = {
    **{one: two for pair in _PAIRS for one, two in (pair, pair[::-1])},
    **dict.fromkeys((ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult), ast.Mult),
}
"""What takes the place of an operator."""


@dataclass(frozen=True)
class Mutant:
    """A change of one expression: the bytes ``start`` to ``end`` of ``file`` become ``text``.

    Attributes:
        lines: of the statement that holds it, without the statements that are nested in that one.
    """

    file: Path
    line: int
    lines: range
    start: int
    end: int
    before: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.before}  →  {self.text}"


def mutants_of(file: Path) -> Iterator[Mutant]:
    """All mutants of a file, in the order of its lines."""
    source = (ROOT / file).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(source)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    for node in _nodes(tree):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        before = source[start:end].decode()
        for changed in _changes(node):
            text = ast.unparse(ast.fix_missing_locations(changed))
            if isinstance(changed, ast.expr):
                text = f"({text})"
            lines = _lines(max((one for one in statements if _holds(one, node)), key=lambda one: one.lineno))
            yield Mutant(file, node.lineno, lines, start, end, " ".join(before.split()), text)


def _holds(statement: ast.stmt, node: ast.expr | ast.Return) -> bool:
    return statement.lineno <= node.lineno and node.end_lineno <= statement.end_lineno


def _lines(statement: ast.stmt) -> range:
    """Lines of a statement, up to the first that is nested in it."""
    nested = [
        child.lineno for child in ast.walk(statement) if isinstance(child, ast.stmt) and child.lineno > statement.lineno
    ]
    return range(statement.lineno, min(nested, default=statement.end_lineno + 1))


def _nodes(node: ast.AST) -> Iterator[ast.expr | ast.Return]:
    """Nodes that are executed: no annotations, decorators, docstrings or texts of errors."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases") or isinstance(node, ast.Raise | ast.Assert):
            continue
        for child in value if isinstance(value, list) else [value]:
            if _is_without_effect(child):
                continue
            if _is_where_beside_nan(child, node):
                child = child.value  # not the comparison itself, but what it compares
            elif isinstance(child, ast.expr | ast.Return):
                yield child
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                yield from _nodes(child)


def _is_without_effect(node: object) -> bool:
    """Whether changes within ``node`` cannot be noticed, or only by luck."""
    match node:
        case ast.keyword(arg="strict" | "maintain_order"):
            return True  # a guard where lengths are equal; an order that rows have by chance without it, too
        case ast.Assign(targets=[ast.Name(id="_BLOCK" | "step")]) | ast.Call(func=ast.Attribute(attr="array_split")):
            return True  # sizes of blocks: how much memory a result takes, and not what it is
    return False


def _is_where_beside_nan(node: object, call: ast.AST) -> TypeGuard[ast.keyword]:
    """Whether ``node`` is ``where`` of a division into NaN: the 0 / 0 that ``>=`` would let through is NaN as well."""
    out = [given.value for given in getattr(call, "keywords", []) if given.arg == "out"]
    return isinstance(node, ast.keyword) and node.arg == "where" and any("np.nan" in ast.unparse(one) for one in out)


def _changes(node: ast.expr | ast.Return) -> Iterator[ast.expr | ast.Return]:
    match node:
        case ast.Compare(left, ops, comparators):
            for place, operator in enumerate(ops):
                other = [*ops[:place], OTHER[type(operator)](), *ops[place + 1 :]]
                yield ast.Compare(left, other, comparators)
        case ast.BinOp(left, operator, right) if type(operator) in OTHER and not _is_text(left, right):
            yield ast.BinOp(left, OTHER[type(operator)](), right)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(OTHER[type(operator)](), values)
        case ast.UnaryOp(ast.Not() | ast.Invert() | ast.USub(), operand):
            yield operand
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Constant(bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Return() if ast.unparse(node) not in ("return", "return None"):
            yield ast.Return(ast.Constant(None))


def _is_text(*nodes: ast.expr) -> bool:
    return any(isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", 0), str) for node in nodes)


def tests_of(file: Path) -> tuple[str, ...]:
    """The test files that are run for a module, as paths."""
    path = str(file.relative_to(PACKAGE))
    names = next(names for pattern, names in MODULES.items() if Path(path).match(pattern))
    return tuple(f"tests/{name}.py" for name in names)


class Copy:
    """A copy of the project in which one mutant after another is tested."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        for name in ("src", "tests", "pyproject.toml", "docs", "README.md"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copyfile(source, folder / name)

    def run(self, tests: Iterable[str], seconds: float, *plugins: str, **variables: str) -> bool:
        """Whether the tests pass within a time."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            *SLOW,
            *plugins,
            *tests,
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, (self.folder / "src", Path(__file__).parent))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "POLARS_MAX_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "INDIEVALUE_DATA": str(self.folder / "no-data"),
            **variables,
        }
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def who_tests(self, tests: Sequence[str]) -> "WhoTests | None":
        """Run test files without any mutant, and return who executes what; None where a test fails."""
        out = self.folder / "who_tests.json"
        if not self.run(tests, 3_600, "-p", "who_tests", WHO_TESTS=str(out)):
            return None
        found = json.loads(out.read_text(encoding="utf-8"))
        lines = {
            (Path(file).relative_to(self.folder), int(line)): tests
            for file, of_file in found["lines"].items()
            for line, tests in of_file.items()
        }
        return WhoTests(lines, found["seconds"])

    def survives(self, mutant: Mutant, who: "WhoTests") -> bool:
        """Whether no test notices the mutant."""
        path = self.folder / mutant.file
        source = path.read_bytes()
        path.write_bytes(source[: mutant.start] + mutant.text.encode() + source[mutant.end :])
        try:
            quickest, files = who.executes(mutant)[:MOST], tests_of(mutant.file)
            passes = not quickest or self.run(quickest, who.limit(quickest))
            return passes and self.run(files, who.limit(files))
        finally:
            path.write_bytes(source)


@dataclass(frozen=True)
class WhoTests:
    """Which tests execute a line (file and number), and how many seconds each test takes; see who_tests.py."""

    lines: dict[tuple[Path, int], list[str]]
    seconds: dict[str, float]

    def executes(self, mutant: Mutant) -> list[str]:
        """The tests that execute the statement of a mutant, the quickest first."""
        found = {test for line in mutant.lines for test in self.lines.get((mutant.file, line), ())}
        return sorted(found, key=lambda test: self.seconds[test])

    def limit(self, tests: Sequence[str]) -> float:
        """Seconds after which tests, or files of tests, count as failed."""
        return 60 + 4 * sum(spent for test, spent in self.seconds.items() if test.startswith(tuple(tests)))


def drawn(seed: int, only: str) -> list[Mutant]:
    """All mutants in an order drawn by ``seed``."""
    files = {file.relative_to(ROOT) for pattern in MODULES for file in (ROOT / PACKAGE).glob(pattern)}
    found = [mutant for file in sorted(files) if only in str(file) for mutant in mutants_of(file)]
    random.Random(seed).shuffle(found)
    return found


def main() -> int:
    """Run the mutants that the arguments name; 1 where the tests fail without any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="seed of the draw")
    parser.add_argument("--count", type=int, default=300, help="number of mutants")
    parser.add_argument("--start", type=int, default=0, help="mutants of the draw to pass over")
    parser.add_argument("--workers", type=int, default=2, help="mutants tried at once")
    parser.add_argument("--only", default="", help="only files whose path holds this text")
    parser.add_argument("--seconds", type=float, default=36_000, help="stop after so many seconds")
    given = parser.parse_args()
    until = time.monotonic() + given.seconds
    everything = drawn(given.seed, given.only)
    mutants = everything[given.start : given.start + given.count]
    with tempfile.TemporaryDirectory() as folder:
        copies: Queue[Copy] = Queue()
        for worker in range(given.workers):
            copies.put(Copy(Path(folder) / str(worker)))
        copy = copies.get()
        who = copy.who_tests(sorted({test for mutant in mutants for test in tests_of(mutant.file)}))
        if who is None:
            print("a test fails without a mutant")
            return 1
        copies.put(copy)

        def survives(mutant: Mutant) -> bool:
            copy = copies.get()
            try:
                return copy.survives(mutant, who)
            finally:
                copies.put(copy)

        survivors = done = 0
        with ThreadPoolExecutor(given.workers) as pool:
            for number, (mutant, lives) in enumerate(zip(mutants, pool.map(survives, mutants), strict=True), 1):
                survivors, done = survivors + lives, number
                if lives:
                    print(f"{number}: survived  {mutant}", flush=True)
                if number % 20 == 0:
                    print(f"{number} of {len(mutants)} tried, {survivors} survived", file=sys.stderr, flush=True)
                if time.monotonic() > until:
                    pool.shutdown(wait=False, cancel_futures=True)
                    break
    killed = done - survivors
    low, high = wilson(killed / done, done)
    print(
        f"{killed} of {done} mutants killed ({killed / done:.1%}, 95 % interval {low:.1%} to "
        f"{high:.1%}), drawn of {len(everything):,} with seed {given.seed}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
