"""Serving a scorer: every shape gives the numbers of ``guerdon score``, whoever else asks; nothing that was accepted is lost; what is wrong is told."""

import http.client
import json
import os
import queue
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from guerdon.errors import InputError

pytest.importorskip("uvicorn")
from guerdon.interfaces.serving import Settings, serve_reward
from guerdon.interfaces.serving.items import Answered
from guerdon.interfaces.serving.queueing import Full, Job, Queue
from guerdon.interfaces.serving.shapes import shapes
from guerdon.interfaces.web import Ending, address, serve, tokens_of

WORDS = [
    "The",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "it.",
    "What",
    "is",
    "two",
    "and",
    "two?",
    "four",
    "is",
    "the",
    "answer",
    "of",
    "an",
    "assistant",
    "to",
    "the",
    "user",
]
ROWS = [
    (" ".join(random.Random(i).choices(WORDS, k=3 + i % 7)), " ".join(random.Random(-i).choices(WORDS, k=1 + i % 9))) for i in range(40)
]
CHAT = [([{"role": "user", "content": p}], [{"role": "assistant", "content": c}]) for p, c in ROWS]


def written(prompt, completion, end="<|im_end|>"):
    return f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n{completion}{end}"


class Asked:
    """A server at a port of this machine."""

    def __init__(self, port):
        self.port = port

    def post(self, path, body=None, method="POST", raw=None, **headers):
        """Status and answer; ``raw`` in the place of JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, raw if raw is not None else None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.headers = dict(answer.getheaders())
        return answer.status, json.loads(text) if "json" in answer.getheader("content-type", "") else text.decode()

    def right(self, path, body):
        status, found = self.post(path, body)
        assert status == 200, found
        return found

    def wrong(self, path, body=None, **more):
        status, found = self.post(path, body, **more)
        return status, found["error"]["message"]

    def until(self, holds, seconds=30):
        start = time.monotonic()
        while not holds():
            assert time.monotonic() - start < seconds
            time.sleep(0.01)

    def ready(self, seconds=120):
        self.until(lambda: self.post("/ready", method="GET")[0] == 200, seconds)
        return self

    def count(self, outcome):
        text = self.post("/metrics", method="GET")[1]
        return sum(float(n) for n in re.findall(rf'guerdon_requests_total\{{.*outcome="{outcome}"\}} (\S+)', text))


@contextmanager
def served(run):
    """A server in a thread of this process: ``run(at, ending)`` serves."""
    at, ending, failed = address("127.0.0.1", 0), Ending(), []

    def guarded():
        try:
            run(at, ending)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    asked = Asked(at.port)
    asked.until(lambda: failed or _listens(at.port))
    try:
        yield asked.ready()
    finally:
        ending.ask()
        thread.join(30)
        assert not thread.is_alive() and not failed


def _listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Slow:
    """In the place of a running scorer: a text's number is its length, and each takes ``seconds``. One that says "boom" cannot be scored, one that says "no" is not read."""

    room, truncated = 100, 0

    def __init__(self, seconds=0.0, started=None):
        self.seconds, self.started, self.seen = seconds, started, []

    def read(self, item):
        from guerdon.interfaces.serving.scoring import Read
        from guerdon.sequences import Side

        if "no" in item.completion:
            raise InputError("it says no")
        tokens = tuple(range(len(item.completion)))
        return Read(Side((0,), tokens, (True,) * len(tokens)), {"text": item.completion})

    def measure(self, items):
        from guerdon.interfaces.serving.scoring import Found, Unscored

        if self.started:
            self.started.set()
        self.seen.append([item.columns["text"] for item in items])
        time.sleep(self.seconds * len(items))
        if any("end" in item.columns["text"] for item in items):
            raise SystemExit("whatever a model does")
        return [
            Unscored("the model failed: boom") if "boom" in item.columns["text"] else Found(float(len(item.side.actions)), {}, item.tokens)
            for item in items
        ]


@contextmanager
def stand_in(scoring, tokens=None, **settings):
    from guerdon.interfaces.serving import OPEN
    from guerdon.interfaces.serving.application import Application

    own = Settings(**settings)

    def run(at, ending):
        app = Application(lambda: scoring, ("slow",), own, ending.ask).app()
        serve(app, at, tokens or {}, own.most_bytes, lambda url: None, OPEN, ending, own.timeout)

    with served(run) as asked:
        yield asked


