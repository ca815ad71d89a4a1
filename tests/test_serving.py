"""Answers over HTTP are those of the estimator, and refusals name what is wrong."""

import asyncio
import base64
import io
import json
import threading
import wave

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import lamina
from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    LanguageModel,
    RNNClassifier,
)
from lamina.exceptions import ParameterError
from lamina.testing.examples import EXAMPLES, RATE, examples_for, kind_of
from lamina.testing.fitting import brief, fit

fastapi = pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("httpx", reason="the client of the tests")
PIL = pytest.importorskip("PIL.Image", reason="needs the extra image")

from fastapi.testclient import TestClient  # noqa: E402

from lamina.serving import Limits, create_app  # noqa: E402

ESTIMATORS = [
    cls() for name in lamina.__all__ if isinstance(cls := getattr(lamina, name), type)
]
CASES = [
    pytest.param(estimator, data, id=f"{type(estimator).__name__}-{data.name}")
    for estimator in ESTIMATORS
    for data in examples_for(estimator)
]


def client_of(estimator, **arguments):
    app = create_app(estimator, **arguments)
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def png(pixels):
    file = io.BytesIO()
    PIL.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def wav(samples, rate=RATE):
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes((np.asarray(samples) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def files_of(data):
    """The images or waveforms of an example as contents of files."""
    if data.form == "image":
        return [png((128 + 40 * x).clip(0, 255).astype(np.uint8)) for x in data.X]
    return [wav(x) for x in data.X]


def as_json(X, form):
    """Samples as values of JSON, written independently of the readers."""
    if form in ("image", "audio"):
        return [base64.b64encode(contents).decode() for contents in X]
    if form == "text":
        return list(X)
    rows = [x.tolist() for x in X]
    return json.loads(json.dumps(rows).replace("NaN", "null"))


def plain(values):
    """Arrays in any container as lists."""
    if isinstance(values, np.ndarray):
        return values.tolist()
    return [plain(v) for v in values] if isinstance(values, list | tuple) else values


def frame_classifier():
    pandas = pytest.importorskip("pandas", reason="frames of pandas")
    n, rng = 60, np.random.default_rng(0)
    X = pandas.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": rng.lognormal(8, 1.5, n),
            "town": pandas.Series(rng.choice([*"abc"], n)).where(rng.random(n) > 0.1),
            "size": pandas.Categorical(
                rng.choice(["S", "M", "L"], n), ["S", "M", "L"], ordered=True
            ),
            "since": pandas.date_range("2020-01-01", periods=n),
            "seen": pandas.date_range("2021-01-01", periods=n, freq="h", tz="UTC"),
            "wait": pandas.to_timedelta(rng.integers(0, 90, n), unit="h"),
            "member": rng.random(n) < 0.5,
        }
    )
    y = np.where(X["age"] > 45, "old", "young")
    return DNNClassifier(max_iter=3, random_state=0).fit(X, y), X


@pytest.fixture(scope="module")
def iris():
    X = np.random.default_rng(0).normal(size=(60, 4))
    return DNNClassifier(max_iter=3, random_state=0).fit(X, X[:, 0] > 0), X


@pytest.fixture(scope="module")
def frame():
    return frame_classifier()


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "data"), CASES)
def test_answers_are_those_of_the_estimator(estimator, data):
    if data.form in ("image", "audio"):
        pytest.importorskip("soundfile", reason="needs the extra audio")
        X = files_of(data)
        params = {"n_mels": 4} if data.form == "audio" else {}
        target = data.target(estimator)
        network = type(estimator)(max_iter=2, random_state=0, **params).fit(X, target)
    else:
        is_forecaster = isinstance(estimator, Forecaster)
        params = {"quantiles": (0.1, 0.9)} if is_forecaster else {}
        X, network = data.X, fit(brief(estimator, data, **params), data)
    with client_of(network) as client:
        response = client.post("/predict", json={"samples": as_json(X, data.form)})
        assert response.status_code == 200, response.text
        answer = response.json()
        schema = client.get("/openapi.json").json()
        example = schema["paths"]["/predict"]["post"]["requestBody"]["content"]
        body = example["application/json"]["example"]
        assert client.post("/predict", json=body).status_code == 200
    assert answer["predictions"] == plain(network.predict(X))
    kind = kind_of(estimator)
    if kind in ("labels", "tags"):
        assert answer["probabilities"] == plain(network.predict_proba(X))
        assert answer["labels"] == network.classes_.tolist()
    if isinstance(network, Forecaster):
        assert answer["quantiles"] == plain(network.predict_quantiles(X))
    if isinstance(network, LanguageModel):
        p = network.predict_proba(X)
        assert answer["probabilities"] == np.sort(p)[:, ::-1][:, :10].tolist()


