"""The benchmark's own arithmetic, data, files and tables; nothing is timed here, and TRL is not needed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks import apart, busy, card_tests, child, gpu, page, tables
from benchmarks.models import AGES, END, PLAIN, PROMPT, SHORTEST, Words, random_model
from benchmarks.profiling import summary
from benchmarks.results import Measurement, Results
from benchmarks.rows import even_share, rows
from benchmarks.settings import ALLOCATOR, SETTINGS, applicable
from benchmarks.views import fastest, leanest
from benchmarks.workloads import CARD, HEADLINE, LLAMA, QWEN, SMALL, TINY, WIDE, chosen, every, growth, rehearsal, rehearsed
from guerdon.costs.arithmetic import Shape, Work, group, scored_group, text, total

ROOT = Path(__file__).parents[1]
TOY = Shape(layers=2, hidden=4, heads=2, key_heads=1, head_size=2, intermediate=8, vocabulary=10)


# arithmetic


def test_places_of_a_group_by_hand():
    # A prompt of 3 and completions of 2 and 4: read are 3 + 1 + 3 tokens; the prompt sees 1 + 2 + 3 keys, the first completion's only token that is
    # read sees 4, the second's see 4 + 5 + 6; predicted is from the prompt's end (once) and from the 1 + 3.
    assert group(3, [2, 4]) == Work(tokens=7, pairs=6 + 4 + 15, predicted=5)
    assert scored_group(3, [2, 4]) == Work(tokens=9, pairs=6 + (4 + 5) + (4 + 5 + 6 + 7), scored=2)
    assert text(5) == Work(tokens=4, pairs=10, predicted=4)
    assert total([text(5), text(5)]) == Work(8, 20, 8)


def test_operations_by_hand():
    # One layer: query 4x4, key and value 4x2 each, output 4x4, gate, up and down 4x8 each: 16 + 8 + 8 + 16 + 96 = 144 multiply-adds a token.
    assert TOY.per_token == 2 * 144
    work = Work(tokens=7, pairs=25, predicted=5)
    body, attention, head = 2 * 288 * 7, 2 * 2 * 2 * 4 * 25, 2 * 4 * 10 * 5  # attention: scores and values, two layers, width 4
    assert TOY.forward(work) == body + attention + head
    assert TOY.backward(work) == 2 * TOY.forward(work)
    assert TOY.step("sft", work) == 3 * TOY.forward(work)
    assert TOY.step("dpo", work) == TOY.step("grpo", work) == 4 * TOY.forward(work)
    assert TOY.step("sampling", work) == TOY.forward(work)
    assert TOY.step("reward", Work(tokens=1, pairs=1, scored=1)) == 3 * (2 * 288 + 2 * 2 * 2 * 4 + 2 * 4)


def test_adapters_by_hand():
    adapted = replace(TOY, lora=3)
    # r * (in + out): query 8, key and value 6 each, output 8, the three others 12 each: 64 * 3 a layer.
    adapters = 2 * 2 * 64 * 3
    work = Work(tokens=1)
    assert adapted.forward(work) - TOY.forward(work) == adapters
    assert adapted.forward(work, adapted=False) == TOY.forward(work)
    passed_on = 2 * (2 * 144 - (16 + 8 + 8))  # the first layer's inputs need no gradient
    assert adapted.backward(work) == passed_on + 2 * adapters


def test_matrices_are_those_of_transformers():
    module, _ = random_model(TINY)
    shape = Shape.of(module.config)
    matrices = sum(p.numel() for name, p in module.model.layers.named_parameters() if p.dim() == 2)
    assert shape.per_token == matrices
    assert 0.9e6 < sum(p.numel() for p in module.parameters()) < 1.2e6


@pytest.mark.parametrize(("size", "millions"), [(SMALL, 6.3), (WIDE, 12.6)])
def test_sizes_are_what_they_are_called(size, millions):
    body = Shape(size.layers, size.hidden, size.hidden // 32, size.hidden // 32, 32, size.intermediate, size.vocabulary).per_token
    assert body + 2 * size.vocabulary * size.hidden == pytest.approx(millions * 1e6, rel=0.01)


# data and models


def test_rows_follow_from_the_job():
    for job in HEADLINE:
        made = rows(job, 2)
        assert made == rows(job, 2) != rows(job, 2, seed=1)
        assert len(made) == 2 * job.rows
        if "prompt" in made[0]:
            assert all(len(row["prompt"].split()) == job.prompt for row in made)
        lengths = [len(t.split()) + 1 for row in made for name, t in row.items() if name != "prompt"]
        assert all(job.shortest <= n <= job.longest for n in lengths)


def test_rows_are_one_token_a_word():
    job = every()["dpo-1M"]
    tokenizer = Words(TINY.vocabulary).tokenizer()
    row = rows(job, 1)[0]
    assert len(tokenizer.encode(row["prompt"])) == 256
    together = tokenizer.encode(row["prompt"] + row["chosen"] + tokenizer.eos_token)
    assert together == [*tokenizer.encode(row["prompt"]), *tokenizer.encode(row["chosen"]), tokenizer.eos_token_id]
    assert tokenizer.pad_token_id not in together


def test_jobs_are_told_apart_by_what_they_do():
    keys = [job.key for job in HEADLINE]
    assert len(set(keys)) == len(keys) == len({job.name for job in HEADLINE})
    assert replace(HEADLINE[0], rows=3).key != HEADLINE[0].key == replace(HEADLINE[0], name="x", targets=(1, 1, 1, 1)).key
    unchanged = {job.key for job in growth() if job.name in ("group=8", "prompt=64", "longest=64", "vocabulary=4096")}
    assert len(unchanged) == 1
    with pytest.raises(ValueError, match="there is no job"):
        chosen("dpoo")


DEEP = replace(QWEN, name="deep", vocabulary=4096, layers=28, hidden=256, intermediate=1024, head_size=32, heads=8, key_heads=4)


@pytest.mark.parametrize("size", [TINY, DEEP])
def test_a_completion_grows_up_and_ends_by_chance(size):
    """The next word's class is certain up to the last age; then the end comes with probability 1/50, in both number formats."""
    module, _ = random_model(size)
    words = Words(size.vocabulary)
    prompt = [words.ids[w] for w in words.of(PROMPT)[:8]]
    young = [words.ids[words.of(f"age {a + 1}")[0]] for a in range(AGES)]
    old = [words.ids[w] for w in words.of(PLAIN)[:16]]
    order = [f"age {a + 1}" for a in range(AGES)] + [PLAIN] * (len(old) + 1)
    for dtype in (torch.float32, torch.bfloat16):
        with torch.no_grad():
            likely = module.to(dtype)(torch.tensor([prompt + young + old])).logits[0, len(prompt) - 1 :].float().softmax(-1)
        ends = likely[:, words.ids[END]]
        for chances, expected, end in zip(likely, order, ends, strict=True):
            assert chances[[words.ids[w] for w in words.of(expected)]].sum() + end > 0.99
        assert ends[: SHORTEST - 1].max() < 1e-3  # at least so many words and then the end
        assert ends[AGES:].mean().item() == pytest.approx(1 / 50, rel=0.2)  # one word differs from another, as all weights do
        assert ends[AGES:].min() > 0.01 and ends[AGES:].max() < 0.04


