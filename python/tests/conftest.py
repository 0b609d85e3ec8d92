"""A tiny simulated network, as flows and as a store that the program made of them."""

import os
import subprocess
from pathlib import Path

import pytest

import netflowgen as ng

NODES = "10.30.0.0/26"


@pytest.fixture(scope="session")
def program() -> str:
    """The program that the figures are compared with."""
    path = os.environ.get("NETFLOWGEN", "")
    if not path:
        pytest.skip("NETFLOWGEN names no program")
    return path


@pytest.fixture(scope="session")
def simulated(program, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    subprocess.run([program, "-q", "simulate", "tiny", "-o", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="session")
def flows(simulated) -> Path:
    return simulated / "flows.csv.zst"


@pytest.fixture(scope="session")
def store(program, flows, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("store") / "store"
    command = [program, "-q", "series", flows, "--nodes", NODES, "-o", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="session")
def series(flows) -> ng.Series:
    return ng.read_flows(flows, nodes=NODES, step="1min")


@pytest.fixture(scope="session")
def model() -> ng.Model:
    return ng.load(threads=2)


def output(*command: object) -> str:
    """What a command prints."""
    done = subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True)
    return done.stdout
