"""Against llama.cpp's own server, started here where its binary is found: ``llama-server`` on the path, or where ``GUERDON_LLAMA_SERVER`` says.

GUERDON_LLAMA_SERVER=/somewhere/llama-server pytest -rs tests/test_real_servers.py
"""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from scipy import stats

from guerdon.acting.engines.server import Server
from guerdon.acting.samplers.group import Group
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.cli import main
from guerdon.models.language.gguf_file import export
from guerdon.models.language.policy import LanguagePolicy
from guerdon.sequences import Decoding
from guerdon.servers.connection import Connection
from test_gguf import SIZE, policy

pytest.importorskip("gguf")
BINARY = os.environ.get("GUERDON_LLAMA_SERVER") or shutil.which("llama-server")
pytestmark = pytest.mark.skipif(
    not BINARY, reason="llama.cpp's server is not here: llama-server is not on the path, and GUERDON_LLAMA_SERVER names none"
)
FAST = Connection(timeout=20.0, tries=3, backoff=0.05)
PROMPTS = [torch.tensor([0, 75, 86, 69]), torch.tensor([0, 80]), torch.tensor([0, 85, 70, 71, 72, 73])]
EXACT = ("-ctk", "f32", "-ctv", "f32", "-fa", "off")  # the numbers that the learner computes with


def plain() -> LanguagePolicy:
    """A tiny Llama that says letters: all embeddings share a number, by which the head keeps tokens down that are no letters, digits or ends."""
    own = policy("llama")
    said = [
        t for t in range(SIZE) if own.tokenizer.decode([t]).isascii() and own.tokenizer.decode([t]).strip().isalnum()
    ] + own.ends.tolist()
    quiet = torch.ones(SIZE, dtype=torch.bool)
    quiet[said] = False
    with torch.no_grad():
        own.module.get_input_embeddings().weight[:, 0] = 2.0
        head = own.module.get_output_embeddings().weight
        head.mul_(3.0)
        head[quiet] = 0.0
        head[:, 0] = torch.where(quiet, -10.0, 0.0)
    return own


