/** A page of eight parts by HTTP/1.1, over a connection that is kept, on sockets like those of node:net, in virtual time. */
import http from "node:http";
import type { Socket } from "node:net";
import { scenario, type UserWorld } from "tuntcp/sim";

const PARTS = 8;
const SIZE = 40_000;

async function page({ client, server, address, port, sleep }: UserWorld): Promise<void> {
  const web = http.createServer((_request, response) => void response.end("x".repeat(SIZE)));
  server.createServer((socket) => void web.emit("connection", socket)).listen(port);
  const socket = client.connect(port, address) as unknown as Socket;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => socket;
  for (let i = 0; i < PARTS; i++) {
    const length = await get(agent, `/${i}`);
    if (length !== SIZE) throw new Error(`part ${i} has ${length} bytes`);
    // the browser looks at it
    await sleep(20);
  }
  socket.end();
}

function get(agent: http.Agent, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.get({ agent, path, host: "server" }, (response) => {
      let length = 0;
      response.on("data", (chunk: Buffer) => (length += chunk.length));
      response.on("end", () => resolve(length));
    });
    request.on("error", reject);
  });
}

export default scenario({
  name: "http",
  duration: "20s",
  parameters: { loss: "1%" },
  links: [{ from: "browser", to: "server", rate: "20mbit", delay: "20ms", loss: "$loss" }],
  flows: [{ name: "page", kind: "user", from: "browser", to: "server", run: page }],
});