def test_rows_are_objects_by_the_names_of_the_columns(frame):
    network, X = frame
    rows = X.assign(
        since=X["since"].dt.strftime("%Y-%m-%d"),
        seen=X["seen"].dt.strftime("%Y-%m-%dT%H:%MZ"),
        wait=X["wait"].dt.total_seconds(),
    )
    rows = json.loads(rows.to_json(orient="records", double_precision=15))
    with client_of(network) as client:
        response = client.post("/predict", json={"samples": rows})
        answer = response.json()
        assert response.status_code == 200, answer
        reordered = [dict(reversed(row.items())) for row in rows]
        assert client.post("/predict", json={"samples": reordered}).json() == answer
        listed = [[row[name] for name in X.columns] for row in rows]
        assert client.post("/predict", json={"samples": listed}).json() == answer
    np.testing.assert_allclose(
        answer["probabilities"], network.predict_proba(X), rtol=0, atol=1e-6
    )


def test_the_schema_of_a_row_names_columns_kinds_and_categories(frame):
    network, _ = frame
    schema = create_app(network).openapi()["paths"]["/predict"]["post"]["requestBody"]
    content = schema["content"]["application/json"]
    row = content["schema"]["properties"]["samples"]["items"]
    assert row["required"] == list(network.feature_names_in_)
    assert row["properties"]["town"]["examples"] == ["a", "b", "c"]
    assert row["properties"]["size"]["examples"] == ["S", "M", "L"]
    assert row["properties"]["age"]["type"] == ["number", "null"]
    assert "in fit" in row["properties"]["age"]["description"]


def test_a_category_that_fit_did_not_see_and_a_missing_value_are_read(frame):
    network, _ = frame
    with client_of(network) as client:
        row = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
        row = row["requestBody"]["content"]["application/json"]["example"]["samples"][0]
        for town in ("elsewhere", None):
            response = client.post("/predict", json={"samples": [row | {"town": town}]})
            assert response.status_code == 200, response.text


def test_a_column_of_texts_is_a_string_of_a_limited_length():
    pandas = pytest.importorskip("pandas", reason="frames of pandas")
    X = pandas.DataFrame({"n": np.arange(40.0), "note": ["good film", "bad"] * 20})
    network = DNNClassifier(text_features=["note"], max_iter=2, random_state=0)
    network.fit(X, np.arange(40) % 2)
    with client_of(network, limits=Limits(max_steps=400)) as client:
        rows = X.to_dict(orient="records")
        answer = client.post("/predict", json={"samples": rows}).json()
        long = client.post("/predict", json={"samples": [{"n": 1, "note": "a" * 401}]})
        assert "<textarea" in client.get("/").text
    assert answer["probabilities"] == network.predict_proba(X).tolist()
    assert long.status_code == 413


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_a_picture_becomes_an_image_of_the_size_and_the_range_of_fit(dtype):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (20, 8, 8)).astype(np.uint8)
    fitted = X if dtype == "uint8" else (X / 255).astype(dtype)
    network = CNNClassifier(form="image", max_iter=1, random_state=0)
    network.fit(fitted, np.arange(20) % 2)
    large = np.asarray(PIL.fromarray(X[0]).resize((32, 32), PIL.Resampling.NEAREST))
    coloured = np.repeat(X[0][..., None], 3, -1)
    expected = network.predict_proba(fitted[:1]).tolist()
    with client_of(network) as client:
        for pixels, tolerance in ((X[0], 0), (coloured, 1e-6), (large, 1)):
            response = client.post(
                "/predict", content=png(pixels), headers={"Content-Type": "image/png"}
            )
            assert response.status_code == 200, response.text
            actual = response.json()["probabilities"]
            np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def test_series_of_a_frame_are_lists_in_the_order_of_its_columns():
    pandas = pytest.importorskip("pandas", reason="frames of pandas")
    rng = np.random.default_rng(0)
    X = pandas.DataFrame(
        {
            "name": np.repeat(np.arange(20), 5),
            "a": rng.normal(size=100),
            "b": rng.normal(size=100),
        }
    )
    network = RNNClassifier(id_column="name", max_iter=1, random_state=0)
    network.fit(X, np.arange(20) % 2)
    samples = X[["a", "b"]].to_numpy().reshape(20, 5, 2).tolist()
    with client_of(network) as client:
        answer = client.post("/predict", json={"samples": samples}).json()
    assert answer["probabilities"] == network.predict_proba(X).tolist()


