"""What the package says is what the program says, to the bit."""

import csv
import io
import json
import pickle
import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from conftest import NODES, output

import netflowgen as ng


def test_read_flows_is_the_command_series(series, store):
    opened = ng.Series.open(store)
    assert series.nodes == opened.nodes and len(series) == len(opened) > 1000
    assert series.to_numpy().tobytes() == opened.to_numpy().tobytes()
    assert np.array_equal(series.times, opened.times)
    assert (series.start, series.end, series.step, series.timezone) == (
        opened.start,
        opened.end,
        opened.step,
        opened.timezone,
    )
    assert series.features == opened.features


def test_a_saved_series_is_the_commands_store(series, store, tmp_path):
    series.save(tmp_path / "saved")
    for shard in store.glob("*.safetensors"):
        assert shard.read_bytes() == (tmp_path / "saved" / shard.name).read_bytes()
    with pytest.raises(ng.Error, match="holds a series store already"):
        series.save(tmp_path / "saved")


def test_the_ledger_balances(series):
    assert [s.name for s in series.ledger][-2:] == ["flows", "frames"]
    for stage in series.ledger:
        assert stage.entered == stage.out + stage.held + sum(stage.drops.values())


def test_options_of_the_command(program, flows, tmp_path):
    command = [program, "-q", "series", flows, "--prefixes", "/24", "--step", "5m", "--timezone", "Europe/Berlin"]
    subprocess.run([*command, "--anonymize", "truncate:16,32", "-o", tmp_path / "s"], check=True, capture_output=True)
    expected = ng.Series.open(tmp_path / "s")
    found = ng.read_flows(
        flows, prefixes="/24", step="5min", timezone="Europe/Berlin", options={"anonymize": "truncate:16,32"}
    )
    assert found.nodes == expected.nodes and "/24" in found.nodes[0] and found.timezone == "Europe/Berlin"
    assert found.to_numpy().tobytes() == expected.to_numpy().tobytes()


def test_rates(program, tmp_path):
    lines = ["t,node,in,out"] + [
        f"{1767225600 + 300 * i},vm{n},{1000 + i * n},{200 if n else ''}" for i in range(40) for n in range(3)
    ]
    (tmp_path / "rates.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "map.yaml").write_text(
        "kind: rates\nnode: node\ntime: {column: t, format: unix}\ninterval: 5m\nrates: {bytes_in: in, bytes_out: out}\n"
    )
    command = [program, "-q", "series", tmp_path / "rates.csv", "--map", tmp_path / "map.yaml", "--step", "5m"]
    subprocess.run([*command, "-o", tmp_path / "s"], check=True, capture_output=True)
    expected = ng.Series.open(tmp_path / "s")
    found = ng.read_flows(tmp_path / "rates.csv", map=tmp_path / "map.yaml", step="5min")
    assert found.nodes == expected.nodes == ["vm0", "vm1", "vm2"]
    assert found.features == ["bytes_in", "bytes_out"]
    assert found.to_numpy().tobytes() == expected.to_numpy().tobytes()
    with pytest.raises(ng.UsageError, match="rates have their own nodes"):
        ng.read_flows(tmp_path / "rates.csv", map=tmp_path / "map.yaml", step="5min", nodes="all")


def test_forecast_is_the_command_forecast(program, store, series, model):
    said = list(csv.DictReader(io.StringIO(output(program, "-q", "forecast", store, "-f", "csv"))))
    frame = model.forecast(series)
    assert len(frame) == len(said) > 100
    quantiles = [f"q{q}0" for q in range(1, 10)]
    for row, line in zip(frame.to_dict("records"), said, strict=True):
        assert (row["node"], row["feature"], row["unit"]) == (line["node"], line["feature"], line["unit"])
        assert row["time"].strftime("%Y-%m-%dT%H:%M:%SZ") == line["time"]
        for q in quantiles:
            assert f"{row[q]:.6g}" == line[q] or (np.isnan(row[q]) and line[q] == "")
        assert list(row[q] for q in quantiles) == sorted(row[q] for q in quantiles)


def test_forecast_of_a_node_at_a_time(program, store, series, model):
    node = series.nodes[3]
    at = series.times[series.node(node)][-30]
    text = output(program, "forecast", store, "--node", node, "--at", f"{at}Z", "--feature", "bytes_in", "-f", "csv")
    said = [line for line in csv.DictReader(io.StringIO(text))]
    frame = model.forecast(series, horizons=["1min", "1h"], nodes=node, features="bytes_in", at=at)
    assert list(frame["horizon"].dt.total_seconds()) == [60, 3600]
    by_time = {line["time"]: line for line in said}
    for row in frame.to_dict("records"):
        line = by_time[row["time"].strftime("%Y-%m-%dT%H:%M:%SZ")]
        assert [f"{row[f'q{q}0']:.6g}" for q in range(1, 10)] == [line[f"q{q}0"] for q in range(1, 10)]
    # What comes later does not change it.
    early = ng.Series.open(store, end=at + np.timedelta64(60, "s"))
    again = model.forecast(early, horizons=["1min", "1h"], nodes=node, features="bytes_in")
    assert again.equals(frame)


def test_embed_is_the_command_embed(program, store, series, model, tmp_path):
    for per in ("node", "step"):
        path = tmp_path / f"{per}.safetensors"
        subprocess.run([program, "-q", "embed", store, "--per", per, "-o", path], check=True, capture_output=True)
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        tensor = json.loads(data[8 : 8 + size])["embedding"]
        expected = np.frombuffer(data[8 + size :][slice(*tensor["data_offsets"])], np.float32)
        found = model.embed(series, per=per)
        assert list(found.shape) == tensor["shape"]
        assert found.tobytes() == expected.tobytes()


