"""The page on which people label, in a real browser: by keyboard, on a screen and on a phone's width."""

import re
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from browsing import chromium
from guerdon.interfaces.labelling.app import OPEN, OWNER, app
from guerdon.interfaces.labelling.assigning import Plan
from guerdon.interfaces.labelling.opening import Wanted, opened
from guerdon.interfaces.web import address, pages
from guerdon.interfaces.web.guarding import Guarded

HOSTILE = "<script>document.title = 'taken'</script><img src=x onerror=\"document.title='taken'\"> " + "unbreakable" * 40
LONG = "A sentence of some length, as people write them, so that a card has something to hold. " * 4
PAIRS = [
    {
        "prompt": [{"role": "user", "content": HOSTILE}],
        "chosen": [{"role": "assistant", "content": HOSTILE + "1"}],
        "rejected": [{"role": "assistant", "content": "no"}],
    },
    *({"prompt": f"Question {i}", "chosen": f"good {i} {LONG}", "rejected": f"bad {i}"} for i in range(1, 5)),
]
RANK = [{"prompt": "Which is best?", "completions": [HOSTILE, "b " + LONG, "c"]}] * 2
ONE = [{"prompt": "Say something", "completion": f"One two {HOSTILE}"}, {"prompt": "q", "completion": "alpha beta gamma"}]
STEPS = [{"prompt": HOSTILE, "completion": "first step\nsecond step " + HOSTILE + "\nthird step"}] * 2
SCREENS = {"screen": (1280, 860), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


class Shown:
    """A served session and the browser that looks at it."""

    def __init__(self, browser, session, tokens, width=SCREENS["screen"]):
        import uvicorn

        self.browser, self.session = browser, session
        self.at = address("127.0.0.1", 0)
        self.guarded = Guarded(app(session, tokens), tokens, open_paths=OPEN)
        self.server = None
        self.uvicorn = uvicorn
        self.start()
        self.resize(*width)

    def start(self):
        self.server = self.uvicorn.Server(
            self.uvicorn.Config(self.guarded, log_level="error", log_config=None, timeout_graceful_shutdown=1)
        )
        self.at.bound.listen(64)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.at.bound]}, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.should_exit = True
        self.thread.join(20)

    def resize(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, path="/"):
        self.browser.get(self.at.url + path)

    def until(self, script, seconds=30):
        """Wait until a script of the page says something true, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.browser.execute_script(f"return {script}")
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}; the page says {self.text('body')!r}")

    def text(self, selector):
        return self.browser.execute_script(f"const e = document.querySelector({selector!r}); return e ? e.innerText : ''")

    def ready(self):
        """Wait for a question."""
        self.until("!document.body.hasAttribute('aria-busy') && !document.getElementById('choices').hidden")

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()

    def labels(self, count):
        """The labels that stand, once there are so many."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with self.session.lock:
                stand = {name: {who: e.answer for who, e in own.items()} for name, own in self.session.ledger.labels.items() if own}
            if sum(map(len, stand.values())) == count:
                return stand
            time.sleep(0.02)
        raise AssertionError(f"there are {stand}, not {count}")

    def fits(self):
        """Whether nothing is wider than the screen."""
        return self.until("document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth", 5)


@pytest.fixture
def shown(browser, tmp_path):
    with ExitStack() as stack:

        def make(rows, kind=None, tokens=None, plan=Plan(), width=SCREENS["screen"], **settings):
            session = stack.enter_context(opened(Wanted(rows, "rows", kind, settings), tmp_path / "s", [], "", plan, "file"))
            page = Shown(browser, session, tokens or {}, width)
            stack.callback(page.stop)
            return page

        yield make