def test_a_reward_tells_completions_apart():
    assert even_share(["w2 w4", "w1 w3", ""]) == [0.4, 0.0, 0.0]


# settings, files, tables


def test_the_allocator_is_set_where_it_says_so(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "5")
    for library, settings in SETTINGS.items():
        assert len({s.name for s in settings}) == len(settings)
        for setting in settings:
            environment = setting.environment(library)
            assert {k: environment[k] for k in ALLOCATOR if k in environment} == (ALLOCATOR if setting.allocator else {})
    assert all(s.parts == 1 for s in applicable("trl", "sampling", thorough=True))


def some_results(slow=1.0):
    results = Results({"processor": "P", "cores": 2, "memory_gb": 8, "torch": "2"}, {"12M": {"bf16": 1e12, "fp32": 2e11}})
    job = every()["dpo"]
    for library, setting, seconds, memory in (
        ("ours", "shipped", 1.0, 100.0),
        ("trl", "bf16", 12.0 * slow, 900.0),
        ("trl", "fp32", 14.0 * slow, 800.0),
        ("trl", "bf16, allocator", 3.0 * slow, 1500.0),
    ):
        times = (50.0, 40.0, seconds, seconds * 1.1, seconds * 0.9)
        results.put(Measurement(job.name, job.key, library, setting, times, 7000.0, 5e11, memory, 10.0, 300.0))
    results.put(Measurement("dpo", job.key, "trl", "fp32, allocator", failed="failed: no room"))
    return results


