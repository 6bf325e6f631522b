"""The viewer's page in a real browser: by keyboard, on a screen and on a phone's width, with whatever a model wrote."""

import json
import os
import re
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from browsing import chromium
from guerdon.interfaces.viewing import page as pages
from guerdon.interfaces.viewing.app import OPEN, app
from guerdon.interfaces.viewing.index import Index
from guerdon.interfaces.viewing.runs import different, runs
from guerdon.interfaces.viewing.showing import Shown
from guerdon.interfaces.viewing.updating import updating
from guerdon.interfaces.web import address
from guerdon.interfaces.web.guarding import Guarded
from guerdon.interfaces.web.pages import STYLE
from test_labelling_page import SCREENS, luminance
from viewed_runs import completion, conversations, sampled, write

DOWN, UP, LEFT, RIGHT, ENTER, ESCAPE = "\ue015", "\ue013", "\ue012", "\ue014", "\ue007", "\ue00c"


class Page:
    """The page on some runs, and the browser that looks at it."""

    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def resize(self, screen):
        width, height = SCREENS[screen]
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        )

    def open(self, query=""):
        self.browser.get(f"{self.url}/{query}")
        self.ready()

    def do(self, script):
        return self.browser.execute_script(script)

    def until(self, script, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self.do(f"return {script}"):
                return found
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}; the page says {self.text('body')[:2000]!r} at {self.browser.current_url}")

    def ready(self):
        self.until("!document.getElementById('main').hasAttribute('aria-busy') && document.getElementById('main').childElementCount")

    def text(self, selector):
        return self.do(f"const e = document.querySelector({selector!r}); return e ? e.innerText : ''")

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()

    def asked(self):
        """What stands in the address."""
        return dict(self.do("return [...new URLSearchParams(location.search)]"))

    def fits(self):
        return self.until("document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth", 5)

    def shot(self, name):
        """With GUERDON_SCREENSHOTS=FOLDER, pictures to be looked at."""
        if folder := os.environ.get("GUERDON_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.browser.save_screenshot(f"{folder}/view-{name}.png")


@contextmanager
def served(folders):
    uvicorn = pytest.importorskip("uvicorn")
    places = runs(folders)
    shown = [Shown(place, Index(place.folder)) for place in places]
    at = address("127.0.0.1", 0)
    guarded = Guarded(
        app(shown, lambda: different([place.configuration() for place in places]), {}), hosts=frozenset({"127.0.0.1"}), open_paths=OPEN
    )
    server = uvicorn.Server(uvicorn.Config(guarded, log_level="error", log_config=None, timeout_graceful_shutdown=1))
    at.bound.listen(64)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [at.bound]}, daemon=True)
    for one in shown:
        while one.index.update():
            pass
    with updating(shown, pause=0.1):
        thread.start()
        try:
            yield at.url
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [sampled(folder / "quick", 30, 16, 0, 1e-5), sampled(folder / "slow", 30, 16, 1, 1e-6), conversations(folder / "tools")]


@pytest.fixture(scope="module")
def page(browser, folders):
    with served(folders) as url:
        yield Page(browser, url)


@pytest.mark.parametrize("screen", SCREENS)
def test_runs_stand_side_by_side_and_what_is_drawn_is_in_the_address(page, screen):
    page.resize(screen)
    page.open()
    page.until("document.querySelectorAll('.chart svg path.curve').length >= 10")
    page.shot(f"overview-{screen}")
    assert page.fits() and [page.do(f"return document.querySelectorAll('.run-card')[{i}].innerText.split('\\n')[0]") for i in range(3)] == [
        "quick",
        "slow",
        "tools",
    ]
    assert "learning_rate" in page.text("table") and "1e-06" in page.text("table")
    page.do("document.querySelector('.chart svg').focus()")
    page.press(LEFT)
    page.until("document.querySelectorAll('.tip:not([hidden])').length > 1")  # every chart shows the same step
    assert (
        page.text(".tip").startswith("step 29") and "quick" in page.text(".tip") and "tools" not in page.text(".tip")
    )  # it had ended before
    page.shot(f"cursor-{screen}")
    page.do("document.querySelectorAll('.run-card input')[1].click()")
    page.until("document.querySelector('.chart svg') && !document.querySelector('.chart svg').getAttribute('aria-label').includes('slow')")
    page.press("l")
    page.until("location.search.includes('log=1')")
    page.press("m")
    page.until("document.activeElement.matches('.picker input[type=search]')")
    page.press("mean")
    page.until("document.querySelectorAll('.checks label').length === 1")
    page.shot(f"metrics-{screen}")
    page.do("document.querySelector('.checks input').click()")
    page.until("![...document.querySelectorAll('figcaption')].some((own) => own.innerText.includes('mean_length'))")
    link = page.browser.current_url
    assert page.fits()
    labels = "return [...document.querySelectorAll('.chart svg')].map((own) => own.getAttribute('aria-label'))"
    page.until("document.querySelectorAll('.chart svg').length === 4")  # a chart is drawn once it has its place
    shown = page.do(labels)
    page.browser.get("about:blank")
    page.browser.get(link)
    page.until("document.querySelectorAll('.chart svg').length === 4")
    assert page.do(labels) == shown


