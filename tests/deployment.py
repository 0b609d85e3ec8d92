"""Renders contrib/compose and contrib/helm and checks what comes out of them."""
import json, os, pathlib, re, shutil, subprocess, sys, tempfile

import yaml

PROGRAM, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2])
HELM = os.environ.get("HELM") or shutil.which("helm")
COMPOSE = os.environ.get("COMPOSE") or shutil.which("docker-compose")
KUBECONFORM = os.environ.get("KUBECONFORM") or shutil.which("kubeconform")
SCHEMAS = os.environ.get("KUBERNETES_SCHEMAS", "").split()  # where kubeconform finds schemas, those of KEDA and of the operator too
VALIDATE = os.environ.get("KUBERNETES_VALIDATE") or shutil.which("kubernetes-validate")
KAFKA = b"built without Kafka" not in subprocess.run([PROGRAM, "decode", "kafka://127.0.0.1:1/x?timeout=1s"], capture_output=True).stderr
CHART = SOURCE / "contrib/helm/netflowgen"
CUSTOM = {"ScaledObject", "PodMonitor"}  # of others than Kubernetes


def check(text, folder, what):
    """netflowgen serve --check of a configuration whose paths are of a container."""
    for path in ("/run/secrets", "/etc/netflowgen/tokens", "/etc/netflowgen/clickhouse", "/etc/netflowgen/kafka", "/var/lib/netflowgen-state"):
        text = text.replace(path, str(folder / path.strip("/").replace("/", "_")))
    text = text.replace("data: /var/lib/netflowgen", f"data: {folder}/data")
    for name in re.findall(re.escape(str(folder)) + r"/[\w/.]*(?:tokens|password|properties)\b", text):
        path = pathlib.Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "tokens" and not path.exists():
            make = folder / "make.yaml"
            make.write_text(f"data: {folder}/data\nmodel: {{path: none}}\nmode: collect\nhttp: {{tokens: {path}}}\n")
            subprocess.run([PROGRAM, "serve", make, "--add-token", "viewer"], check=True, capture_output=True)
        elif not path.exists():
            path.write_text("linger.ms=5\n" if path.suffix == ".properties" else "secret\n")
    config = folder / "config.yaml"
    config.write_text(text)
    done = subprocess.run([PROGRAM, "serve", config, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, (what, done.stdout, done.stderr, text)
    dump = subprocess.run([PROGRAM, "serve", config, "--dump-config"], capture_output=True, text=True)
    return yaml.safe_load(dump.stdout)


def check_by_compose():
    """What docker compose itself makes of the file."""
    if not COMPOSE:
        return print("skipped: no docker-compose, which would read the file")
    shown = subprocess.run([COMPOSE, "-f", SOURCE / "contrib/compose/compose.yaml", "--profile", "monitoring", "config", "--format", "json"],
                           capture_output=True, text=True)
    assert shown.returncode == 0 and not shown.stderr, shown.stderr
    services = json.loads(shown.stdout)["services"]
    assert set(services) == {"kafka", "topic", "clickhouse", "collector", "detector", "prometheus"}, services.keys()
    assert services["detector"]["depends_on"]["topic"]["condition"] == "service_completed_successfully", services["detector"]
    assert {p["protocol"] for p in services["collector"]["ports"] if p["target"] in (2055, 6343)} == {"udp"}, services["collector"]
    print("compose: docker compose reads it")


def test_compose(folder):
    compose = yaml.safe_load((SOURCE / "contrib/compose/compose.yaml").read_text())
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (SOURCE / "contrib/compose" / source).exists(), (name, volume)
            elif not source.startswith("/"):
                assert source in compose["volumes"], (name, volume)
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
    check_by_compose()
    for name in ("collector", "detector"):
        service = compose["services"][name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        config = check((SOURCE / f"contrib/compose/{name}.yaml").read_text(), folder, name)
        reads, writes = config["frames"]["read"], config["frames"]["publish"]
        topic = next(s for s in compose["services"]["topic"]["command"] if s == "frames")
        assert f"kafka:9092/{topic}" in (reads or writes), (reads, writes)
    assert config["clickhouse"]["url"].startswith("clickhouse://netflowgen@clickhouse:8123/netflowgen"), config["clickhouse"]
    made = folder / "compose"
    made.mkdir()
    shutil.copy(SOURCE / "contrib/compose/secrets.sh", made)
    for _ in range(2):  # again changes nothing
        before = {p.name: p.read_bytes() for p in made.glob("secrets/*")}
        subprocess.run(["bash", made / "secrets.sh"], check=True, capture_output=True, env={**os.environ, "NETFLOWGEN": PROGRAM})
        after = {p.name: p.read_bytes() for p in made.glob("secrets/*")}
        assert not before or before == after
    assert {pathlib.Path(s["file"]).name for s in compose["secrets"].values()} <= set(after), after.keys()
    assert len((made / "secrets/tokens").read_text().splitlines()) >= 2
    print("compose: every file, volume and secret is there, and both configurations are valid")


def render(*settings, code=0):
    words = [HELM, "template", "flows", str(CHART), "--kube-version", "1.34.0"]
    for s in settings:
        words += ["--set-json" if "=[" in s or "={" in s else "--set", s]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == code, (settings, done.stdout[-500:], done.stderr)
    return [d for d in yaml.safe_load_all(done.stdout) if d] if code == 0 else done.stderr


def find(documents, kind, name):
    return next(d for d in documents if d["kind"] == kind and d["metadata"]["name"].endswith(name))


def check_pods(documents):
    for d in documents:
        if d["kind"] != "StatefulSet":
            continue
        name, pod = d["metadata"]["name"], d["spec"]["template"]
        labels = pod["metadata"]["labels"]
        assert d["spec"]["selector"]["matchLabels"].items() <= labels.items(), name
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] and not spec["automountServiceAccountToken"], name
        volumes = {v["name"] for v in spec["volumes"]} if "volumes" in spec else set()
        volumes |= {v["metadata"]["name"] for v in d["spec"]["volumeClaimTemplates"]}
        for c in spec["containers"]:
            assert c["securityContext"]["capabilities"]["drop"] == ["ALL"] and not c["securityContext"]["allowPrivilegeEscalation"], name
            assert {m["name"] for m in c["volumeMounts"]} <= volumes, (name, volumes)
            assert "requests" in c["resources"] and "memory" in c["resources"]["limits"], name
        ours = name.endswith(("collector", "detector"))
        assert not ours or spec["containers"][0]["readinessProbe"]["httpGet"]["path"] == "/readyz", name
        for s in documents:
            if s["kind"] == "Service" and s["metadata"]["name"] == name:
                assert s["spec"]["selector"].items() <= labels.items(), name


def validate(documents, folder):
    path, said = folder / "rendered.yaml", []
    plain = [d for d in documents if d["kind"] not in CUSTOM]
    if VALIDATE:
        path.write_text(yaml.safe_dump_all(plain))
        done = subprocess.run([VALIDATE, "--strict", str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(f"{len(plain)} documents valid for kubernetes-validate")
    if KUBECONFORM:
        path.write_text(yaml.safe_dump_all(documents if SCHEMAS else plain))
        places = [word for place in SCHEMAS for word in ("-schema-location", place)]
        done = subprocess.run([KUBECONFORM, "-strict", "-summary", *places, str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        said.append(done.stdout.strip())
    return "; ".join(said) or "not checked: no kubernetes-validate and no kubeconform"


def test_chart(folder):
    lint = subprocess.run([HELM, "lint", "--strict", "--kube-version", "1.34.0", str(CHART)], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    everything = ("kafka.deploy=true", "clickhouse.deploy=true", "clickhouse.secret=ch", "autoscaling.enabled=true", "autoscaling.authentication=broker", "podMonitor.enabled=true",
                  "collector.replicas=3", 'networkPolicy.exporters=["192.0.2.0/24"]', "collector.config.retention.store=30d",
                  'detector.outputs=[{"type": "webhook", "url": "https://hooks.example/x"}]', "kafka.properties.linger\\.ms=5")
    for settings in ((), everything, ("kafka.secret=broker", "detector.stateClaim=shared", "clickhouse.url=clickhouse://u@db/x?tls=yes",
                                      "clickhouse.secret=ch")):
        documents = render(*settings)
        check_pods(documents)
        said = validate(documents, folder)
        if KAFKA:
            collector = check(find(documents, "ConfigMap", "-collector")["data"]["netflowgen.yaml"], folder, "the collector's")
            detector = check(find(documents, "ConfigMap", "-detector")["data"]["netflowgen.yaml"], folder, "the detector's")
            assert collector["frames"]["publish"].split("?")[0] == detector["frames"]["read"].split("?")[0], (collector, detector)
            assert detector["frames"]["collectors"] == find(documents, "StatefulSet", "-collector")["spec"]["replicas"]
            if settings == everything:
                assert collector["retention"]["store"] == "30d" and detector["outputs"][0]["type"] == "webhook", (collector, detector)
                assert detector["clickhouse"]["url"].startswith("clickhouse://netflowgen@flows-netflowgen-clickhouse:8123/"), detector
        print(f"chart, {len(settings)} settings: {said}")
    scaled = find(render("autoscaling.enabled=true", "kafka.partitions=8"), "ScaledObject", "-detector")["spec"]
    assert scaled["maxReplicaCount"] == 8, scaled  # never more detectors than partitions
    assert scaled["triggers"][0]["metadata"]["consumerGroup"] == "detectors", scaled
    assert scaled["triggers"][0]["metadata"]["lagThreshold"] == "200" and "authenticationRef" not in scaled["triggers"][0], scaled
    secured = find(render("autoscaling.enabled=true", "autoscaling.authentication=broker", 'autoscaling.metadata={"tls": "enable"}'),
                   "ScaledObject", "-detector")["spec"]["triggers"][0]
    assert secured["authenticationRef"] == {"name": "broker"} and secured["metadata"]["tls"] == "enable", secured
    assert "replicas" not in find(render("autoscaling.enabled=true"), "StatefulSet", "-detector")["spec"]
    assert "lagThreshold" in render("autoscaling.lagThreshold=0", code=1)


with tempfile.TemporaryDirectory(prefix="nfg_deployment_") as name:
    if not KAFKA:
        print("skipped: built without Kafka, so the configurations are not checked")
    else:
        test_compose(pathlib.Path(name))
    if not KAFKA and not HELM:
        sys.exit(77)
    if HELM:
        test_chart(pathlib.Path(name))
    else:
        print("skipped: no helm, so the chart is not rendered")
