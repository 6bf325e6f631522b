"""Engines: whoever draws, what is recorded is the log-probability of what drew. The server here is a real one, on this machine, with a small model and our
own sampler behind the endpoints that vLLM and SGLang have."""

import copy
import dataclasses
import itertools
import json
import math
import threading
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from scipy import stats

from guerdon.acting.engines._answers import read
from guerdon.acting.engines._refresh import Refresh
from guerdon.acting.engines.generate import Generate
from guerdon.acting.engines.server import Server
from guerdon.acting.engines.vllm import VLLM
from guerdon.acting.samplers.best_of_n import BestOfN
from guerdon.acting.samplers.group import Group
from guerdon.credit.advantages.group_centred import GroupCentred
from guerdon.errors import InputError, RunFailed
from guerdon.interfaces.configuration._sections import sections
from guerdon.interfaces.configuration._write import write
from guerdon.interfaces.configuration._yaml import parse
from guerdon.losses.surrogates.clip import Clip
from guerdon.models.finite.tabular import Tabular
from guerdon.models.language.generating import generate
from guerdon.models.language.lora import Lora
from guerdon.models.language.policy import LanguagePolicy
from guerdon.models.language.sampling import sample
from guerdon.models.language.small_language_model import SmallLanguageModel
from guerdon.randomness import generator
from guerdon.sequences import Decoding, Sequences
from guerdon.servers.connection import Connection
from guerdon.training.display import Silent
from guerdon.training.jobs import ImproveJob
from guerdon.training.optimiser import AdamW
from guerdon.training.recipe import Budget, Recipe, Term
from guerdon.worlds.text.sort_letters import SortLetters
from test_sampling import _of_vocabulary, _probability

TASK = SortLetters(length=3, alphabet="abcd", train_size=64, test_size=4)
SMALL = SmallLanguageModel(TASK.characters, layers=1, hidden=16, heads=2, context_length=32)
CPU = torch.device("cpu")
FAST = Connection(timeout=20.0, tries=3, backoff=0.01)
PROMPTS = [torch.tensor([1, 4, 5, 6]), torch.tensor([1, 3]), torch.tensor([1, 6, 5, 4, 3])]


class Fake:
    """A server of ``policy``.

    ``logprobs`` is what they are of ("processed", "tempered", "raw", "" for none), ``form`` where the tokens stand, ``faults`` the codes that the next
    requests get, ``most`` the largest n.
    """

    def __init__(self, policy, logprobs="processed", form="token_ids", faults=(), most=100):
        self.policy, self.logprobs, self.form, self.faults, self.most = policy, logprobs, form, list(faults), most
        self.models, self.asked, self.lock = {"small": policy}, [], threading.Lock()

    def get(self, path):
        return (200, {"data": [{"id": name} for name in self.models]}) if path == "/v1/models" else (404, {})

    def post(self, path, body):
        with self.lock:
            self.asked.append((path, body))
            if self.faults:
                return self.faults.pop(0), {"error": {"message": "out of breath"}}
            if path == "/update_weights_from_disk":
                return 200, self.reload(body["model_path"])
            if path == "/v1/load_lora_adapter":
                assert body["load_inplace"] is True
                return 200, self.load_adapter(body["lora_name"], body["lora_path"])
            if path != "/v1/completions":
                return 404, {"error": {"message": "not found"}}
            if body["model"] not in self.models:
                return 404, {"error": {"message": f"The model {body['model']} does not exist."}}
            if body["max_tokens"] + len(body["prompt"]) > 32:
                return 400, {"error": {"message": "the maximum context length is 32 tokens"}}
            return 200, {"choices": self.complete(body)[::-1]}  # in no particular order

    def complete(self, body):
        policy, n = self.models[body["model"]], min(body["n"], self.most)
        top_k = max(body["top_k"], 0)
        decoding = Decoding(body["max_tokens"], body["temperature"], top_k=top_k, top_p=body["top_p"], min_p=body["min_p"])
        numbers = torch.rand(n, body["max_tokens"], generator=generator(body["seed"], "server"))
        ends, of_all = torch.tensor(body["stop_token_ids"]), torch.zeros(n, dtype=torch.long)
        drawn = sample(policy.begin, [torch.tensor(body["prompt"])], of_all, decoding, numbers, ends, CPU)
        logp = drawn.quantities["old_logp"]
        if self.logprobs != "processed":
            temperature = drawn.temperature if self.logprobs == "tempered" else 1.0
            logp = policy.measure(dataclasses.replace(drawn, temperature=temperature), {"logp"})["logp"].detach()
        return [self.choice(policy, drawn, logp, i) for i in range(n)]

    def choice(self, policy, drawn, logp, i):
        n, ended = int(drawn.length[i]), bool(drawn.quantities["terminated"][i])
        ids, known = drawn.actions[i, :n].tolist(), logp[i, :n].tolist()
        decode = policy.tokenizer.decode
        out = {"index": i, "finish_reason": "stop" if ended else "length", "text": decode(ids, skip_special_tokens=True)}
        shown = ids[:-1] if ended and self.form in ("text", "whole text", "content") else ids  # such servers cut the end token off
        known = known[: len(shown)]
        pieces = [f"token_id:{t}" for t in shown] if self.form == "as ids" else [decode([t]) for t in shown]
        if self.form == "whole text":
            pieces = [piece * 2 for piece in pieces]  # of no use
        told = {"tokens": pieces, "token_logprobs": known}
        if self.form == "content":
            told = {"content": [{"id": t, "token": p, "logprob": x} for t, p, x in zip(shown, pieces, known, strict=True)]}
        if self.form in ("token_ids", "response_token_ids"):
            out[self.form] = ids
        return out | ({"logprobs": told} if self.logprobs else {})

    def reload(self, folder):
        from transformers import AutoModelForCausalLM

        self.models["small"] = self.of(AutoModelForCausalLM.from_pretrained(folder))
        return {"success": True, "message": "Succeeded"}

    def load_adapter(self, name, folder):
        from peft import PeftModel

        base = SMALL.build(0).module
        self.models[name] = self.of(PeftModel.from_pretrained(base, folder))
        return "Success: LoRA adapter loaded"

    def of(self, module):
        return LanguagePolicy(module.float(), self.policy.tokenizer, CPU)


