// node:https and node:tls: certificates checked, addresses under TLS, a session taken up again, STARTTLS.
import { once } from "node:events";
import https from "node:https";
import net from "node:net";
import tls, { connect as connectTls } from "node:tls";
import { certificate, listening, play } from "./roles.mjs";

const { key, cert } = certificate();

async function serve(host, port) {
  const server = https.createServer({ key, cert }, (request, response) => {
    const { remoteAddress, encrypted, remoteFamily } = request.socket;
    response.end(`${request.url} ${encrypted} ${typeof remoteAddress} ${remoteFamily}`);
  });
  // plain at first
  const later = net.createServer((socket) => {
    socket.once("data", () => {
      socket.write("go");
      const secure = new tls.TLSSocket(socket, { isServer: true, key, cert });
      secure.pipe(secure);
    });
  });
  const one = await listening(server, host, port);
  const two = await listening(later, host, port === 0 ? 0 : port + 1);
  later.unref();
  starttls = two.port;
  return { port: one.port, close: async () => void (await one.close(), await two.close()) };
}
let starttls = 0;

async function ask(host, port) {
  const options = { host, port, ca: cert, servername: "peer.example" };
  for (const agent of [new https.Agent({ keepAlive: true }), undefined]) {
    const request = https.get({ ...options, path: "/x", ...(agent && { agent }) });
    const [response] = await once(request, "response");
    const { socket } = response;
    const seen = [socket.authorized, socket.remoteAddress === host, socket.remotePort === port];
    let text = "";
    for await (const chunk of response) text += chunk;
    console.log(text, ...seen);
    agent?.destroy();
  }
  const bad = https.get({ host, port, servername: "peer.example" });
  console.log((await once(bad, "error"))[0].code);
  const wrong = https.get({ ...options, servername: "other.example" });
  console.log((await once(wrong, "error"))[0].code);
  const none = connectTls({ host, port: 1 });
  console.log((await once(none, "error"))[0].code);

  const raw = net.connect(starttls || port + 1, host);
  raw.write("starttls");
  await once(raw, "data");
  const secure = connectTls({ socket: raw, ca: cert, servername: "peer.example" });
  await once(secure, "secureConnect");
  console.log(secure.authorized, secure.remoteAddress === host, secure.getProtocol());
  secure.write(Buffer.alloc(200_000, "s"));
  let size = 0;
  for await (const chunk of secure) if ((size += chunk.length) === 200_000) secure.end();
  console.log(size);
}

await play(serve, ask);
