// node mock/main.mjs [PORT] [key=value ...]: serves web/dist and made-up data, for example `state=fresh`, `tokens=yes`, `demo=yes`, `speed=30`.
import { startMock } from "./server.mjs";

const [port = "8090", ...rest] = process.argv.slice(2);
const options = Object.fromEntries(rest.map((r) => r.split("=", 2)));
const mock = await startMock(
  {
    ...(options.state && { state: options.state }),
    tokens: options.tokens === "yes",
    demo: options.demo === "yes",
    speed: Number(options.speed ?? 1),
  },
  Number(port),
);
console.log(mock.url);
