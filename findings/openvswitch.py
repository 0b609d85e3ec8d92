"""Open vSwitch with its dummy datapath: no kernel, no root, everything in the work folder."""
import json
import time

from wire import *

ROOT = WORK + "/root"


class Switch:
    """A bridge br0 with the ports p1 and p2 that has learnt where 192.0.2.0/24 and 198.51.100.0/24 are."""

    def __enter__(self):
        self.env = dict(os.environ, **{f"OVS_{k}DIR": WORK for k in ("RUN", "LOG", "DB", "SYSCONF")})
        self.daemons = []
        schema = ROOT + "/usr/share/openvswitch/vswitch.ovsschema"
        subprocess.run(["ovsdb-tool", "create", WORK + "/conf.db", schema], env=self.env, check=True)
        self.daemon("ovsdb-server", WORK + "/conf.db", f"--remote=punix:{WORK}/db.sock", f"--unixctl={WORK}/db.ctl")
        self.wait_for(WORK + "/db.sock")
        self.vsctl("--no-wait", "init")
        self.daemon("ovs-vswitchd", f"unix:{WORK}/db.sock", "--enable-dummy=override", "--disable-system",
                    f"--unixctl={WORK}/switch.ctl")
        self.wait_for(WORK + "/switch.ctl")
        self.vsctl("set", "Open_vSwitch", ".", "other_config:max-idle=500")
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail-mode=standalone")
        for port in ("p1", "p2"):
            self.vsctl("add-port", "br0", port, "--", "set", "interface", port, "type=dummy")
        self.control = socket.socket(socket.AF_UNIX)
        self.control.settimeout(20)
        self.control.connect(WORK + "/switch.ctl")
        self.receive("p2", back(frame("198.51.100.9", "192.0.2.9", 17, 9, 9)))
        self.receive("p1", frame("192.0.2.9", "198.51.100.9", 17, 9, 9))
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.kill()
            daemon.wait()

    def daemon(self, *command):
        self.daemons.append(subprocess.Popen([*command, "-vconsole:off"], env=self.env))

    def wait_for(self, path):
        end = time.monotonic() + 20
        while not os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.05)

    def vsctl(self, *args):
        subprocess.run(["ovs-vsctl", "--timeout=20", f"--db=unix:{WORK}/db.sock", *args], env=self.env, check=True,
                       stdout=subprocess.DEVNULL)

    def call(self, method, *params):
        self.control.sendall(json.dumps({"id": 1, "method": method, "params": params}).encode())
        text = ""
        while True:
            text += self.control.recv(65536).decode()
            try:
                return json.loads(text)["result"]
            except ValueError:
                continue

    def receive(self, port, octets):
        self.call("netdev-dummy/receive", port, octets.hex())

    def export(self, table, frames, *options):
        """What the bridge sends for frames that come in at p1."""
        receiver = Receiver()
        self.vsctl("--", "set", "bridge", "br0", f"{table}=@x", "--", "--id=@x", "create", table,
                   f'targets="127.0.0.1:{receiver.port}"', *options)
        self.call("revalidator/purge")
        for f in frames:
            self.receive("p1", f)
        got = receiver.take(silence=4)
        self.vsctl("clear", "bridge", "br0", table)
        return got


def back(octets):
    """The frame with its MAC addresses exchanged."""
    return octets[6:12] + octets[:6] + octets[12:]
