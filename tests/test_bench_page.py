"""The page of a bench in a real browser, at the widths of a screen and of a phone."""

import numpy as np
import pytest

from browsing import chromium
from guerdon.interfaces.benching import pairs as of_pairs
from guerdon.interfaces.benching.answers import Pair
from guerdon.interfaces.benching.following import following
from guerdon.interfaces.benching.page import write


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


def test_the_page_fits_a_screen_and_a_phone_and_shows_texts_as_texts(browser, tmp_path):
    draw = np.random.default_rng(0)
    bad = "<img src=x onerror=document.title='broken'>" + "very_long_" * 30
    pairs = [
        Pair(
            i,
            f"prompt {i}",
            "a" * int(draw.integers(5, 200)),
            bad,
            float(draw.normal(1)),
            float(draw.normal()),
            f"category_{i % 3}" * (1 + i % 3),
        )
        for i in range(60)
    ]
    shares = {"value": 0.25, "low": 0.1, "high": 0.4, "of": 60}
    edits = {
        "pairs": 60,
        "harmless": [{"name": "trailing_newline", "turns": shares, "change": 0.1}],
        "harmful": [{"name": "truncation", "falls": shares, "change": -1.0}],
    }
    found = {
        "model": "runs/reward/model",
        "rows": "held_out.jsonl",
        "kind": "pairs",
        "read": 61,
        "left_out": {"a tie": 1},
        "notes": [],
        "category": "subset",
        "scored": 60,
        **of_pairs.accuracies(pairs),
        "calibration": of_pairs.calibration(pairs),
        "following": following(pairs),
        "worst": of_pairs.worst(pairs, list(range(60)), 5),
        "sensitivity": edits,
        "margins": [pair.margin for pair in pairs],
    }
    page = write(found, tmp_path / "bench.html")
    for width in (1280, 390):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        )
        browser.get(page.as_uri())
        assert browser.title == "reward on held_out.jsonl: bench"
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), f"wider than {width}"
        assert browser.execute_script("return document.querySelectorAll('main img').length") == 0
        assert browser.execute_script("return document.querySelectorAll('.plot svg').length") == 3
        assert bad in browser.execute_script("return document.querySelector('#worst ~ div').textContent")
    before = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.find_element("id", "theme").click()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") != before
