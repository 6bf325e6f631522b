"""The documentation: every code block runs, every name exists, and the pages that the code writes are there."""

import importlib
import json
import posixpath
import re
import runpy
import shlex
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from guerdon.catalogue import Entry, catalogue, rooms
from guerdon.interfaces.cli import app, main
from guerdon.interfaces.configuration import load, read
from guerdon.training.optimisers.adafactor import Adafactor
from guerdon.training.optimisers.adamw import AdamW
from guerdon.training.optimisers.muon import Muon
from guerdon.training.schedules.cosine import Cosine
from guerdon.training.schedules.stable_decay import StableDecay
from guerdon.training.trackers import TRACKERS

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.M | re.S)
SMALLER = (
    (r"\bsteps([:=]) ?\d+", r"steps\g<1> 2"),
    (r"\bbatch_size([:=]) ?\d+", r"batch_size\g<1> 4"),
    (r"evaluate_every([:=]) ?\d+", r"evaluate_every\g<1> 1"),
)


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    text: str


def blocks(page):
    return [Block(*found) for found in BLOCK.findall((ROOT / page).read_text())]


def smaller(text):
    """The same, with fewer steps and rows."""
    for pattern, replacement in SMALLER:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def run_page(page, where):
    """Do everything that a page says, in the order in which it says it."""
    for block in blocks(page):
        if block.title:
            path = where / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(smaller(block.text))
        elif block.language == "python":
            exec(compile(smaller(block.text), str(page), "exec"), {"__name__": "__main__"})
        elif block.language == "bash":
            for line in block.text.splitlines():
                run_line(line)


def run_line(line, **options):
    """A line of a shell: our commands are run, make's targets must exist."""
    words = shlex.split(line, comments=True)
    if not words:
        return
    if words[0] == "guerdon":
        assert main(words[1:]) == 0, line
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M), line
    elif words[0] == "python":
        runpy.run_path(words[1], run_name="__main__")
    else:
        assert (ROOT / words[0]).exists(), line


def test_tutorial(empty_folder):
    run_page("docs/tutorial.md", empty_folder)
    assert (empty_folder / "runs/run/report.html").exists()


def test_data(empty_folder, capfd):
    run_page("docs/data.md", empty_folder)
    said = capfd.readouterr()
    assert "12 written: unpaired.jsonl" in said.err and "6 written: again.parquet" in said.err and "6 written: sft.jsonl" in said.err
    assert "task 0: 8 of 6 (66.7%), task 1: 4 of 4 (33.3%)" in " ".join(said.err.split()) and "ada" in said.out


def test_search(empty_folder, capsys):
    run_page("docs/search.md", empty_folder)
    said = capsys.readouterr().out
    assert "tokens drawn" in said and "beam: " in said and "score" in said


def test_several_runs(empty_folder, capfd):
    run_page("docs/several-runs.md", empty_folder)
    assert (empty_folder / "runs/run-sweep/comparison.html").exists() and "paired over" in capfd.readouterr().out


def test_runs(empty_folder, capfd):
    run_page("docs/runs.md", empty_folder)
    assert (empty_folder / "runs/words/model_best/best.json").exists() and "best    runs/words/model_best (step" in capfd.readouterr().out


def test_distillation(empty_folder):
    run_page("docs/distillation.md", empty_folder)
    for name in ("taught", "sampled", "gkd", "given", "told", "otherwise"):
        assert (empty_folder / "runs" / name / "model/config.json").exists(), name
    for block in blocks("docs/distillation.md"):
        if block.language == "yaml" and not block.title:  # a change to what stands above
            load(
                (empty_folder / "taught.yaml")
                .read_text()
                .replace("recipe: {base: distillation, optimiser: {learning_rate: 3e-3}}", block.text)
            )