@pytest.mark.parametrize("screen", SCREENS)
def test_rollouts_are_walked_through_searched_and_opened_by_keys(page, screen):
    page.resize(screen)
    page.open()
    page.press("g", "r")
    page.until("document.querySelectorAll('.line .where b').length > 5")
    page.shot(f"rollouts-{screen}")
    assert page.fits() and "480" in page.text(".total") and page.do("return document.querySelectorAll('.line').length") < 60
    page.press("j", "j", DOWN, "k")
    page.until("document.querySelector('.line[aria-selected=true]').id === 'row-2'")
    page.press("G")
    page.until("document.querySelector('.line[aria-selected=true] .where')?.innerText === '30.15'")
    page.press("/")
    page.press("carry", ENTER)
    page.until("location.search.includes('text=carry') && document.querySelector('.line mark')")
    page.shot(f"search-{screen}")
    count = int(page.text(".total b"))
    assert 0 < count < 480 and page.fits()
    page.do("const own = document.querySelector('select[name=sort]'); own.value = '-reward'; own.onchange()")
    page.until("location.search.includes('sort=-reward')")
    page.ready()
    page.until("document.querySelector('#row-0 .where')")
    page.press("j", ENTER)
    page.until("document.querySelector('.path')")
    assert page.asked()["view"] == "rollout" and f"2 of {count}" in page.text(".path")
    first = page.text("main")
    page.press("j")
    page.until(f"document.querySelector('.path').innerText.includes('3 of {count}')")
    page.press("k")
    page.until(f"document.querySelector('.path').innerText.includes('2 of {count}')")
    assert page.text("main") == first
    page.press(ESCAPE)
    page.until("document.querySelector('#row-1[aria-selected=true] .where')")  # back where one was
    assert int(page.text(".total b")) == count


@pytest.mark.parametrize("screen", SCREENS)
def test_tokens_are_coloured_by_what_is_chosen_and_siblings_are_beside(page, screen):
    page.resize(screen)
    page.open("?view=rollout&run=quick&at_step=5&place=5")
    assert page.fits() and page.do("return document.querySelectorAll('.siblings li').length") == 4
    page.press("t")
    page.until("document.querySelectorAll('.token').length > 10")
    assert page.do("return [...document.querySelectorAll('#colour option')].map((own) => own.innerText)") == [
        "log-probability",
        "advantage",
        "reward",
        "value",
        "KL to ref",
        "nothing",
    ]
    colours = set()
    for name in ("old_logp", "advantage", "step_reward", "old_value", "ref_logp"):
        page.until(f"document.querySelector('#colour')?.value === '{name}'")
        colours.add(page.do("return [...document.querySelectorAll('.token')].map((own) => getComputedStyle(own).backgroundColor).join()"))
        page.shot(f"tokens-{name}-{screen}")
        assert page.fits() and page.text(".legend")
        page.press("c")
    assert len(colours) == 5
    page.until("document.querySelector('#colour')?.value === 'none'")
    page.press("C")
    page.until("document.querySelector('#colour')?.value === 'ref_logp'")
    page.do("document.querySelector('.tokens').focus()")
    page.press(RIGHT, RIGHT)
    page.until("document.querySelector('.about').innerText.includes('token 2 of')")
    said = page.text(".about")
    assert all(word in said for word in ("advantage", "log-probability", "value", "KL to ref"))
    page.do("document.activeElement.blur()")
    page.press(LEFT)
    page.until("document.querySelector('.path').innerText.includes('rollout 4')")
    assert page.asked()["as"] == "tokens" and page.asked()["colour"] == "ref_logp"
    page.press(RIGHT)
    page.until("document.querySelector('.path').innerText.includes('rollout 5')")


