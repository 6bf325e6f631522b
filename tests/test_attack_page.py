"""The page of an attack in a real browser, at the widths of a screen and of a phone, with texts that would like to run."""

import pytest

from browsing import chromium
from guerdon.interfaces.attacking.page import write
from test_attack import hostile


@pytest.fixture(scope="module")
def browser():
    with chromium() as driver:
        yield driver


def test_the_page_fits_a_screen_and_a_phone_and_runs_nothing(browser, tmp_path):
    bad = "</textarea></svg><script>document.title='broken'</script><img src=x onerror=document.title='broken'>" + "very_long_" * 30
    page = write({**hostile(bad), "model": "runs/reward/model"}, tmp_path / "report.html")
    for width in (1280, 390):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        )
        browser.get(page.as_uri())
        assert browser.title == "reward under attack"
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), f"wider than {width}"
        assert browser.execute_script(
            "return [document.querySelectorAll('main img, main script').length, document.querySelectorAll('.plot svg').length]"
        ) == [0, 2]
        assert bad in browser.execute_script("return document.querySelector('#worst ~ div').textContent")
        browser.execute_script("document.querySelector('details').open = true")
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "the texts are wider"
        assert browser.title == "reward under attack"
    before = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.find_element("id", "theme").click()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") != before