@contextmanager
def shot(page, name):
    """With GUERDON_SCREENSHOTS=FOLDER, pictures to be looked at."""
    import os

    yield
    if folder := os.environ.get("GUERDON_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.browser.save_screenshot(f"{folder}/{name}.png")


@pytest.mark.parametrize("screen", SCREENS)
def test_pairs_are_compared_by_keyboard_and_every_step_can_be_undone(shown, screen):
    page = shown(PAIRS, width=SCREENS[screen])
    page.open()
    page.ready()
    with shot(page, f"compare-hostile-{screen}"):
        assert page.fits() and page.browser.title == "Label · compare"
        assert (
            HOSTILE in page.text("#prompt")
            and "taken" in page.text("#work")
            and page.browser.execute_script("return document.querySelectorAll('main script, main img').length") == 0
        )
    expected = {}
    for row, (key, choice) in enumerate([("1", 0), ("2", 1), ("3", "tie"), ("4", "both_bad")]):
        first = page.until("document.querySelector('article .text').textContent")
        asked = page.text("#prompt")
        if row == 1:
            with shot(page, f"compare-{screen}"):
                pass
        page.press(key)
        place = None if isinstance(choice, str) else int(first.startswith(("bad", "no")))
        expected[str(row)] = {"me": {"better": choice if place is None else place if choice == 0 else 1 - place}}
        page.labels(row + 1)
        page.until(f"document.getElementById('prompt').innerText !== {asked!r}")
    assert page.labels(4) == expected
    page.ready()
    for left in (3, 2):
        page.press("u")
        page.labels(left)
        page.ready()
    assert "Question 2" in page.text("#prompt") and page.browser.execute_script(
        "return document.querySelector('#choices [aria-pressed=true]').innerText"
    ).startswith("Tie")
    with shot(page, f"undone-{screen}"):
        assert page.fits()
    page.press("1")
    page.labels(3)
    page.until("document.getElementById('prompt').innerText.includes('Question 3')")
    page.press("n")
    page.until("document.getElementById('noting').open")
    page.press("a note")
    with shot(page, f"note-{screen}"):
        pass
    page.browser.execute_script("document.querySelector('#noting button').click()")
    page.press("2")
    page.labels(4)
    page.until("document.getElementById('prompt').innerText.includes('Question 4')")
    page.press("?")
    page.until("document.getElementById('keys').open")
    with shot(page, f"keys-{screen}"):
        said = page.text("#keys")
        assert all(word in said for word in ("First", "Second", "Tie", "Both bad", "Undo", "Skip", "note"))
    page.press("\ue00c", "s")
    page.until("document.getElementById('skipping').open")
    with shot(page, f"skip-{screen}"):
        assert page.fits()
    page.press("1")
    page.until("document.querySelector('#work h1') && document.querySelector('#work h1').innerText === 'All done'")
    with shot(page, f"done-{screen}"):
        assert "You labelled 4" in page.text("#work")
    notes = {entry.item: entry.note for entry in page.session.store.entries() if entry.note}
    assert notes == {"3": "a note", "4": "It cannot be judged"}
    page.open("/overview")
    page.until("document.querySelectorAll('#annotators td').length")
    with shot(page, f"overview-{screen}"):
        assert page.fits() and "It cannot be judged" in page.text("#remarks")


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize(
    ("kind", "rows", "settings", "keys", "answer"),
    [
        ("rank", RANK, {}, "2=13\n", [1, 1, 2]),
        ("rate", ONE, {"attributes": ("helpful", "honest")}, "45\n", {"ratings": {"helpful": 4, "honest": 5}}),
        ("steps", STEPS, {}, "123\n", {"labels": [1, 0, -1]}),
        ("steps", STEPS, {"until_error": True}, "13\n", {"labels": [1, -1]}),
        ("spans", ONE[1:] * 2, {}, [*"g", "\ue014", "\ue014", *"b\n"], [("alpha", "good"), ("gamma", "bad")]),
        ("accept", ONE, {}, "a", {"accept": True}),
    ],
)
def test_every_kind_is_labelled_by_keys_and_shown_again_as_it_was(shown, kind, rows, settings, keys, answer, screen):
    page = shown(rows, kind, width=SCREENS[screen], **settings)
    page.open()
    page.ready()
    assert page.fits() and page.browser.title != "taken"
    first = page.until("document.querySelector('main').innerText")
    order = page.session._shown("0", "me")
    with shot(page, f"{kind}-{screen}"):
        page.press(*[key if key != "\n" else "\ue007" for key in keys][: -1 if kind != "accept" else 0])
    page.press(*[key if key != "\n" else "\ue007" for key in keys][-1 if kind != "accept" else 0 :])
    ((said,),) = (own.values() for own in page.labels(1).values())
    if kind == "rank":
        assert [said["ranks"][i] for i in order] == answer  # the second is best, and the first as good
    elif kind == "spans":
        text = rows[0]["completion"]
        assert [(text[s["start"] : s["end"]], s["label"]) for s in said["spans"]] == answer
    else:
        assert said == answer
    page.ready()
    page.press("u")
    page.labels(0)
    page.until(f"document.querySelector('main').innerText.slice(0, 20) === {first!r}.slice(0, 20)")
    page.ready()
    page.press("\ue007" if kind != "accept" else "a")  # what was said is there again, so it can be saved as it is
    ((again,),) = (own.values() for own in page.labels(1).values())
    assert again == said and page.fits()


def test_two_annotators_have_links_of_their_own_and_the_owner_sees_where_they_differ(shown):
    tokens = {"t-ann": "ann", "t-bob": "bob", "t-owner": OWNER}
    page = shown(PAIRS, tokens=tokens, plan=Plan(each=2), width=SCREENS["phone"])
    page.browser.delete_all_cookies()
    page.open()
    page.until("document.querySelector('#work h1') && document.querySelector('#work h1').innerText.includes('link')")
    for count, (token, key) in enumerate((("t-ann", "1"), ("t-bob", "3")), 1):
        page.open(f"/enter?token={token}")
        assert "token" not in page.browser.current_url
        page.ready()
        page.press(key)
        page.labels(count)
    assert {who: answer["better"] == "tie" for who, answer in page.labels(2)["0"].items()} == {"ann": False, "bob": True}
    for name, size in SCREENS.items():
        page.resize(*size)
        page.open("/enter?token=t-owner")
        assert page.browser.current_url.endswith("/overview")
        page.until("document.querySelectorAll('#disputes td').length")
        with shot(page, f"overview-two-{name}"):
            assert page.fits() and "tie" in page.text("#disputes") and "alpha" in page.text("#tiles")
    page.browser.delete_all_cookies()


def test_what_the_server_did_not_answer_is_sent_again_and_stands_once(shown):
    page = shown(PAIRS)
    page.open()
    page.ready()
    page.server.should_exit = True
    page.thread.join(20)
    again = address("127.0.0.1", page.at.port)
    page.press("1")
    with shot(page, "not-saved"):
        page.until("document.getElementById('say').innerText.includes('Not saved yet')")
    page.at = again
    page.start()
    page.labels(1)
    page.until("document.getElementById('say').innerText === ''")
    assert [entry.what for entry in page.session.store.entries()] == ["label"]


def test_texts_can_be_read_in_the_light_and_in_the_dark():
    style = Path(pages.__file__).with_name(pages.STYLE).read_text()
    for block in re.findall(r":root \{(.*?)\n\}", style, re.S):
        colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        for ink, papers in {
            "ink": ("paper", "card", "key"),
            "faint": ("paper", "card", "key"),
            "accent": ("card",),
            "good": ("good-soft", "card"),
            "bad": ("bad-soft", "card"),
        }.items():
            for paper in papers:
                light, dark = sorted((luminance(colour[ink]), luminance(colour[paper])), reverse=True)
                assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {paper}"


def luminance(colour):
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
