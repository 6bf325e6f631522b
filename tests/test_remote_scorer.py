"""Rewards that a server gives: the same numbers as here, in every shape; what passes is waited for, what does not is told, and a row that has no number costs no other."""

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from guerdon.errors import InputError, RunFailed
from guerdon.feedback.number import NoNumber, as_number
from guerdon.feedback.remote.classify import Classify
from guerdon.feedback.remote.get_reward import GetReward
from guerdon.feedback.remote.rewards import Rewards
from guerdon.feedback.remote.score import Score
from guerdon.feedback.rewards.remote_scorer import RemoteScorer
from guerdon.feedback.running import RewardRunner
from guerdon.servers.connection import Refused

pytest.importorskip("uvicorn")
from test_serving import CHAT, ROWS, Slow, folder, near, plain, scores, server, stand_in, written

__all__ = ["folder", "plain", "server"]  # fixtures
QUICK = {"backoff": 0.01, "timeout": 20.0, "tries": 3}


@pytest.fixture
def answering():
    """A server of the test: ``answers`` are given one after the other, the last again and again; a number is a status, None a connection that is dropped."""
    made = []

    def make(*answers):
        seen = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                seen.append((self.path, body, self.headers.get("Authorization")))
                answer = answers[min(len(seen), len(answers)) - 1]
                answer = answer(body) if callable(answer) else answer
                if answer is None:
                    self.close_connection = True
                    return
                status, said = (answer, {"error": {"message": "not now"}}) if isinstance(answer, int) else (200, answer)
                text = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
        made.append(running)
        return f"http://127.0.0.1:{running.server_port}", seen

    yield make
    for running in made:
        running.shutdown()
        running.server_close()


def texts(rows):
    return [p for p, _ in rows], [c for _, c in rows]


@pytest.mark.parametrize("rows_at_once", [1, 7, 100])
def test_a_server_gives_what_the_scorer_gives_here(server, folder, plain, rows_at_once):
    url = f"http://127.0.0.1:{server.port}"
    rows_at_once = min(rows_at_once, 64)
    assert RemoteScorer(url, rows_at_once=rows_at_once)(*texts(ROWS)) == near(plain)
    if rows_at_once == 7:
        chat = scores(folder, CHAT)
        assert RemoteScorer(f"{url}/", rows_at_once=7)(*texts(CHAT), trainer_state=None, completion_ids=[[1]] * len(ROWS)) == near(chat)
        assert RemoteScorer(f"{url}/v1", Score(model="tiny"))(*texts(ROWS)) == near(plain)
        assert RemoteScorer(f"{url}/get_reward", GetReward())(*texts(ROWS), label=["x"] * len(ROWS)) == near(plain)
        assert RemoteScorer(url, Classify())(*texts(CHAT[:6])) == near(chat[:6])
        templated = [(written(p, "", ""), c) for p, c in ROWS[:6]]
        assert RemoteScorer(url, Classify())(*texts(templated)) == near(chat[:6])
        squashed = RemoteScorer(url, Score(activation=True))(*texts(ROWS[:3]))
        assert squashed == near([1 / (1 + math.exp(-x)) for x in plain[:3]])


def test_it_is_a_value_without_a_connection():
    import pickle

    part = RemoteScorer("http://127.0.0.1:1", rows_at_once=3)
    part._heard.append(True)
    again = pickle.loads(pickle.dumps(part))
    assert again == part and "_heard" not in again.__dict__ and again.elsewhere


def test_what_passes_is_asked_again(answering):
    url, seen = answering(None, 503, {"rewards": [2.0]})
    remote = RemoteScorer(url, **QUICK)
    remote._heard.append(True)
    assert remote(["q"], ["a"]) == [2.0] and len(seen) == 3


