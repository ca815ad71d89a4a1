"""The page in a real browser: each form of data, keyboard, small screens, no errors."""

import io
import json
import threading
import time
import wave
from contextlib import contextmanager

import numpy as np
import pytest

from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
)

pytest.importorskip("fastapi", reason="needs the extra serve")
playwright = pytest.importorskip("playwright.sync_api", reason="drives the browser")
PIL = pytest.importorskip("PIL.Image", reason="needs the extra image")
pandas = pytest.importorskip("pandas", reason="frames of pandas")

RATE = 8_000
pytestmark = pytest.mark.slow


@contextmanager
def serving(network):
    """The address of a server of the network in a thread."""
    import socket

    import uvicorn

    from lamina.serving import create_app, server_config

    server = uvicorn.Server(server_config(create_app(network, title="A network")))
    with socket.create_server(("127.0.0.1", 0)) as opened:
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{opened.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def page_of(browser, network, width=1200):
    """The page of a network; afterwards the console must have no error."""
    errors = []
    with serving(network) as url:
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.grant_permissions(["microphone"], origin=url)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: errors.append(m.text) if is_error(m) else None)
        page.goto(url)
        page.wait_for_selector("#ready", state="attached")
        yield page
        too_wide = "document.documentElement.scrollWidth > innerWidth"
        assert page.evaluate(too_wide) is False
        context.close()
    assert errors == []


def is_error(message):
    """Whether this is an error of the page: a refused request is reported as one too."""
    return message.type == "error" and "status of 422" not in message.text


def answered(page, path="/predict"):
    """What the server answers next, to a request of the page."""
    return page.expect_response(lambda response: response.url.endswith(path))


def assert_shown(page, prediction):
    playwright.expect(page.locator("#prediction")).to_have_text(prediction)


def assert_bars(page, probabilities):
    """The bars have these probabilities, the greatest first."""
    percents = [f"{100 * p:.1f} %" for p in sorted(probabilities, reverse=True)]
    values = page.locator("#details .value")
    playwright.expect(values).to_have_text(percents)


@pytest.fixture(scope="module")
def frame():
    n, rng = 200, np.random.default_rng(0)
    X = pandas.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "town": rng.choice(["Rome", "Oslo"], n),
            "since": pandas.date_range("2020-01-01", periods=n),
        }
    )
    y = np.where(X["age"] > 45, "old", "young")
    return DNNClassifier(max_iter=60, random_state=0).fit(X, y)


@pytest.mark.parametrize("width", [400, 1200])
def test_a_table_is_a_form(browser, frame, width):
    with page_of(browser, frame, width) as page:
        for age, label in (("20", "young"), ("75", "old")):
            page.get_by_label("age").fill(age)
            assert_shown(page, label)
        assert page.locator("#details li").count() == 2
        page.wait_for_selector("#why-details li")
        names = page.locator("#why-details .label").all_text_contents()
        assert names[0] == "age"
        page.get_by_label("town", exact=True).select_option("other")
        page.get_by_label("town, other value").fill("Paris")
        page.get_by_label("since").fill("2020-03-05T10:00")
        with answered(page) as response:
            page.get_by_label("age").fill("")
        row = json.loads(response.value.request.post_data)["samples"][0]
        assert row == {"age": None, "town": "Paris", "since": "2020-03-05T10:00"}
        assert response.value.status == 200


def test_an_explanation_that_takes_time_is_announced(browser, frame):
    with page_of(browser, frame) as page:
        page.wait_for_selector("#why-details li")
        held = []
        page.route("**/explain", lambda route: held.append(route))  # noqa: PLW0108
        page.get_by_label("age").fill("75")
        note = page.locator("#why-note")
        playwright.expect(note).to_have_text("The explanation is being computed.")
        assert page.locator("#why-details li").count() == 0
        held[-1].continue_()
        page.wait_for_selector("#why-details li")
        playwright.expect(note).to_contain_text("baseline")


def test_a_table_is_filled_by_the_keyboard(browser, frame):
    with page_of(browser, frame) as page:
        page.get_by_label("age").focus()
        page.keyboard.press("Control+A")
        page.keyboard.type("75")
        page.keyboard.press("Tab")
        page.keyboard.type("Rome")
        assert_shown(page, "old")
        assert page.locator("#prediction").get_attribute("aria-live") == "polite"


def test_what_is_refused_is_said(browser, frame):
    with page_of(browser, frame) as page:
        assert page.locator("#problem").is_hidden()
        page.get_by_label("age").fill("1e300")
        problem = page.get_by_role("alert")
        playwright.expect(problem).to_contain_text("age")
        page.get_by_label("age").fill("20")
        assert_shown(page, "young")
        playwright.expect(problem).to_be_hidden()