@pytest.mark.parametrize("screen", SCREENS)
def test_a_conversation_has_its_turns_calls_and_results_and_the_judges_text_beside_the_verdict(page, screen):
    page.resize(screen)
    page.open("?view=rollout&run=tools&at_step=1&place=0")
    page.shot(f"conversation-{screen}")
    kinds = page.do("return [...document.querySelectorAll('.answer .turn')].map((own) => own.className.trim())")
    assert kinds == ["turn speaks", "turn tool", "turn speaks"] and page.fits()
    assert "calculator" in page.text(".call") and "17 * 23" in page.text(".call pre") and "391" in page.text(".turn.tool")
    assert "reward 0.25" in page.text(".answer .turn") and "hard by heart" in page.text(".thoughts")
    assert "was taken over: correct" in page.text(".verdict") and "Short enough" in page.text(".verdict")
    page.press("]", "]")
    page.until("document.activeElement.matches('.turn.tool')")
    page.press("t")
    page.until("document.querySelectorAll('.token.told').length === 3")
    page.shot(f"told-{screen}")


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(
    "query",
    [
        "?view=rollout&run=tools&at_step=1&place=2",
        "?view=rollout&run=tools&at_step=1&place=2&as=tokens",
        "?view=rollouts&run=tools",
        "?view=tree&run=tools&at_step=1&place=2",
        "?view=rollout&run=tools&at_step=1&place=3",
    ],
)
def test_what_a_model_wrote_is_text_and_its_hidden_characters_are_seen(page, query, screen):
    page.resize(screen)
    page.open(query)
    page.until("document.querySelector('.hidden-character')")
    page.shot(f"hostile-{len(query)}-{screen}")
    assert page.browser.title != "taken" and page.do("return document.querySelectorAll('main script, main img').length") == 0
    assert page.fits() and "<script>" in page.text("main")
    raw = page.do("return document.body.textContent")
    assert not re.search("[\u202e\u202c\x1b]", raw) and "U+202E" in raw and "ESC" in raw
    if "place=3" in query:
        assert "ValueError: <b>no</b> number" in page.text(".verdict") and "failed" in page.text(".verdict")


@pytest.mark.parametrize("screen", SCREENS)
def test_branches_are_walked_by_arrows_and_prompts_compared_between_runs(page, screen):
    page.resize(screen)
    page.open("?view=rollout&run=tools&at_step=1&place=4")
    page.press("g", "t")
    page.until("document.querySelectorAll('[role=treeitem]').length === 5 && document.activeElement.matches('[role=treeitem]')")
    page.shot(f"tree-{screen}")
    assert (
        page.fits()
        and page.text("[role=treeitem] .text").startswith("First add three and four.")
        and "as the sampler forked" in page.text(".path")
    )
    page.press(LEFT)
    page.until("document.activeElement.getAttribute('aria-expanded') === 'false'")
    page.press(RIGHT, DOWN, DOWN)
    page.until("document.activeElement.innerText.includes('makes eight')")
    page.press(ENTER)
    page.until("document.querySelector('.path')?.innerText.includes('rollout 5')")
    page.open("?view=rollout&run=quick&at_step=5&place=5")
    page.press("g", "c")
    page.until("document.querySelectorAll('.side').length === 2")
    page.shot(f"compare-{screen}")
    assert page.fits() and page.asked()["left"] == "quick~sampled~5"
    sides = page.do("return [...document.querySelectorAll('.side select')].map((own) => own.value)")
    assert sides == ["quick~sampled~5", "slow~sampled~30"] and page.do("return document.querySelectorAll('.side .card').length") == 8
    page.press("]")
    page.until("document.querySelector('.side select')?.value === 'quick~sampled~6'")
    assert page.asked()["right"] == "slow~sampled~30"


