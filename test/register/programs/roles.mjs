// The frame of the programs in this folder. None of them knows of tuntcp: each is what a stranger would write.
//   PROGRAM both            serves and asks itself
//   PROGRAM serve HOST PORT prints "ready", ends with its input
//   PROGRAM ask HOST PORT   prints what it got
import { readFileSync } from "node:fs";

const [role = "both", host = "127.0.0.1", port = "0"] = process.argv.slice(2);

/** `serve(host, port)` gives `{ port, close }`; `ask(host, port)` prints. Nobody calls process.exit: what is over has ended. */
export async function play(serve, ask) {
  if (role === "ask") return await ask(host, Number(port));
  const served = await serve(host, Number(port));
  if (role === "both") {
    await ask(host, served.port);
    await served.close();
    return;
  }
  console.log("ready");
  process.stdin.resume().on("end", () => served.close());
}

/** What listens, as `serve` gives it. */
export function listening(server, host, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      const close = () =>
        new Promise((done) => {
          server.close(() => done());
          server.closeIdleConnections?.();
        });
      resolve({ port: server.address().port, close });
    });
  });
}

export function certificate() {
  const folder = process.env.TEST_CERTIFICATES;
  return { key: readFileSync(`${folder}/key.pem`), cert: readFileSync(`${folder}/cert.pem`) };
}
