"""ClickHouse's HTTP interface in front of chdb, the engine in process: so that tests run against its newest SQL.

Usage: front.py PORT_FILE [FOLDER]: listens on a free port of 127.0.0.1 and writes it into PORT_FILE. One query at a time. Serves what the
program uses of the interface: POST with the query in the body, or in the parameter `query` with the data of an INSERT in the body.
The parameter `database` must be `default`. Ends with its standard input.
"""
import http.server, os, sys, tempfile, threading, urllib.parse
from chdb import session

SESSION = session.Session(sys.argv[2] if len(sys.argv) > 2 else None)
LOCK = threading.Lock()
IGNORED = {"wait_end_of_query", "database", "query", "user", "password"}


def insert(query, body):
    """INSERT ... FORMAT X with its data: by way of a file, since the engine takes statements alone."""
    head, form = query.rsplit(" FORMAT ", 1)
    path = os.path.join(tempfile.gettempdir(), f"nfg_front_{os.getpid()}")
    with open(path, "wb") as f:
        f.write(body)
    table, columns = head.split("INSERT INTO ", 1)[1].split(" (", 1) if " (" in head else (head.split("INSERT INTO ", 1)[1], "*)")
    columns = columns.rsplit(")", 1)[0]
    described = SESSION.query(f"SELECT {columns} FROM {table} LIMIT 0 FORMAT TabSeparatedWithNamesAndTypes").bytes().decode().split("\n")
    names, types = described[0].split("\t"), described[1].split("\t")
    structure = ", ".join(f"{n} {t}" for n, t in zip(names, types)).replace("\\'", "'").replace("'", "''")
    try:
        SESSION.query(f"INSERT INTO {table} ({', '.join(names)}) SELECT * FROM file('{path}', '{form.strip()}', '{structure}')")
    finally:
        os.unlink(path)
    return b""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parameters = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(self.path).query))
        status, answer = 200, b""
        try:
            with LOCK:
                query = parameters.get("query", "")
                if query.startswith("INSERT") and " FORMAT " in query:
                    answer = insert(query, body)
                else:
                    answer = SESSION.query(query + body.decode(), "TabSeparated").bytes()
        except Exception as e:  # as the server says it
            status, answer = 500, f"Code: 1. DB::Exception: {e}".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