def test_training_options(empty_folder):
    run_page("docs/training-options.md", empty_folder)
    kept = {name: read(Path("runs") / name / "configuration.yaml").recipe.optimiser for name in ("words", "small", "theirs")}
    assert kept["words"] == Muon(StableDecay(3e-3, warmup=0.05), weight_decay=0.1)
    assert kept["small"] == Adafactor(1e-2)
    assert kept["theirs"] == AdamW(Cosine(2e-3, warmup=0.1), weight_decay=0.1)
    page = (ROOT / "docs/training-options.md").read_text()
    for room in ("training.optimisers", "training.schedules"):
        missing = [entry.name for entry in catalogue() if entry.room == room and f"| `{entry.name}`" not in page]
        assert not missing, f"the page lacks {missing}"
    assert all(f"`{name}`" in page for name in TRACKERS)


def test_rows(empty_folder, capsys):
    run_page("docs/rows.md", empty_folder)
    assert "geed</s>" in capsys.readouterr().out


@pytest.mark.parametrize("page", ["docs/tools.md", "docs/agents.md"])
def test_agents_and_tools(empty_folder, capsys, page):
    """These pages print what they say that they print."""
    run_page(page, empty_folder)
    said = capsys.readouterr().out
    shown = [block.text for block in blocks(page) if block.language == "console"]
    assert shown and all(text in said for text in shown)


def test_verifiers(empty_folder):
    run_page("docs/verifiers.md", empty_folder)
    from verifier_table import AGREED, KINDS, ROWS

    rows = [row for _, rows in KINDS.values() for row in rows]
    page = (ROOT / "docs/verifiers.md").read_text()
    assert f"A table of {len(rows)} pairs" in page
    total = {kind: sum(row[:2] == (kind, "math") for row in ROWS) for kind in AGREED}
    for kind, agreed in AGREED.items():
        assert f"| {kind} | {total[kind]} | {agreed} |" in page
    assert f"| all | {sum(total.values())} | {sum(AGREED.values())} |" in page


def test_judges(empty_folder, capfd):
    run_page("docs/judges.md", empty_folder)
    said = " ".join(capfd.readouterr().out.split())
    assert "reward.judge: agrees with" in said and "[ [10]] < |im_end|>" in said
    rows = [json.loads(line) for line in (empty_folder / "runs/judged/completions.jsonl").read_text().splitlines()]
    assert {row["said"]["judge"] for row in rows} <= {"[[2]]", "It will do. [[6]]"}
    for block in blocks("docs/judges.md"):
        if block.language == "yaml" and not block.title:
            load(block.text)


def test_training_a_judge(empty_folder, capfd):
    run_page("docs/training-a-judge.md", empty_folder)
    said = " ".join("".join(capfd.readouterr()).split())
    assert "drawn answers: " in said and "mean reward 0." in said and "reward.judge: " in said
    assert (empty_folder / "runs/judge_rl/model/config.json").exists()
    page = (ROOT / "docs/training-a-judge.md").read_text()
    missing = [entry.name for entry in catalogue() if entry.room == "feedback.deliberation" and f"`{entry.name}`" not in page]
    assert not missing, f"the page lacks {missing}"
    for block in blocks("docs/training-a-judge.md"):
        if block.language == "yaml" and not block.title:
            load(block.text)


def test_rubrics(empty_folder, capsys):
    run_page("docs/rubrics.md", empty_folder)
    assert "1.000  essential (3)  The answer names Paris." in capsys.readouterr().out
    assert "Which items pay" in (empty_folder / "runs/by_items/report.html").read_text()


def test_self_rewards(empty_folder):
    run_page("docs/self-rewards.md", empty_folder)
    page = (ROOT / "docs/self-rewards.md").read_text()
    for room in ("feedback.intrinsic", "feedback.recasting"):
        missing = [entry.name for entry in catalogue() if entry.room == room and f"`{entry.name}`" not in page]
        assert not missing, f"the page lacks {missing}"


def test_curricula(empty_folder):
    run_page("docs/curricula.md", empty_folder)
    page = (ROOT / "docs/curricula.md").read_text()
    rooms = ("data.allocation", "data.buffers", "data.lessons", "data.starts")
    missing = [entry.name for entry in catalogue() if entry.room in rooms and f"`{entry.name}`" not in page]
    assert not missing, f"the page lacks {missing}"