def test_a_server_that_is_full_is_asked_again_until_it_has_room():
    started = threading.Event()
    with stand_in(Slow(0.2, started), most_waiting=2, most_texts=2, tokens_at_once=4) as asked:
        remote = RemoteScorer(f"http://127.0.0.1:{asked.port}", rows_at_once=2, requests_at_once=4, backoff=0.05, timeout=30.0, tries=20)
        assert remote(["q"] * 8, [f"{'x' * i}y" for i in range(8)]) == [float(i + 1) for i in range(8)]
        assert asked.count("full") > 0


def test_a_row_that_has_no_number_costs_no_other(server, plain):
    """Neither in a batch of the runner's nor by itself."""
    rows = [*ROWS[:5], ("q", "two " * 200), *ROWS[5:9]]
    remote = RemoteScorer(f"http://127.0.0.1:{server.port}", rows_at_once=8)
    found = remote(*texts(rows))
    assert isinstance(found[5], NoNumber) and math.isnan(found[5]) and "item 0" in found[5].why and "128" in found[5].why
    assert [*found[:5], *found[6:]] == near(plain[:9])
    with RewardRunner({"remote": remote}) as runner:
        scored = runner.score(*texts(rows), {})
    assert scored.invalid.tolist() == [i == 5 for i in range(10)]
    assert scored.errors[5].startswith("the reward remote has no number: ") and "has room for 128" in scored.errors[5]


def test_a_row_of_a_foreign_server_without_a_finite_number_is_left_out(answering):
    url, _ = answering({"rewards": [1.0, math.nan, None, math.inf]})
    found = RemoteScorer(url, **QUICK)(["q"] * 4, ["a", "b", "c", "d"])
    assert found[0] == 1.0 and found[2] is None and isinstance(found[1], NoNumber) and isinstance(found[3], NoNumber)
    assert as_number(found[3]).text == "has no number: the server answers inf"


def test_what_is_refused_as_a_whole_is_told(answering, monkeypatch):
    with stand_in(Slow(), {"h3pGd0l2rY7b9Qe1": "ann"}) as asked:
        url = f"http://127.0.0.1:{asked.port}"
        with pytest.raises(Refused, match=r"401.*the environment variable GUERDON_TOKEN \(token_env\)"):
            RemoteScorer(url, **QUICK)(["q"], ["a"])
        monkeypatch.setenv("MINE", "h3pGd0l2rY7b9Qe1")
        assert RemoteScorer(url, token_env="MINE", **QUICK)(["q"], ["abc"]) == [3.0]
    with pytest.raises(InputError, match="nothing answers at"):
        RemoteScorer("http://127.0.0.1:9", **QUICK)(["q"], ["a"])
    with pytest.raises(InputError, match="ask in another shape"):
        RemoteScorer(url, Score())([[{"role": "user", "content": "q"}]], [[{"role": "assistant", "content": "a"}]])
    for answer in ({"scores": [1.0]}, {"rewards": [1.0, 2.0]}, [1.0], {"rewards": "x"}):
        with pytest.raises(InputError, match="the server"):
            RemoteScorer(answering(answer)[0], **QUICK)(["q"], ["a"])
    for answer in ({"data": []}, {"data": [{"index": 1, "score": 1.0}]}, {"data": [{"score": 1.0}]}, {"data": 3}):
        with pytest.raises(InputError, match="the server"):
            RemoteScorer(answering(answer)[0], Score(), **QUICK)(["q"], ["a"])
    with pytest.raises(InputError, match="label is 3"):
        RemoteScorer(answering({"data": [{"index": 0, "probs": [1.0]}]})[0], Classify(label=3), **QUICK)(["q"], ["a"])