@contextmanager
def serving(path, *more, port=0):
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    folder = os.path.dirname(os.path.realpath(BINARY))
    there = {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(filter(None, (folder, os.environ.get("LD_LIBRARY_PATH"))))}
    command = [BINARY, "-m", str(path), "--host", "127.0.0.1", "--port", str(port), "-t", "1", "-c", "512", "-np", "4", *more]
    process = subprocess.Popen(command, env=there, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            assert process.poll() is None, "the server ended at once"
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process, f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    own, path = plain(), tmp_path_factory.mktemp("gguf") / "letters.gguf"
    assert export(own, path, "f32") < 1e-4
    with serving(path, *EXACT) as (_, url):
        yield own, url, path


def gap(own, drawn) -> float:
    return float((own.measure(drawn, {"logp"})["logp"].detach() - drawn.quantities["old_logp"])[drawn.mask].abs().max())


@pytest.mark.parametrize("n", [1, 4])
def test_tokens_and_log_probabilities_are_those_of_the_learner(letters, n):
    own, url, _ = letters
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # all of them are the server's own
        drawn = Group(8, Server(url, per_request=n, connection=FAST))(own, PROMPTS, Decoding(12), 0)
    assert gap(own, drawn) < 1e-4
    ended = drawn.quantities["terminated"]
    is_end = torch.isin(drawn.actions, own.ends) & drawn.mask
    assert torch.equal(ended, is_end.any(1)) and 0 < ended.float().mean() < 1
    assert torch.equal(is_end.sum(1), ended.long()) and (drawn.length[~ended] == 12).all()


def test_the_likeliest_tokens_are_those_of_our_sampler(letters):
    own, url, _ = letters
    ours, theirs = (Group(1, e)(own, PROMPTS, Decoding(12, 0.0), 0) for e in (None, Server(url, per_request=1, connection=FAST)))
    assert torch.equal(ours.actions, theirs.actions) and torch.equal(ours.quantities["terminated"], theirs.quantities["terminated"])
    torch.testing.assert_close(ours.quantities["old_logp"], theirs.quantities["old_logp"], atol=1e-4, rtol=0)


def test_a_row_is_drawn_again_by_its_own_numbers(letters):
    own, url, _ = letters
    engine = Server(url, per_request=1, concurrency=1, connection=FAST)
    numbers = torch.rand(4, 12, generator=torch.Generator().manual_seed(0))
    whole = engine(own, PROMPTS, torch.tensor([0, 0, 1, 2]), Decoding(12), numbers)
    part = engine(own, PROMPTS, torch.tensor([2, 0]), Decoding(12), numbers[[3, 1]])
    for row, other in ((3, 0), (1, 1)):
        n = int(whole.length[row])
        assert int(part.length[other]) == n and torch.equal(part.actions[other, :n], whole.actions[row, :n])
    assert not torch.equal(whole.actions[0], whole.actions[1])


def test_first_tokens_follow_the_exact_distribution(letters):
    own, url, _ = letters
    rows = 800
    numbers = torch.rand(rows, 1, generator=torch.Generator().manual_seed(2))
    drawn = Server(url, per_request=1, concurrency=4, connection=FAST)(
        own, PROMPTS[:1], torch.zeros(rows, dtype=torch.long), Decoding(1), numbers
    )
    with torch.no_grad():
        exact = own.module(PROMPTS[0].unsqueeze(0)).logits[0, -1].softmax(-1).double().numpy() * rows
    seen = np.bincount(drawn.actions[:, 0].numpy(), minlength=SIZE)
    large = exact >= 5
    expected, seen = np.append(exact[large], exact[~large].sum()), np.append(seen[large], seen[~large].sum())
    assert large.sum() > 5 and stats.chisquare(seen, expected * seen.sum() / expected.sum()).pvalue > 1e-4


def test_tokens_that_are_parts_of_characters_are_not_taken_for_others(tmp_path):
    """The server leaves such tokens out, and would refuse a completion that is no UTF-8; what is recorded of the others stays what the learner measures."""
    own = policy("llama")
    export(own, tmp_path / "bytes.gguf", "f32")
    with (
        serving(tmp_path / "bytes.gguf", *EXACT) as (_, url),
        pytest.warns(UserWarning, match="leaves out tokens that hold a part of a character"),
    ):
        drawn = Group(16, Server(url, per_request=1, connection=FAST))(own, PROMPTS, Decoding(12), 0)
    assert gap(own, drawn) < 1e-4
    cut = ~drawn.quantities["terminated"] & (drawn.length < 12)
    assert 0 < cut.float().mean() < 1


@pytest.mark.parametrize("decoding", [Decoding(6, 0.7), Decoding(6, top_p=0.9), Decoding(6, 0.7, top_k=5)])
def test_its_log_probabilities_are_of_temperature_one_and_nothing_else_is_learned_from_them(letters, decoding):
    own, url, _ = letters
    with pytest.raises(InputError, match="are of temperature 1, before truncation, not of what"):
        Group(2, Server(url, per_request=1, connection=FAST))(own, PROMPTS, decoding, 0)


def test_more_completions_in_a_request_than_it_takes(letters):
    own, url, _ = letters
    with pytest.raises(InputError, match=r"Field 'n'.*: set per_request to what the server takes"):
        Group(8, Server(url, connection=FAST))(own, PROMPTS, Decoding(6), 0)


def test_a_busy_server_is_waited_for(letters):
    own, _, path = letters
    with serving(path, *EXACT, "-np", "1") as (_, url):
        drawn = Group(16, Server(url, per_request=1, concurrency=48, connection=FAST))(own, PROMPTS, Decoding(12), 0)
    assert gap(own, drawn) < 1e-4


def test_a_server_that_is_killed_ends_the_draw_in_a_sentence(letters):
    own, _, path = letters
    with serving(path, *EXACT) as (process, url):
        engine = Server(url, per_request=1, concurrency=2, connection=FAST)
        Group(1, engine)(own, PROMPTS, Decoding(6), 0)
        threading.Timer(0.2, process.send_signal, (signal.SIGKILL,)).start()
        with pytest.raises(RunFailed, match=r"/v1/completions gave no answer in 3 tries, the last time .*Connection refused"):
            for seed in range(10_000):
                Group(8, engine)(own, PROMPTS, Decoding(100), seed)


def test_a_server_that_is_killed_and_started_again_is_asked_again(letters):
    own, _, path = letters
    patient = Connection(timeout=20.0, tries=8, backoff=0.2)
    drawn = []
    with serving(path, *EXACT) as (process, url):
        engine = Server(url, per_request=1, concurrency=2, connection=patient)
        before = Group(4, engine)(own, PROMPTS, Decoding(20), 0)

        def more():
            drawn.extend(Group(4, engine)(own, PROMPTS, Decoding(20), seed) for seed in range(40))

        going = threading.Thread(target=more)
        going.start()
        time.sleep(0.1)
        process.kill()
        process.wait()
        with serving(path, *EXACT, port=int(url.split(":")[2].split("/")[0])):
            going.join()
    assert len(drawn) == 40 and all(gap(own, d) < 1e-4 for d in drawn)
    assert torch.equal(drawn[0].context, before.context)


def test_a_run_learns_from_it_and_shows_how_far_it_is_behind(letters, tmp_path, capsys):
    """``guerdon check`` and ``guerdon train`` with a model that both sides have."""
    own, url, _ = letters
    own.save(tmp_path / "model")
    rows = "\n".join('{"prompt": "what is ' + str(i) + '?", "answer": "4"}' for i in range(8))
    (tmp_path / "rows.jsonl").write_text(rows)
    (tmp_path / "mine.py").write_text("def short(completions, **columns):\n    return [-len(c) / 10 for c in completions]\n")
    (tmp_path / "run.yaml").write_text(
        f"""
model: {{source: {tmp_path / "model"}, dtype: float32}}
task: {{path: {tmp_path / "rows.jsonl"}}}
recipe:
  base: grpo
  sampler: {{num_generations: 4, engine: {{part: server, url: {url}, per_request: 1}}}}
reward: {{short: "{tmp_path / "mine.py"}:short"}}
decoding: {{max_completion_length: 12}}
budget: {{steps: 3, batch_size: 16}}
run: {tmp_path / "run"}
"""
    )
    assert main(["check", str(tmp_path / "run.yaml")]) == 0
    assert "sampler and learner differ by at most" in capsys.readouterr().out
    assert main(["train", str(tmp_path / "run.yaml")]) == 0
    import json

    found = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    gaps = [row["sampling/sampling_logp_difference/max"] for row in found if "sampling/sampling_logp_difference/max" in row]
    assert len(gaps) == 3 and gaps[0] < 1e-3