def rewards(*completions):
    return {"prompts": ["q"] * len(completions), "completions": list(completions)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A trained scorer of ours, whose answers end with another token than the tokenizer's end."""
    from guerdon.models.heads.scalar import Scalar
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.language_model import LanguageModel
    from tiny_models import folder, moved

    path = tmp_path_factory.mktemp("served")
    model = Headed(LanguageModel(str(folder(path / "base", "llama", "other end")), device="cpu"), Scalar()).build(0)
    moved(model.module, 0.3)
    model.save(path / "scorer")
    return path / "scorer"


@pytest.fixture(scope="module")
def server(folder):
    settings = Settings(tokens_at_once=300, truncate="", most_texts=64)
    with served(
        lambda at, ending: serve_reward(str(folder), at, {}, settings, lambda said: None, "tiny", device="cpu", ending=ending)
    ) as asked:
        yield asked


@pytest.fixture(scope="module")
def plain(folder):
    return scores(folder, ROWS)


@pytest.fixture(scope="module")
def chat(folder):
    return scores(folder, CHAT)


def scores(folder, rows):
    """What ``guerdon score`` writes."""
    from guerdon.interfaces.cli import main

    path = folder.parent / f"rows{type(rows[0][0]).__name__}.jsonl"
    path.write_text("".join(json.dumps({"prompt": p, "completion": c}) + "\n" for p, c in rows))
    out = path.with_suffix(".out.jsonl")
    assert main(["score", str(folder), str(path), "--out", str(out), "--device", "cpu"]) == 0
    return [json.loads(line)["score"] for line in out.read_text().splitlines()]


def near(values):
    return pytest.approx(values, abs=1e-5)


# The same numbers in every shape


def test_rewards_are_those_of_guerdon_score(server, plain, chat):
    assert len({round(x, 3) for x in plain}) > 30  # they differ from each other
    for rows, expected in ((ROWS, plain), (CHAT, chat)):
        found = server.right(
            "/v1/rewards", {"prompts": [p for p, _ in rows], "completions": [c for _, c in rows], "answer": ["x"] * len(rows)}
        )
        assert found["rewards"] == near(expected) and found["model"] == "tiny"


def test_pairs_of_texts_as_vllm_takes_them(server, plain, chat):
    prompts, answers = [p for p, _ in ROWS], [c for _, c in ROWS]
    for names in (("text_1", "text_2"), ("queries", "documents"), ("queries", "items"), ("data_1", "data_2")):
        found = server.right("/v1/score", {names[0]: prompts, names[1]: answers, "model": "tiny"})
        assert [entry["score"] for entry in found["data"]] == near(plain)
    assert [entry["index"] for entry in found["data"]] == list(range(len(ROWS))) and found["usage"]["total_tokens"] > 100
    one = server.right("/score", {"text_1": prompts[3], "text_2": answers[3]})["data"]
    assert len(one) == 1 and one[0]["score"] == near(plain[3])
    several = server.right("/score", {"text_1": prompts[3], "text_2": answers[:4]})["data"]
    assert len(several) == 4 and several[3]["score"] == near(plain[3])
    talk = server.right("/score", {"text_1": CHAT[3][0], "text_2": [CHAT[3][1]]})["data"]
    assert talk[0]["score"] == near(chat[3])
    squashed = server.right("/score", {"text_1": prompts[3], "text_2": answers[3], "use_activation": True})["data"]
    assert squashed[0]["score"] == near(1 / (1 + 2.718281828459045 ** -plain[3]))


def test_rerankers_get_the_best_first(server, folder):
    documents = [c for _, c in ROWS[:6]]
    expected = scores(folder, [(ROWS[0][0], c) for c in documents])
    order = sorted(range(6), key=lambda i: -expected[i])
    for path in ("/v1/rerank", "/v2/rerank", "/rerank"):
        found = server.right(path, {"query": ROWS[0][0], "documents": [documents[0], *({"text": d} for d in documents[1:])], "top_n": 4})[
            "results"
        ]
        assert [one["index"] for one in found] == order[:4]
        assert [one["relevance_score"] for one in found] == near([expected[i] for i in order[:4]])
        assert [one["document"] for one in found] == [{"text": documents[i]} for i in order[:4]]
    bare = server.right("/rerank", {"query": ROWS[0][0], "documents": documents, "return_documents": False})["results"]
    assert len(bare) == 6 and all(set(one) == {"index", "relevance_score"} for one in bare)
    tie = server.right("/rerank", {"query": "q", "documents": ["four", "is", "four"]})["results"]
    places = [one["index"] for one in tie]
    assert places.index(0) < places.index(2)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/classify", lambda entry: entry["probs"][-1]),
        ("/pooling", lambda entry: entry["data"][-1]),
        ("/v1/embeddings", lambda entry: entry["embedding"][-1]),
    ],
)
def test_what_a_template_has_written_has_the_score_of_the_conversation(server, chat, folder, path, number):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [tokenizer.apply_chat_template([*p, *c], tokenize=False) for p, c in CHAT]  # as verl does
    found = server.right(path, {"input": texts, "use_activation": False})["data"]
    assert [number(entry) for entry in found] == near(chat)
    alone = server.right(path, {"input": texts[5]})["data"]
    assert [number(entry) for entry in alone] == near(chat[5:6])
    messages = server.right(path, {"messages": [*CHAT[5][0], *CHAT[5][1]]})["data"]
    assert [number(entry) for entry in messages] == near(chat[5:6])
    cut = server.right(path, {"input": written(*ROWS[5], "")})["data"]  # the end token was left out on the way
    assert [number(entry) for entry in cut] == near(chat[5:6])
    tokens = tokenizer.encode(written(*ROWS[5]), add_special_tokens=False)
    assert [number(entry) for entry in server.right(path, {"input": tokens})["data"]] == near(chat[5:6])
    assert [number(entry) for entry in server.right(path, {"input": [tokens, tokens]})["data"]] == near([chat[5]] * 2)


