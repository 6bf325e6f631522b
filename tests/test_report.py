"""The report: whatever is in a run's folder, one page that loads nothing, runs nothing foreign and tells what is wrong."""

import html
import json
import math
import random
import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guerdon.errors import InputError
from guerdon.interfaces.report import write
from guerdon.interfaces.report.figures import figures
from guerdon.interfaces.report.health import findings
from guerdon.interfaces.report.reading import read
from guerdon.interfaces.report.samples import browsed, sample, side_by_side

VOID = {"meta", "input", "br", "link", "img", "path", "use"}


class Page(HTMLParser):
    """Elements, attributes and visible text; every element that is opened must be closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(text)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def make(folder, metrics=(), completions=(), configuration=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in metrics))
    (folder / "completions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in completions))
    if configuration is not None:
        (folder / "configuration.json").write_text(json.dumps(configuration))
    return folder


def completion(step, prompt, reward, **more):
    row = {"prompt": prompt, "completion": f"answer to {prompt}", "reward": reward, "components": {"gold": reward}, "valid": True}
    return {"step": step, **row, "error": None, "tokens": [3, 4], "logp": [-0.1, -2.0], "terminated": True} | more


def improving(steps=40):
    draw = random.Random(0)
    for step in range(steps + 1):
        row = {"step": step}
        if step:
            row |= {"reward": step / steps + draw.gauss(0, 0.02), "loss": draw.gauss(0, 0.1), "sampling/logp": -1.0 + 0.5 * step / steps}
            row |= {"completions/clipped_ratio": 0.1, "frac_reward_zero_std": 0.2, "rewards/failed": 0.0, "skipped_steps": 0.0}
            row |= {"sampling/sampling_logp_difference/max": 1e-6, "step_time": 0.5, "num_tokens": 100.0}
        yield row


def held_out(step, right, of=40):
    return [completion(step, f"p{i}", float(i < right), split="test") for i in range(of)]


def test_figures_are_paired_and_have_intervals(tmp_path):
    (record,) = read(make(tmp_path / "run", improving(), held_out(0, 10) + held_out(40, 30)))
    accuracy, reward = figures(record)
    assert (accuracy.before.value, accuracy.after.value) == (0.25, 0.75)
    assert accuracy.before.low < 0.25 < accuracy.before.high and accuracy.better is True
    assert (reward.before.value, reward.after.value, reward.change.value) == (0.25, 0.75, 0.5)
    (record,) = read(make(tmp_path / "back", improving(), held_out(0, 30) + held_out(40, 10)))
    assert figures(record)[0].better is False
    (record,) = read(make(tmp_path / "same", improving(), held_out(0, 30) + held_out(40, 30)))
    assert figures(record)[0].better is None


def test_rewards_without_a_top_of_one_are_not_called_an_accuracy(tmp_path):
    rows = [completion(s, f"p{i}", 1.0 + i, split="test") for s in (0, 5) for i in range(4)]
    (record,) = read(make(tmp_path / "run", [{"step": 5, "reward": 1.0}], rows))
    assert [figure.name for figure in figures(record)] == ["Held-out reward"]


def test_every_component_has_a_figure_and_a_prompt_that_is_there_twice_counts_once(tmp_path):
    def rows(step, right):
        for i in range(20):
            components = {"exact": float(i < right), "close": 0.5 + 0.5 * (i < right)}
            yield completion(step, f"p{min(i, 18)}", sum(components.values()), components=components, split="test")

    (record,) = read(make(tmp_path / "run", improving(), [*rows(0, 5), *rows(40, 15)]))
    reward, exact, close = figures(record)
    assert (exact.name, exact.percent, exact.before.value, exact.after.value) == ("Held-out exact", True, 5 / 19, 15 / 19)
    assert (close.name, close.percent) == ("Held-out close", False) and close.better is True and close.before.low < close.before.value
    assert all("19 different held-out prompts (20 rows)" in figure.sentence for figure in (reward, exact, close))


def test_a_gap_to_an_older_policy_is_no_fault_of_the_sampler(tmp_path):
    """Rollouts two steps old: only the first step's can tell whether sampler and learner compute the same."""
    aged = {"sampling/sampling_logp_difference/max": 3.0, "sampling/effective_sample_size/token": 0.9}
    rows = [
        row | ({"sampling/staleness": min(row["step"] - 1, 2)} | (aged if row["step"] > 1 else {}) if row["step"] else {})
        for row in improving()
    ]
    (record,) = read(make(tmp_path / "run", rows))
    found = {f.rule: f for f in findings(record)}
    assert not found["the sampler is the learner"].broken and "1.0e-06" in found["the sampler is the learner"].sentence
    assert found["old rollouts still count"].sentence == "rollouts 2 steps old are worth 90% of fresh ones"


