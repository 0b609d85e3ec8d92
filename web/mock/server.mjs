// A small server that answers as docs/api.yaml says, from made-up data. For the tests and for work on the page.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { Mock, Problem } from "./api.mjs";
import { STEP } from "./network.mjs";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
// Stricter than the server's own: the page must work with it.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TOKENS = { "operator-token": "operator", "viewer-token": "viewer" };

function roleOf(mock, request, q) {
  if (!mock.tokens) return "admin";
  const given = q.get("token") ?? /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
  const role = TOKENS[given];
  if (!role) throw new Problem(401, given ? "This token is not known." : "This server needs a token.");
  return role;
}

function json(response, status, body, type = "application/json") {
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

function stream(mock, response, role) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(`id: ${mock.events}\nevent: hello\ndata: ${JSON.stringify(mock.status(role))}\n\n`);
  mock.streams.add(response);
  response.on("close", () => mock.streams.delete(response));
}

async function bodyOf(request) {
  let text = "";
  for await (const part of request) text += part;
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem(400, "The body is no JSON.");
  }
}

function asset(path, response) {
  const file = normalize(join(DIST, path === "/" ? "index.html" : path));
  if (!file.startsWith(DIST) || !existsSync(file) || !statSync(file).isFile())
    throw new Problem(404, "There is no such file.");
  response.writeHead(200, {
    "Content-Type": TYPES[extname(file)] ?? "application/octet-stream",
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",
  });
  createReadStream(file).pipe(response);
}

async function reply(mock, request, response) {
  const url = new URL(request.url, "http://localhost");
  if (!url.pathname.startsWith("/api/v1/")) return asset(url.pathname, response);
  mock.requests.push(`${request.method} ${url.pathname}${url.search}`);
  const path = url.pathname.slice("/api/v1/".length).split("/").map(decodeURIComponent);
  const role = roleOf(mock, request, url.searchParams);
  if (path[0] === "events" && mock.busy) throw new Problem(429, "Too many streams.");
  if (path[0] === "events") return stream(mock, response, role);
  if (mock.delay > 0) await new Promise((done) => setTimeout(done, mock.delay));
  if (request.method === "POST" && path[0] === "alerts" && path[2] === "feedback")
    return json(response, 200, mock.answer(path[1], role, await bodyOf(request)));
  if (request.method === "POST" && path[0] === "training")
    return json(response, 202, mock.train(path, role, await bodyOf(request)));
  return json(response, 200, mock.get(path, url.searchParams, role));
}

// Listens on the loopback address; port 0 takes a free one.
export async function startMock(options = {}, port = 0) {
  const mock = new Mock(options);
  const server = createServer((request, response) => {
    reply(mock, request, response).catch((e) => {
      const status = e instanceof Problem ? e.status : 500;
      json(
        response,
        status,
        { title: status === 401 ? "Unauthorized" : "Problem", status, detail: e.message },
        "application/problem+json",
      );
    });
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  const ticks = setInterval(
    () => mock.state === "normal" && mock.send("tick", mock.tick()),
    5000 / Math.min(mock.speed, 5),
  );
  const steps = setInterval(() => mock.state === "normal" && mock.step(), Math.max(2000, STEP / mock.speed));
  mock.url = `http://127.0.0.1:${server.address().port}`;
  mock.cut = () => {
    for (const s of mock.streams) s.destroy();
  };
  mock.close = () => {
    clearInterval(ticks);
    clearInterval(steps);
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return mock;
}