def test_structure(empty_folder):
    run_page("docs/structure.md", empty_folder)
    report = (empty_folder / "runs/again/rl/report.html").read_text()
    assert "What further attempts change" in report
    page = (ROOT / "docs/structure.md").read_text()
    missing = [
        entry.name
        for entry in catalogue()
        if entry.room in ("acting.replies", "credit.segments", "credit.states") and f"`{entry.name}`" not in page
    ]
    assert not missing, f"the page lacks {missing}"


def test_rlvr(empty_folder, capfd):
    run_page("docs/rlvr.md", empty_folder)
    said = capfd.readouterr()
    assert "whose rewards are all alike" in said.out and "18 of 900 rows cannot be learned from" in said.out
    assert (empty_folder / "runs/sums/model_best/best.json").exists() and "comparison.html" in said.out
    from guerdon.interfaces.report.curves import shown_metrics

    page = (ROOT / "docs/rlvr.md").read_text()
    named = set(re.findall(r"^\| `([\w/]+)`", page[page.index("## 5.") : page.index("## 6.")], re.M)) - {"eval/reward"}
    assert named <= shown_metrics() | {"reward"}, f"the report does not draw {named - shown_metrics()}"
    rewards = {entry.name for entry in catalogue() if entry.room == "feedback.rewards"}
    assert {"code", "sql", "json_schema", "instructions", "plan", "proof"} <= rewards
    read("gym.yaml")


def test_sharing(empty_folder):
    run_page("docs/sharing.md", empty_folder)


