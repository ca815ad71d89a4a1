"""A report in a real browser."""

import numpy as np
import pytest

import lamina
from lamina.testing import EXAMPLES

LONG = "a label of many words and-of-one-word-that-is-longer-than-a-line-" * 3


@pytest.fixture(scope="module", params=["table", "image", "waveforms", "tokens"])
def path(request, tmp_path_factory):
    data = EXAMPLES[request.param]
    public = {
        "table": lamina.DNNClassifier,
        "image": lamina.CNNClassifier,
        "waveforms": lamina.CNNClassifier,
        "tokens": lamina.SequenceTagger,
    }[request.param]
    network = public(max_iter=1, random_state=0, **data.params)
    y = data.target(network)
    if y.dtype != object:
        y = np.where(y == "low", LONG, y)
    report = lamina.report(network.fit(data.X, y), data.X, y, n_resamples=5)
    file = tmp_path_factory.mktemp("report") / "report.html"
    report.save(file)
    return file


@pytest.fixture(params=[(400, "light"), (400, "dark"), (1200, "light")])
def opened(request, browser, path):
    """The page, with the messages of the console and the requests it made."""
    width, scheme = request.param
    page = browser.new_page(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    messages, requests = [], []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    yield page, messages, requests
    page.close()


def background(page):
    colour = "getComputedStyle(document.body).backgroundColor"
    # Chromium gives the value of light-dark() as rgb().
    return [float(v) for v in page.evaluate(colour).strip("rgb()").split(",")]


def is_dark(page):
    return sum(background(page)) < 3 * 128


@pytest.mark.slow
def test_nothing_is_loaded_and_no_error_is_logged(opened, path):
    page, messages, requests = opened
    page.wait_for_load_state("networkidle")
    assert messages == []
    assert [r for r in requests if not r.startswith("data:")] == [path.as_uri()]


@pytest.mark.slow
def test_the_page_is_as_wide_as_the_window(opened):
    page, _, _ = opened
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_colours_follow_the_system_and_the_keyboard(opened):
    page, _, _ = opened
    starts_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert is_dark(page) == starts_dark
    page.keyboard.press("Tab")  # the link that skips to the results
    page.keyboard.press("Tab")  # the chosen colours
    assert page.evaluate("document.activeElement.id") == "colours-auto"
    page.keyboard.press("ArrowRight")
    assert not is_dark(page)
    page.keyboard.press("ArrowRight")
    assert is_dark(page)
    ink = page.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
    assert sum(float(v) for v in ink.strip("rgb()").split(",")) > 3 * 128


@pytest.mark.slow
def test_links_lead_to_their_sections(opened):
    page, _, _ = opened
    page.click("nav a >> text=Network")
    assert page.evaluate("location.hash") == "#network"
    top = "document.querySelector('#network').getBoundingClientRect().top"
    assert abs(page.evaluate(top)) < page.viewport_size["height"]


@pytest.mark.slow
def test_links_work_in_the_frame_of_a_notebook(browser, path, tmp_path):
    notebook = tmp_path / "notebook.html"
    frame = lamina.reporting.Report(path.read_text(encoding="utf8"))._repr_html_()
    notebook.write_text(f"<!doctype html><title>notebook</title>{frame}")
    page = browser.new_page(reduced_motion="reduce")
    page.goto(notebook.as_uri())
    report = page.frames[1]
    report.click("nav a >> text=Network")
    top = "document.querySelector('#network').getBoundingClientRect().top"
    page.wait_for_timeout(200)
    assert abs(report.evaluate(top)) < page.viewport_size["height"]
    page.close()
