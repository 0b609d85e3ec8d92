"""Forecasts, embeddings and scores of a model."""

import pickle

import numpy as np
import pandas as pd
import pytest

import netflowgen as ng


def test_shapes_units_and_time(series, model):
    frame = model.forecast(series, horizons=["1min", "1h"], features=["bytes_in", "flows_out"])
    assert len(frame) == len(series.nodes) * 4
    assert set(frame["unit"]) == {"B", "flows"}
    assert (frame["time"] - frame["origin"] == frame["horizon"]).all()
    assert (frame["q10"] <= frame["q90"]).all() and (frame["q10"] >= 0).all()
    nodes, steps, quantiles = model.forecast_arrays(series)
    assert quantiles.shape == (len(nodes), len(model.forecast_features), len(model.horizons), 9)
    assert quantiles.dtype == np.float32 and steps.shape == nodes.shape


def test_between_the_horizons(series, model):
    frame = model.forecast(series, horizons=["2min", "3min", "6min"], features="flows_in")
    low, at, high = (frame["q50"].to_numpy()[i::3].astype(float) for i in range(3))
    share = np.log(3 / 2) / np.log(6 / 2)
    np.testing.assert_allclose(np.log1p(at), (1 - share) * np.log1p(low) + share * np.log1p(high), atol=1e-5)


def test_embeddings(series, model):
    steps = model.embed(series, per="step")
    assert steps.shape == (len(series), model.config["d_model"]) and np.isfinite(steps).all()
    nodes = model.embed(series)
    assert nodes.shape == (len(series.nodes), model.config["d_model"])
    rows = series.node(series.nodes[2])
    np.testing.assert_allclose(nodes[2], steps[rows].mean(axis=0), rtol=1e-4, atol=1e-5)


