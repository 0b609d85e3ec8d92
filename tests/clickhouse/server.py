"""Debian's clickhouse-server in a temporary folder, on free ports of 127.0.0.1, for the time of a command.

Usage: server.py COMMAND...: each {server} in it becomes HOST:PORT. Exits as the command does.
"""
import pathlib, socket, subprocess, sys, tempfile, time, urllib.request


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def start(folder, ports):
    http, tcp = ports
    (folder / "config.xml").write_text(f"""<yandex><logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<listen_host>127.0.0.1</listen_host><http_port>{http}</http_port><tcp_port>{tcp}</tcp_port><path>{folder}/data/</path>
<tmp_path>{folder}/tmp/</tmp_path><users_config>users.xml</users_config><mark_cache_size>5368709</mark_cache_size>
<default_profile>default</default_profile><default_database>default</default_database><timezone>UTC</timezone></yandex>""")
    (folder / "users.xml").write_text("""<yandex><profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas></yandex>""")
    for name in ("data", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    server = subprocess.Popen(["clickhouse-server", f"--config-file={folder}/config.xml"], cwd=folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert server.poll() is None, (folder / "errors").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{http}/ping", timeout=5) as answer:
                if answer.read().startswith(b"Ok"):
                    return server
        except OSError:
            time.sleep(0.2)
    server.kill()
    raise SystemExit("clickhouse-server did not start")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="nfg_clickhouse_server_") as name:
        ports = free_ports(2)
        server = start(pathlib.Path(name), ports)
        try:
            code = subprocess.call([w.replace("{server}", f"127.0.0.1:{ports[0]}") for w in sys.argv[1:]])
        finally:
            server.terminate()
            server.wait(60)
    sys.exit(code)