@pytest.mark.parametrize("width", [400, 1200])
def test_a_picture_is_drawn_or_chosen(browser, tmp_path, width):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 20, (60, 16, 16)).astype(np.uint8)
    y = np.array(["left", "right"] * 30)
    X[::2, :, 2:6] += 200
    X[1::2, :, 10:14] += 200
    network = CNNClassifier(max_iter=30, random_state=0).fit(X, y)
    PIL.fromarray(X[1]).save(tmp_path / "right.png")
    with page_of(browser, network, width) as page:
        playwright.expect(page.locator("#prediction")).to_contain_text("Waiting")
        box = page.locator("#canvas").bounding_box()
        x = box["x"] + box["width"] / 4
        page.mouse.move(x, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(x, box["y"] + box["height"] - 5, steps=8)
        page.mouse.up()
        assert_shown(page, "left")
        page.locator("#file").set_input_files(tmp_path / "right.png")
        assert_shown(page, "right")
        assert_bars(page, network.predict_proba(X[1:2])[0])
        page.locator("#clear").click()
        playwright.expect(page.locator("#prediction")).to_contain_text("Waiting")


def tone(pitch, n=RATE // 2):
    t = np.arange(n) / RATE
    return 0.5 * np.sin(2 * np.pi * pitch * t)


def write_wav(path, samples):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((samples * 32767).astype("<i2").tobytes())
    path.write_bytes(file.getvalue())


def test_a_sound_is_recorded_or_chosen(browser, tmp_path):
    pytest.importorskip("soundfile", reason="needs the extra audio")
    rng = np.random.default_rng(0)
    X = [tone(300 + 1500 * (i % 2) + 50 * rng.random()) for i in range(40)]
    network = CNNClassifier(sampling_rate=RATE, max_iter=20, random_state=0)
    network.fit(X, np.array(["low", "high"] * 20))
    write_wav(tmp_path / "low.wav", tone(320))
    with page_of(browser, network) as page:
        page.locator("#file").set_input_files(tmp_path / "low.wav")
        assert_shown(page, "low")
        assert_bars(page, network.predict_proba([tmp_path / "low.wav"])[0])
        page.locator("#record").click()
        playwright.expect(page.locator("#record")).to_have_text("Stop")
        page.wait_for_timeout(1_000)
        with answered(page) as response:
            page.locator("#record").click()
        assert response.value.status == 200
        assert page.locator("#player").is_visible()


def test_a_text_is_typed(browser):
    X = ["a good film", "a bad film", "good, very good", "bad and long"] * 10
    network = DNNClassifier(max_iter=30, random_state=0)
    network.fit(X, ["up", "down"] * 20)
    with page_of(browser, network, 400) as page:
        for text, label in (("a very good one", "up"), ("bad", "down")):
            page.get_by_label("Text").fill(text)
            assert_shown(page, label)


@pytest.mark.parametrize("width", [400, 1200])
def test_a_series_is_pasted_or_drawn(browser, width):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 30, 2)) * 0.1
    X[::2, :, 1] += 1
    network = RNNClassifier(max_iter=30, hidden_size=8, random_state=0)
    network.fit(X, np.array(["high", "low"] * 20))
    with page_of(browser, network, width) as page:
        steps = page.locator("#steps")
        for i, label in enumerate(["high", "low"]):
            lines = [f"{a:.6f};{b:.6f}" for a, b in X[i]]
            steps.fill("a;b\n" + "\n".join(lines))
            assert_shown(page, label)
        box = page.locator("#chart").bounding_box()
        page.mouse.move(box["x"] + 10, box["y"] + 10)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 10, box["y"] + 10, steps=5)
        with answered(page) as response:
            page.mouse.up()
        drawn = np.array(json.loads(response.value.request.post_data)["samples"][0])
        assert drawn.shape == (30, 2)
        assert np.ptp(drawn[2:-2, 0]) < 0.1


def test_other_answers_are_shown(browser):
    series = 10 + np.sin(np.arange(120) * 2 * np.pi / 12)
    rhyme = "one for sorrow, two for joy. "
    sentences = [["the", "dog", "barks"], ["a", "cat", "sleeps"]] * 10
    tags = [["article", "noun", "verb"]] * 20
    X = np.random.default_rng(0).normal(size=(50, 3))
    options = {"max_iter": 2, "random_state": 0}
    quantiles = {"loss": "quantile", "quantiles": [0.1, 0.5, 0.9]}
    for network, kind in (
        (Forecaster(horizon=6, quantiles=(0.1, 0.9), **options).fit(series), "path"),
        (
            LanguageModel(unit="char", hidden_size=8, **options).fit(rhyme * 5),
            ".written",
        ),
        (SequenceTagger(hidden_size=8, **options).fit(sentences, tags), ".tags li"),
        (DNNRegressor(**quantiles, **options).fit(X, X[:, 0]), "td"),
    ):
        with page_of(browser, network, 400) as page:
            text = page.locator("#text")
            if text.count():
                text.fill("one for")
            page.wait_for_selector(f"#answer {kind}", state="attached")
            assert page.locator("#prediction").inner_text()
