/** curl over TLS: a program with the package's sockets under Node's https, and a certificate made for the occasion. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle, PACKAGE, STACK, World } from "./support/world.ts";

/** As a user would write it: Node's https server takes the connections of the stack. */
const PROGRAM = `
import { readFileSync } from "node:fs";
import https from "node:https";
import { createStack, openTun } from ${JSON.stringify(PACKAGE)};
const [key, cert] = [readFileSync("key.pem"), readFileSync("cert.pem")];
const { net } = createStack({ device: openTun({ name: "tuntcp0" }), address: "${STACK}/24" });
const web = https.createServer({ key, cert }, (request, response) => {
  let size = 0;
  request.on("data", (chunk) => (size += chunk.length));
  request.on("end", () => {
    const body = Buffer.alloc(Number(request.url.slice(1)), "x");
    response.setHeader("x-got", size).end(body);
  });
});
net.createServer((socket) => web.emit("connection", socket)).listen(443, () => console.log("ready"));
`;

describe.skipIf(obstacle("curl", "openssl") !== null)("https on the stack's sockets", () => {
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
    const server = world.start(process.execPath, [file]);
    await server.says("ready");
    world.namespace.ip("addr", "add", "192.0.2.1/24", "dev", "tuntcp0");
    world.namespace.ip("link", "set", "tuntcp0", "up");
  });
  afterAll(async () => await world.remove());

  it("is fetched by curl, which checks the certificate", async () => {
    const trust = ["--cacert", world.path("cert.pem")];
    const { code, stdout, stderr } = await world.curl(...trust, `https://${STACK}/100000`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("x".repeat(100_000));
  });

  it("is refused by curl without the certificate", async () => {
    expect((await world.curl(`https://${STACK}/1`)).code).toBe(60);
  });

  it("takes an upload of megabytes", async () => {
    const { path } = world.content("upload", 3_000_000);
    const args = ["-k", "-D", "-", "-o", "/dev/null", "-T", path, `https://${STACK}/0`];
    const { code, stdout } = await world.curl(...args);
    expect(code).toBe(0);
    expect(stdout).toContain("x-got: 3000000");
  });
});
