import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Agent, Client, Pool, request } from "undici";
import { certificate, listening, play } from "./roles.mjs";

const { key, cert } = certificate();
const answer = (asked, response) => {
  let size = 0;
  asked.on("data", (chunk) => (size += chunk.length));
  asked.on("end", () => response.end(`${asked.method} ${asked.url} ${size}`));
};
let secure = 0;

async function serve(host, port) {
  const one = await listening(createServer(answer), host, port);
  const two = await listening(
    createSecureServer({ key, cert }, answer),
    host,
    port === 0 ? 0 : port + 1,
  );
  secure = two.port;
  return { port: one.port, close: async () => void (await one.close(), await two.close()) };
}

async function ask(host, port) {
  const base = `http://${host}:${port}`;
  const dispatcher = new Agent();
  const { statusCode, body } = await request(`${base}/one`, { dispatcher });
  console.log(statusCode, await body.text());
  await dispatcher.close();
  const pool = new Pool(base, { connections: 4, pipelining: 2 });
  const many = Array.from({ length: 20 }, async (_, n) => {
    const got = await pool.request({ path: `/${n}`, method: "PUT", body: "x".repeat(n * 1000) });
    return (await got.body.text()) === `PUT /${n} ${n * 1000}`;
  });
  console.log((await Promise.all(many)).every(Boolean));
  await pool.close();
  const client = new Client(`https://${host}:${secure || port + 1}`, {
    connect: { ca: cert, servername: "peer.example" },
  });
  const got = await client.request({ path: "/tls", method: "GET" });
  console.log(await got.body.text());
  await client.close();
  const refused = await request(`http://${host}:1/`).catch((error) => error);
  console.log(refused.code);
}

await play(serve, ask);