def test_a_forecaster_takes_the_future_of_known_columns():
    rng = np.random.default_rng(0)
    X = [np.stack([rng.normal(size=40), np.arange(40) % 2], 1) for _ in range(3)]
    network = Forecaster(horizon=3, known_columns=[1], max_iter=1, random_state=0)
    network.fit(X)
    future = np.arange(40, 43)[None, :, None].repeat(3, 0) % 2
    with client_of(network) as client:
        body = {"samples": as_json(X, "series"), "future": future.tolist()}
        answer = client.post("/predict", json=body).json()
        lacking = client.post("/predict", json={"samples": as_json(X, "series")})
    assert answer["predictions"] == network.predict(X, future).tolist()
    assert lacking.status_code == 422
    assert "known_columns" in lacking.json()["detail"]


def test_quantiles_of_a_regressor_have_their_levels():
    X = np.random.default_rng(0).normal(size=(40, 3))
    network = DNNRegressor(
        loss="quantile", quantiles=[0.1, 0.5, 0.9], max_iter=2, random_state=0
    ).fit(X, X[:, 0])
    with client_of(network) as client:
        answer = client.post("/predict", json={"samples": X.tolist()}).json()
    assert answer["levels"] == [0.1, 0.5, 0.9]
    assert answer["predictions"] == network.predict(X).tolist()


def test_several_outputs_have_their_labels():
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.stack([X[:, 0] > 0, np.arange(40) % 3], 1).astype(int)
    network = DNNClassifier(max_iter=2, random_state=0).fit(X, y)
    with client_of(network) as client:
        answer = client.post("/predict", json={"samples": X.tolist()}).json()
    assert answer["predictions"] == network.predict(X).tolist()
    assert answer["labels"] == [[0, 1], [0, 1, 2]]
    for k, expected in enumerate(network.predict_proba(X)):
        assert [row[k] for row in answer["probabilities"]] == expected.tolist()


def test_explanations_are_those_of_explain(iris):
    from lamina.inspection import explain

    network, X = iris
    with client_of(network) as client:
        body = {"samples": X[:3].tolist(), "target": True}
        response = client.post("/explain", json=body)
        wrong = client.post("/explain", json=body | {"target": "x"})
        many = client.post("/explain", json={"samples": X[:11].tolist()})
    attribution = explain(network, X[:3], target=True)
    for i, explanation in enumerate(response.json()["explanations"]):
        assert list(explanation["values"].values()) == attribution.values[i].tolist()
        assert explanation["output"] == attribution.output[i]
        assert explanation["output_name"] == attribution.output_name
    assert wrong.status_code == 422
    assert "target='x'" in wrong.json()["detail"]
    assert many.status_code == 413


@pytest.mark.slow
@pytest.mark.parametrize("name", ["series", "image", "text", "waveforms", "histories"])
def test_other_forms_are_explained_by_words_or_pictures_or_it_is_said_why_not(name):
    data = EXAMPLES[name]
    (estimator, *_) = [
        each
        for each in ESTIMATORS
        if name in {example.name for example in examples_for(each)}
    ]
    is_file = data.form in ("image", "audio")
    X = files_of(data) if is_file else data.X
    options = {"n_mels": 4} if data.form == "audio" else {}
    network = type(estimator)(max_iter=1, random_state=0, **options)
    network.fit(X, data.target(estimator))
    with client_of(network) as client:
        body = {"samples": as_json(X[:2], data.form)}
        response = client.post("/explain", json=body)
        assert response.status_code == 200, response.text
    answer = response.json()
    assert len(answer["explanations"]) == (0 if answer["reason"] else 2)
    for i, explanation in enumerate(answer["explanations"]):
        if data.form == "text":
            assert "".join(text for text, _ in explanation["pieces"]) == X[i]
        else:
            assert explanation["picture"].startswith("data:image/svg+xml;base64,")


