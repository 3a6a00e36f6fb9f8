/**
 * HTTP/1.1 in as few lines as it takes: every GET is answered with the same 128 bytes, connections are kept open, requests
 * may be pipelined. `minimalHttp` takes `stack.net` as well as `node:net`. By hand, as root in a clone, after `npm run build`:
 *
 *     node examples/minimal-http.mjs
 *     ip address add 192.0.2.1/24 dev tuntcp0 && ip link set tuntcp0 up && curl http://192.0.2.2/   # elsewhere
 */
import { fileURLToPath } from "node:url";

const BODY = "tuntcp.\n".repeat(16);
const HEAD = `Content-Type: text/plain\r\nContent-Length: ${BODY.length}\r\n`;
const ANSWER = Buffer.from(`HTTP/1.1 200 OK\r\n${HEAD}\r\n${BODY}`);
const LAST = Buffer.from(`HTTP/1.1 200 OK\r\nConnection: close\r\n${HEAD}\r\n${BODY}`);
const REFUSAL = "HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
const END = "\r\n\r\n";
const LONGEST = 16384;

export function minimalHttp(net) {
  return net.createServer((socket) => {
    let text = ""; // what came of requests that are not answered yet
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy()).on("drain", () => socket.resume());
    socket.on("data", (chunk) => {
      if (socket.writableEnded) return;
      text += chunk.latin1Slice();
      const answers = [];
      for (let at = text.indexOf(END); at >= 0; at = text.indexOf(END)) {
        const request = text.slice(0, at);
        text = text.slice(at + END.length);
        if (!request.startsWith("GET "))
          return socket.end(Buffer.concat([...answers, Buffer.from(REFUSAL)]));
        if (/\r\nconnection: *close/i.test(request))
          return socket.end(Buffer.concat([...answers, LAST]));
        answers.push(ANSWER);
      }
      if (text.length > LONGEST) return socket.destroy();
      if (answers.length === 0) return;
      // a client that sends and does not read must wait
      if (!socket.write(answers.length === 1 ? ANSWER : Buffer.concat(answers))) socket.pause();
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { createStack, openTun } = await import("tuntcp");
  const { net } = createStack({ device: openTun({ name: "tuntcp0" }), address: "192.0.2.2/24" });
  minimalHttp(net).listen(80, () => console.log("ready: http://192.0.2.2/ through tuntcp0"));
}
