/** The tools that people point at a server, against ours: wrk, ab, openssl s_client, curl --http2, and Chromium. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Browser, findChromium } from "../tools/pictures/support/browser.ts";
import { ANOTHER_MODE, FULL, obstacle, PACKAGE, STACK, World } from "./support/world.ts";

const web = `http://${STACK}`;

describe.skipIf(obstacle("wrk", "ab") !== null)("load from wrk and ab on tuntcp serve", () => {
  let world: World;

  beforeAll(async () => {
    world = new World();
    await world.serve("http:80");
  });
  afterAll(async () => await world.remove());

  it("wrk: 64 connections, no error of a socket and no answer but 200", async () => {
    const args = ["-t2", "-c64", FULL ? "-d20s" : "-d2s", `${web}/bytes/1000`];
    const { code, stdout } = await world.run("wrk", args);
    expect(code, stdout).toBe(0);
    expect(stdout).not.toMatch(/Socket errors|Non-2xx/);
    const [, requests] = /(\d+) requests in/.exec(stdout)!;
    expect(Number(requests)).toBeGreaterThan(500);
  });

  it.each([
    ["a connection for each request", []],
    ["connections kept", ["-k"]],
  ])("ab: every request answered, %s", async (_name, keep) => {
    const requests = FULL ? 50_000 : 3000;
    const args = ["-q", "-n", String(requests), "-c", "50", ...keep, `${web}/bytes/100`];
    const { code, stdout, stderr } = await world.run("ab", args);
    expect(code, stderr).toBe(0);
    const figure = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(stdout)?.[1]);
    expect([figure("Complete requests"), figure("Failed requests")]).toEqual([requests, 0]);
    expect(stdout).not.toContain("Non-2xx");
    if (keep.length > 0) expect(figure("Keep-Alive requests")).toBe(requests);
  });
});

/** Over one stack: TLS that echoes on 4433, HTTP/2 on 8080 without TLS and on 8443 with it. */
const PROGRAM = `
import { readFileSync } from "node:fs";
import http2 from "node:http2";
import tls from "node:tls";
import { createStack, openTun } from ${JSON.stringify(PACKAGE)};
const [key, cert] = [readFileSync("key.pem"), readFileSync("cert.pem")];
const { net } = createStack({ device: openTun({ name: "tuntcp0" }), address: "${STACK}/24" });
const answer = (stream, headers) => {
  stream.respond({ ":status": 200 });
  stream.end(headers[":path"] + " over " + stream.session.alpnProtocol + "\\n");
};
const echo = tls.createServer({ key, cert, ALPNProtocols: ["echo"] }, (socket) => {
  socket.on("error", () => {});
  socket.pipe(socket);
});
const plain = http2.createServer().on("stream", answer);
const secure = http2.createSecureServer({ key, cert }).on("stream", answer);
const on = (port, server) =>
  new Promise((resolve) => net.createServer((socket) => server.emit("connection", socket)).listen(port, resolve));
await on(4433, echo);
await on(8080, plain);
await on(8443, secure);
console.log("ready");
`;

