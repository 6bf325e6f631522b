"""A saved model has a card that hubs and people can read, and it can be pushed to a hub."""

import base64
import json
import re
import shutil
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from guerdon.interfaces.card.facts import facts, method
from guerdon.interfaces.card.writing import elsewhere, text
from guerdon.interfaces.cli import main
from guerdon.interfaces.configuration import load, named_recipe, recipe_names
from test_cli import PAIRS, SCORER, TINY


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a policy in ``run`` and a scorer in ``scorer``."""
    folder = tmp_path_factory.mktemp("card")
    (folder / "run.yaml").write_text(TINY)
    (folder / "scorer.yaml").write_text(SCORER)
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PAIRS))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", "run.yaml", "--json"]) == 0
        assert main(["fit", "scorer.yaml", "--json"]) == 0
    return folder


def parts(path):
    front, body = path.read_text().removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(front), body


def test_the_card_of_a_policy_says_what_it_is_and_how_to_load_it(trained, monkeypatch):
    monkeypatch.chdir(trained)
    front, body = parts(Path("run/model/README.md"))
    assert front["library_name"] == "transformers" and front["pipeline_tag"] == "text-generation" and front["tags"] == ["guerdon", "grpo"]
    (example,) = re.findall(r"```python\n(.*?)```", body, re.S)
    exec(example, names := {})
    assert names["model"].config.num_hidden_layers == 1 and names["tokenizer"].decode([3, 4])
    (settings,) = re.findall(r"```yaml\n(.*?)```", body, re.S)
    assert load(settings).budget.steps == 2 and load(settings).recipe.sampler.num_generations == 2
    assert re.search(r"\| Held-out reward \| [\d.]+ \(-?[\d.]+ to [\d.]+\) \| [\d.]+ \(", body) and "| torch | 2." in body
    assert main(["sample", re.search(r"guerdon sample (\S+)", body)[1], "--prompt", "cab>"]) == 0


def test_hubs_read_the_figures(trained):
    from huggingface_hub import ModelCard

    data = ModelCard.load(trained / "run/model/README.md").data
    (result,) = data.eval_results
    _, body = parts(trained / "run/model/README.md")
    assert result.metric_name == "Held-out reward" and f"{result.metric_value:.3g}" in body and result.dataset_type == "sort_letters"


def test_the_card_of_a_scorer(trained, monkeypatch):
    monkeypatch.chdir(trained)
    front, body = parts(Path("scorer/model/README.md"))
    assert (front["pipeline_tag"], front["tags"]) == ("text-classification", ["guerdon", "reward-model"])
    assert "pairs.jsonl" in body and "Held-out pair accuracy" in body
    exec(re.search(r"```python\n(.*?)score = ", body, re.S)[1], names := {})
    assert names["model"].config.num_labels == 1


def test_every_named_recipe_is_recognised_as_one_with_its_parts():
    """Some share their parts with another one and differ in settings only; as they are named, all settings are alike."""
    for name in recipe_names():
        found = method(named_recipe(name))
        assert found == name or named_recipe(found) == named_recipe(name) or _but_for_steps(found, name), (name, found)


def _but_for_steps(one, other):
    from guerdon.interfaces.card.facts import _leaves

    return _leaves(named_recipe(one)) == _leaves(named_recipe(other))


def test_nothing_in_the_settings_closes_their_fence(trained, tmp_path):
    settings = f"# as it was said:\n```\n````\n{(trained / 'run/configuration.yaml').read_text()}"
    found = replace(facts(trained / "run"), settings=settings)
    body = text(found, trained / "run/model").split("## Settings")[1]
    (fence,) = re.findall(r"^(`{3,})yaml$", body, re.M)
    assert body.split(f"{fence}yaml\n")[1].split(f"\n{fence}")[0].strip() == settings.strip()


def test_a_card_does_not_say_whose_folder_it_was(trained, tmp_path, monkeypatch):
    shutil.copytree(trained / "run", tmp_path / "run")
    settings = tmp_path / "run/configuration.yaml"
    settings.write_text(f"# {tmp_path}/notes\n{settings.read_text()}")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert "~/notes" in (body := text(facts(tmp_path / "run"), Path("run/model"))) and str(tmp_path) not in body
    monkeypatch.setattr(Path, "home", lambda: Path("/"))  # in a container
    assert f"{tmp_path}/notes" in text(facts(tmp_path / "run"), Path("run/model"))


@pytest.mark.parametrize("run", ["run", "scorer"])
def test_from_elsewhere_a_card_names_the_place_that_it_was_pushed_to(trained, run):
    model = trained / run / "model"
    card = elsewhere(text(facts(trained / run), model), model, "somebody/tiny")
    assert 'from_pretrained("somebody/tiny")' in card and re.search(r"guerdon (sample|score) somebody/tiny ", card)
    assert str(model) not in card


def test_what_is_no_part_of_a_model_is_not_pushed(trained, hub, tmp_path):
    shutil.copytree(trained / "run/model", tmp_path / "model")
    for name in ("x.draft", ".lock", "a.lock", "checkpoint-1/state.pt", "more/notes.txt"):
        (tmp_path / "model" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "model" / name).write_text("x")
    assert main(["push", str(tmp_path / "model"), "somebody/tiny"]) == 0
    assert set(hub.files) == {p.name for p in (trained / "run/model").iterdir()} | {"more/notes.txt"}


def test_changed_settings_make_no_other_method():
    changed = load("recipe: {base: dapo}\ntask: sort_letters", ["learning_rate=3e-5", "epsilon_high=0.3", "num_generations=4"]).recipe
    assert method(changed) == "dapo"


class Hub(BaseHTTPRequestHandler):
    """As much of a hub as an upload of small files needs."""

    def log_message(self, *arguments):
        pass

    def answer(self, value, status=200):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):
        server = self.server
        size = self.headers.get("Content-Length")
        if size is not None:
            body = self.rfile.read(int(size))
        else:  # in chunks
            body = b""
            while (length := int(self.rfile.readline(), 16)) > 0:
                body += self.rfile.read(length)
                self.rfile.readline()
            self.rfile.readline()
        if self.headers.get("Authorization") != "Bearer hf_right":
            return self.answer({"error": "you may not"}, 403)
        if self.path == "/api/repos/create":
            server.created.append(json.loads(body))
            return self.answer({"url": f"{server.address}/somebody/tiny", "id": "1"})
        if "/preupload/" in self.path:
            files = [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]]
            return self.answer({"files": files})
        if "/commit/" not in self.path:  # checks of the card
            return self.answer({})
        for line in map(json.loads, body.decode().splitlines()):
            if line["key"] == "file":
                server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "header":
                server.messages.append(line["value"]["summary"])
        return self.answer(
            {"commitUrl": f"{server.address}/somebody/tiny/commit/abc", "commitOid": "abc", "success": True, "hookOutput": ""}
        )

    def do_GET(self):
        self.answer({"error": "there is none"}, 404)


@pytest.fixture
def hub(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.address, server.created, server.files, server.messages = f"http://127.0.0.1:{server.server_port}", [], {}, []
    Thread(target=server.serve_forever, daemon=True).start()
    import huggingface_hub.constants
    import huggingface_hub.hf_api

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", server.address)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    yield server
    server.shutdown()


def test_a_model_is_pushed_with_its_card(trained, hub, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    assert main(["push", "run", "somebody/tiny", "--private", "--message", "the first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["address"].endswith("somebody/tiny")
    (created,) = hub.created
    assert (created["name"], created["organization"]) == ("tiny", "somebody") and (
        created.get("private") or created["visibility"] == "private"
    )
    assert hub.files["model.safetensors"] == Path("run/model/model.safetensors").read_bytes() and hub.messages == ["the first"]
    assert {p.name for p in Path("run/model").iterdir()} == set(hub.files)
    card = hub.files["README.md"].decode()
    assert 'from_pretrained("somebody/tiny")' in card and "run/model" not in card.partition("## Settings")[0]


def test_what_cannot_be_pushed_is_refused_in_a_sentence(trained, hub, monkeypatch, capsys):
    monkeypatch.chdir(trained)

    def said(*arguments):
        assert main(["push", *arguments]) == 2
        return " ".join(capsys.readouterr().err.split())

    assert "OWNER/NAME" in said("run", "tiny")
    assert "holds no saved model" in said(".", "somebody/tiny")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert "does not let this token write somebody/tiny" in said("run", "somebody/tiny")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert "set HF_TOKEN" in said("run", "somebody/tiny")
    assert not hub.files


def test_a_hub_that_is_not_there_is_no_surprise(trained, hub, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert main(["push", "run", "somebody/tiny"]) == 1 and "cannot be reached" in capsys.readouterr().err