BROKEN = {
    "old rollouts still count": {"sampling/staleness": 4.0, "sampling/effective_sample_size/token": 0.1},
    "completions end by themselves": {"completions/clipped_ratio": 0.6},
    "groups differ in reward": {"frac_reward_zero_std": 0.9},
    "the sampler is the learner": {"sampling/sampling_logp_difference/max": 2e-3},
    "rewards do not fail": {"rewards/failed": 0.01},
    "every step is finite": {"skipped_steps": 1.0},
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_health_rule_can_break(tmp_path, rule):
    (healthy,) = read(make(tmp_path / "healthy", improving()))
    assert not [f for f in findings(healthy) if f.broken]
    (ill,) = read(make(tmp_path / "ill", [row | (BROKEN[rule] if row["step"] else {}) for row in improving()]))
    assert [f.rule for f in findings(ill) if f.broken] == [rule]
    assert rule in Page(write(tmp_path / "ill").read_text()).text


def watching(steps=60, falls=True, held=False):
    """A reward that rises, and a true one that turns round at a third of the way, or does not."""
    draw = random.Random(1)
    for step in range(1, steps + 1):
        x = step / steps
        gold = (x if x < 1 / 3 else 2 / 3 - x if falls else 1 / 3) + draw.gauss(0, 0.03)
        place = "eval/monitor/gold" if held else "monitor/gold"
        yield {"step": step, "reward": x + draw.gauss(0, 0.03)} | (
            {place: gold} if not held or step % 3 == 0 else {"monitor/gold": math.nan}
        )


@pytest.mark.parametrize("held", [False, True])
def test_the_moment_at_which_reward_and_gold_come_apart_is_found_and_drawn(tmp_path, held):
    rows = [row | ({"monitor/gold": 0.0} if held else {}) for row in watching(held=held)]
    (record,) = read(make(tmp_path / "apart", rows))
    (finding,) = [f for f in findings(record) if "come apart" in f.rule]
    assert finding.broken and "keep_best=monitor/gold" in finding.sentence
    assert 14 <= float(re.search(r"from step (\d+) on", finding.sentence)[1]) <= 26
    page = write(tmp_path / "apart").read_text()
    assert "They come apart at step" in Page(page).text and "Reward and gold" in page
    (healthy,) = read(make(tmp_path / "together", watching(falls=False)))
    (finding,) = [f for f in findings(healthy) if "come apart" in f.rule]
    assert not finding.broken
    assert "Nothing shows that they come apart" in Page(write(tmp_path / "together").read_text()).text
    lines = [page.count(f"stroke: {colour}") for page in (page, write(tmp_path / "together").read_text()) for colour in ("var(--bad)",)]
    assert lines[0] == lines[1] + 1  # the moment is drawn where there is one


def test_groups_without_a_signal_are_no_illness_where_the_task_is_solved(tmp_path):
    rows = [row | ({"frac_reward_zero_std": 0.9, "empty_steps": 1.0} if row["step"] else {}) for row in improving()]
    for best, broken in ((1.0, False), (2.0, True)):
        (record,) = read(make(tmp_path / str(best), rows, [completion(1, "p", best)]))
        ill = {f.rule for f in findings(record) if f.broken}
        assert ill == ({"groups differ in reward", "there is something to learn from"} if broken else set())


def test_falling_entropy_is_ill_only_while_reward_is_lost(tmp_path):
    def rows(reward):
        return [{"step": s, "reward": reward(s), "entropy": 2.0 * 0.85**s} for s in range(1, 41)]

    for name, reward, broken in (("solved", lambda s: s / 40, False), ("lost", lambda s: min(s, 40 - s) / 40, True)):
        (record,) = read(make(tmp_path / name, rows(reward)))
        (finding,) = [f for f in findings(record) if f.rule == "the policy still explores"]
        assert finding.broken is broken


def test_half_precision_has_a_wider_bound(tmp_path):
    rows = [row | ({"sampling/sampling_logp_difference/max": 1e-2} if row["step"] else {}) for row in improving()]
    for dtype, broken in (("float32", True), ("bfloat16", False)):
        (record,) = read(make(tmp_path / dtype, rows, configuration={"model": {"dtype": dtype}}))
        assert any(f.broken for f in findings(record)) is broken


def test_overfitting_and_chance_are_seen_in_pairs(tmp_path):
    rows = [
        {"step": s, "loss": 0.7 - s / 100, "eval/loss": 0.6 + abs(s - 10) / 100, "eval/rewards/accuracies": 0.45} for s in range(0, 41, 5)
    ]
    (record,) = read(make(tmp_path / "run", rows))
    assert {f.rule for f in findings(record) if f.broken} == {"held-out loss does not rise", "pairs are told apart"}


def test_page_is_self_contained_and_shows_everything(tmp_path):
    rows = [completion(s, f"q{i // 4}", 0.5) for s in (1, 20, 40) for i in range(8)]
    run = make(tmp_path / "run", improving(), held_out(0, 10) + rows + held_out(40, 30), {"recipe": "grpo", "budget": {"steps": 40}})
    text = write(run).read_text()
    page = Page(text)
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "action", "data"):
            assert value.startswith("#"), f"{name}={value} would be loaded from elsewhere"
    assert not re.search(r"url\((?!#)", text) and "@import" not in text
    for wanted in ("25.0 %", "75.0 %", "better", "Held-out accuracy", "rules kept, none broken", "grpo", "20 got a higher reward"):
        assert wanted in page.text
    assert page.tags.count("svg") >= 6
    assert "has not finished" not in page.text


EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}&lt;\u2028\U0001f600"


def test_nothing_in_a_run_becomes_markup(tmp_path):
    rows = [completion(s, EVIL, 0.0, error=EVIL, completion=EVIL, components={EVIL: 1.0, "b": 2.0}) for s in (1, 2)]
    rows += [row | {"split": "test"} for row in rows]
    metrics = [{"step": s, EVIL: 1.0, f"rewards/{EVIL}/mean": 1.0, "rewards/b/mean": 1.0} for s in (1, 2)]
    text = write(make(tmp_path / "run", metrics, rows, {EVIL: EVIL, "task": EVIL})).read_text()
    page = Page(text)
    assert page.tags.count("script") == 2 and "img" not in page.tags
    assert "7 * 7" in page.text
    assert html.escape(EVIL.split("{{")[0], quote=False) in text
    data = re.search(r'<script type="application/json">(.*?)</script>', text, re.S).group(1)
    assert json.loads(data)["steps"][0]["samples"][0]["prompt"] == [["", EVIL]]


def test_half_written_and_missing_pieces(tmp_path):
    run = make(tmp_path / "run", improving(), [completion(1, "p", 1.0)], {"budget": {"steps": 99}})
    (run / "configuration.json").write_text('{"budget": {"st')
    for name in ("metrics.jsonl", "completions.jsonl"):
        path = run / name
        path.write_bytes(path.read_bytes() + b'[1, 2]\n\xff\xfe\n{"step": 41, "reward": 0.')
    page = Page(write(run).read_text())
    assert "configuration.json is not complete JSON" in page.text
    assert "3 lines of metrics.jsonl could not be read" in page.text and "3 lines of completions.jsonl" in page.text
    for name in ("metrics.jsonl", "completions.jsonl", "configuration.json"):
        bare = make(tmp_path / f"without {name}", improving(), [*held_out(0, 1), completion(1, "p", 1.0)], {})
        (bare / name).unlink()
        Page(write(bare).read_text())
    unfinished = make(tmp_path / "unfinished", improving(), (), {"budget": {"steps": 99}})
    assert "has not finished" in Page(write(unfinished).read_text()).text


