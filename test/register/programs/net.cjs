// node:net in CommonJS: what arrives, in which order events come, half-close, refusals.
const net = require("node:net");
const { createHash } = require("node:crypto");

const sha = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);
const BIG = Buffer.alloc(2_000_000, "0123456789");

/** Answers with the hash of all that came, once the asker has ended: it writes after having read the end. */
function serve(host, port) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash("sha256");
    socket.on("data", (chunk) => hash.update(chunk));
    socket.on("end", () => socket.end(hash.digest("hex").slice(0, 16)));
  });
  return import("./roles.mjs").then((roles) => roles.listening(server, host, port));
}

function exchange(socket) {
  const events = [];
  for (const name of ["lookup", "connect", "ready", "end", "finish", "close"])
    socket.on(name, (...args) => events.push(name === "close" ? `close(${args[0]})` : name));
  let text = "";
  socket.on("data", (chunk) => (text += chunk));
  return new Promise((resolve) => socket.on("close", () => resolve({ text, events })));
}

async function ask(host, port) {
  const one = net.connect(port, host);
  one.end(BIG);
  const { text, events } = await exchange(one);
  console.log(text === sha(BIG), one.bytesWritten, one.bytesRead, events.join(" "));

  // the other way to begin: the class first
  const two = new net.Socket();
  two.setEncoding("utf8");
  console.log(two instanceof net.Socket, two.readyState, two.pending);
  two.connect({ host, port, noDelay: true, keepAlive: true });
  console.log(two.readyState, two.connecting);
  two.write("in ");
  two.end("pieces");
  console.log((await exchange(two)).text === sha("in pieces"), two.destroyed, two.readyState);

  // memory that is used again as soon as it was written
  const three = net.connect(port, host);
  const memory = Buffer.alloc(200_000);
  const hash = createHash("sha256");
  for (let n = 1; n <= 10; n++) {
    hash.update(memory.fill(n));
    await new Promise((resolve) => three.write(memory, resolve));
  }
  three.end();
  console.log((await exchange(three)).text === hash.digest("hex").slice(0, 16));

  const refused = net.connect(port === 1 ? 2 : 1, host);
  const error = await new Promise((resolve) => refused.on("error", resolve));
  console.log(error.code, error.errno, error.syscall, error.address === host, error.port);

  const aborted = new AbortController();
  const four = net.connect({ port, host, signal: aborted.signal });
  four.on("connect", () => aborted.abort());
  console.log((await new Promise((resolve) => four.on("error", resolve))).name);

  const idle = net.connect({ port, host, timeout: 30 });
  await new Promise((resolve) => idle.on("timeout", resolve));
  idle.destroy();
  console.log("timeout");
}

void import("./roles.mjs").then((roles) => roles.play(serve, ask));
