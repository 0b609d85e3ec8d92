"""Series from frames and arrays, and what is refused."""

import copy
import pickle
from datetime import datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

import netflowgen as ng

START = 1_700_000_040  # a whole minute


def small(**columns):
    data = {
        "node": ["b", "a", "b"],
        "time": pd.to_datetime([START, START, START + 60], unit="s"),
        "bytes_in": [5.0, 1.0, np.nan],
        "flows_in": [1, 2, 3],
    }
    return pd.DataFrame(data | columns)


def test_from_pandas_and_back():
    series = ng.Series.from_pandas(small())
    assert series.nodes == ["a", "b"] and series.features == ["bytes_in", "flows_in"]
    assert series.step == timedelta(minutes=1) and len(series) == 3
    assert series.start == datetime.fromtimestamp(START, timezone.utc)
    assert series.end == series.start + timedelta(minutes=2)
    frame = series.to_pandas()
    assert list(frame.columns) == ["node", "time", "bytes_in", "flows_in"]
    assert list(frame["node"]) == ["a", "b", "b"]
    assert str(frame["time"].dt.tz) == "UTC" and frame["bytes_in"].dtype == np.float32
    np.testing.assert_array_equal(frame["bytes_in"], [1, 5, np.nan])
    again = ng.Series.from_pandas(frame, step="1min")
    np.testing.assert_array_equal(again.to_numpy(), series.to_numpy())


def test_polars():
    pl = pytest.importorskip("polars")
    frame = ng.Series.from_pandas(small()).to_polars()
    assert frame["node"].to_list() == ["a", "b", "b"]
    assert frame.schema["time"] == pl.Datetime("ms", "UTC")
    assert frame["bytes_in"].to_list()[:2] == [1, 5] and np.isnan(frame["bytes_in"].to_list()[2])


def test_arrays_are_views_that_outlive_the_series():
    series = ng.Series.from_pandas(small())
    values, offsets = series.to_numpy(), series.offsets
    assert values.shape == (3, len(ng.FEATURES)) and values.dtype == np.float32
    assert not values.flags.owndata and not values.flags.writeable
    assert values.__array_interface__["data"] == series.to_numpy().__array_interface__["data"]
    before = values.copy()
    del series
    np.testing.assert_array_equal(values, before)
    assert offsets.tolist() == [0, 1, 3]
    with pytest.raises(ValueError):
        values[0, 0] = 1


def test_tensor_has_idle_steps():
    series = ng.Series.from_pandas(small())
    tensor = series.to_tensor(["bytes_in", "flows_in", "peers_in"])
    assert tensor.shape == (2, 2, 3)
    np.testing.assert_array_equal(tensor[0], [[1, 2, np.nan], [0, 0, np.nan]])
    np.testing.assert_array_equal(tensor[1], [[5, 1, np.nan], [np.nan, 3, np.nan]])


def test_from_numpy_rows_and_tensor():
    tensor = np.arange(12, dtype=np.float64).reshape(2, 3, 2)
    series = ng.Series.from_numpy(
        tensor, nodes=["x", "y"], start="2026-11-29T08:00:00Z", step="5min", features=["bytes_in", "bytes_out"]
    )
    np.testing.assert_array_equal(series.to_tensor(), tensor.astype(np.float32))
    rows = ng.Series.from_numpy(
        tensor.reshape(-1, 2),
        nodes=["x"] * 3 + ["y"] * 3,
        times=series.times,
        features=["bytes_in", "bytes_out"],
    )
    np.testing.assert_array_equal(rows.to_numpy(), series.to_numpy())
    # Fortran order, and every number type.
    for dtype in (np.int8, np.uint64, np.float16, ">f4"):
        other = ng.Series.from_numpy(
            np.asfortranarray(tensor.astype(dtype)),
            nodes=["x", "y"],
            start=1764403200,
            step=300,
            features=["bytes_in", "bytes_out"],
        )
        np.testing.assert_array_equal(other.to_tensor(), tensor)


def test_store_round_trip_and_parts(tmp_path):
    series = ng.Series.from_pandas(small(), timezone="Europe/Berlin")
    series.save(tmp_path / "s")
    with pytest.raises(ng.Error, match="remove it, or name another folder"):
        series.save(tmp_path / "s")
    opened = ng.Series.open(tmp_path / "s")
    np.testing.assert_array_equal(opened.to_numpy(), series.to_numpy())
    assert opened.timezone == "Europe/Berlin"
    assert ng.Series.open(tmp_path / "s", nodes="a").nodes == ["a"]
    later = ng.Series.open(str(tmp_path / "s"), start=START + 60)
    assert later.nodes == ["b"] and len(later) == 1
    with pytest.raises(ng.Error, match="none"):
        ng.Series.open(tmp_path / "none")