def test_openrlhf_and_slime_get_the_score_of_the_conversation(server, chat, plain):
    prompts = [written(p, "", "") for p, _ in ROWS]
    queries = [written(p, c) for p, c in ROWS]
    for more in ({"prompts": prompts, "labels": ["x"] * len(ROWS)}, {}):
        found = server.right("/get_reward", {"query": queries, **more})
        assert found["rewards"] == found["scores"] == near(chat) and found["extra_logs"]["reward_model_score"] == near(chat)
    for (p, c), prompt, expected in list(zip(ROWS, prompts, chat, strict=True))[:3]:
        assert server.right("/slime", {"prompt": prompt, "response": c, "label": "x"}) == near(expected)
        assert server.right("/slime", {"prompt": [{"role": "user", "content": p}], "response": c}) == near(expected)
    untemplated = server.right("/get_reward", {"query": [p + c for p, c in ROWS], "prompts": [p for p, _ in ROWS]})
    assert untemplated["rewards"] == near(plain)


@pytest.mark.parametrize("kind", ["pad", "no pad", "other end"])
def test_a_scorer_that_reads_the_end_of_the_whole_template_is_served_as_it_was_trained(tmp_path, kind):
    """As TRL saves one: read at the last token of what its template writes."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from guerdon.interfaces.serving.items import Conversation, Written
    from guerdon.interfaces.serving.scoring import load
    from tiny_models import folder as made

    base = made(tmp_path / "base", "llama", kind)
    tokenizer = AutoTokenizer.from_pretrained(base)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = "<|endoftext|>"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1).eval()
        torch.nn.init.normal_(model.score.weight)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(tmp_path / "scorer")
    tokenizer.save_pretrained(tmp_path / "scorer")
    talk = [*CHAT[1][0], *CHAT[1][1]]
    with torch.no_grad():
        expected = model(
            **tokenizer(tokenizer.apply_chat_template(talk, tokenize=False), return_tensors="pt", add_special_tokens=False)
        ).logits.item()
    scoring = load(str(tmp_path / "scorer"), "float32", "cpu", Settings())
    items = [
        Conversation(talk),
        Answered(*CHAT[1]),
        Written(written(*ROWS[1])),
        Written(written(*ROWS[1]) + "\n"),
        Written(written(*ROWS[1], "")),
    ]
    items.append(Written(written(*ROWS[1]), written(ROWS[1][0], "", "")))
    assert [one.score for one in scoring.measure([scoring.read(item) for item in items])] == near([expected] * len(items))


def test_plain_texts_are_turns_where_the_server_is_told_so(folder, chat):
    from guerdon.interfaces.serving.scoring import load

    scoring = load(str(folder), "float32", "cpu", Settings(chat=True))
    assert [one.score for one in scoring.measure([scoring.read(Answered(p, c)) for p, c in ROWS])] == near(chat)


def test_every_shape_is_found_and_says_where_it_is_asked():
    assert {"score", "rerank", "classify", "pooling", "embeddings", "rewards", "get_reward", "slime"} <= set(shapes())
    paths = [path for shape in shapes().values() for path in shape.paths]
    assert len(paths) == len(set(paths))


# Together


def test_scores_do_not_depend_on_who_else_asks(server, plain):
    """Thirty-two threads at once, texts of all lengths, in requests of one to four."""
    found, before = {}, server.count("answered")

    def ask(seed):
        own = Asked(server.port)
        draw = random.Random(seed)
        for _ in range(4):
            rows = draw.sample(range(len(ROWS)), draw.randint(1, 4))
            body = {"text_1": [ROWS[i][0] for i in rows], "text_2": [ROWS[i][1] for i in rows]}
            for row, entry in zip(rows, own.right("/v1/score", body)["data"], strict=True):
                found.setdefault(row, []).append(entry["score"])

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(map(len, found.values())) > 200
    for row, values in found.items():
        assert values == near([plain[row]] * len(values))
    text = server.post("/metrics", method="GET")[1]
    batches, texts = (float(re.search(rf"^guerdon_batch_texts_{what} (\S+)", text, re.M)[1]) for what in ("count", "sum"))
    assert server.count("answered") - before == 128 and texts > batches  # some were scored together
    assert "guerdon_waiting_texts 0" in text and "guerdon_held_texts 0" in text


def _job(client, *costs):
    return Job(client, list(costs), costs, lambda found: None)


def test_a_client_of_many_texts_keeps_nobody_from_their_turn():
    line = Queue(1000)
    many, few = _job("many", *[10] * 50), _job("few", 10, 10)
    line.put(many)
    assert [job for job, _ in line.take(30, 0.0)] == [many] * 3
    line.put(few)
    second = line.take(40, 0.0)
    assert [job for job, _ in second].count(few) == 2
    places = [place for job, place in second if job is many]
    assert places == sorted(places)  # of one client in order of arrival
    rest = [place for _ in range(20) if line.waiting for job, place in line.take(40, 0.0)]
    assert sorted([*range(3), *places, *rest]) == list(range(50))


def test_who_was_silent_has_saved_up_nothing():
    line = Queue(1000)
    line.put(_job("busy", *[10] * 30))
    for _ in range(10):
        line.take(10, 0.0)
    line.put(_job("new", *[10] * 30))
    order = [job.client for _ in range(20) for job, _ in line.take(10, 0.0)]
    assert order.count("new") == 10


def test_a_batch_is_no_larger_than_asked_and_what_is_dropped_is_not_given_out():
    line = Queue(10)
    line.hold(10)
    with pytest.raises(Full):
        line.hold(1)
    line.release(10)
    gone, kept = _job("a", 5, 5, 5), _job("b", 50, 5)
    line.put(gone)
    line.put(kept)
    assert len(line.take(5, 0.0)) == 1
    line.drop(gone)
    assert [(job, place) for job, place in line.take(20, 0.0)] == [(kept, 0)]  # one that is larger goes alone
    assert [(job, place) for job, place in line.take(20, 0.0)] == [(kept, 1)]
    line.close()
    assert line.take(20, 0.0) is None and line.waiting == 0 == line.tokens


def test_the_first_text_waits_for_company():
    line = Queue(10)
    line.put(_job("a", 5))
    threading.Timer(0.05, line.put, [_job("b", 5)]).start()
    start = time.monotonic()
    assert len(line.take(100, 0.5)) == 2 and time.monotonic() - start > 0.4
    line.put(_job("a", 60, 60))
    start = time.monotonic()
    assert len(line.take(100, 5.0)) == 1 and time.monotonic() - start < 2  # there is enough


# What goes wrong


def test_a_full_line_sends_away_and_keeps_what_it_took_on():
    started = threading.Event()
    with stand_in(Slow(0.4, started), most_waiting=4, most_texts=4, tokens_at_once=3) as asked:
        found = []
        first = threading.Thread(target=lambda: found.append(Asked(asked.port).post("/v1/rewards", rewards("a", "bb", "ccc"))))
        first.start()
        assert started.wait(20)
        status, why = asked.wrong("/v1/rewards", rewards("a", "b"))
        assert (status, why) == (503, "3 texts are waiting already; ask again")
        assert 1 <= int(asked.headers["retry-after"]) <= 60
        assert asked.right("/v1/rewards", rewards("dddd"))["rewards"] == [4.0]
        first.join(20)
        assert found == [(200, {"object": "rewards", "model": "slow", "rewards": [1.0, 2.0, 3.0]})]
        assert asked.count("full") == 1


def test_what_takes_too_long_is_told_so_and_is_not_scored_in_vain():
    scoring = Slow(0.5)
    with stand_in(scoring, timeout=0.7, tokens_at_once=1) as asked:
        status, why = asked.wrong("/v1/rewards", rewards("a", "b", "c", "d", "e"))
        assert status == 504 and "not there after 0.7 s" in why
        asked.until(lambda: "guerdon_held_texts 0" in asked.post("/metrics", method="GET")[1])
        time.sleep(0.6)
        assert len(scoring.seen) <= 3 and asked.count("timeout") == 1


def test_a_client_that_goes_away_is_dropped():
    started = threading.Event()
    scoring = Slow(0.3, started)
    with stand_in(scoring, tokens_at_once=1) as asked:
        body = json.dumps(rewards("a", "b", "c", "d", "e", "f")).encode()
        connection = socket.create_connection(("127.0.0.1", asked.port))
        connection.sendall(b"POST /v1/rewards HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert started.wait(20)
        connection.close()
        asked.until(lambda: asked.count("gone") == 1)
        assert asked.right("/v1/rewards", rewards("xyz"))["rewards"] == [3.0]
        assert len(scoring.seen) <= 4


def test_a_text_that_cannot_be_scored_costs_its_own_request_alone():
    started = threading.Event()
    with stand_in(Slow(0.2, started), tokens_at_once=1000) as asked:
        holding = threading.Thread(target=Asked(asked.port).post, args=("/v1/rewards", rewards("hold")))
        holding.start()
        assert started.wait(20)
        found = queue.Queue()
        bodies = [rewards("a", "bb"), rewards("fine", "boom"), rewards("ccc")]
        asking = [threading.Thread(target=lambda b=b: found.put(Asked(asked.port).post("/v1/rewards", b))) for b in bodies]
        for thread in asking:
            thread.start()
        for thread in (*asking, holding):
            thread.join(20)
        by_status = sorted([found.get() for _ in bodies], key=lambda pair: (pair[0], str(pair[1])))
        assert [status for status, _ in by_status] == [200, 200, 422]
        assert (
            by_status[2][1]["error"]["index"] == 1 and "item 1 has no score: the model failed: boom" in by_status[2][1]["error"]["message"]
        )
        status, why = asked.wrong("/v1/rewards", rewards("end"))  # one that ends its thread ends no thread
        assert status == 422 and "SystemExit" in why
        assert asked.right("/v1/rewards", rewards("four"))["rewards"] == [4.0]
        assert asked.post("/health", method="GET") == (200, "ok")


def test_a_model_that_fails_for_one_text_scores_the_others_of_its_batch(folder, monkeypatch):
    import torch

    from guerdon.interfaces.serving.scoring import Found, Unscored, load

    scoring = load(str(folder), "float32", "cpu", Settings())
    items = [scoring.read(Answered(p, c)) for p, c in ROWS[:4]]
    alone = [scoring.measure([item])[0].score for item in items]
    own, bad = scoring.model.measure, set(items[2].side.actions)

    def failing(sequences, names):
        if any(set(row[: int(n)].tolist()) == bad for row, n in zip(sequences.actions, sequences.length, strict=True)):
            raise RuntimeError("no such kernel")
        return own(sequences, names)

    monkeypatch.setattr(scoring.model, "measure", failing)
    found = scoring.measure(items)
    assert isinstance(found[2], Unscored) and "RuntimeError: no such kernel" in str(found[2])
    assert [found[i].score for i in (0, 1, 3)] == near([alone[i] for i in (0, 1, 3)])

    def not_finite(sequences, names):
        score = own(sequences, names)["score"]
        return {"score": torch.where(torch.arange(len(score)) == 1, torch.tensor(torch.nan), score)}

    monkeypatch.setattr(scoring.model, "measure", not_finite)
    scoring.settings = Settings(tokens_at_once=10**6)
    found = scoring.measure(items)
    assert sum(isinstance(one, Unscored) for one in found) == 1 and sum(isinstance(one, Found) for one in found) == 3
    assert "no finite number" in str(next(one for one in found if isinstance(one, Unscored)))


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("path", "body", "status", "why"),
    [
        ("/v1/score", b'{"text_1": "a", "text_2": [', 400, "the request is no JSON"),
        ("/v1/score", b"", 400, "the request is no JSON"),
        ("/v1/score", b"\xff\xfe\xff", 400, "the request is no JSON"),
        ("/v1/score", DEEP.encode(), 400, "the request is no JSON"),
        ("/v1/score", b'{"text_1": "a", "text_2": "b", "x": NaN}', 400, "NaN is no JSON"),
        ("/v1/score", b"[1, 2]", 400, "is an object with fields, and this one is a list"),
        ("/v1/score", {}, 400, "text_1 is missing; the request has no fields"),
        ("/v1/score", {"text_1": "a"}, 400, "text_2 is missing"),
        ("/v1/score", {"text_1": "a", "text_2": 3}, 400, "text_2 is a list, and this one is 3"),
        ("/v1/score", {"text_1": "a", "text_2": []}, 400, "nothing to score"),
        ("/v1/score", {"text_1": ["a", "b"], "text_2": ["c"]}, 400, "text_1 has 2 texts and text_2 1"),
        ("/v1/score", {"text_1": "a", "text_2": ["b", None]}, 400, r"text_2\[1\] is a text or a list"),
        ("/v1/score", {"text_1": "a", "text_2": "b", "use_activation": "yes"}, 400, "use_activation is true or false"),
        ("/v1/score", {"text_1": "a", "text_2": "b", "truncate_prompt_tokens": 5}, 400, "--truncate prompt"),
        ("/v1/score", {"text_1": "a", "text_2": "b", "model": "other"}, 404, "'other' is not served here, but 'tiny'"),
        ("/v1/score", {"text_1": [{"role": "user", "content": "a"}], "text_2": "b"}, 200, ""),
        ("/v1/score", {"text_1": "a", "text_2": ["b", [{"role": "assistant", "content": "c"}]]}, 422, "item 1: the prompt is a string"),
        (
            "/v1/score",
            {"text_1": "a", "text_2": ["b", "two " * 200]},
            422,
            r"item 1: prompt and completion have \d+ \+ \d+ tokens .* room for 128; .*--truncate prompt",
        ),
        ("/v1/score", {"text_1": "a", "text_2": ["b"] * 65}, 413, "has 65 texts, and at most 64"),
        ("/rerank", {"query": "q", "documents": ["a", {"title": "b"}]}, 400, r"documents\[1\].text is a text"),
        ("/rerank", {"query": "q", "documents": ["a"], "top_n": -1}, 400, "top_n is -1"),
        ("/rerank", {"query": "q", "documents": ["a"], "top_n": True}, 400, "top_n is a whole number"),
        ("/rerank", {"query": ["q"], "documents": ["a"]}, 400, "query is a text"),
        ("/classify", {"input": {"a": 1}}, 400, r"input\[0\] is a text, a list of tokens"),
        ("/classify", {"input": "two " * 200}, 422, "item 0: prompt and completion have"),
        ("/classify", {"input": [1, 99999]}, 422, "item 0: the token 99999 is none of the model's"),
        ("/classify", {"input": [1, -1]}, 422, "the token -1 is none"),
        ("/classify", {"input": ["a", ""]}, 422, "item 1: the text is empty"),
        ("/classify", {"input": [7]}, 422, "nothing behind the first token"),
        ("/classify", {"messages": [{"role": "user", "content": "a"}]}, 422, "at least two"),
        (
            "/classify",
            {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
            422,
            "an answer of the assistant",
        ),
        ("/classify", {"messages": "a"}, 422, "messages are a list"),
        ("/v1/embeddings", {"input": "a", "encoding_format": "base64"}, 400, "encoding_format is 'base64'"),
        ("/v1/rewards", {"prompts": ["a"], "completions": ["b", "c"]}, 400, "prompts has 1 values for 2 completions"),
        ("/v1/rewards", {"prompts": ["a"], "completions": ["b"], "columns": {"user": ["x"]}}, 400, r"columns.user\[0\] is a number"),
        ("/v1/rewards", {"prompts": ["a"], "completions": [["b"]]}, 400, r"completions\[0\] is a text or a list"),
        ("/v1/rewards", {"prompts": ["\ud800"], "completions": ["b"]}, 422, "item 0: the tokenizer cannot write"),
        ("/get_reward", {"query": ["a", 3]}, 400, r"query\[1\] is a text"),
        ("/slime", {"prompt": "a"}, 400, "response is missing"),
    ],
)
def test_what_is_wrong_is_told(server, path, body, status, why):
    code, found = server.post(path, raw=body) if isinstance(body, bytes) else server.post(path, body)
    assert code == status, found
    if status != 200:
        assert re.search(why, found["error"]["message"]) and found["error"]["code"] == status
        assert len(found["error"]["message"]) < 400


def test_other_paths_and_methods_are_told_where_scores_are(server):
    assert server.wrong("/v1/chat/completions", {})[1].startswith("there is no /v1/chat/completions; scores are asked for at /classify, ")
    assert server.wrong("/v1/score", method="GET") == (405, "/v1/score is not asked by GET")
    models = server.post("/v1/models", method="GET")[1]["data"]
    assert [model["id"] for model in models] == ["tiny"] and models[0]["max_model_len"] == 128
    for model in ("tiny", "scorer"):
        assert server.post("/v1/score", {"text_1": "a", "text_2": "b", "model": model})[0] == 200


def test_what_is_too_long_is_cut_where_the_server_is_told_so(folder):
    from guerdon.interfaces.serving.items import Tokenised, Written
    from guerdon.interfaces.serving.scoring import load

    cutting, whole = (load(str(folder), "float32", "cpu", Settings(truncate=t)) for t in ("prompt", ""))
    long = "fox " * 150
    for item in (Answered(long, "four"), Written(long), Tokenised([5] * 200)):
        with pytest.raises(InputError, match="tokens"):
            whole.read(item)
        assert cutting.read(item).tokens == 128
    assert cutting.truncated == 3 and whole.truncated == 0


def test_what_was_sampled_is_scored_as_it_was_sampled(server, folder):
    """A completion that was cut off has no end; one that has another spelling in tokens is read in that."""
    from guerdon.models.language.scorer import Scorer
    from guerdon.tasks.sampled import Sampled

    scorer = Scorer(str(folder), device="cpu").build()
    spelled = [scorer.tokenizer.convert_tokens_to_ids(letter) for letter in "four"]
    cut, other = Sampled("four is", (), False), Sampled("four", (*spelled, scorer.tokenizer.eos_token_id))
    body = {
        "prompts": ["two?"] * 3,
        "completions": [cut, other, "four"],
        "terminated": [False, True, None],
        "tokens": [None, list(other.tokens), None],
    }
    found = server.right("/v1/rewards", body)["rewards"]
    assert found == near(scorer.score(["two?"] * 3, [cut, other, "four"]))
    assert len({round(x, 4) for x in (*found, *scorer.score(["two?"], ["four is"]))}) == 4


def test_only_who_has_a_token_is_answered(tmp_path, capsys):
    (tmp_path / "tokens").write_text("# ours\nann  h3pGd0l2rY7b9Qe1\n\nZk2mVt8xW4uN6sJa\n")
    tokens = tokens_of(tmp_path / "tokens", "NOT_SET")
    assert tokens == {"h3pGd0l2rY7b9Qe1": "ann", "Zk2mVt8xW4uN6sJa": "token 4"}
    with stand_in(Slow(), tokens) as asked:
        assert asked.post("/v1/rewards", rewards("a"))[0] == 401
        assert asked.post("/metrics", method="GET")[0] == 401 and asked.post("/v1/models", method="GET")[0] == 401
        assert asked.post("/v1/rewards", rewards("a"), Authorization="Bearer h3pGd0l2rY7b9Qe2")[0] == 401
        assert asked.post("/v1/rewards", rewards("a"), Authorization="Bearer Zk2mVt8xW4uN6sJa")[0] == 200
        assert asked.post("/health", method="GET")[0] == 200
        assert asked.post("/ready", method="GET", Host="[nonsense")[0] in (200, 421)
        assert asked.post("/ready", method="GET", Host="evil.example")[0] == 421
    said = capsys.readouterr()
    assert not any(token in said.out + said.err for token in tokens)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no token"),
        ("short", "line 1: the token is shorter than 12 characters"),
        ("a b secretsecret", "line 1: 3 words"),
        ("a secretsecret\nb secretsecret", "line 2: the token stands there twice"),
        ("a sécrétsécrét", "line 1: the token has other characters"),
    ],
)
def test_tokens_that_are_none_are_told_by_their_line(tmp_path, text, says):
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(InputError, match=re.escape(says)) as told:
        tokens_of(tmp_path / "tokens", "NOT_SET")
    assert "secretsecret" not in str(told.value)


def test_tokens_of_the_environment(monkeypatch):
    monkeypatch.setenv("SOME_TOKENS", "ann h3pGd0l2rY7b9Qe1,Zk2mVt8xW4uN6sJa")
    assert sorted(tokens_of(None, "SOME_TOKENS").values()) == ["ann", "token 2"]
    assert tokens_of(None, "NOT_SET") == {}
    with pytest.raises(InputError, match="cannot be read"):
        tokens_of(Path("no/such/file"), "SOME_TOKENS")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"tokens_at_once": 0}, "--tokens-at-once is 0"),
        ({"wait": -1.0}, "--wait is -1 ms"),
        ({"most_texts": 100, "most_waiting": 10}, "could never be accepted"),
        ({"truncate": "completion"}, "write prompt"),
        ({"timeout": 0.0}, "--timeout is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, says):
    with pytest.raises(InputError, match=re.escape(says)):
        Settings(**settings)


def test_what_cannot_be_served_is_told_and_the_server_ends(tmp_path, folder):
    at = address("127.0.0.1", 0)
    with pytest.raises(InputError, match="no-such-folder"):
        serve_reward(str(tmp_path / "no-such-folder"), at, {}, Settings(), lambda said: None)
    config = tmp_path / "run.yaml"
    config.write_text(
        f"model: {{part: headed, body: {{part: language_model, source: {folder.parent / 'base'}}}, head: scalar}}\nrecipe: reward_model\ntask: rows.jsonl\n"
    )
    with pytest.raises(InputError, match=r"drawn at random; name the folder of a trained one in model\.trained"):
        serve_reward(str(config), address("127.0.0.1", 0), {}, Settings(), lambda said: None)
    with pytest.raises(InputError, match="give a token"):
        serve_reward(str(folder), address("0.0.0.0", 0), {}, Settings(), lambda said: None)


# The process


class Process(Asked):
    """``guerdon serve reward`` as users start it."""

    def __init__(self, folder, *options, port=0):
        command = [sys.executable, "-m", "guerdon", "serve", "reward", str(folder), "--port", str(port), "--device", "cpu", *options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        said = self.process.stdout.readline()
        assert " at http://" in said, said + self.process.stdout.read()
        super().__init__(int(said.strip().rsplit(":", 1)[1]))


def test_nothing_that_was_accepted_is_lost_when_it_is_told_to_stop(folder):
    served = Process(folder, "--tokens-at-once", "40")
    try:
        assert served.post("/health", method="GET")[0] == 200
        status = served.post("/v1/rewards", rewards("a"))[0]
        assert status in (200, 503)  # it may have loaded by now
        served.ready()
        found, sent = queue.Queue(), []

        def ask(seed):
            body = {"prompts": [ROWS[seed][0]] * 12, "completions": [c for _, c in ROWS[:12]]}
            try:
                found.put(Asked(served.port).post("/v1/rewards", body))
            except OSError as error:
                found.put((0, error))

        for seed in range(12):
            sent.append(threading.Thread(target=ask, args=(seed,)))
            sent[-1].start()
        served.until(lambda: float(re.search(r"^guerdon_held_texts (\S+)", served.post("/metrics", method="GET")[1], re.M)[1]) > 60)
        held = served.count("answered")
        served.process.send_signal(signal.SIGTERM)
        late = None
        while late in (None, 200) and served.process.poll() is None:
            try:
                late = served.post("/v1/rewards", rewards("a"))[0]
            except OSError:
                late = 0  # it listens no more
        for thread in sent:
            thread.join(60)
        assert served.process.wait(30) == 0
        statuses = sorted(found.get()[0] for _ in range(12))
        assert late in (0, 503) and held < 12
        assert set(statuses) <= {200, 503, 0} and statuses.count(200) >= 6, statuses
    finally:
        served.process.kill()


def test_a_port_that_is_taken_and_overrides_of_no_file_are_told(folder, capsys):
    from guerdon.interfaces.cli import main

    taken = address("127.0.0.1", 0)
    taken.bound.listen()
    assert main(["serve", "reward", str(folder), "--port", str(taken.port)]) == 2
    assert f"--port {taken.port}" in capsys.readouterr().err
    assert main(["serve", "reward", str(folder), "model.trained=x"]) == 2
    assert "overrides are of a YAML file" in " ".join(capsys.readouterr().err.split())


def test_a_model_of_steps_gives_what_the_reward_of_steps_gives(folder, tmp_path):
    from guerdon.feedback.aggregating.minimum import Minimum
    from guerdon.feedback.rewards.step_scorer import StepScorer
    from guerdon.interfaces.serving.items import Conversation, Tokenised, Written
    from guerdon.interfaces.serving.scoring import load
    from guerdon.models.heads.step import Step
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.language_model import LanguageModel
    from tiny_models import moved

    model = Headed(LanguageModel(str(folder.parent / "base"), device="cpu", dtype="float32"), Step()).build(0)
    moved(model.module, 0.3)
    model.save(tmp_path / "steps")
    answers = [f"{c}\n{p}\n\n{c}" for p, c in ROWS[:6]]
    expected = StepScorer(model)([p for p, _ in ROWS[:6]], answers)
    settings = Settings(steps=Minimum())
    with served(
        lambda at, ending: serve_reward(str(tmp_path / "steps"), at, {}, settings, lambda said: None, device="cpu", ending=ending)
    ) as asked:
        found = asked.right("/v1/rewards", {"prompts": [p for p, _ in ROWS[:6]], "completions": answers})
        assert found["rewards"] == near(expected) and all(
            len(own) == 3 and min(own) == near(r) for own, r in zip(found["step_score"], expected, strict=True)
        )
        assert asked.right("/v1/score", {"text_1": ROWS[0][0], "text_2": answers[0]})["data"][0]["score"] == near(expected[0])
        assert (
            asked.wrong("/v1/rewards", {"prompts": ["q"], "completions": ["\n"]})[1]
            == "item 0: the answer has no steps, so there is nothing to score"
        )
        assert "where the answer begins" in asked.wrong("/classify", {"input": "one\ntwo"})[1]
    scoring = load(str(tmp_path / "steps"), "float32", "cpu", settings)
    talk = [{"role": "user", "content": ROWS[0][0]}, {"role": "assistant", "content": answers[0]}]
    prompt = written(ROWS[0][0], "", "")
    items = [
        Conversation(talk),
        Answered(talk[:1], talk[1:]),
        Written(prompt + answers[0] + "<|im_end|>", prompt),
        Written(prompt + answers[0] + "<|im_end|>\n", prompt),
    ]
    one, *others = [found.score for found in scoring.measure([scoring.read(item) for item in items])]
    assert others == near([one] * 3) and one == near(StepScorer(model)([talk[:1]], [talk[1:]])[0])
    with pytest.raises(InputError, match="where the answer begins"):
        scoring.read(Tokenised([3, 4, 5]))
    with pytest.raises(InputError, match="classifier"):
        load(str(folder), "float32", "cpu", settings)
    with pytest.raises(InputError, match="classifier"):
        load(str(tmp_path / "steps"), "float32", "cpu", Settings())


def test_a_head_of_people_is_served_from_its_yaml_and_reads_who_asks(folder, tmp_path):
    from guerdon.interfaces.serving.scoring import load
    from guerdon.models.heads.low_rank_users import LowRankUsers
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.language_model import LanguageModel
    from tiny_models import moved

    model = Headed(LanguageModel(str(folder.parent / "base"), device="cpu", dtype="float32"), LowRankUsers(users=3, rank=2)).build(0)
    moved(model.module, 0.3)
    model.save(tmp_path / "people")
    (tmp_path / "people.yaml").write_text(
        f"model: {{part: headed, body: {{part: language_model, source: {tmp_path / 'people'}, device: cpu, dtype: float32}}, head: {{part: low_rank_users, users: 3, rank: 2}}}}\n"
        "recipe: reward_model\ntask: rows.jsonl\n"
    )
    scoring = load(str(tmp_path / "people.yaml"), "float32", "auto", Settings(), [f"model.trained={tmp_path / 'people'}"])
    prompts, answers, users = [p for p, _ in ROWS[:3]], [c for _, c in ROWS[:3]], [0, 2, 1]
    items = shapes()["rewards"].read({"prompts": prompts, "completions": answers, "columns": {"user": users}})
    assert [one.score for one in scoring.measure([scoring.read(item) for item in items])] == near(model.score(prompts, answers, user=users))
    with pytest.raises(InputError, match="the scorer reads 'user', a number, which is missing"):
        scoring.read(Answered("q", "a"))


def test_qualities_stand_beside_the_score_and_a_gate_has_to_know_where_the_prompt_ends(folder):
    from guerdon.interfaces.serving.items import Tokenised, Written
    from guerdon.interfaces.serving.scoring import Scoring
    from guerdon.models.heads.gated_attributes import GatedAttributes
    from guerdon.models.language.headed import Headed
    from guerdon.models.language.language_model import LanguageModel
    from tiny_models import moved

    model = Headed(LanguageModel(str(folder.parent / "base"), device="cpu", dtype="float32"), GatedAttributes(count=3, units=4)).build(0)
    moved(model.module, 0.3)
    scoring, asked = Scoring(model, Settings()), {"prompts": [p for p, _ in ROWS[:3]], "completions": [c for _, c in ROWS[:3]]}
    found = scoring.measure([scoring.read(item) for item in shapes()["rewards"].read(asked)])
    said = shapes()["rewards"](asked, found, "m")
    assert (
        said["rewards"] == near(model.score(asked["prompts"], asked["completions"]))
        and [len(own) for own in said["attribute_score"]] == [3] * 3
    )
    prompt = written(ROWS[0][0], "", "")
    apart, talk = scoring.measure([scoring.read(item) for item in (Written(written(*ROWS[0]), prompt), Answered(*CHAT[0]))])
    assert apart.score == near(talk.score)
    for item in (Written(written(*ROWS[0])), Tokenised([3, 4, 5])):
        with pytest.raises(InputError, match="where the answer begins"):
            scoring.read(item)