describe.skipIf(ANOTHER_MODE || obstacle("curl", "openssl") !== null)(
  "TLS and HTTP/2 on the stack's sockets",
  () => {
    let world: World;

    beforeAll(async () => {
      world = new World();
      const files = ["-keyout", world.path("key.pem"), "-out", world.path("cert.pem")];
      const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
      const subject = ["-subj", "/CN=tuntcp", "-addext", `subjectAltName=IP:${STACK}`];
      const made = await world.run("openssl", ["req", "-x509", ...kind, ...files, ...subject]);
      expect(made.code, made.stderr).toBe(0);
      const file = world.path("server.mjs");
      writeFileSync(file, PROGRAM.replaceAll('Sync("', `Sync("${world.folder}/`));
      await world.start(process.execPath, [file]).says("ready");
      world.namespace.ip("addr", "add", "192.0.2.1/24", "dev", "tuntcp0");
      world.namespace.ip("link", "set", "tuntcp0", "up");
    });
    afterAll(async () => await world.remove());

    it.each(["-tls1_2", "-tls1_3"])(
      "openssl s_client %s: a checked certificate, ALPN, an echo",
      async (version) => {
        const check = [
          "-CAfile",
          world.path("cert.pem"),
          "-verify_return_error",
          "-verify_ip",
          STACK,
        ];
        const args = ["s_client", "-connect", `${STACK}:4433`, version, "-alpn", "echo", ...check];
        const client = world.start("openssl", [...args, "-ign_eof"]);
        await client.says("Verify return code: 0 (ok)");
        client.process.stdin!.write("there and back\n");
        await client.says("there and back\n");
        expect(client.stdout).toContain("ALPN protocol: echo");
        client.process.kill("SIGTERM");
      },
    );

    it("openssl s_client takes up a session again", async () => {
      const connect = ["s_client", "-connect", `${STACK}:4433`, "-tls1_2", "-reconnect"];
      const { code, stdout } = await world.run("openssl", connect, "");
      expect(code).toBe(0);
      expect(stdout.match(/^Reused, TLSv1\.2/gm)).toHaveLength(5);
    });

    it("curl --http2-prior-knowledge talks HTTP/2 without TLS", async () => {
      // one request each: curl 7.88 does not get a second one over such a connection, of Node's own sockets neither
      const args = ["--http2-prior-knowledge", "-w", "%{http_version} %{num_connects}\n"];
      const { code, stdout } = await world.curl(...args, `${web}:8080/a`);
      expect([code, stdout]).toEqual([0, "/a over h2c\n2 1\n"]);
    });

    it("curl --http2 agrees on it by ALPN, and 40 requests at once share a connection", async () => {
      const trust = ["--http2", "--cacert", world.path("cert.pem")];
      const one = await world.curl(...trust, "-w", "%{http_version}", `https://${STACK}:8443/x`);
      expect([one.code, one.stdout]).toEqual([0, "/x over h2\n2"]);
      const range = `https://${STACK}:8443/[1-40]`;
      const many = await world.curl(
        ...trust,
        "-Z",
        "--parallel-max",
        "40",
        "-w",
        "%{num_connects}\n",
        range,
      );
      expect(many.code).toBe(0);
      const lines = many.stdout.trim().split("\n");
      expect(lines.filter((line) => line.endsWith(" over h2"))).toHaveLength(40);
    });
  },
);

const chromium = findChromium();
if (chromium === null) console.warn("the page with 100 images is skipped: without chromium");

describe.skipIf(ANOTHER_MODE || chromium === null || obstacle() !== null)(
  "Chromium on tuntcp serve",
  () => {
    const IMAGES = 100;

    it(`shows a page with ${IMAGES} images, none of them missing`, async () => {
      const world = new World();
      mkdirSync(world.path("site"));
      for (let i = 1; i <= IMAGES; i++) {
        // from a few bytes to more than a window at the beginning
        const padding = `<!--${"x".repeat((i * 977) % 60_000)}-->`;
        const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${i}" height="8">${padding}<rect width="${i}" height="8"/></svg>`;
        writeFileSync(world.path(`site/${i}.svg`), svg);
      }
      const images = Array.from({ length: IMAGES }, (_, i) => `<img src="${i + 1}.svg">`);
      writeFileSync(
        world.path("site/index.html"),
        `<!doctype html><link rel="icon" href="data:,">${images.join("")}`,
      );
      const wrapper = world.path("chromium");
      writeFileSync(
        wrapper,
        `#!/bin/sh\nexec ip netns exec ${world.namespace.name} ${chromium!} "$@"\n`,
      );
      chmodSync(wrapper, 0o755);
      let browser: Browser | null = null;
      try {
        await world.serve(`files:81:${world.path("site")}`);
        browser = new Browser(wrapper);
        await browser.open(800, 600);
        for (let round = 1; round <= 3; round++) {
          await browser.goto(`${web}:81/index.html?${round}`);
          const widths = await browser.evaluate(
            "[...document.images].map((i) => i.complete && i.naturalWidth)",
          );
          expect(widths).toEqual(Array.from({ length: IMAGES }, (_, i) => i + 1));
        }
        expect(browser.errors).toEqual([]);
        expect(
          browser.requests.filter((url) => url.endsWith(".svg")).length,
        ).toBeGreaterThanOrEqual(IMAGES);
      } finally {
        await browser?.close();
        await world.remove();
      }
    }, 120_000);
  },
);
