"""A judge behind an OpenAI-compatible address: what it is sent, what goes wrong, what it may cost, and what is remembered, against a server over HTTP."""

import json
import os
import pickle
import socket
import time

import pytest

from guerdon.errors import InputError, RunFailed
from guerdon.feedback.deliberation.critique import Critique
from guerdon.feedback.formats import Case
from guerdon.feedback.formats.mean_vote import MeanVote
from guerdon.feedback.formats.preference_token import PreferenceToken
from guerdon.feedback.formats.score import Score
from guerdon.feedback.layouts.json_object import JsonObject
from guerdon.feedback.rewards.judge import Judge
from guerdon.feedback.running import RewardRunner
from guerdon.feedback.writers import Question
from guerdon.feedback.writers.endpoint import Endpoint
from guerdon.interfaces.cli import main
from guerdon.saying import listening
from guerdon.servers.pacing import Pace
from guerdon.servers.spending import Purse, Spent, charged_to
from openai_server import completion, playing

QUICK = {"backoff": 0.01, "timeout": 10.0, "tries": 3, "remember": False}
CASES = [Case("What is the capital of France?", (name,)) for name in ("Paris", "Rome", "Lyon")]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GUERDON_CACHE", str(tmp_path / "cache"))
    yield
    charged_to(None)


def asked(text="hello", **named):
    return Question(({"role": "system", "content": "You judge."}, {"role": "user", "content": text}), **named)


def by_name(body):
    said = body["messages"][-1]["content"]
    return "[[10]]" if "Paris" in said else "[[1]]" if "Rome" in said else "I cannot say."


# -- what is sent and what comes back


def test_verdicts_are_those_of_the_server_and_prose_is_none():
    with playing(by_name) as server:
        found = Score()(Endpoint(server.url, "judge-1", **QUICK), CASES)
    assert [verdict.value for verdict in found] == [1.0, 0.0, None] and "'I cannot say.'" in found[2].why
    assert found[0].read == 10 and found[0].written == 5
    body = server.seen[0]
    assert body["model"] == "judge-1" and body["temperature"] == 0 and body["max_tokens"] == 16 and "seed" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]


def test_the_probability_of_a_word_is_that_of_its_tokens():
    top = [
        {"token": "B", "logprob": -1.0},
        {"token": " B", "logprob": -1.0},
        {"token": "A", "logprob": -2.0},
        {"token": "x", "logprob": -9.0},
    ]
    with playing(completion("B", logprobs={"content": [{"token": "B", "top_logprobs": top}]})) as server:
        value = PreferenceToken()(Endpoint(server.url, **QUICK), [Case("q", ("a", "b"))])[0].value
    assert value == pytest.approx(2.718281828**-2 / (2.718281828**-2 + 2 * 2.718281828**-1))
    assert server.seen[0]["logprobs"] is True and server.seen[0]["top_logprobs"] == 20


def test_what_a_server_does_not_know_is_done_without():
    """It refuses schemas, log-probabilities, and the role of the system, one after the other; what it then writes is read."""

    def strict(body):
        if "response_format" in body:
            return ValueError("response_format is not supported")
        if body["messages"][0]["role"] == "system":
            return ValueError("System role not supported")
        return '{"critique": "good", "verdict": 10}' if "critique" in str(body) else "A"

    said: list[str] = []
    with playing(strict) as server, listening(said.append):
        endpoint = Endpoint(server.url, **QUICK)
        assert Score(Critique(), JsonObject())(endpoint, CASES[:1])[0].value == 1.0
        assert PreferenceToken()(endpoint, [Case("q", ("a", "b"))])[0].value == 1.0
    assert len(server.seen) == 4 and server.seen[0]["response_format"]["json_schema"]["schema"]["required"] == ["critique", "verdict"]
    assert [sentence.rpartition(": ")[2] for sentence in said] == [
        "from now on answers are not held to the JSON schema",
        "from now on what a judge is told stands in the user's message",
    ]


def test_votes_have_seeds_of_their_own():
    with playing("[[5]]") as server:
        MeanVote(Score(), votes=3)(Endpoint(server.url, **QUICK), CASES[:1])
    assert len({body["seed"] for body in server.seen}) == 3 and {body["temperature"] for body in server.seen} == {1.0}


# -- what goes wrong


def test_an_endpoint_that_is_down_is_said_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(InputError, match=r"nothing answers at .*; start the server, or mend url"):
        Score()(Endpoint(url, **QUICK), CASES)


