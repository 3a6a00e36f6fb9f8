// node:http2, with TLS and without: streams at once, push-sized bodies, the addresses.
import { once } from "node:events";
import http2 from "node:http2";
import { certificate, listening, play } from "./roles.mjs";

const { key, cert } = certificate();

function answering(server) {
  server.on("stream", (stream, headers) => {
    let size = 0;
    stream.on("data", (chunk) => (size += chunk.length));
    stream.on("end", () => {
      stream.respond({ ":status": 200 });
      stream.end(`${headers[":path"]} ${size}`);
    });
  });
  return server;
}

let plain = 0;

async function serve(host, port) {
  const one = await listening(answering(http2.createSecureServer({ key, cert })), host, port);
  const two = await listening(answering(http2.createServer()), host, port === 0 ? 0 : port + 1);
  plain = two.port;
  return { port: one.port, close: async () => void (await one.close(), await two.close()) };
}

async function ask(host, port) {
  const secure = { ca: cert, servername: "peer.example" };
  for (const url of [`https://${host}:${port}`, `http://${host}:${plain || port + 1}`]) {
    const session = http2.connect(url, secure);
    await once(session, "connect");
    console.log(session.alpnProtocol, session.socket.remoteAddress === host);
    const answers = [1, 2, 3].map(async (n) => {
      const stream = session.request({ ":path": `/${n}`, ":method": "POST" });
      stream.end(Buffer.alloc(n * 500_000));
      let text = "";
      for await (const chunk of stream) text += chunk;
      return text;
    });
    console.log((await Promise.all(answers)).join(", "));
    await new Promise((resolve) => session.close(resolve));
  }
}

await play(serve, ask);
