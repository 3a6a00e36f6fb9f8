import express from "express";
import { play } from "./roles.mjs";

const app = express();
app.use(express.json());
app.get("/hello/:name", (request, response) => {
  response.json({ hello: request.params.name, ip: typeof request.ip, secure: request.secure });
});
app.post("/sum", (request, response) => response.send(String(request.body.a + request.body.b)));
app.get("/wrong", () => {
  throw new Error("on purpose");
});
app.use((error, request, response, _next) => response.status(500).send(error.message));

async function serve(host, port) {
  const server = await new Promise((resolve) => {
    const made = app.listen(port, host, () => resolve(made));
  });
  return { port: server.address().port, close: () => void server.close() };
}

async function ask(host, port) {
  const base = `http://${host}:${port}`;
  console.log(await (await fetch(`${base}/hello/world`)).text());
  const headers = { "content-type": "application/json" };
  const sum = await fetch(`${base}/sum`, { method: "POST", headers, body: '{"a":20,"b":22}' });
  console.log(await sum.text());
  for (const path of ["/wrong", "/nowhere"]) console.log((await fetch(base + path)).status);
}

await play(serve, ask);