JSON = {"Content-Type": "application/json"}
REFUSED = {
    "no JSON": (b"{", "not JSON"),
    "NaN": (b'{"samples": [[NaN, 1, 1, 1]]}', "NaN"),
    "infinity": (b'{"samples": [[1e999, 1, 1, 1]]}', "inf"),
    "a large integer": (b'{"samples": [[1' + b"0" * 400 + b", 1, 1, 1]]}", "range"),
    "deep": (b'{"samples": ' + b"[" * 100_000, "deep"),
    "no samples": (b"{}", "samples"),
    "an empty list": (b'{"samples": []}', "at least one"),
    "a number": (b'{"samples": [1]}', "Sample 0 is 1"),
    "a short row": (b'{"samples": [[1, 2]]}', "4 values"),
    "a text": (b'{"samples": [["a", 1, 1, 1]]}', "'x0'"),
    "a list as value": (b'{"samples": [[[1], 1, 1, 1]]}', "'x0'"),
    "another column": (b'{"samples": [{"x0": 1, "y": 1}]}', "lacks the column 'x1'"),
    "another key": (b'{"samples": [[1, 1, 1, 1]], "more": 1}', "'more'"),
    "a surrogate": (b'{"samples": [["\\ud800", 1, 1, 1]]}', "'x0'"),
    "no UTF-8": (b'{"samples": [["\xff"]]}', "not JSON"),
}


@pytest.mark.parametrize(("body", "words"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_body_is_refused_by_name(iris, body, words):
    with client_of(iris[0]) as client:
        response = client.post("/predict", content=body, headers=JSON)
        assert response.status_code == 422
        assert words in response.json()["detail"]
        sound = client.post("/predict", json={"samples": iris[1][:1].tolist()})
        assert sound.status_code == 200


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])
@given(samples=values, path=st.sampled_from(["/predict", "/explain"]))
def test_any_value_is_answered_or_refused(frame, samples, path):
    with client_of(frame[0]) as client:
        body = json.dumps({"samples": samples})
        response = client.post(path, content=body, headers=JSON)
    assert response.status_code in (200, 413, 422), response.text


@pytest.mark.parametrize("name", ["series", "documents", "tokens", "histories"])
def test_any_sample_of_a_sequence_is_answered_or_refused(name):
    data = EXAMPLES[name]
    (network, *_) = [
        estimator
        for estimator in ESTIMATORS
        if data.name in {each.name for each in examples_for(estimator)}
    ]
    network = fit(brief(network, data), data)

    @settings(max_examples=100, deadline=None)
    @given(samples=st.lists(values, min_size=1, max_size=3))
    def check(samples):
        body = json.dumps({"samples": samples})
        response = client.post("/predict", content=body, headers=JSON)
        assert response.status_code in (200, 413, 422), response.text

    with client_of(network) as client:
        check()


def test_a_path_is_not_read_as_a_file(tmp_path):
    data = EXAMPLES["image"]
    X = files_of(data)
    network = CNNClassifier(max_iter=1, random_state=0).fit(X, data.labels)
    path = tmp_path / "picture.png"
    path.write_bytes(X[0])
    with client_of(network) as client:
        response = client.post("/predict", json={"samples": [str(path)]})
    assert response.status_code == 422
    assert "base64" in response.json()["detail"]


def test_limits_are_enforced(iris):
    network, _ = iris
    limits = Limits(max_bytes=2_000, max_samples=5, max_steps=10)
    with client_of(network, limits=limits) as client:
        assert (
            client.post("/predict", content=b" " * 2_001, headers=JSON).status_code
            == 413
        )
        many = client.post("/predict", json={"samples": [[1, 2, 3, 4]] * 6})
        assert many.status_code == 413
        assert "max_samples" in many.json()["detail"]
    data = EXAMPLES["documents"]
    language = fit(brief(LanguageModel(), data), data)
    with client_of(language, limits=limits) as client:
        long = client.post("/predict", json={"samples": ["a" * 6, "b" * 6]})
        assert long.status_code == 413
        assert "max_steps" in long.json()["detail"]
    picture = np.zeros((20, 8, 8), np.uint8)
    picture[::2] = 9
    pictures = CNNClassifier(max_iter=1).fit(picture, np.arange(20) % 2)
    with client_of(pictures, limits=Limits(max_pixels=100)) as client:
        body = png(np.zeros((11, 10), np.uint8))
        bomb = client.post(
            "/predict", content=body, headers={"Content-Type": "image/png"}
        )
        assert bomb.status_code == 413
        assert "max_pixels" in bomb.json()["detail"]