def test_an_endpoint_that_goes_down_ends_the_run_with_a_sentence():
    with playing("[[5]]", 503) as server:
        endpoint = Endpoint(server.url, **QUICK)
        with pytest.raises(RunFailed, match="gave no answer in 3 tries, the last time 503: not now"):
            Score()(endpoint, CASES)
    assert len(server.seen) >= 4


def test_a_wrong_key_is_named_by_its_variable_and_never_shown(monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "sk-secret")
    with playing(401) as server:
        endpoint = Endpoint(server.url, key_env="JUDGE_KEY", **QUICK)
        with pytest.raises(InputError, match=r"refuses what it is asked \(401\).*environment variable JUDGE_KEY \(key_env\)") as caught:
            Score()(endpoint, CASES)
    assert server.keys == ["Bearer sk-secret"]
    assert "sk-secret" not in str(caught.value) + repr(endpoint) + str(pickle.dumps(endpoint))


def test_what_is_no_completion_is_tried_again_and_then_told():
    with playing(b'{"choices": [', b"<html>", completion("[[10]]")) as server:
        assert Score()(Endpoint(server.url, **QUICK), CASES[:1])[0].value == 1.0
    with (
        playing({"result": "[[10]]"}) as server,
        pytest.raises(InputError, match=r"answered 3 times with something that is no chat completion.*does url end in /v1"),
    ):
        Score()(Endpoint(server.url, **QUICK), CASES[:1])


def test_retry_after_is_waited_for():
    with playing((429, {"Retry-After": "0.4"}), "[[10]]") as server:
        begun = time.monotonic()
        assert Score()(Endpoint(server.url, **QUICK), CASES[:1])[0].value == 1.0
        assert time.monotonic() - begun >= 0.4
    assert len(server.seen) == 2


def test_a_question_that_is_refused_has_no_verdict_and_costs_no_other():
    def choosy(body):
        return ValueError("content policy") if "Rome" in body["messages"][-1]["content"] else "[[10]]"

    with playing(choosy) as server:
        found = Score()(Endpoint(server.url, **QUICK), CASES)
    assert [verdict.value for verdict in found] == [1.0, None, 1.0] and "content policy" in found[1].why
    with playing(ValueError("no such model")) as server, pytest.raises(InputError, match="no such model"):
        Score()(Endpoint(server.url, **QUICK), CASES)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"url": "localhost:80"}, "url is 'localhost:80'"),
        ({"key_env": "sk-12-34"}, "is the name of the environment variable"),
        ({"budget_money": 1.0}, "needs price_read and price_written"),
        ({"concurrency": 0}, "concurrency is 1 or more"),
        ({"budget_tokens": 0}, "above 0"),
        ({"tries": 0}, "tries 1 or more"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        Endpoint(**({"url": "http://localhost/v1"} | settings))


def test_a_users_reward_cannot_read_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "sk-secret")
    monkeypatch.setenv("NO_KEY", "seen")
    file = tmp_path / "spy.py"
    file.write_text(
        "import os\ndef spy(prompts, completions):\n    return [float('JUDGE_KEY' in os.environ) + 2 * float('NO_KEY' in os.environ)] * len(prompts)\n"
    )
    Endpoint("http://localhost/v1", key_env="JUDGE_KEY")
    with RewardRunner({"spy": f"{file}:spy"}, workers=1) as runner:
        assert runner.score(["q"], ["a"]).components["spy"].tolist() == [2.0]
    assert os.environ["JUDGE_KEY"] == "sk-secret"


# -- what it costs


def test_a_budget_is_never_passed_and_what_was_paid_for_is_remembered():
    with playing(completion("[[10]]", read=200, written=10)) as server:
        settings = {**QUICK, "remember": True, "price_read": 10.0, "price_written": 10.0, "concurrency": 1}
        many = [Case("What is the capital of France?", (f"Paris {k}",)) for k in range(20)]
        endpoint = Endpoint(server.url, budget_money=0.02, **settings)
        with pytest.raises(RunFailed, match=r"the budget of the model at .* is used up: .*beyond 0.02 of money; nothing is lost"):
            Score()(endpoint, many)
        spent, paid = endpoint.session.purse.spent(), len(server.seen)
        assert spent.money <= 0.02 and spent.requests == paid == len(many[:paid]) and 0 < paid < 20
        more = Endpoint(server.url, budget_money=1.0, **settings)
        assert all(verdict.value == 1.0 for verdict in Score()(more, many)) and len(server.seen) == 20
        assert more.session.purse.spent().requests == 20 - paid and more.session.remembered == paid


