"""sktime and GluonTS: their own checks and data sets."""

import os

import numpy as np
import pandas as pd
import pytest

import netflowgen as ng


@pytest.mark.skipif(not os.environ.get("NETFLOWGEN_LONG"), reason="754 checks take minutes: NETFLOWGEN_LONG=1")
def test_sktime_checks():
    pytest.importorskip("sktime")
    from sktime.utils.estimator_checks import check_estimator

    from netflowgen.sktime import NetFlowGenForecaster

    found = check_estimator(NetFlowGenForecaster, raise_exceptions=False, verbose=False)
    bad = {name: repr(result) for name, result in found.items() if result != "PASSED"}
    assert len(found) > 700 and not bad, bad


def test_sktime_forecast_is_the_models(model):
    pytest.importorskip("sktime")
    from netflowgen.sktime import NetFlowGenForecaster

    index = pd.date_range("2026-11-01", periods=300, freq="5min")
    y = pd.Series(1000 + 500 * np.sin(np.arange(300) / 20), index=index)
    forecaster = NetFlowGenForecaster("bytes_in").fit(y)
    found = forecaster.predict_quantiles(fh=[1, 12], alpha=[0.1, 0.5, 0.9])
    frame = pd.DataFrame({"node": "n", "time": index, "bytes_in": y.to_numpy()})
    expected = model.forecast(ng.Series.from_pandas(frame), horizons=["5min", "1h"], features="bytes_in")
    np.testing.assert_allclose(found.to_numpy(), expected[["q10", "q50", "q90"]].to_numpy(), rtol=1e-6)
    assert list(found.index) == list(expected["time"].dt.tz_localize(None))
    with pytest.raises(ng.UsageError, match="0 or more"):
        NetFlowGenForecaster().fit(y - 2000).predict(fh=[1])


def test_gluonts_evaluates_it(model):
    pytest.importorskip("gluonts")
    from gluonts.dataset.common import ListDataset
    from gluonts.dataset.split import split

    from netflowgen.gluonts import NetFlowGenPredictor

    random = np.random.default_rng(5)
    targets = [np.floor(random.pareto(1.5, 400) * 100), np.arange(300.0), np.r_[np.full(200, 7.0), np.nan, np.full(99, 7)]]
    entries = [{"start": "2026-11-01", "target": t, "item_id": str(i)} for i, t in enumerate(targets)]
    _, template = split(ListDataset(entries, freq="5min"), offset=-24)
    pairs = template.generate_instances(prediction_length=24)
    predictor = NetFlowGenPredictor(24, model=model, quantile_levels=[0.05, 0.5, 0.95])
    found = list(predictor.predict(pairs.input))
    assert [f.item_id for f in found] == ["0", "1", "2"]
    for f, (entry, label) in zip(found, pairs, strict=True):
        assert f.start_date == label["start"] == entry["start"] + len(entry["target"])
        assert f.quantile("0.05").shape == (24,) and np.isfinite(f.quantile("0.5")).all()
        assert (f.quantile("0.05") <= f.quantile("0.5")).all() and (f.quantile("0.5") <= f.quantile("0.95")).all()
    np.testing.assert_allclose(found[2].quantile("0.5"), 7, rtol=0.5)


def test_fev_task_runs(model, tmp_path):
    fev = pytest.importorskip("fev")
    import datasets

    from netflowgen.fev import predict

    random = np.random.default_rng(6)
    times = pd.date_range("2026-11-01", periods=300, freq="1h").to_numpy()
    rows = [{"id": f"i{i}", "timestamp": times, "target": np.floor(random.pareto(2, 300) * 100)} for i in range(3)]
    datasets.Dataset.from_list(rows).to_parquet(str(tmp_path / "data.parquet"))
    task = fev.Task(
        dataset_path=str(tmp_path / "data.parquet"),
        horizon=12,
        num_windows=2,
        eval_metric="WQL",
        quantile_levels=[0.1, 0.5, 0.9],
    )
    windows = predict(task, model)
    assert len(windows) == 2 and len(windows[0]["target"]) == 3
    summary = task.evaluation_summary(windows, model_name="netflowgen")
    assert 0 < summary["test_error"] < 5
