import Fastify from "fastify";
import { play } from "./roles.mjs";

const app = Fastify();
app.get("/hello/:name", async (request) => ({
  hello: request.params.name,
  ip: typeof request.ip,
  port: request.socket.localPort > 0,
}));
app.post("/sum", async ({ body }) => ({ sum: body.a + body.b }));

async function serve(host, port) {
  await app.listen({ host, port });
  return { port: app.server.address().port, close: async () => await app.close() };
}

async function ask(host, port) {
  const base = `http://${host}:${port}`;
  console.log(await (await fetch(`${base}/hello/world`)).text());
  const headers = { "content-type": "application/json" };
  const sum = await fetch(`${base}/sum`, { method: "POST", headers, body: '{"a":20,"b":22}' });
  console.log(await sum.text());
  console.log((await fetch(`${base}/nowhere`)).status);
}

await play(serve, ask);