def test_pickle_and_copy():
    series = ng.Series.from_pandas(small())
    for other in (pickle.loads(pickle.dumps(series)), copy.deepcopy(series)):
        np.testing.assert_array_equal(other.to_numpy(), series.to_numpy())
        assert other.nodes == series.nodes and other.step == series.step


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (small().drop(columns="node"), {}, "no column 'node'"),
        (small().rename(columns={"bytes_in": "bites_in"}), {}, "did you mean 'bytes_in'"),
        (small(bytes_in=["1", "2", "3"]), {}, "features are numbers"),
        (small(bytes_in=[True, False, True]), {}, "features are numbers"),
        (small(bytes_in=[-1.0, 0, 0]), {}, "row 0: bytes_in is -1"),
        (small(bytes_in=[0, np.inf, 0]), {}, "row 1: bytes_in is inf"),
        (small(bytes_in=[0, 1e300, 0]), {}, "row 1: bytes_in is inf"),
        (small(node=["a", None, "b"]), {}, "row 1 has no node"),
        (small(node=["a", "", "b"]), {}, "empty name"),
        (small(time=pd.to_datetime([0, 0, None])), {}, "row 2 has no time"),
        (small(time=pd.to_datetime([1, 1, 61], unit="s")), {}, "not the start of a step"),
        (small(time=pd.to_datetime([0, 60, 0], unit="s")), {}, "two frames"),
        (small(time=["yesterday"] * 3), {}, "expected a time"),
        (small().iloc[:1], {}, "give step="),
        (small().iloc[:0], {}, "no rows"),
        (small(), {"step": 0}, "longer than 0"),
        (small(), {"step": "1 fortnight"}, "expected a duration"),
        (small(), {"timezone": "Europe/Berln"}, "unknown time zone"),
    ],
)
def test_frames_that_are_refused(frame, options, message):
    with pytest.raises(ng.Error, match=message):
        ng.Series.from_pandas(frame, **options)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (np.zeros(3), {"nodes": ["a"]}, "1 dimensions"),
        (np.zeros((2, 2)), {"nodes": ["a", "b"]}, "2 columns and 39 features"),
        (np.zeros((2, 39)), {"nodes": ["a", "b"]}, "need times="),
        (np.zeros((2, 39)), {"nodes": ["a"], "times": [0, 60]}, "1 nodes"),
        (np.zeros((2, 39)), {"nodes": ["a", "b"], "times": [0]}, "1 times"),
        (np.zeros((2, 1, 39)), {"nodes": ["a", "b"]}, "need start="),
        (np.zeros((2, 1, 39)), {"nodes": ["a"], "start": 0, "step": 60}, "2 nodes and 1"),
        (np.zeros((2, 39), complex), {"nodes": ["a", "b"], "times": [0, 60]}, "features are numbers"),
        (np.zeros((2, 39), "U3"), {"nodes": ["a", "b"], "times": [0, 60]}, "features are numbers"),
        (np.zeros((2, 39)), {"nodes": ["a", "b"], "times": [0.0, np.nan]}, "out of range"),
        (np.zeros((2, 2)), {"nodes": ["a", "b"], "times": [0, 60], "features": ["bytes_in"] * 2}, "named twice"),
    ],
)
def test_arrays_that_are_refused(values, options, message):
    with pytest.raises(ng.UsageError, match=message):
        ng.Series.from_numpy(values, **options)


def test_read_flows_refuses(tmp_path):
    with pytest.raises(ng.Error, match=r"none\.csv"):
        ng.read_flows(tmp_path / "none.csv")
    with pytest.raises(ng.UsageError, match=r"^step 0ms: it must be longer than 0"):
        ng.read_flows(tmp_path, step=0)
    with pytest.raises(ng.UsageError, match="nodes"):
        ng.read_flows(tmp_path, nodes="10.0.0.0/99")
    with pytest.raises(ng.UsageError, match="not standard input"):
        ng.read_flows("-")
    with pytest.raises(ng.UsageError, match="not NoneType"):
        ng.read_flows(None)  # type: ignore[arg-type]
    letter = tmp_path / "letter.txt"
    letter.write_text("a letter\n")
    with pytest.raises(ng.Error, match=r"column map \(map FILE"):
        ng.read_flows(letter)
    with pytest.raises(ng.UsageError, match="no file"):
        ng.read_flows([])
    with pytest.raises(ng.UsageError, match="samplings"):
        ng.read_flows(tmp_path, options={"samplings": 1})
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ng.Error):
        ng.read_flows(tmp_path / "empty.csv")
    assert issubclass(ng.UsageError, ng.Error) and issubclass(ng.Error, RuntimeError)
    with pytest.raises(TypeError, match="comes from"):
        ng.Series()