@contextmanager
def serving(fake):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(*fake.get(self.path))

        def do_POST(self):
            self.answer(*fake.post(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

        def answer(self, code, body):
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def policy():
    return sharpened(SMALL.build(0))


def sharpened(policy):
    """Weights under which the next token is far from uniform and completions end at different lengths."""
    with torch.no_grad():
        for parameter in policy.module.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4.0)
    return policy


def gap(policy, drawn) -> float:
    """The largest difference between recorded log-probabilities and the learner's."""
    return float((policy.measure(drawn, {"logp"})["logp"].detach() - drawn.quantities["old_logp"])[drawn.mask].abs().max())


# a server


@pytest.mark.parametrize("form", ["token_ids", "response_token_ids", "as ids", "content", "text", "whole text"])
def test_whatever_form_tokens_have_they_and_their_log_probabilities_are_the_sampled_ones(policy, form):
    fake = Fake(policy, form=form)
    with serving(fake) as url, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        engine = Server(f"{url}/v1", connection=FAST)
        drawn = Group(6, engine)(policy, PROMPTS, Decoding(8), 0)
        Group(6, engine)(policy, PROMPTS, Decoding(8), 1)
    with serving(Fake(policy)) as url:
        plain = Group(6, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)
    if form == "whole text":
        texts = [[policy.tokenizer.decode(row, skip_special_tokens=True) for row in d.actions.tolist()] for d in (drawn, plain)]
        assert texts[0] == texts[1] and len(set(texts[0])) > 4
    else:
        assert torch.equal(drawn.actions, plain.actions) and torch.equal(drawn.length, plain.length)
    assert torch.equal(drawn.quantities["terminated"], plain.quantities["terminated"])
    assert gap(policy, drawn) < 1e-4
    assert 0 < drawn.quantities["terminated"].float().mean() < 1 and len(drawn.length.unique()) > 1
    about = [str(w.message) for w in said if "http" in str(w.message)]
    assert sum("tokenised again" in a for a in about) == ("text" in form), "said once, and only where it is so"
    assert sum("leaves out log-probabilities" in a for a in about) == (form in ("content", "text", "whole text"))


def test_every_request_holds_the_decoding_and_one_prompt(policy):
    fake = Fake(policy)
    decoding = Decoding(5, temperature=0.7, top_k=3, top_p=0.9, min_p=0.05)
    with serving(fake) as url:
        engine = Server(f"{url}/v1/", per_request=4, extra={"priority": 3}, connection=FAST)
        drawn = Group(6, engine)(policy, PROMPTS, decoding, 0)
    bodies = [body for _, body in fake.asked if body["max_tokens"] == 5]
    assert sorted((len(b["prompt"]), b["n"]) for b in bodies) == sorted((len(p), n) for p in PROMPTS for n in (4, 2))
    sent = {"temperature": 0.7, "top_k": 3, "top_p": 0.9, "min_p": 0.05, "stop_token_ids": policy.ends.tolist(), "priority": 3}
    assert all({k: b[k] for k in sent} == sent and b["model"] == "small" and "cache_salt" not in b for b in bodies)
    assert drawn.temperature == 0.7 and drawn.context.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    assert len({b["seed"] for b in bodies}) == len(bodies), "no two requests draw the same"


def test_a_prompt_gets_the_same_completions_whatever_else_is_asked(policy):
    uniforms = torch.rand(3, 8, generator=torch.Generator().manual_seed(0))
    with serving(Fake(policy)) as url:
        engine = Server(f"{url}/v1", connection=FAST)
        together = engine(policy, PROMPTS, torch.arange(3), Decoding(8), uniforms)
        alone = engine(policy, PROMPTS, torch.tensor([2]), Decoding(8), uniforms[2:])
    n = int(alone.length[0])
    assert len(alone.contexts) == 3 and n == int(together.length[2]) and torch.equal(alone.actions[0, :n], together.actions[2, :n])


def test_the_likeliest_tokens_are_those_of_our_sampler(policy):
    zero = torch.zeros(3, 8)
    with serving(Fake(policy, logprobs="raw")) as url:
        served = Server(f"{url}/v1", connection=FAST)(policy, PROMPTS, torch.arange(3), Decoding(8, 0.0), zero)
    for other in (Generate()(policy, PROMPTS, torch.arange(3), Decoding(8, 0.0), zero), served):
        own = policy.sample(PROMPTS, torch.arange(3), Decoding(8, 0.0), zero)
        assert torch.equal(own.actions, other.actions) and torch.equal(own.length, other.length)
        torch.testing.assert_close(own.quantities["old_logp"], other.quantities["old_logp"], rtol=1e-5, atol=2e-5)
        assert torch.equal(own.quantities["terminated"], other.quantities["terminated"])


@pytest.mark.parametrize(
    ("of", "decoding", "refused"),
    [
        ("raw", Decoding(4), ""),
        ("tempered", Decoding(4), ""),
        ("processed", Decoding(4, 0.7, top_p=0.9), ""),
        ("tempered", Decoding(4, 0.7), ""),
        (
            "raw",
            Decoding(4, 0.7),
            "of temperature 1, before truncation.*--logprobs-mode processed_logprobs, or sample at temperature 1 without",
        ),
        ("raw", Decoding(4, top_p=0.9), "of temperature 1, before truncation"),
        ("tempered", Decoding(4, 0.7, top_k=2), "of the tempered distribution before it is truncated.*or sample without truncation"),
    ],
)
def test_log_probabilities_of_another_distribution_are_refused(policy, of, decoding, refused):
    with serving(Fake(policy, logprobs=of)) as url:
        engine = Group(4, Server(f"{url}/v1", connection=FAST))
        if refused:
            with pytest.raises(InputError, match=refused):
                engine(policy, PROMPTS, decoding, 0)
        else:
            drawn = engine(policy, PROMPTS, decoding, 0)
            assert decoding.truncates or gap(policy, drawn) < 1e-4


def test_rows_are_told_of_as_their_answers_come(policy):
    told, ends = [], []

    def finished(sequences: Sequences, rows: torch.Tensor) -> None:
        told.extend(rows.tolist())
        ends.extend((r, sequences.actions[r, : sequences.length[r]].tolist()) for r in rows.tolist())

    with serving(Fake(policy)) as url:
        drawn = Group(4, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0, finished=finished)
    assert sorted(told) == list(range(12))
    assert all(drawn.actions[r, : drawn.length[r]].tolist() == actions for r, actions in ends)


def test_best_of_n_draws_by_an_engine_too(policy):
    fake = Fake(policy)
    with serving(fake) as url:
        kept = BestOfN(4, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0, score=lambda s: -s.length.double())
    assert len(kept) == 3 and len(fake.asked) == 3


# what goes wrong


def test_a_fault_that_passes_is_tried_again(policy):
    fake = Fake(policy, faults=[500, 503])
    with serving(fake) as url:
        drawn = Group(2, Server(f"{url}/v1", concurrency=1, connection=FAST))(policy, PROMPTS[:1], Decoding(8), 0)
    assert len(fake.asked) == 3 and gap(policy, drawn) < 1e-4


FAILURES = {
    "a fault that stays": ({"faults": [429] * 9}, {}, RunFailed, "gave no answer in 3 tries, the last time 429: out of breath"),
    "a request that is refused": ({"faults": [400]}, {}, InputError, r"refuses what it is asked \(400\): out of breath"),
    "no log-probabilities": ({"logprobs": ""}, {}, InputError, "returns no log-probabilities of what it samples"),
    "another model": ({}, {"model": "smal"}, InputError, "unknown model 'smal': did you mean small?"),
    "too few completions": ({"most": 1}, {}, InputError, "asked for n=2 completions and returned 1; set per_request: 1"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_gets_its_sentence(policy, name):
    how, settings, kind, sentence = FAILURES[name]
    with serving(Fake(policy, **how)) as url, pytest.raises(kind, match=sentence):
        Group(2, Server(f"{url}/v1", concurrency=1, connection=FAST, **settings))(policy, PROMPTS, Decoding(8), 0)


class Odd(Fake):
    """A server whose answers to what is asked were changed: as a whole, or each completion."""

    def __init__(self, policy, whole=None, each=None):
        super().__init__(policy)
        self.whole, self.each = whole, each

    def post(self, path, body):
        code, answer = super().post(path, body)
        for choice in answer["choices"] if self.each else ():
            self.each(choice)
        return code, self.whole(answer) if self.whole else answer


def each_token(name, value):
    """A change of a completion: every number of the list ``name`` becomes ``value``."""

    def change(choice):
        where = choice if name in choice else choice["logprobs"]
        where[name] = [value] * len(where[name])

    return change


ODD = {
    "choices that are texts": ({"whole": lambda a: {"choices": ["abc"] * 2}}, InputError, "completions are strs, such as 'abc'"),
    "no choices": ({"whole": lambda a: {"choices": None}}, InputError, "answers without completions: .*None"),
    "a page": ({"whole": lambda a: "<html>Bad gateway</html>"}, InputError, "answers without completions: '<html>Bad gateway</html>'"),
    "nothing": ({"whole": lambda a: ""}, InputError, "answers without completions: nothing at all"),
    "an error that says it is none": (
        {"whole": lambda a: {"error": {"message": "out of memory"}}},
        InputError,
        "completions: 'out of memory'",
    ),
    "half an answer": (
        {"whole": lambda a: json.dumps(a)[:40]},
        RunFailed,
        "in 3 tries, the last time it broke off in the middle of its answer",
    ),
    "a negative id": ({"each": each_token("token_ids", -5)}, InputError, "sampled the token -5; the id of a token is a whole number"),
    "half an id": ({"each": each_token("token_ids", 3.5)}, InputError, "sampled the token 3.5"),
    "a word for an id": ({"each": each_token("token_ids", "a")}, InputError, "sampled the token 'a'"),
    "no list of ids": ({"each": lambda c: c.update(token_ids=7)}, InputError, "'token_ids' is 7, where a list belongs"),
    "probabilities": (
        {"each": each_token("token_logprobs", 0.5)},
        InputError,
        "log-probability of a token is 0.5; it is a number, and not above 0",
    ),
    "words": ({"each": each_token("token_logprobs", "abc")}, InputError, "log-probability of a token is 'abc'"),
    "a list of log-probabilities": ({"each": lambda c: c.update(logprobs=[1, 2])}, InputError, r"'logprobs' are \[1, 2\], where an object"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_answer_that_is_none_is_refused_in_a_sentence_and_not_learned_from(policy, name):
    how, kind, sentence = ODD[name]
    with serving(Odd(policy, **how)) as url, pytest.raises(kind, match=sentence):
        Group(2, Server(f"{url}/v1", concurrency=1, connection=FAST))(policy, PROMPTS, Decoding(8), 0)


@pytest.mark.parametrize("told", [-9999.0, float("-inf"), float("nan"), None])
def test_log_probabilities_that_were_not_told_are_measured(policy, told):
    def hidden(choice):
        if len(choice["token_ids"]) > 1:
            choice["logprobs"]["token_logprobs"][0] = told

    with serving(Odd(policy, each=hidden)) as url, pytest.warns(UserWarning, match="leaves out log-probabilities"):
        drawn = Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)
    assert gap(policy, drawn) < 1e-4


def test_what_is_longer_than_was_asked_for_is_cut_and_has_not_ended(policy):
    def longer(choice):
        choice.update(token_ids=[3] * 5, finish_reason="stop", logprobs={"token_logprobs": [-1.0] * 5})

    with serving(Odd(policy, each=longer)) as url:
        drawn = Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(4), 0)
    assert drawn.length.unique().tolist() == [4] and not drawn.quantities["terminated"].any()


def _bytes():
    """A tokenizer of bytes and pairs of them, and the tokens of a text with one for every byte."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = ["<end>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    core = Tokenizer(models.BPE({piece: i for i, piece in enumerate(alphabet)}, []))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False), decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<end>")


def _as_llama_cpp(tokenizer, ids, finish="stop"):
    """What llama.cpp tells of the tokens: of those whose bytes end within a character nothing, and their bytes with the next one that ends one."""
    content, held = [], b""
    for i, token in enumerate(ids):
        held += b"" if token == 0 else bytes([_byte(tokenizer, token)])
        try:
            held.decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data":
                continue
        content.append({"id": token, "token": held.decode(errors="replace"), "bytes": list(held), "logprob": -1.0 - i / 100})
        held = b""
    text = bytes(b for item in content for b in item["bytes"]).decode(errors="replace") + ("\N{REPLACEMENT CHARACTER}" if held else "")
    return {"index": 0, "finish_reason": finish, "text": text, "logprobs": {"content": content} if content else None}


def _byte(tokenizer, token):
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return {character: byte for byte, character in bytes_to_unicode().items()}[tokenizer.convert_ids_to_tokens(token)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b"abc", 3),
        ("aéb".encode(), 4),
        ("😀".encode(), 4),
        (b"ab\xc3(", 2),  # no character after all: nothing says which tokens these were
        (b"\xff\xfeab", 4),  # bytes that begin none are told of one by one
        (b"", 0),
    ],
)
def test_tokens_that_llama_cpp_leaves_out_are_those_of_the_text_or_the_completion_ends_before_them(text, kept):
    tokenizer = _bytes()
    token_of = {_byte(tokenizer, token): token for piece, token in tokenizer.get_vocab().items() if piece != "<end>"}
    ids = [token_of[b] for b in text] + [0]
    answer = read(_as_llama_cpp(tokenizer, ids), tokenizer, [0], 20, len(ids))
    whole = kept == len(text)
    assert answer.tokens == (ids if whole else ids[:kept]) and answer.ended == whole and answer.cut == (not whole) and answer.exact
    told = [None if math.isnan(x) else round(x, 4) for x in answer.logp]
    assert all(x in (None, round(-1.0 - i / 100, 4)) for i, x in enumerate(told)), "each has its own or none"
    assert told.count(None) == (len(text) - len(text.decode()) if whole and text[:1] != b"\xff" else 0)


@pytest.mark.parametrize("sampled", [4, 3, None])
def test_a_character_that_an_end_or_the_limit_breaks_off_is_no_end(sampled):
    tokenizer = _bytes()
    ids = [
        tokenizer.encode("a")[0],
        tokenizer.encode("b")[0],
        next(t for c, t in tokenizer.get_vocab().items() if c != "<end>" and _byte(tokenizer, t) == 0xC3),
    ]
    stopped = read(_as_llama_cpp(tokenizer, [*ids, 0]), tokenizer, [0], 20, sampled)
    broken = sampled == 4  # where it does not say how many there were, an end that is left out is what it looks like
    assert stopped.tokens == ids[:2] + ([] if broken else [0]) and stopped.ended != broken and stopped.cut == broken
    limited = read(_as_llama_cpp(tokenizer, ids, finish="length"), tokenizer, [0], 3, 3)
    assert limited.tokens == ids[:2] and not limited.ended
    nothing = read(_as_llama_cpp(tokenizer, ids[2:], finish="length"), tokenizer, [0], 1, 1)
    assert nothing.tokens == [] and nothing.cut and not nothing.ended


def test_a_completion_ends_where_the_policy_ends_it_whatever_the_server_ends_with():
    """A server that knows no stop_token_ids, or other ends."""
    choice = {"finish_reason": "length", "token_ids": [5, 6, 2, 7, 2], "logprobs": {"token_logprobs": [-0.1, -0.2, -0.3, -0.4, -0.5]}}
    answer = read(choice, None, [2], 5)
    assert (answer.tokens, answer.logp, answer.ended) == ([5, 6, 2], [-0.1, -0.2, -0.3], True)
    cut = read(choice, None, [2], 2)
    assert (cut.tokens, cut.ended) == ([5, 6], False)


def test_llama_cpp_is_told_to_take_what_is_no_text(policy):
    fake = Fake(policy)
    fake.get = lambda path: (200, {"data": [{"id": "small", "owned_by": "llamacpp"}]})
    with serving(fake) as url:
        Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(4), 0)
        assert all("chat_parser" in body for _, body in fake.asked)
        fake.asked.clear()
        Group(2, Server(f"{url}/v1", connection=FAST, extra={"chat_parser": ""}))(policy, PROMPTS, Decoding(4), 0)
        assert {body["chat_parser"] for _, body in fake.asked} == {""}


def test_completions_without_numbers_are_taken_as_they_come(policy):
    with serving(Odd(policy, each=lambda c: c.update(index=str(c["index"])))) as url:
        assert len(Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)) == 6


@pytest.mark.parametrize("listed", [{"data": ["small"]}, [{"id": "small"}]])
def test_a_list_of_models_in_another_form_is_understood(policy, listed):
    fake = Fake(policy)
    fake.get = lambda path: (200, listed)
    with serving(fake) as url:
        assert len(Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)) == 6
    fake.get = lambda path: (401, {"error": {"message": "no key"}})
    with serving(fake) as url, pytest.raises(InputError, match="no key; its key is read from the environment variable OPENAI_API_KEY"):
        Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)


def test_servers_that_tell_nothing_of_a_single_token_are_not_used_where_that_must_be_known(policy):
    def silent(choice):
        choice.update(token_ids=[], text="", logprobs={"token_logprobs": [], "tokens": []})

    with serving(Odd(policy, each=silent)) as url, pytest.raises(InputError, match="told no log-probability of any single token"):
        Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8, 0.7), 0)


def test_a_server_that_is_not_there_is_said_at_once():
    with serving(Fake(SMALL.build(0))) as url:
        pass
    patient = Connection(tries=5, backoff=60.0)
    with pytest.raises(InputError, match=rf"nothing answers at {url}/v1/models \(.*refused\); start the server, or mend url"):
        Group(2, Server(f"{url}/v1", connection=patient))(SMALL.build(0), PROMPTS, Decoding(8), 0)
    with pytest.raises(InputError, match="begins with http"):
        Server("localhost:8000/v1")


def test_a_server_that_goes_away_ends_the_run(policy):
    with serving(Fake(policy)) as url:
        engine = Group(2, Server(f"{url}/v1", connection=FAST))
        engine(policy, PROMPTS, Decoding(8), 0)
    with pytest.raises(RunFailed, match="gave no answer in 3 tries"):
        engine(policy, PROMPTS, Decoding(8), 1)


def test_a_url_without_its_end_and_a_choice_of_models_are_said(policy):
    fake = Fake(policy)
    with serving(fake) as url:
        with pytest.raises(InputError, match="does url end in /v1"):
            Group(2, Server(url, connection=FAST))(policy, PROMPTS, Decoding(8), 0)
        fake.models["other"] = policy
        with pytest.raises(InputError, match="serves small, other; say with model"):
            Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)


def test_a_server_with_a_larger_vocabulary_serves_another_model(policy):
    larger = sharpened(SmallLanguageModel("abcdefghijklmnopqrstuvwxyz>", layers=1, hidden=16, heads=2, context_length=32).build(0))
    with serving(Fake(larger)) as url, pytest.raises(InputError, match="which the policy does not have: it serves another model"):
        Group(8, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)


@pytest.mark.parametrize("engine", [Generate(), Server("http://localhost:1/v1")], ids=["generate", "server"])
def test_a_finite_policy_needs_no_engine(engine):
    with pytest.raises(InputError, match="acts for language models; leave it out, a TablePolicy samples by itself"):
        Group(2, engine)(Tabular(1, 2).build(), [torch.tensor([0])], Decoding(1), 0)


def test_no_proxy_stands_between_this_machine_and_itself(policy, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(Fake(policy)) as url:
        Group(2, Server(f"{url}/v1", connection=FAST))(policy, PROMPTS, Decoding(8), 0)


def test_the_key_comes_from_the_environment(policy, monkeypatch):
    monkeypatch.setenv("SERVER_KEY", "s3")
    seen = []
    monkeypatch.setattr("urllib.request.OpenerDirector.open", lambda self, request, **_: seen.append(request.headers) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Connection(key="SERVER_KEY")("http://localhost:1/v1/models")
    assert seen[0]["Authorization"] == "Bearer s3"


# a whole run


def recipe(engine, **sampler) -> Recipe:
    return Recipe((Term(Clip()),), AdamW(3e-2), advantage=GroupCentred(), sampler=Group(4, engine, **sampler))


def improved(engine, model=None, steps=4, ahead=0):
    job = ImproveJob(
        dataclasses.replace(recipe(engine), ahead=ahead),
        TASK,
        decoding=Decoding(6),
        budget=Budget(steps=steps, batch_size=8, evaluation_rows=4),
    )
    history = job(sharpened(SMALL.build(0)) if model is None else model, {}, 0, None, Silent()).history
    trained = [row for row in history if "sampling/sampling_logp_difference/max" in row]
    return [row["sampling/sampling_logp_difference/max"] for row in trained]


def test_without_refresh_the_server_stays_where_it_was_and_the_run_shows_it():
    with serving(Fake(sharpened(SMALL.build(0)))) as url:
        gaps = improved(Server(f"{url}/v1", connection=FAST))
    assert gaps[0] < 1e-4 and min(gaps[1:]) > 1e-3


@pytest.mark.parametrize("every", [1, 2])
def test_with_refresh_the_server_follows(every, tmp_path):
    fake = Fake(sharpened(SMALL.build(1)))  # other weights, until it gets the learner's
    with serving(fake) as url:
        refresh = Refresh(str(tmp_path / "weights"), f"{url}/update_weights_from_disk", every=every)
        gaps = improved(Server(f"{url}/v1", refresh=refresh, connection=FAST))
    behind = [g > 1e-3 for g in gaps]
    assert behind == [step % every > 0 for step in range(4)], gaps
    assert all(g < 1e-4 for g, b in zip(gaps, behind, strict=True) if not b)
    salts = [body["cache_salt"] for path, body in fake.asked if path == "/v1/completions"]
    assert len(set(salts)) == 4 // every, "nothing cached under earlier weights is used"


def test_a_server_draws_ahead_with_the_weights_that_were_due(tmp_path):
    fake = Fake(sharpened(SMALL.build(1)))
    with serving(fake) as url:
        refresh = Refresh(str(tmp_path / "weights"), f"{url}/update_weights_from_disk")
        ahead = improved(Server(f"{url}/v1", refresh=refresh, connection=FAST), steps=5, ahead=1)
    same = improved(None, sharpened(SMALL.build(0)), steps=5, ahead=1)  # the policy by itself draws other completions, at the same distance
    assert ahead[0] < 1e-4 and same[0] < 1e-4 and min(ahead[1:]) > 1e-3 and min(same[1:]) > 1e-3
    drawn = "".join("w" if path == "/update_weights_from_disk" else "." for path, _ in fake.asked)
    assert drawn == "w" + "." * 16 + 3 * ("w" + "." * 8)  # steps 1 and 2 by the first weights; none are sent while a batch is under way


def test_what_a_server_does_not_tell_is_measured_when_the_step_has_come():
    with (
        serving(Fake(sharpened(SMALL.build(0)), form="content")) as url,
        pytest.warns(UserWarning, match="leaves out log-probabilities"),
    ):
        gaps = improved(Server(f"{url}/v1", connection=FAST), ahead=1)
    assert all(gap == gap for gap in gaps) and gaps[0] < 1e-4 < gaps[-1]  # none is NaN


def test_adapters_alone_are_sent_where_that_is_asked(tmp_path):
    model = SMALL.build(0)
    model.module = Lora(r=4).wrap(model.module, 0)
    fake = Fake(SMALL.build(0))
    body = {"lora_name": "policy", "lora_path": "{folder}", "load_inplace": True}
    with serving(fake) as url:
        refresh = Refresh(str(tmp_path / "adapter"), f"{url}/v1/load_lora_adapter", body, merge=False)
        engine = Server(f"{url}/v1", "policy", refresh, connection=FAST)
        gaps = improved(engine, model)
        assert max(gaps) < 1e-4 and any(p.any() for name, p in model.module.named_parameters() if "lora_B" in name)
        assert (tmp_path / "adapter/adapter_config.json").exists() and not (tmp_path / "adapter/config.json").exists()
        with pytest.raises(InputError, match=r"merge is false.*the model has none"):
            Group(2, engine)(SMALL.build(0), PROMPTS, Decoding(4), 0)


def test_refresh_says_what_the_server_says(policy, tmp_path):
    class Failing(Fake):
        def reload(self, folder):
            return {"success": False, "message": "no such shape"}

    with serving(Failing(policy)) as url, pytest.raises(RunFailed, match=r"did not take the weights in .*: no such shape"):
        refresh = Refresh(str(tmp_path), f"{url}/update_weights_from_disk")
        Group(2, Server(f"{url}/v1", refresh=refresh, connection=FAST))(policy, PROMPTS, Decoding(4), 0)


def test_a_run_with_generate_learns_on_policy():
    assert max(improved(Generate())) < 1e-4


def test_an_engine_is_written_in_a_configuration():
    tree = {"base": "grpo", "sampler": {"num_generations": 4, "engine": {"part": "server", "url": "http://localhost:8000/v1"}}}
    assert sections({"recipe": tree}).recipe.sampler == Group(4, Server("http://localhost:8000/v1"))
    refresh = {"folder": "weights", "url": "http://localhost:8000/reload", "payload": {"path": "{folder}"}, "every": 4}
    tree["sampler"]["engine"] |= {"refresh": refresh, "connection": {"tries": 2}, "extra": {"priority": 1}}
    built = sections({"recipe": tree}).recipe
    whole = Refresh("weights", "http://localhost:8000/reload", {"path": "{folder}"}, every=4)
    assert built.sampler.engine == Server("http://localhost:8000/v1", "", whole, extra={"priority": 1}, connection=Connection(tries=2))
    again = sections({"recipe": write(built, Recipe)}).recipe
    assert again == built
    assert sections({"recipe": {"base": "grpo", "sampler": {"engine": "generate"}}}).recipe.sampler.engine == Generate()
    with pytest.raises(InputError, match="url is missing"):
        sections({"recipe": {"base": "grpo", "sampler": {"engine": "server"}}})


def test_what_the_page_on_servers_shows_is_understood():
    from test_docs import blocks

    found = blocks("docs/servers.md")
    engines = [sections(parse(b.text, "servers.md")).recipe.sampler.engine for b in found if b.language == "yaml"]
    assert [type(e) for e in engines] == [Generate, VLLM, VLLM, Server, Server, Server, Server]
    assert [e.refresh is None for e in engines[3:]] == [True, False, False, True] and not engines[4].refresh.merge
    (python,) = [b.text for b in found if b.language == "python"]
    exec(compile(python, "servers.md", "exec"), {})


# transformers.generate


@pytest.mark.parametrize("lora", [False, True])
def test_generate_takes_nothing_from_the_models_own_generation_configuration(policy, lora):
    from transformers import GenerationConfig

    base, prompt = policy.module, [torch.tensor([5, 6])]
    before = base.generation_config
    if lora:
        from peft import LoraConfig, get_peft_model

        policy = copy.copy(policy)
        policy.module = get_peft_model(copy.deepcopy(base), LoraConfig(r=1, target_modules="all-linear"))
        base = policy.module.get_base_model()
    free = generate(policy.module, prompt, Decoding(6, 0.0), policy.ends, torch.device("cpu"))[0]
    first = free[0].tolist()
    own = GenerationConfig(suppress_tokens=first, forced_eos_token_id=int(policy.ends[0]), min_new_tokens=6, repetition_penalty=3.0)
    base.generation_config = own
    try:
        assert generate(policy.module, prompt, Decoding(6, 0.0), policy.ends, torch.device("cpu"))[0].tolist() == free.tolist()
        assert base.generation_config is own
    finally:
        base.generation_config = before


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_generate_records_what_the_learner_measures(policy, temperature):
    before = torch.get_rng_state()
    drawn = Group(6, Generate(rows_at_once=5))(policy, PROMPTS, Decoding(8, temperature), 0)
    assert torch.equal(before, torch.get_rng_state()), "the global generator is left as it was"
    assert gap(policy, drawn) < 1e-4 and len(drawn.length.unique()) > 1 and drawn.temperature == temperature
    ends = torch.isin(drawn.actions, policy.ends) & drawn.mask
    assert torch.equal(ends.any(-1), drawn.quantities["terminated"])
    assert all(int(n) == int(e.nonzero()[0]) + 1 for n, e in zip(drawn.length, ends, strict=True) if e.any())
    assert not drawn.actions[~drawn.mask].any() and not drawn.quantities["old_logp"][~drawn.mask].any()


@pytest.mark.parametrize("decoding", [Decoding(3), Decoding(3, 0.7), Decoding(3, top_k=4), Decoding(3, top_p=0.8), Decoding(3, min_p=0.3)])
def test_generate_follows_the_exact_distribution(decoding):
    """Chi-square over all sequences of three tokens of a vocabulary of six: that ours and transformers' samplers agree on what truncation is."""
    small, rows = 6, 8_000
    made = _of_vocabulary(small)
    model = LanguagePolicy(made, None, CPU)
    model.ends = torch.tensor([0])  # in the place of what the tokenizer would say
    context, numbers = torch.tensor([3, 4]), torch.zeros(rows, 3)
    drawn = Generate(rows_at_once=rows)(model, [context], torch.zeros(rows, dtype=torch.long), decoding, numbers)
    found = [tuple(a[:n]) for a, n in zip(drawn.actions.tolist(), drawn.length.tolist(), strict=True)]
    exact = {}
    for steps in itertools.product(range(small), repeat=3):
        steps = steps[: steps.index(0) + 1] if 0 in steps else steps
        exact.setdefault(steps, None)
    exact = {steps: _probability(made, context, steps, decoding) for steps in exact}
    assert all(exact[steps] > 0 for steps in found), "something was drawn that may not be"
    expected, seen = np.array([exact[s] * rows for s in exact]), np.array([found.count(s) for s in exact])
    large = expected >= 5
    expected, seen = np.append(expected[large], expected[~large].sum()), np.append(seen[large], seen[~large].sum())
    some = expected > 0
    assert stats.chisquare(seen[some], expected[some] * seen.sum() / expected.sum()).pvalue > 1e-4
    np.testing.assert_allclose(drawn.quantities["old_logp"].sum(-1), np.log([exact[s] for s in found]), atol=1e-4)
