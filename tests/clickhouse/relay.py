"""A relay in front of a ClickHouse server, which can fail."""
import http.client
import http.server
import ssl
import threading


class Relay:
    """In front of the server. mode: up; refuse, 503; lose, an insert arrives and its answer does not. answers: after so many it hangs up."""

    def __init__(self, server, certificate=None, answers=10**9):
        relay = self
        self.mode, self.asked, self.answers = "up", 0, answers

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                relay.asked += 1
                if relay.asked > relay.answers:
                    self.close_connection = True
                    return
                if relay.mode == "refuse":
                    self.send_error(503)
                    return
                onward = http.client.HTTPConnection(server, timeout=60)
                onward.request("POST", self.path, body, {"Content-Type": "application/octet-stream"})
                answer = onward.getresponse()
                data = answer.read()
                if relay.mode == "lose" and "INSERT" in self.path:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.handler, self.port = Handler, 0
        self.listen()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, certificate.with_suffix(".key"))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    def listen(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), self.handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def away(self):
        """Nobody listens at the port."""
        self.server.shutdown()
        self.server.server_close()
