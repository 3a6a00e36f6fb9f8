// Connections that live for one question and one answer, many of them.
//   both TOTAL AT-ONCE      serves and asks itself
//   serve TOTAL             ends after so many, and prints what the heap held after each tenth, as "both" does
//   ask TOTAL AT-ONCE HOST
const net = require("node:net");

const [role, ...rest] = process.argv.slice(2);
const [total, atOnce] = rest.map(Number);
const host = rest[2] ?? "127.0.0.1";
const PORT = 7000;

function serve(listening) {
  const marks = [];
  let over = 0;
  const server = net.createServer((socket) => {
    socket.once("data", (asked) => socket.end(asked));
    socket.on("close", () => {
      over++;
      if (over % (total / 10) === 0) marks.push(held());
      if (over < total) return;
      server.close();
      console.log(JSON.stringify(marks));
    });
  });
  server.listen(PORT, listening);
}

function held() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function ask() {
  let begun = 0;
  const next = () => {
    if (begun++ >= total) return;
    const socket = net.connect(PORT, host, () => socket.write("what"));
    let got = "";
    socket.on("data", (chunk) => (got += chunk));
    socket.on("close", () => {
      if (got !== "what") throw new Error(`an answer is missing: ${got}`);
      next();
    });
  };
  for (let n = 0; n < atOnce; n++) next();
}

if (role === "ask") ask();
else serve(role === "both" ? ask : () => console.log("ready"));