def test_a_nodes_vector_depends_on_its_past_alone(series, model, tmp_path):
    series.save(tmp_path / "s")
    node = series.nodes[1]
    alone = ng.Series.open(tmp_path / "s", nodes=node)
    half = ng.Series.open(tmp_path / "s", nodes=node, end=alone.times[len(alone) // 2])
    steps = model.embed(series, per="step")[series.node(node)]
    assert model.embed(alone, per="step").tobytes() == steps.tobytes()
    assert model.embed(half, per="step").tobytes() == steps[: len(half)].tobytes()
    assert ng.load(threads=1).embed(series, per="step").tobytes() == model.embed(series, per="step").tobytes()


def test_scores(series, model):
    scores = model.scores(series)
    assert list(scores.columns) == ["node", "time", "ddos", "inject", "surprise"]
    assert len(scores) == len(series) and np.isfinite(scores["ddos"]).all()
    assert (scores["surprise"] >= 0).all()
    first = series.offsets[:-1].astype(int)
    assert (scores["surprise"].to_numpy()[first] == 0).all()


def test_anomalies(series, model):
    found = model.anomalies(series, limit=4)
    assert found["node"].nunique() <= 4 and len(found) <= 12
    assert (found["bits"] > found["usual"]).all()
    scores = model.scores(series)
    for row in found.drop_duplicates("node").to_dict("records"):
        rows = series.node(row["node"])
        at = rows.start + int(np.flatnonzero(series.times[rows] == row["time"].tz_localize(None).to_datetime64())[0])
        assert row["bits"] == pytest.approx(scores["surprise"][at], rel=1e-6)
        assert row["seen"] == series.to_numpy(row["feature"])[at, 0]
    assert model.anomalies(series, limit=0).empty


def test_nothing_known_is_no_forecast(model):
    times = np.arange(20) * 300
    values = np.full((20, 2), np.nan)
    values[:, 0] = 1000
    series = ng.Series.from_numpy(values, nodes=["vm"] * 20, times=times, features=["bytes_in", "bytes_out"], step="5min")
    frame = model.forecast(series, horizons="5min").set_index("feature")
    assert frame.loc["bytes_in", "q10":"q90"].notna().all()
    assert frame.loc["bytes_out", "q10":"q90"].isna().all()
    assert np.isfinite(model.embed(series)).all()


def test_missing_is_not_zero(model):
    times = np.arange(30) * 60
    base = np.full((30, 1), 500.0)
    holes, zeros = base.copy(), base.copy()
    holes[20:25] = np.nan
    zeros[20:25] = 0
    embed = [
        model.embed(ng.Series.from_numpy(v, nodes=["n"] * 30, times=times, features=["bytes_in"], step=60), per="step")
        for v in (holes, zeros)
    ]
    assert (embed[0][:20] == embed[1][:20]).all() and (embed[0][20:] != embed[1][20:]).any()


def test_what_is_refused(series, model, tmp_path):
    with pytest.raises(ng.UsageError, match="does not forecast '7h' ahead in this series but 1min"):
        model.forecast(series, horizons="7h")
    with pytest.raises(ng.UsageError, match="whole steps between"):
        model.forecast(series, horizons="90s")
    with pytest.raises(ng.UsageError, match="no feature 'bites_in'"):
        model.forecast(series, features="bites_in")
    with pytest.raises(ng.UsageError, match="does not forecast peers_in"):
        model.forecast(series, features="peers_in")
    with pytest.raises(ng.UsageError, match="no node '10.9.9.9'"):
        model.forecast(series, nodes="10.9.9.9")
    with pytest.raises(ng.UsageError, match="nodes is empty"):
        model.forecast(series, nodes=[])
    with pytest.raises(ng.UsageError, match="expected 'node' or 'step'"):
        model.embed(series, per="row")
    with pytest.raises(ng.UsageError, match="threads=-1"):
        ng.load(threads=-1)
    with pytest.raises(ng.Error, match="nowhere"):
        ng.load(tmp_path / "nowhere")
    with pytest.raises(ng.Error, match=r"policy\.yaml"):
        model.alerts(series, policy=tmp_path / "policy.yaml")
    assert model.forecast(series, at=series.start - pd.Timedelta("24h")).empty
    labels = pd.DataFrame({"node": ["x"], "start": ["2024-01-01"], "end": ["2024-01-02"]})
    with pytest.raises(ng.UsageError, match="no column 'type'"):
        ng.evaluate.ddos(series, labels)
    with pytest.raises(ng.UsageError, match="budget"):
        ng.evaluate.ddos(series, labels.assign(type="syn_flood"), budgets=["most"])


def test_environment_names_the_model(monkeypatch, model, tmp_path):
    monkeypatch.setenv("NETFLOWGEN_MODEL", str(tmp_path))
    with pytest.raises(ng.Error, match=str(tmp_path)):
        ng.load()
    monkeypatch.setenv("NETFLOWGEN_MODEL", model.folder)
    assert ng.load().folder == model.folder


def test_pickle(model):
    other = pickle.loads(pickle.dumps(model))
    assert other.folder == model.folder and other.horizons == model.horizons


def test_generate_refusals(series, model, tmp_path):
    for arguments, message in [
        ({}, "either duration or steps"),
        ({"duration": "1h", "steps": 60}, "either duration or steps"),
        ({"duration": "1s"}, "shorter than a step"),
        ({"steps": 0}, "steps=0: expected a whole number"),
        ({"steps": 2.5}, "steps=2.5: expected a whole number"),
        ({"steps": 10**12}, "there must be 1 to 100000000"),
        ({"steps": 5, "seed": -1}, "seed=-1"),
        ({"steps": 5, "count": 0}, "count=0"),
        ({"steps": 5, "count": 30, "prefix": "192.0.2.0/28"}, "prefix: 192.0.2.0/28 has fewer than 30"),
        ({"steps": 5, "count": 3, "prefix": "ten"}, "prefix: 'ten' is not a prefix"),
        ({"steps": 5, "like": "x.csv"}, "like is for the records"),
    ]:
        with pytest.raises(ng.UsageError, match=message):
            model.generate(series, **arguments)
    with pytest.raises(ng.Error, match="none.csv"):
        model.generate(series, steps=5, flows=tmp_path / "f.csv", like=tmp_path / "none.csv")
    names = ng.Series.from_numpy(np.ones((1, 4, 1)), nodes=["vm"], features=["bytes_in"], step="1min", start=0)
    with pytest.raises(ng.Error, match="vm"):
        model.generate(names, steps=5, flows=tmp_path / "f.csv")
    assert not (tmp_path / "f.csv").exists()