def test_many_at_once_do_not_pass_a_budget_together():
    with playing(completion("[[10]]", read=600, written=16)) as server:
        endpoint = Endpoint(server.url, budget_tokens=6000, concurrency=8, **QUICK)
        with pytest.raises(Spent):
            Score()(endpoint, [Case("What is the capital of France?", (f"Paris {k}",)) for k in range(40)])
        assert endpoint.session.purse.spent().read + endpoint.session.purse.spent().written <= 6000 and len(server.seen) <= 9


def test_a_run_has_one_budget_over_all_its_lives(tmp_path):
    charged_to(tmp_path)
    first = Purse("judge", tokens=100)
    first.settle(first.reserve(50, 10, 0.0), 40, 0, 0.0)
    again = Purse("judge", tokens=100)  # of another process, later
    assert again.spent().read == 40
    with pytest.raises(Spent):
        again.reserve(50, 11, 0.0)
    assert Purse("another", tokens=100).reserve(100, 0, 0.0)
    charged_to(None)
    assert Purse("judge", tokens=100).spent().read == 0


def test_what_a_process_had_reserved_that_is_no_more_counts_as_spent(tmp_path):
    charged_to(tmp_path)
    child = os.fork()
    if not child:
        Purse("judge", tokens=100).reserve(50, 10, 0.0)
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(Spent):
        Purse("judge", tokens=100).reserve(41, 0, 0.0)


def test_a_pace_lets_through_what_a_minute_allows():
    now = [0.0]
    pace = Pace(60, clock=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    for _ in range(60):
        pace.take(1)
    assert now[0] == 0.0
    for _ in range(30):
        pace.take(1)
    assert now[0] == pytest.approx(30.0)
    pace.take(600)  # more than a minute's
    assert now[0] == pytest.approx(90.0)


def test_no_more_requests_than_a_minute_allows_are_sent(monkeypatch):
    slept = []
    with playing("[[10]]") as server:
        endpoint = Endpoint(server.url, requests_per_minute=2, **QUICK)
        endpoint.session.requests.sleep = lambda seconds: slept.append(seconds)
        Score()(endpoint, CASES)
    assert len(slept) == 1 and 29 < slept[0] <= 30


# -- a whole run

RUN = """
model: {{part: small_language_model, layers: 1, hidden: 16, heads: 2, context_length: 32, characters: abc}}
task: {{part: dataset, path: rows.jsonl}}
recipe: {{base: grpo, sampler: {{num_generations: 2}}}}
reward: {{judge: {{model: {{url: {url}, model: judge-1, key_env: JUDGE_KEY, budget_tokens: {budget}, concurrency: 1}}, format: score}}}}
decoding: {{max_completion_length: 4}}
budget: {{steps: 6, batch_size: 2, save_every: 1}}
run: out
"""


def test_a_budget_that_ends_in_the_middle_of_a_run_loses_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUDGE_KEY", "sk-secret")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "ab"}) + "\n")
    with playing(lambda body: completion(f"[[{1 + len(str(body)) % 10}]]", read=500, written=4)) as server:
        (tmp_path / "run.yaml").write_text(RUN.format(url=server.url, budget=4000))
        assert main(["train", "run.yaml"]) == 1
        assert "is used up" in capsys.readouterr().err
        first = len(server.seen)
        assert main(["train", "run.yaml", "reward.functions.judge.model.budget_tokens=100000"]) == 0
        ended = [json.loads(line) for line in (tmp_path / "out" / "completions.jsonl").read_text().splitlines()]
        (tmp_path / "other.yaml").write_text(RUN.format(url=server.url, budget=100000).replace("run: out", "run: whole"))
        seen = len(server.seen)
        assert main(["train", "other.yaml"]) == 0 and len(server.seen) == seen  # all of it is remembered
        whole = [json.loads(line) for line in (tmp_path / "whole" / "completions.jsonl").read_text().splitlines()]
    assert 0 < first < seen and len({json.dumps(body["messages"]) for body in server.seen}) == seen  # nothing was paid for twice
    assert ended == whole and len(ended) == 24
    for file in (tmp_path / "out").rglob("*"):
        assert not file.is_file() or b"sk-secret" not in file.read_bytes()
    assert set(server.keys) == {"Bearer sk-secret"}


def test_a_judge_that_is_elsewhere_lets_the_run_go_on():
    assert Judge(Endpoint("http://localhost/v1")).elsewhere and not Judge(_silent).elsewhere


def _silent(questions):
    return []