@pytest.mark.parametrize("screen", SCREENS)
def test_keys_are_told_and_a_wrong_question_is_answered(page, screen):
    page.resize(screen)
    page.open("?view=rollouts&run=quick")
    page.press("?")
    page.until("document.getElementById('keys').open")
    page.shot(f"keys-{screen}")
    assert all(word in page.text("#keys") for word in ("Next", "Open", "Search", "Overview", "Compare")) and page.fits()
    page.press(ESCAPE)
    for query, said in (
        ("?view=rollouts&run=quick&step=x", "write a number or a range"),
        ("?view=rollout&run=quick&at_step=999&place=0", "no rollout 0 at step 999"),
        ("?view=rollouts&run=quick&text=zzzzzz", "Nothing is like this"),
    ):
        page.open(query)
        assert said in page.text("main")


def test_a_run_that_goes_on_is_seen_to_go_on_and_twenty_thousand_rows_scroll(browser, tmp_path):
    folder = write(
        tmp_path / "long",
        [completion(1 + i // 500, i % 500, prompt="p", answer="abc", reward=i % 10 / 10) for i in range(20_000)],
        [{"step": 0, "reward": 0.1}],
    )
    with served([folder]) as url:
        page = Page(browser, url)
        page.resize("screen")
        page.open("?view=rollouts")
        page.until("document.querySelectorAll('.line .where b').length > 5")
        for _ in range(12):
            page.do("document.querySelector('.list').scrollTop += 70000")
            page.until(
                "document.querySelectorAll('.line').length < 80 && [...document.querySelectorAll('.line')].filter((own) => own.innerText).length > 10"
            )
        page.press("\ue010")  # End
        page.until("document.querySelector('.line[aria-selected=true] .where')?.innerText === '40.499'")
        with (folder / "completions.jsonl").open("a") as file:
            file.write(json.dumps(completion(41, 0, answer="the newest of all")) + "\n")
        page.until("document.querySelector('.total').innerText.includes('20,001')")
        page.press("G")
        page.until("document.querySelector('.line[aria-selected=true]')?.innerText.includes('the newest of all')")
        page.open()
        page.until("document.querySelector('#state').innerText.includes('live')")
        with (folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"step": 41, "reward": 0.9}) + "\n")
        page.until("document.querySelector('.chart svg')?.getAttribute('aria-label').includes('to 0.9')")


def test_nothing_is_loaded_from_elsewhere(page, browser):
    for query in ("", "?view=rollouts&run=quick", "?view=rollout&run=tools&at_step=1&place=2", "?view=tree&run=tools&at_step=1&place=4"):
        page.open(query)
        loaded = page.do("return performance.getEntries().map((own) => own.name).filter((name) => name.includes(':'))")
        assert loaded and all(name.startswith((page.url, "data:")) for name in loaded), loaded
        refused = [entry["message"] for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]]
        assert not refused
    html, _ = pages.page()
    assert set(re.findall(r"https?://[\w.]+", html)) == {"http://www.w3.org"}  # the name of SVG, which is no address
    assert not re.search(r"@import|url\(|src=|innerHTML|insertAdjacent|eval\(", html)


def test_what_is_coloured_can_be_read_in_the_light_and_in_the_dark():
    base = (Path(pages.__file__).parents[1] / "web" / STYLE).read_text()
    own = (pages.HERE / "style.css").read_text()
    strongest = float(re.search(r"STRONGEST = ([\d.]+)", (pages.HERE / "scripts/tokens.js").read_text())[1])
    blocks = [re.findall(r":root \{(.*?)\n\}", text, re.S) for text in (base, own)]
    for shared, more in zip(*blocks, strict=True):
        colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", shared + more))
        for name, parts in re.findall(r"--(plus|minus): (\d+ \d+ \d+)", more):
            card = [int(colour["card"][i : i + 2], 16) for i in (1, 3, 5)]
            mixed = [round(strongest * int(x) + (1 - strongest) * y) for x, y in zip(parts.split(), card, strict=True)]
            assert contrast(colour["ink"], "#" + "".join(f"{x:02x}" for x in mixed)) >= 4.5, name
        for i in range(8):
            assert contrast(colour[f"run-{i}"], colour["card"]) >= 4.5, i
        assert contrast(colour["bad"], colour["bad-soft"]) >= 4.5 and contrast(colour["faint"], colour["key"]) >= 4.5
        assert contrast(colour["accent"], colour["accent-soft"]) >= 4.5


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