def test_durations():
    from netflowgen._time import duration_ms, time_ms

    for value, ms in {"1min": 60_000, "5m": 300_000, "1h": 3_600_000, "2 days": 172_800_000, "30s": 30_000,
                      "500ms": 500, "90": 90_000, "1.5h": 5_400_000, "10 Minutes": 600_000}.items():  # fmt: skip
        assert duration_ms(value, "x") == ms
    for value in (60, 60.0, timedelta(minutes=1), np.timedelta64(1, "m"), pd.Timedelta("1min")):
        assert duration_ms(value, "x") == 60_000
    for bad in ("", "min", "-1s", "1y", None, True, -5, float("nan"), 1e300, [1]):
        with pytest.raises(ng.UsageError, match="^x="):
            duration_ms(bad, "x")
    for value in ("1970-01-01T00:01:00Z", "1970-01-01 01:01:00+01:00", 60, np.datetime64(60, "s"),
                  pd.Timestamp(60, unit="s"),
                  datetime(1970, 1, 1, 0, 1)):  # fmt: skip
        assert time_ms(value, "x") == 60_000
    for bad in ("noon", None, True, 1e300):
        with pytest.raises(ng.UsageError, match="^x="):
            time_ms(bad, "x")


def test_what_is_easily_given_wrong(series, model):
    kinds = {"nodes": ["a", "b"], "start": 0, "step": 60, "features": ["bytes_in"]}
    values = np.ones((2, 3, 1))
    masked = np.ma.masked_array(values, mask=np.arange(6).reshape(2, 3, 1) == 4)
    found = ng.Series.from_numpy(masked, **kinds).to_numpy(["bytes_in"])[:, 0]
    np.testing.assert_array_equal(found, [1, 1, 1, 1, np.nan, 1])
    assert (masked.data == 1).all()
    assert ng.Series.from_numpy(values, **{**kinds, "step": np.int64(60)}).step.total_seconds() == 60
    assert ng.Series.from_numpy(values, **{**kinds, "start": np.int32(120)}).start.minute == 2
    for wrong, message in [
        ({"nodes": "ab"}, "expected a list of names"),
        ({"nodes": [None, "b"]}, "number 0 is None"),
        ({"nodes": ["a", float("nan")]}, "number 1 is nan"),
        ({"step": np.datetime64("2026-01-01")}, "expected a duration"),
        ({"start": np.datetime64("NaT")}, "expected a time"),
    ]:
        with pytest.raises(ng.UsageError, match=message):
            ng.Series.from_numpy(values, **{**kinds, **wrong})
    frame = pd.DataFrame({"node": "a", "time": pd.date_range("2026-01-01", periods=3, freq="min"), "bytes_in": 1.0})
    for odd in (pd.Timedelta("1ns"), pd.Timedelta("1us")):
        with pytest.raises(ng.UsageError, match="no whole millisecond"):
            ng.Series.from_pandas(frame.assign(time=frame["time"] + odd))
    with pytest.raises(ng.UsageError, match="not list"):
        ng.Series.from_pandas([frame])
    for call in (model.forecast, model.embed, model.scores, model.anomalies, model.alerts, ng.evaluate.ddos):
        with pytest.raises(ng.UsageError, match="Series.from_pandas"):
            call(frame, frame) if call is ng.evaluate.ddos else call(frame)
    with pytest.raises(ng.UsageError, match="horizons is empty"):
        model.forecast(series, horizons=[])
    assert model.forecast(series, np.array([60, 120])).equals(model.forecast(series, ["1min", "2min"]))


def test_polars_in():
    pl = pytest.importorskip("polars")
    times = pd.date_range("2026-01-01", periods=3, freq="min")
    frame = pl.DataFrame(
        {"node": ["a", "a", "b"], "time": times.to_numpy(), "bytes_in": [1, None, 3], "flows_in": [1.0, 2.0, 0.0]}
    )
    expected = ng.Series.from_pandas(frame.to_pandas())
    for given in (frame, frame.with_columns(pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo"))):
        found = ng.Series.from_polars(given)
        assert found.to_numpy().tobytes() == expected.to_numpy().tobytes() and found.nodes == ["a", "b"]
        assert (found.times == expected.times).all() and found.start == expected.start
    assert ng.Series.from_polars(found.to_polars()).to_numpy().tobytes() == expected.to_numpy().tobytes()
    with pytest.raises(ng.UsageError, match="Series.from_pandas"):
        ng.Series.from_polars(frame.to_pandas())
    with pytest.raises(ng.UsageError, match="number 2 is None"):
        ng.Series.from_polars(frame.with_columns(node=pl.Series(["a", "a", None])))