def test_online_preferences(empty_folder, monkeypatch):
    run_page("docs/online-preferences.md", empty_folder)
    assert (empty_folder / "runs/annotated/report.html").exists() and (empty_folder / "runs/judged/report.html").exists()
    import served

    from guerdon.feedback.judges.function import Function

    class Judge(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"][0]["content"]
            if "busy" in asked:
                self.send_error(429)
                return
            said = "I cannot" if "odd" in asked else "A" if "A: good" in asked else "B"
            body = json.dumps({"choices": [{"message": {"content": said}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body if "broken" not in asked else body[:9] + b" " * (len(body) - 9))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setattr(served, "URL", f"http://127.0.0.1:{server.server_port}")
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    try:
        verdicts = Function(served.compare, both_orders=True)(
            ["q", "q", "busy", "odd", "broken"], ["good", "bad", "a", "a", "a"], ["bad", "good", "b", "b", "b"]
        )
    finally:
        server.shutdown()
        server.server_close()
    assert verdicts.tolist()[:2] == [1.0, 0.0] and verdicts[2:].isnan().all()
    monkeypatch.setattr(served, "URL", "http://127.0.0.1:9")
    assert served.compare(["q"], ["a"], ["b"]) == [None]


def test_the_page_on_reward_models_runs(empty_folder):
    run_page("docs/reward-models.md", empty_folder)
    judged = [json.loads(line) for line in Path("runs/policy/metrics.jsonl").read_text().splitlines()]
    assert any("monitor/weakest" in row and "monitor/reference" in row for row in judged)


def test_people(empty_folder, capsys):
    run_page("docs/people.md", empty_folder)
    assert (empty_folder / "runs/somebody/model/head.safetensors").exists()


def test_games(empty_folder, capsys):
    run_page("docs/games.md", empty_folder)
    said = capsys.readouterr().out
    assert "right 0.0" in said and "> move" in said and "M+O+E" in said


def test_control(empty_folder, capsys):
    run_page("docs/control.md", empty_folder)
    said = capsys.readouterr().out
    assert "tensor(-13." in said and "for the wind alone" in said


def test_testing_a_reward_model(empty_folder, capfd):
    run_page("docs/testing-a-reward-model.md", empty_folder)
    said = capfd.readouterr().out
    assert "pairs: accuracy" in said and "should not matter" in said and "8 prompts with 4 candidates: the best is right" in said
    assert "Reliability" in (empty_folder / "letters.html").read_text()


@pytest.mark.timeout(900)  # half a minute where nobody else is
def test_attacking(empty_folder, capfd):
    run_page("docs/attacking.md", empty_folder)
    said = capfd.readouterr()
    assert "best of N, 10 prompts with 8 candidates" in said.out and "a run against the reward" in said.out
    assert "were kept in runs/attack-liked and not asked for again" in " ".join(said.err.split())
    assert "Worst rows" in (empty_folder / "runs/attack-length/report.html").read_text()
    page = (ROOT / "docs/attacking.md").read_text()
    missing = [entry.name for entry in catalogue() if entry.room == "evaluation.attacks" and f"`{entry.name}`" not in page]
    assert not missing, f"the page lacks {missing}"


def test_viewing(empty_folder):
    """The page's runs, and whatever it says can be asked of them."""
    from guerdon.interfaces.viewing.index import Index
    from guerdon.interfaces.viewing.runs import runs
    from guerdon.interfaces.viewing.showing import Shown

    run_page("docs/viewing.md", empty_folder)
    letters, trees = (Shown(place, Index(place.folder)) for place in runs([Path("runs")]))
    for shown in (letters, trees):
        while shown.index.update():
            pass
    assert letters.about()["sampled"] and letters.rollouts({"step": "1-8", "sort": "-reward"}, 0, 100)["rows"]
    tokens = letters.rollout(1, False, 0, {})["tokens"]
    assert {"old_logp", "advantage", "step_reward"} <= {quantity["name"] for quantity in tokens["quantities"]}
    assert trees.tree(1, False, 0)["recorded"] and trees.rollouts({"state": "forked"}, 0, 1)["total"]
    page = (ROOT / "docs/viewing.md").read_text()
    source = (ROOT / "src/guerdon/interfaces/viewing/app.py").read_text()
    assert all(f"`GET /api/{name}" in page for name in re.findall(r"/api/(\w+)", source))


def test_labelling(empty_folder, monkeypatch, capfd):
    """The commands as they are written, with annotators who answer whatever they are asked."""
    pytest.importorskip("uvicorn")
    import guerdon.interfaces.web as web

    monkeypatch.setattr(web, "serve", annotated)
    monkeypatch.setattr(web, "address", lambda host, port, address=web.address: address(host, 0))  # the page's own port may be taken
    run_page("docs/labelling.md", empty_folder)
    said = capfd.readouterr()
    assert "Krippendorff's alpha of better" in said.out and "8 of 8 rows labelled" in said.out and "label at http://127.0.0.1:" in said.out
    assert (empty_folder / "runs/labelled/model/head.safetensors").exists()
    people = [json.loads(line) for line in Path("people.jsonl").read_text().splitlines()]
    assert {row["annotator"] for row in people} == {"ann", "bob", "cy"} and {row["user"] for row in people} == {0, 1, 2}
    from guerdon.catalogue import names_in
    from guerdon.interfaces.labelling import kinds, orders

    page = (ROOT / "docs/labelling.md").read_text()
    missing = [name for room in (kinds.ROOM, orders.ROOM) for name in names_in(room) if f"| `{name}` |" not in page]
    assert not missing, f"the page lacks {missing}"


def annotated(app, at, tokens, most_bytes, say, open_paths):
    """In the place of the server that waits for people: one that is asked by everybody in turn until there is nothing left to do, and ends."""
    import time
    import urllib.request

    import uvicorn

    from guerdon.interfaces.web.guarding import Guarded

    server = uvicorn.Server(uvicorn.Config(Guarded(app, tokens, open_paths=open_paths), log_level="error", log_config=None))
    at.bound.listen()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [at.bound]}, daemon=True)
    thread.start()
    say(at.url)
    asking = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        for token, who in (tokens or {"": "me"}).items():
            if who == "owner":
                continue
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
            task = json.load(asking.open(urllib.request.Request(f"{at.url}/api/task", headers=headers)))["task"]
            while task:
                longest = max((0, 1), key=lambda i: len(task["answers"][i][0]["text"]))
                better = 0 if who == "ann" else 1 - longest  # ann takes whatever is shown first
                body = {"item": task["item"], "answer": {"better": better}, "key": f"{time.time_ns()}"}
                asked = urllib.request.Request(f"{at.url}/api/label", json.dumps(body).encode(), headers)
                task = json.load(asking.open(asked))["task"]
    finally:
        server.should_exit = True
        thread.join(20)


def test_the_life_of_a_reward_model(empty_folder, monkeypatch, capfd):
    """Six jobs in their order, with an annotator who answers whatever is asked and the page's server at a free port."""
    pytest.importorskip("uvicorn")
    import guerdon.interfaces.web as web
    from guerdon.interfaces.serving import Settings, serve_reward

    monkeypatch.setattr(web, "serve", annotated)
    monkeypatch.setattr(web, "address", lambda host, port, address=web.address: address(host, 0))
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    at, ending, loaded = web.address("127.0.0.1", 0), web.Ending(), threading.Event()
    told = lambda said: loaded.set() if said.startswith("loaded") else None  # noqa: E731
    serving = threading.Thread(
        target=lambda: serve_reward("runs/order/model", at, {}, Settings(), told, device="cpu", ending=ending), daemon=True
    )
    try:
        for block in blocks("docs/reward-model-life.md"):
            text = smaller(block.text).replace("http://127.0.0.1:8000", f"http://127.0.0.1:{at.port}")
            if block.title:
                Path(block.title).write_text(text)
            elif block.language == "bash":
                for line in text.splitlines():
                    run_line(line)
            elif block.language == "python":
                exec(compile(text, "reward-model-life.md", "exec"), {"__name__": "__main__"})
            elif "guerdon serve reward" in text:
                serving.start()
                assert loaded.wait(120)
    finally:
        ending.ask()
        serving.join(30)
    said = capfd.readouterr()
    assert not serving.is_alive() and "14 rows written: pairs.jsonl" in said.err and "6 pairs: accuracy" in said.out
    assert "without any, the worse answer outscores the better one" in said.out and Path("runs/attack/report.html").exists()
    logged = [json.loads(line) for line in Path("runs/policy/metrics.jsonl").read_text().splitlines()]
    assert any("monitor/right" in row for row in logged)
    assert all("chosen_score" in json.loads(line) for line in Path("scored.jsonl").read_text().splitlines())


def test_serving_rewards(empty_folder, monkeypatch):
    """The page's server runs at a free port, and what the page does is done in its order."""
    from guerdon.interfaces.serving import Settings, serve_reward
    from guerdon.interfaces.serving.shapes import shapes
    from guerdon.interfaces.web import Ending, address

    page = (ROOT / "docs/serving-rewards.md").read_text()
    assert all(f"`{path}`" in page for shape in shapes().values() for path in shape.paths if path not in ("/v1/classify", "/v1/pooling"))
    at, ending, done, loaded = address("127.0.0.1", 0), Ending(), {"__name__": "__main__"}, threading.Event()
    serving = threading.Thread(
        target=lambda: serve_reward(
            "runs/scorer/model",
            at,
            {},
            Settings(),
            lambda said: loaded.set() if said.startswith("loaded") else None,
            device="cpu",
            ending=ending,
        ),
        daemon=True,
    )
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    try:
        for block in blocks("docs/serving-rewards.md"):
            text = smaller(block.text) if block.title != "scorer.yaml" else block.text
            text = text.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{at.port}")
            if block.title:
                Path(block.title).write_text(text)
            elif block.language == "bash":
                for line in text.splitlines():
                    run_line(line)
                if "scorer.yaml" in text:
                    serving.start()
                    assert loaded.wait(120)
            elif block.language == "python":
                exec(compile(text, "serving-rewards.md", "exec"), done)
        rewarded = [json.loads(line) for line in Path("runs/served/completions.jsonl").read_text().splitlines()]
        assert {"liked"} == set(rewarded[0]["components"]) and len({row["reward"] for row in rewarded}) > 1
        score = runpy.run_path("reward_verl.py")["compute_score"]("data", "abd", "", extra_info={"prompt": "dab>"})
        assert score["score"] == pytest.approx(done["rewards"][0], abs=1e-5)
        load(
            (empty_folder / "run.yaml")
            .read_text()
            .replace("liked: {part: remote_scorer,", "liked: {part: remote_scorer, speaks: {part: score}, token_env: MY_TOKEN,")
        )
    finally:
        ending.ask()
        serving.join(30)
    assert "MY_TOKEN" in page and not serving.is_alive()


def test_tutorial_shows_figures_of_its_own_configuration():
    (table,) = [b.text for b in blocks("docs/tutorial.md") if b.language == "text"]
    assert "exact" in table and "close" in table


def test_readme_python(empty_folder):
    (example,) = [b for b in blocks("README.md") if b.language == "python"]
    exec(compile(smaller(example.text), "README.md", "exec"), {"__name__": "__main__"})
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(empty_folder / "runs/six_letters/model")


def test_readme_yaml(empty_folder):
    """The example, with a small model in the place of the pretrained one and four problems in the place of the dataset."""
    (example,) = [b for b in blocks("README.md") if b.language == "yaml"]
    (empty_folder / example.title).write_text(smaller(example.text))
    (empty_folder / "gsm8k").mkdir()
    problems = "".join(f'{{"question": "what is {i} and {i}?", "answer": "add them #### {2 * i}"}}\n' for i in range(120))
    (empty_folder / "gsm8k/train.jsonl").write_text(problems)
    model = "model={part: small_language_model, characters: ' ?#0123456789abcdefghijklmnopqrstuvwxyz', context_length: 256}"
    assert main(["train", example.title, model, "task.chat=false", "budget.evaluation_rows=4", "decoding.max_completion_length=8"]) == 0
    assert main(["report", "runs/gsm8k"]) == 0


def test_readme_and_the_first_page_lead_to_every_page():
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    for page, prefix in (("README.md", "docs/"), ("docs/index.md", "")):
        text = (ROOT / page).read_text()
        missing = [name for name in sorted(pages) if f"]({prefix}{name})" not in text]
        assert not missing, f"{page} does not lead to {missing}"


def test_readme_and_contributing_name_what_exists():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 200
    for page in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text()):
            assert "://" in target or (ROOT / target).exists(), f"{page} links to {target}"
    commands = set(re.findall(r"`guerdon (\w+)", text)) | {
        line.split()[1] for b in blocks("README.md") for line in b.text.splitlines() if line.startswith("guerdon ")
    }
    assert commands <= set(app().commands), f"no such commands: {commands - set(app().commands)}"
    assert all(f"\n{target}:" in (ROOT / "Makefile").read_text() for target in re.findall(r"(?:^|`)make (\w+)", text, re.M))
    table = text[text.index("## What is in it") : text.index("Every part states")]
    named = set(
        re.findall(r"`([a-z]+(?:\.[a-z_]+)?)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `")))
    )
    for name in named:
        importlib.import_module(f"guerdon.{name}")
    missing = {room for room in rooms() if not any(room == n or room.startswith(f"{n}.") for n in named)} - {"losses"}
    assert not missing, f"the README's table lacks {missing}"
    (line,) = [line for line in text.splitlines() if line.startswith("recipe: ")]
    from guerdon.interfaces.configuration import recipe_names

    said = set(re.findall(r"\b[a-z_]+\b", line)) - {"recipe", "or", "for", "guerdon", "fit"}
    assert said <= set(recipe_names()), f"no such recipes: {said - set(recipe_names())}"