def test_only_json_and_files_of_the_form_are_read(iris):
    with client_of(iris[0]) as client:
        for media_type in ("text/plain", "image/png", ""):
            response = client.post(
                "/predict", content=b"{}", headers={"Content-Type": media_type}
            )
            assert response.status_code == 415
            assert "application/json" in response.json()["detail"]


def test_the_media_types_that_are_read_are_named_as_in_headers():
    X = np.random.default_rng(0).random((20, 8, 8, 3))
    pictures = CNNClassifier(max_iter=1).fit(X, np.arange(20) % 2)
    with client_of(pictures) as client:
        refused = client.post(
            "/predict", content=b"{}", headers={"Content-Type": "a/b"}
        )
        described = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
        for media_type in described["requestBody"]["content"]:
            assert media_type in refused.json()["detail"]
        assert "image/*" in refused.json()["detail"]


def test_another_host_is_refused_and_no_other_origin_is_allowed(iris):
    with client_of(iris[0]) as client:
        assert (
            client.get("/health", headers={"Host": "evil.example"}).status_code == 400
        )
        response = client.get("/", headers={"Origin": "http://evil.example"})
        assert "access-control-allow-origin" not in response.headers
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_a_failure_has_no_traceback(iris, monkeypatch):
    network = iris[0]
    app = create_app(network)

    def fail(outputs):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(network.task_, "probabilities", fail)
    with TestClient(
        app, base_url="http://localhost", raise_server_exceptions=False
    ) as client:
        response = client.post("/predict", json={"samples": [[1, 2, 3, 4]]})
    assert response.status_code == 500
    assert "secret" not in response.text


def test_metrics_count_requests_and_samples(iris):
    with client_of(iris[0]) as client:
        client.post("/predict", json={"samples": [[1, 2, 3, 4]] * 3})
        client.post("/predict", json={})
        client.get("/nowhere")
        page = client.get("/metrics").text
    assert 'lamina_requests_total{path="/predict",status="200"} 1\n' in page
    assert 'lamina_requests_total{path="/predict",status="422"} 1\n' in page
    assert 'lamina_requests_total{path="other",status="404"} 1\n' in page
    assert "lamina_batch_samples_sum 3.0" in page


def test_a_request_is_given_up_when_its_client_leaves(iris, monkeypatch):
    task, gate = iris[0].task_, threading.Event()
    right = task.probabilities

    def probabilities(outputs):
        assert gate.wait(60)
        return right(outputs)

    monkeypatch.setattr(task, "probabilities", probabilities)
    app = create_app(iris[0], limits=Limits(max_waiting=1))
    body = json.dumps({"samples": [[1, 2, 3, 4]]}).encode()

    async def status(*further):
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        messages += [{"type": kind} for kind in further]
        sent = []

        async def receive():
            if not messages:
                await asyncio.Event().wait()
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/predict",
            "query_string": b"",
        }
        await app(scope | {"headers": headers}, receive, send)
        return sent[0]["status"]

    async def statuses():
        left = [await status("http.disconnect") for _ in range(5)]
        asyncio.get_running_loop().call_soon(gate.set)
        return [*left, await status()]

    assert asyncio.run(statuses()) == [499] * 5 + [200]


def test_names_on_the_page_are_escaped():
    pandas = pytest.importorskip("pandas", reason="frames of pandas")
    name = '"><script>alert(1)</script>'
    X = pandas.DataFrame({name: [name, "b"] * 10, "n": np.arange(20)})
    network = DNNClassifier(max_iter=1).fit(X, np.arange(20) % 2)
    with client_of(network, title=name) as client:
        page = client.get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_what_cannot_be_served_is_refused():
    with pytest.raises(ParameterError, match="LogisticRegression"):
        create_app(LogisticRegression())
    with pytest.raises(NotFittedError):
        create_app(DNNClassifier())
    with pytest.raises(ParameterError, match="max_bytes"):
        Limits(max_bytes=0)