def test_a_server_that_is_gone_ends_the_run_with_a_sentence(answering):
    url, seen = answering({"rewards": [1.0]}, 503)
    remote = RemoteScorer(url, **QUICK)
    assert remote(["q"], ["a"]) == [1.0]
    with pytest.raises(RunFailed, match="no answer in 3 tries, the last time 503: not now"), RewardRunner({"remote": remote}) as runner:
        runner.score(["q"], ["a"], {})
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RemoteScorer("localhost:8000"), "begins with http"),
        (lambda: RemoteScorer("http://localhost", rows_at_once=0), "1 or more"),
        (lambda: RemoteScorer("http://localhost", tries=0), "timeout and patience are above 0, tries 1 or more"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_columns_of_the_rows_go_along_where_they_are_read(answering):
    url, seen = answering(lambda body: {"rewards": [0.5] * len(body["completions"])})
    RemoteScorer(url, Rewards(columns=("user",)))(["q"] * 2, ["a", "b"], user=[3, 1], tools=[None, [{"name": "f"}]], answer=["x", "y"])
    assert seen[0][1] == {
        "prompts": ["q"] * 2,
        "completions": ["a", "b"],
        "columns": {"user": [3.0, 1.0]},
        "tools": [None, [{"name": "f"}]],
    }


def test_a_run_is_rewarded_by_a_server(server, folder, tmp_path, monkeypatch):
    """From YAML to the rewards that are written down, which are those that the scorer gives here."""
    from guerdon.interfaces.cli import main
    from guerdon.models.language.scorer import Scorer

    monkeypatch.chdir(tmp_path)
    Path("prompts.jsonl").write_text("".join(json.dumps({"prompt": p}) + "\n" for p, _ in ROWS[:8]))
    Path("run.yaml").write_text(
        f"""
model: {{part: language_model, source: {folder.parent / "base"}, device: cpu}}
task: prompts.jsonl
recipe: {{base: grpo, sampler: {{num_generations: 2}}}}
reward: {{part: remote_scorer, url: "http://127.0.0.1:{server.port}", rows_at_once: 3}}
decoding: {{max_completion_length: 4}}
budget: {{steps: 2, batch_size: 4}}
run: runs/served
"""
    )
    before = server.count("answered")
    assert main(["train", "run.yaml", "--json"]) == 0
    assert server.count("answered") > before
    lines = [json.loads(line) for line in Path("runs/served/completions.jsonl").read_text().splitlines()]
    scorer = Scorer(str(folder), device="cpu").build()
    assert len(lines) >= 8
    expected = scorer.score([line["prompt"] for line in lines], [line["completion"] for line in lines])
    assert [line["reward"] for line in lines] == near(expected)


def test_trl_is_rewarded_by_a_server(server, folder, tmp_path):
    """A step of TRL's GRPO, with the part as its reward function: what it was paid is what the scorer gives here for what it sampled."""
    trl = pytest.importorskip("trl")
    import warnings

    from datasets import Dataset

    from guerdon.models.language.scorer import Scorer

    paid = []

    class Recording(RemoteScorer):
        def __call__(self, prompts, completions, **columns):
            found = super().__call__(prompts, completions, **columns)
            paid.extend(zip(prompts, completions, found, strict=True))
            return found

    size = {"max_steps": 1, "per_device_train_batch_size": 4, "num_generations": 2, "max_completion_length": 4}
    how = {
        "report_to": "none",
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
        "save_strategy": "no",
    }
    data = Dataset.from_list([{"prompt": prompt} for prompt, _ in ROWS[:4]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = trl.GRPOTrainer(
            model=str(folder.parent / "base"),
            reward_funcs=Recording(f"http://127.0.0.1:{server.port}"),
            args=trl.GRPOConfig(output_dir=str(tmp_path / "trl"), **size, **how),
            train_dataset=data,
        )
        trainer.train()
    scorer = Scorer(str(folder), device="cpu").build()
    assert len(paid) == 4 and len({reward for *_, reward in paid}) > 1
    assert [reward for *_, reward in paid] == near(scorer.score([p for p, *_ in paid], [c for _, c, _ in paid]))
    logged = next(log for log in trainer.state.log_history if "reward" in log)
    assert logged["reward"] == pytest.approx(sum(reward for *_, reward in paid) / 4, abs=1e-5)