def test_results_survive_the_disk(tmp_path):
    results = some_results()
    results.save(tmp_path / "x.json")
    assert Results.load(tmp_path / "x.json") == results
    assert Results.load(tmp_path / "none.json") == Results()
    assert set(json.loads(results.dumps())) == {"machine", "rates", "measurements"}
    assert str(Path.home()) not in results.dumps()


def test_a_second_measurement_replaces_the_first():
    results = some_results()
    before = len(results.measurements)
    results.put(replace(results.measurements[0], memory=1.0))
    assert len(results.measurements) == before and results.measurements[-1].memory == 1.0


def test_what_others_take_is_told_from_what_is_measured(monkeypatch):
    times = iter([(10.0, 100.0, 1.0), (14.0, 106.0, 4.0)])  # 10 s of cores, 4 of them busy, 3 with what is measured
    monkeypatch.setattr(busy, "_times", lambda: next(times))
    assert busy.Others().share() == pytest.approx(0.1)
    measured = replace(some_results().measurements[0], others=0.1)
    assert measured.disturbed and not replace(measured, others=0.01).disturbed
    results = some_results()
    results.put(measured)
    assert "shipped (disturbed)" in tables.everything([results], [every()["dpo"]])


def test_tables():
    runs, job = [some_results(), some_results(slow=2.0), some_results(slow=4.0)], every()["dpo"]
    assert runs[0].measurements[0].step == 1.0  # the median without the first two
    assert (fastest(runs, job, False), fastest(runs, job, True), leanest(runs, job)) == ("bf16", "bf16, allocator", "fp32")
    (line,) = tables.side_by_side(runs).splitlines()[2:]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells == ["dpo", "1", "24 (bf16)", "**24.0×**", "6 (bf16, allocator)", "**6.0×**", "110", "0.12", "0.14", "50%"]
    (line,) = tables.reached(runs[:1]).splitlines()[2:]
    assert "12 (≥ 10: reached)" in line and "3 (≥ 4: **not reached**)" in line and "0.12 (≤ 0.15: reached)" in line
    assert "no room" in tables.everything(runs[:1], [job]) and "0.9 to 1.1" in tables.everything(runs[:1], [job])


def test_the_page_is_rewritten_between_its_marks(tmp_path):
    path = tmp_path / "performance.md"
    path.write_text((ROOT / "docs/performance.md").read_text())
    page.write([some_results()], path, tmp_path / "images")
    once = path.read_text()
    page.write([some_results()], path, tmp_path / "images")
    assert path.read_text() == once and "**12.0×**" in once and "## How it is measured" in once
    assert (tmp_path / "images/performance.png").stat().st_size > 1000


def test_a_run_on_a_gpu_is_no_run_on_a_cpu(tmp_path):
    slow = some_results(slow=2.0)
    slow.machine = {"gpu": "a card"}
    text = page.section([some_results(), slow], tmp_path)
    before, after = text.split("### On a GPU")
    assert "one run" in before and "**12.0×**" in before and "24 (bf16)" not in before
    assert "Measured on a card" in after and "24 (bf16)" in after