def test_alerts_are_those_of_replay(program, store, series, model, tmp_path):
    subprocess.run([program, "-q", "replay", store, "-o", tmp_path / "a.jsonl"], check=True, capture_output=True)
    expected = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert len(expected) > 0
    assert model.alerts(series) == expected


def test_evaluation_is_the_command_evaluate(program, simulated, store, series, model, tmp_path):
    labels = simulated / "labels.csv"
    text = output(
        program, "-q", "evaluate", "ddos", store, "--labels", labels, "--model", model.folder, "-o", tmp_path / "r",
        "--resamples", 20,
    )  # fmt: skip
    found = ng.evaluate.ddos(series, labels, model, resamples=20)
    if "netflowgen untrained" in text:
        pytest.skip("the program learns heads, which the package does not")
    assert found.text == text
    expected = json.loads((tmp_path / "r" / "ddos.json").read_text())
    for figures in (expected, found.json):
        for run in figures["runs"]:
            del run["seconds"]
    assert found.json == expected
    table = found.to_pandas()
    assert {"netflowgen head ddos", "netflowgen zero-label"} <= set(table["method"])
    assert table["auprc"].between(0, 1).all()
    # The same labels as a frame.
    import pandas as pd

    frame = pd.read_csv(labels)
    frame["start"], frame["end"] = pd.to_datetime(frame["start"], utc=True), pd.to_datetime(frame["end"], utc=True)
    again = ng.evaluate.ddos(series, frame, model, resamples=20)
    assert again.text == found.text


def test_nodes_option_is_the_words(flows):
    assert ng.read_flows(flows, nodes=[NODES]).nodes == ng.read_flows(str(flows), nodes=NODES).nodes


def test_chosen_features(program, flows, series, tmp_path):
    whole = series.to_pandas()
    for chosen in (["bytes", "packets_out", "duration"], ["peers_in", "syn_share"], "top_port_in"):
        part = ng.read_flows(flows, nodes=NODES, features=chosen)
        columns = part.features
        assert 0 < len(columns) < 6 and all(
            c.startswith(tuple([chosen] if isinstance(chosen, str) else chosen)) for c in columns
        )
        pd.testing.assert_frame_equal(part.to_pandas(), whole[["node", "time", *columns]])
        assert part.ledger == series.ledger
        names = chosen if isinstance(chosen, str) else ",".join(chosen)
        store = tmp_path / names
        subprocess.run([program, "-q", "series", flows, "--nodes", NODES, "--features", names, "-o", store], check=True)
        same = ng.read_flows(flows, nodes=NODES, features=chosen)  # of which nobody has asked for all features
        opened = ng.Series.open(store)
        assert same.to_tensor().tobytes() == opened.to_tensor().tobytes()
        mixed = [*columns[::-1], "other_share_out"]  # which it has not
        np.testing.assert_array_equal(same.to_numpy(mixed), opened.to_numpy(mixed))
        np.testing.assert_array_equal(same.to_tensor(mixed), opened.to_tensor(mixed))
        pd.testing.assert_frame_equal(same.to_pandas(mixed), opened.to_pandas(mixed))
        assert pickle.loads(pickle.dumps(same)).to_numpy().tobytes() == opened.to_numpy().tobytes()
        assert same.offsets.tobytes() == opened.offsets.tobytes() and (same.times == opened.times).all()
        np.testing.assert_array_equal(opened.to_numpy(), part.to_numpy())
        with ThreadPoolExecutor(4) as pool:  # the first to ask makes them for all
            found = list(pool.map(ng.Series.to_numpy, [same] * 8))
        assert all(f.tobytes() == opened.to_numpy().tobytes() for f in found)
    with pytest.raises(ng.UsageError, match="did you mean 'bytes_in'"):
        ng.read_flows(flows, nodes=NODES, features="byte_in")
    with pytest.raises(ng.UsageError, match="features is empty"):
        ng.read_flows(flows, nodes=NODES, features=[])


def test_generate_is_the_command_generate(program, store, series, flows, model, tmp_path):
    def made_by_command(name, *options):
        command = [program, "-q", "generate", store, "--seed", 7, *options, "-o", tmp_path / name]
        subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)
        return ng.Series.open(tmp_path / name)

    def same(a, b):
        assert len(a) > 50 and a.nodes == b.nodes and (a.start, a.end, a.step) == (b.start, b.end, b.step)
        assert a.features == b.features and np.array_equal(a.times, b.times)
        assert a.to_numpy().tobytes() == b.to_numpy().tobytes()

    wide = ["--duration", "1h", "--flows", tmp_path / "c.csv.zst", "--like", flows]
    found = model.generate(series, "1h", seed=7, flows=tmp_path / "p.csv.zst", like=flows)
    same(found, made_by_command("on", *wide))
    assert (tmp_path / "c.csv.zst").read_bytes() == (tmp_path / "p.csv.zst").read_bytes()
    assert found.start == series.end and (found.end - found.start) // found.step == 60
    same(model.generate(series, steps=60, seed=7), found)
    drawn = model.generate(series, steps=120, seed=7, count=5, prefix="192.0.2.0/28")
    same(drawn, made_by_command("drawn", "--duration", "2h", "--count", 5, "--prefix", "192.0.2.0/28"))
    assert set(drawn.nodes) <= {f"192.0.2.{i}" for i in range(1, 6)}
    assert model.generate(series, steps=60, seed=8).to_numpy().tobytes() != found.to_numpy().tobytes()
