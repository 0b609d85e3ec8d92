"""Apache Kafka in KRaft mode on this machine, started and stopped by tests. KAFKA_JARS names the folder of its jars."""
import os
import socket
import subprocess
import time

JARS = os.environ["KAFKA_JARS"] + "/*"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    """With `secure`, clients come by TLS and SASL (PLAIN or SCRAM-SHA-512, user netflowgen, password secret) on `secure_port`, too, and with a
    certificate of their own on `certificate_port`."""

    def __init__(self, folder, partitions=3, secure=False):
        self.folder, self.port, self.secure_port, self.certificate_port, controller = folder, free_port(), free_port(), free_port(), free_port()
        self.properties, self.clients = folder / "server.properties", 0
        listeners = f"PLAINTEXT://127.0.0.1:{self.port}"
        more = ""
        if secure:
            listeners += f",SASL_SSL://127.0.0.1:{self.secure_port},SSL://127.0.0.1:{self.certificate_port}"
            self.make_keys()
            more = f"""ssl.keystore.type=PKCS12
ssl.keystore.location={folder}/broker.p12
ssl.keystore.password=secret
ssl.key.password=secret
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_netflowgen="secret";
"""
        self.properties.write_text(f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
num.partitions={partitions}
group.initial.rebalance.delay.ms=0
{more}""")
        scram = ["--add-scram", "SCRAM-SHA-512=[name=netflowgen,password=secret]"] if secure else []
        self.java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", self.properties, *scram)
        self.start()

    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.folder)

    def make_keys(self):
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "ca.pem", "-days", "2", "-subj", "/CN=localhost",
                     "-addext", "subjectAltName=IP:127.0.0.1")
        self.openssl("pkcs12", "-export", "-in", "ca.pem", "-inkey", "key.pem", "-out", "broker.p12", "-passout", "pass:secret")
        self.make_client_key("client")

    def make_client_key(self, name, signed=True):
        """NAME.pem and NAME.key, whose password is secret: signed by the broker's authority, or by itself."""
        common = ["-newkey", "rsa:2048", "-passout", "pass:secret", "-keyout", f"{name}.key", "-subj", f"/CN={name}"]
        if signed:
            self.openssl("req", *common, "-out", f"{name}.csr")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "key.pem", "-CAcreateserial", "-days", "2", "-out", f"{name}.pem")
        else:
            self.openssl("req", "-x509", *common, "-days", "2", "-out", f"{name}.pem")
        return name

    def client_properties(self, password="secret", mechanism="PLAIN"):
        self.clients += 1
        path = self.folder / f"client-{self.clients}.properties"
        path.write_text(f"""security.protocol=sasl_ssl
sasl.mechanisms={mechanism}
sasl.username=netflowgen
sasl.password={password}
ssl.ca.location={self.folder}/ca.pem
""")
        return path

    def certificate_properties(self, name):
        path = self.folder / f"certificate-{name}.properties"
        own = f"""ssl.certificate.location={self.folder}/{name}.pem
ssl.key.location={self.folder}/{name}.key
ssl.key.password=secret
""" if name else ""
        path.write_text(f"security.protocol=ssl\nssl.ca.location={self.folder}/ca.pem\n{own}")
        return path

    @staticmethod
    def java(*arguments):
        subprocess.run(["java", "-cp", JARS, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=300)

    def start(self):
        self.process = subprocess.Popen(["java", "-Xmx384m", "-cp", JARS, "kafka.Kafka", str(self.properties)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(240):
            if subprocess.run(["kcat", "-L", "-b", f"127.0.0.1:{self.port}", "-m", "1"], capture_output=True).returncode == 0:
                return
            time.sleep(0.5)
        raise SystemExit("FAILED: the broker did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def produce(self, topic, partition, lines):
        subprocess.run(["kcat", "-P", "-b", f"127.0.0.1:{self.port}", "-t", topic, "-p", str(partition)],
                       input="\n".join(lines) + "\n", text=True, check=True, timeout=120)

    def make_topic(self, topic):
        """There when it returns, and empty if it is new."""
        for _ in range(240):
            seen = subprocess.run(["kcat", "-L", "-b", f"127.0.0.1:{self.port}", "-t", topic, "-X", "allow.auto.create.topics=true"],
                                  capture_output=True, text=True).stdout
            if f'topic "{topic}" with' in seen and "0 partitions" not in seen and "not available" not in seen:
                return
            time.sleep(0.5)
        raise SystemExit(f"FAILED: the topic {topic} was not made")

    def url(self, topic, options=""):
        return f"kafka://127.0.0.1:{self.port}/{topic}" + (f"?{options}" if options else "")

    def secure_url(self, topic, options):
        return f"kafka://127.0.0.1:{self.secure_port}/{topic}?{options}"