def test_help_has_an_example():
    told = subprocess.run([sys.executable, "-m", "benchmarks", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "Example: python -m benchmarks" in " ".join(told.split())


# on a card


def test_jobs_for_a_card_have_the_shapes_of_published_models():
    for size, millions in ((QWEN, 440), (LLAMA, 973)):  # without embeddings
        body = Shape(size.layers, size.hidden, size.heads, size.key_heads, size.head_size, size.intermediate, size.vocabulary)
        assert body.per_token == pytest.approx(millions * 1e6, rel=0.01)
    for name, tokens in (("sft-0.6B", 16e3), ("sft-1B", 16e3), ("sft-65k", 65e3)):
        made = [len(row["text"].split()) + 1 for row in rows(replace(every()[name], size=TINY), 5)]
        assert sum(made) / 5 == pytest.approx(tokens, rel=0.1)
    small = {job.key for job in CARD if job.size in (SMALL, WIDE)}
    assert small == {every()[name].key for name in ("dpo", "reward", "sft", "grpo-long")}  # measured once, shown in both tables


def test_every_kind_of_job_for_a_card_is_rehearsed():
    short = rehearsal(CARD)
    assert {job.kind for job in short} == {job.kind for job in CARD} and {job.size.family for job in short} == {"qwen3", "llama"}
    for job in CARD:
        tiny = every()[f"tiny-{job.name}"]
        assert tiny == rehearsed(job) and tiny.prompt == job.prompt // 16 and tiny.longest == job.longest // 16
    module, _ = random_model(short[0].size)
    assert module.config.num_key_value_heads == 2 and module.dtype == torch.bfloat16


def event(name, cat, ts, dur, tid=0):
    return {"ph": "X", "name": name, "cat": cat, "ts": ts, "dur": dur, "pid": 0, "tid": tid}


def test_a_profile_by_hand():
    # Two streams: 0 to 30 and 20 to 60 microseconds, a copy at 80 to 90: 70 of 100 are busy.
    calls = [event("cudaLaunchKernel", "cuda_runtime", i, 1) for i in range(3)] + [event("cuLaunchKernelEx", "cuda_driver", 5, 1)]
    calls += [event("cudaStreamSynchronize", "cuda_runtime", 60, 20), event("cudaDeviceSynchronize", "cuda_runtime", 90, 1)]
    ran = [event("void gemm", "kernel", 0, 30), event("softmax", "kernel", 20, 40, tid=1), event("copy", "gpu_memcpy", 80, 10)]
    found = summary([*calls, *ran, event("aten::mm", "cpu_op", 0, 100), {"ph": "M", "name": "process"}], 100e-6)
    assert found["busy"] == pytest.approx(0.7) and (found["launches"], found["waits"]) == (4, 1)
    assert found["operations"] == [("softmax", 0.5), ("gemm", 0.375), ("copy", 0.125)]
    within = [event("aten::linear", "cpu_op", 0, 100), event("aten::mm", "cpu_op", 10, 70), event("aten::t", "cpu_op", 90, 5)]
    assert summary(within, 200e-6)["operations"] == [("aten::mm", 0.7), ("aten::linear", 0.25), ("aten::t", 0.05)]
    assert summary([], 1.0)["busy"] == 0


def test_what_tests_say_is_read():
    text = "tests/test_gpu.py::test_a[x y] PASSED [ 20%]\ntests/test_gpu.py::test_b FAILED [ 40%]\ntests/test_gpu.py::test_c SKIPPED (no) [ 60%]\n"
    assert card_tests.read(text) == {"passed": 1, "skipped": 1, "failed": {"tests/test_gpu.py::test_b": ""}}  # it was stopped here
    found = card_tests.read(text + "FAILED tests/test_gpu.py::test_b - assert 1 == 2\nERROR tests/test_gpu_preferences.py\n")
    assert found["failed"] == {"tests/test_gpu.py::test_b": "assert 1 == 2", "tests/test_gpu_preferences.py": ""}
    assert "1 tests passed, 2 failed, 1 were skipped." in card_tests.told(found) and "`: assert 1 == 2" in card_tests.told(found)


def test_without_pytest_the_tests_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(card_tests, "NEEDED", ("pytest", "no_such_package"))
    assert card_tests.told(card_tests.run(tmp_path / "log", 1)).strip() == "The tests were left out: no_such_package is not installed here."


def test_why_a_measurement_failed(tmp_path):
    log = tmp_path / "log"
    for said, told in (
        ("Traceback\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 9 GiB\n", "out of memory"),
        ("Traceback\nKeyError: 3\n\n", "failed: KeyError: 3"),
        ("", "failed: exit code 5"),
    ):
        log.write_text(said)
        assert apart.why(log, 5) == told


@pytest.fixture
def without_trl(monkeypatch):
    monkeypatch.setattr(apart, "TRL", ("no_such_trl",))
    monkeypatch.setattr(gpu, "TRL", ("no_such_trl",))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    for name in settings_of_processes():
        monkeypatch.setenv(name, "0")


def settings_of_processes() -> list[str]:
    """Variables that the command sets, which are not to be left to other tests."""
    return ["TOKENIZERS_PARALLELISM", "HF_HUB_OFFLINE", "GOMP_SPINCOUNT", "PYTORCH_NVML_BASED_CUDA_CHECK"]


def test_the_command_for_a_card_is_rehearsed(tmp_path, monkeypatch, without_trl, capsys):
    monkeypatch.setattr(gpu, "REHEARSAL", 4.0)
    assert gpu.main(["--rehearse", "--minutes", "4", "--no-tests", "--jobs", "sft-0.6B,sampling-0.6B", "--into", str(tmp_path)]) == 0
    found = Results.load(tmp_path / "gpu-rehearsal.json")
    measured = {(m.job, m.side, m.setting): m for m in found.measurements}
    sft, ours, theirs = "tiny-sft-0.6B", "tiny-sampling-0.6B", "tiny-sampling-0.6B"
    for what in ((sft, "ours", "shipped"), (ours, "ours", "shipped"), (theirs, "trl", "bf16, static cache"), (theirs, "trl", "bf16")):
        assert not measured[what].failed and len(measured[what].seconds) == 3 and measured[what].operations > 0, what
    assert (sft, "trl", "bf16, packed") not in measured and list(found.unmeasured) == ["TRL"]
    assert set(found.profiles) == {sft, ours} and set(found.rates) == {"tiny-qwen3"}
    for trial in found.ways["tiny-qwen3"].values():
        assert trial["chosen"] in trial["seconds"] and "cards only" in trial["refused"]["flexible"]
    assert not measured[sft, "ours", "not compiled"].failed
    assert all(0 < p["busy"] <= 1 and len(p["operations"]) == 15 for p in found.profiles.values())
    told = capsys.readouterr().out
    assert told.strip() == (tmp_path / "gpu-rehearsal.md").read_text().strip()
    assert f"| {ours} |" in told and "Not measured: TRL: no_such_trl cannot be imported here: its column is left out." in told
    # What is late is ended and named; what is wrong says so.
    context, log = apart.starter("cpu", tmp_path / "log", 60), tmp_path / "log"
    job = [ours, "ours", "shipped", "3", "cpu", str(tmp_path)]
    assert apart.apart(context, child.main, job, log, 0.01) == "not done after 0 s"
    assert apart.apart(context, child.main, job[:2], log, 60).startswith("failed: ValueError: not enough values")


def test_what_there_is_no_time_for_is_named(tmp_path, monkeypatch, without_trl, capsys):
    assert gpu.main(["--rehearse", "--minutes", "1e-6", "--no-tests", "--jobs", "sft-0.6B,dpo-0.6B", "--into", str(tmp_path)]) == 0
    named = capsys.readouterr().out.split("Not measured: ")[-1]
    assert (
        named.strip()
        == "tiny-sft-0.6B, ours, shipped; tiny-dpo-0.6B, ours, shipped; rate of tiny-qwen3; attention of tiny-qwen3: no time was left."
    )


def test_what_was_measured_before_a_stop_is_kept_and_the_rest_is_named(tmp_path, monkeypatch, without_trl, capsys):
    def measured(session, job):
        if session.results.rates:
            raise KeyboardInterrupt
        session.results.rates[job.size.name] = {"bf16": 2e12, "fp32": 1e12}
        return "measured"

    monkeypatch.setattr(gpu, "starter", lambda *_: None)
    monkeypatch.setattr(gpu.Session, "rate", measured)
    monkeypatch.setattr(gpu.Session, "measure", lambda *_: "not this time")
    monkeypatch.setattr(gpu.Session, "ways_to_attend", lambda *_: "nor this")
    assert gpu.main(["--rehearse", "--no-tests", "--jobs", "sft-0.6B,sft-1B", "--into", str(tmp_path)]) == 0
    found = Results.load(tmp_path / "gpu-rehearsal.json")
    assert set(found.rates) == {"tiny-qwen3"} and found.unmeasured["rate of tiny-llama"] == "it was stopped before"
    assert gpu.main(["--rehearse", "--no-tests", "--go-on", "--minutes", "1e-6", "--jobs", "sft-0.6B", "--into", str(tmp_path)]) == 0
    assert Results.load(tmp_path / "gpu-rehearsal.json").rates == found.rates
    assert gpu.main(["--rehearse", "--no-tests", "--minutes", "1e-6", "--jobs", "sft-0.6B", "--into", str(tmp_path)]) == 0
    assert not Results.load(tmp_path / "gpu-rehearsal.json").rates  # measured anew


def test_without_a_card_the_command_says_so(capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 2 and "torch finds no NVIDIA card here" in capsys.readouterr().err
    assert gpu.main(["--jobs", "dpoo"]) == 2 and "there is no job 'dpoo'" in capsys.readouterr().err
    assert gpu.main(["--minutes", "0"]) == 2