def test_half_a_character_is_replaced(tmp_path):
    run = make(tmp_path / "run", improving(), [completion(1, "half \ud83d", 1.0)])
    assert "half ?" in write(run).read_text()


def test_no_run_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        write(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        write(tmp_path / "nowhere")


def test_stages_are_shown_in_the_order_they_ran(tmp_path):
    import os

    for i, name in enumerate(("sft", "improve", "after")):
        make(tmp_path / name, [{"step": s, "loss": 1.0 / (s + 1)} for s in range(3)], (), {"stage": name})
        os.utime(tmp_path / name / "configuration.json", (i, i))
    (tmp_path / "model").mkdir()
    assert [record.title for record in read(tmp_path)] == ["sft", "improve", "after"]
    page = Page(write(tmp_path).read_text())
    assert "AutoModelForCausalLM.from_pretrained" in page.text and page.text.index("sft") < page.text.index("improve")


def test_tokens_are_decoded_one_by_one_with_the_saved_tokenizer(tmp_path):
    from guerdon.interfaces.report.samples import decoder
    from guerdon.models.language.character_tokenizer import build

    build("abc<").save_pretrained(tmp_path / "run" / "model")
    decode = decoder(tmp_path / "run" / "model")
    shown = sample(completion(1, "p", 1.0, tokens=[3, 6, 2, 99], logp=[-0.1, math.log(0.25), float("nan")]), decode)
    assert [t.text for t in shown.tokens] == ["a", "<", "</s>", "⟨99⟩"]
    assert shown.tokens[1].probability == pytest.approx(0.25) and shown.tokens[1].heat == 0.75
    assert shown.tokens[2].logp is None and shown.tokens[3].logp is None
    run = make(tmp_path / "run", improving(), [completion(s, "p", 1.0, tokens=[3, 6], logp=[-0.1, -1.5], split="test") for s in (0, 40)])
    assert 'title="probability 0.223 (log-probability -1.50), token 6">&lt;</span>' in write(run).read_text()


def test_the_browser_keeps_whole_groups_of_spread_out_steps(tmp_path):
    rows = [completion(s, f"q{i // 8}", 0.5) for s in range(1, 201) for i in range(24)]
    (record,) = read(make(tmp_path / "run", (), rows))
    shown = browsed(record, None)
    steps = [step["step"] for step in shown["steps"]]
    assert steps[0] == 1 and steps[-1] == 200 and len(steps) == 40
    assert all(len(step["samples"]) == 16 for step in shown["steps"]) and shown["total"] == 4800


def test_side_by_side_picks_by_order_and_by_gain(tmp_path):
    before = [completion(0, f"p{i}", i / 20, split="test") for i in range(20)]
    after = [completion(9, f"p{i}", (19 - i) / 20, split="test") for i in range(20)]
    (record,) = read(make(tmp_path / "run", (), before + after))
    shown = side_by_side(record, None)
    assert [pair.before.prompt[0][1] for pair in shown.in_order] == [f"p{i}" for i in range(6)]
    assert (shown.better, shown.worse) == (10, 10)
    assert [pair.before.prompt[0][1] for pair in shown.lost] == ["p19", "p18", "p17"]
    assert all(pair.gain > 0 for pair in shown.gained)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("prompt", "completion", "reward", "components", "valid", "error", "tokens", "logp", "terminated")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.fixed_dictionaries({"step": st.integers(0, 3)}, optional=dict.fromkeys(FIELDS, anything)), max_size=6), more=anything
)
def test_rows_of_any_kind_make_a_page(tmp_path, rows, more):
    run = make(tmp_path / "run", [{"step": 1, "reward": 0.5, "x": more}], rows + [row | {"split": "test"} for row in rows], more)
    Page(write(run).read_text())