@contextmanager
def added(folder, block):
    """The file of the worked example, as if it lay where its title says."""
    room, _, name = block.title.removeprefix("src/guerdon/").removesuffix(".py").replace("/", ".").rpartition(".")
    package = importlib.import_module(f"guerdon.{room}")
    place = folder / "added" / Path(block.title).name
    place.parent.mkdir()
    place.write_text(block.text)
    package.__path__.append(str(place.parent))
    catalogue.cache_clear()
    try:
        (entry,) = [e for e in catalogue() if e.path == f"{room}.{name}"]
        yield entry
    finally:
        package.__path__.remove(str(place.parent))
        sys.modules.pop(f"guerdon.{room}.{name}", None)
        vars(package).pop(name, None)
        catalogue.cache_clear()


def without_its_stop_gradient(text):
    """The class of the worked example with the detachment missing that is the method."""
    broken = text.replace("logp.detach() - old_logp.detach()", "logp - old_logp.detach()", 1)
    assert broken != text
    module = type(sys)("guerdon.losses.surrogates.broken")
    sys.modules[module.__name__] = module
    try:
        exec(broken, vars(module))
    finally:
        del sys.modules[module.__name__]
    return module.Tapered


def test_a_method_is_one_new_file(empty_folder):
    """The worked example is found, passes the whole contract, and trains by its name."""
    import test_parts as contract

    example, *rest = blocks("docs/add_a_method.md")
    assert not (ROOT / example.title).exists(), "the example has become a part; the page needs another one"
    with added(empty_folder, example) as entry:
        assert isinstance(entry, Entry) and entry.witnesses and entry.limits
        contract.test_is_a_frozen_documented_dataclass(entry)
        for witness in entry.witnesses:
            contract.test_witness_holds_and_the_parent_fails_it(entry, witness)
        for seed in contract.SEEDS:
            contract.test_permuting_the_batch_permutes_the_result(entry, seed)
            for limit in entry.limits:
                contract.test_limit(entry, limit, seed)
        contract.test_garbage_where_the_mask_is_false_changes_nothing(entry)
        contract.test_inputs_are_not_changed(entry)
        contract.test_splitting_between_groups_changes_nothing(entry)
        contract.test_pickles_prints_and_compares(entry)
        for block in rest:
            if block.title:
                (empty_folder / block.title).write_text(smaller(block.text))
            else:
                for line in block.text.splitlines():
                    run_line(line)
        assert not contract.witness_holds(without_its_stop_gradient(example.text)(), entry.witnesses[0])
    assert not any(e.name == "tapered" for e in catalogue())


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The generated pages."""
    from guerdon.interfaces.pages import pages

    return pages()


def test_generated_pages_cover_every_part_recipe_command_and_system(made):
    from guerdon.atlas import systems
    from guerdon.interfaces.configuration import recipe_names

    for entry in catalogue():
        page = made[f"parts/{entry.room}.md"]
        assert f"{{ #{entry.name} }}" in page
    for limit in [limit for entry in catalogue() for limit in entry.limits]:
        assert limit.when.replace("|", "\\|").replace("<", "&lt;") in made["parts/limits.md"]
    assert all(f"{{ #{name} }}" in made["recipes.md"] for name in recipe_names())
    assert all(f"## guerdon {name}" in made["commands.md"] for name in app().commands)
    assert all(f"atlas/{entry.slug}.md" in made for entry in systems())


def test_links_between_generated_pages_lead_somewhere(made):
    anchors = {path: set(re.findall(r"\{ #([\w-]+) \}", text)) for path, text in made.items()}
    for path, text in made.items():
        for target, anchor in re.findall(r"\]\(([\w./-]*\.md)?#([\w-]+)\)", text):
            page = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
            assert anchor in anchors[page], f"{path} links to {target}#{anchor}"


def test_a_survey_names_its_empty_cells_and_only_parts_that_exist(made, monkeypatch):
    from guerdon.atlas import systems
    from guerdon.errors import InputError
    from guerdon.interfaces.pages._surveys import survey_pages

    surveys = [entry for entry in systems() if entry.system.kind == "survey"]
    assert surveys
    for entry in surveys:
        page = made[f"surveys/{entry.slug}.md"]
        filled, empty = page.split("## Empty cells")
        for chapter, names in entry.module.taxonomy.items():
            for name, parts in names.items():
                assert name in filled and all(f"[{part}](" in filled for part in parts)
                assert (f"- {chapter}: {name}" in empty) is (not parts)
    monkeypatch.setitem(surveys[0].module.taxonomy, "A chapter", {"a cell": ("losses.surrogates.no_such_part",)})
    with pytest.raises(InputError, match="no_such_part"):
        survey_pages()
