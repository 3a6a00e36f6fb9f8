/** curl against `tuntcp serve`: pages, bytes, uploads, many at once, and what is not there. */
import { createHash } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FULL, obstacle, STACK, World } from "./support/world.ts";

const CURLS = FULL ? 2000 : 200;
const web = `http://${STACK}`;

describe.skipIf(obstacle("curl") !== null)("curl and tuntcp serve", () => {
  let world: World;

  beforeAll(async () => {
    world = new World();
    mkdirSync(world.path("site"));
    writeFileSync(world.path("site/hello.txt"), "hello from a file\n");
    writeFileSync(world.path("secret"), "not for the world\n");
    symlinkSync(world.path("secret"), world.path("site/link"));
    await world.serve("http:80", `files:81:${world.path("site")}`);
  });
  afterAll(async () => await world.remove());

  it("gives text about the connection to curl and HTML to a browser", async () => {
    const text = await world.curl("-i", `${web}/`);
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(text.stdout).toMatch(/^HTTP\/1\.1 200 /);
    expect(text.stdout).toMatch(/content-type: text\/plain/i);
    expect(text.stdout).toContain("192.0.2.1");
    expect(text.stdout).not.toContain("<html");
    const html = await world.curl("-i", "-H", "Accept: text/html", `${web}/`);
    expect(html.stdout).toMatch(/content-type: text\/html/i);
    expect(html.stdout).toMatch(/<!doctype html>/i);
  });

  it.each([0, 1, 1460, 1461, 1_000_000])("gives the %i bytes that were asked for", async (n) => {
    const { code, stdout } = await world.curl(`${web}/bytes/${n}`);
    expect(code).toBe(0);
    expect(stdout.length).toBe(n);
    expect(stdout === "tuntcp.\n".repeat(n / 8 + 1).slice(0, n)).toBe(true);
  });

  it("says length and SHA-256 of what was put", async () => {
    const { path, sha256 } = world.content("up", 300_001);
    const { code, stdout } = await world.curl("-T", path, `${web}/anywhere`);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${sha256} 300001\n` });
    const empty = await world.curl("-X", "PUT", "-d", "", `${web}/empty`);
    expect(empty.stdout).toBe(`${createHash("sha256").digest("hex")} 0\n`);
  });

  it("answers HEAD with the headers of GET and no body", async () => {
    const { code, stdout } = await world.curl("-I", `${web}/bytes/1234`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^HTTP\/1\.1 200 /);
    expect(stdout).toMatch(/content-length: 1234\r\n/i);
    expect(stdout.endsWith("\r\n\r\n")).toBe(true);
  });

  it("describes the connection that asks in JSON", async () => {
    const args = ["-w", "\n%{local_ip} %{local_port}", `${web}/connection.json`];
    const { code, stdout } = await world.curl(...args);
    expect(code).toBe(0);
    const end = stdout.lastIndexOf("\n");
    const info = JSON.parse(stdout.slice(0, end)) as Record<string, unknown>;
    expect(info["state"]).toBe("ESTABLISHED");
    const numbers = Object.entries(info).filter(([, value]) => typeof value === "number");
    expect(numbers.length).toBeGreaterThan(10);
    for (const [name, value] of numbers) expect(value, name).toBeGreaterThanOrEqual(0);
    const [address, port] = stdout.slice(end + 1).split(" ");
    expect(JSON.stringify(info)).toContain(address);
    expect(JSON.stringify(info)).toContain(port);
  });

  it("answers 404 to a path that is not there, and 405 to a method it does not know", async () => {
    const status = ["-o", "/dev/null", "-w", "%{http_code}"];
    expect((await world.curl(...status, `${web}/nothing`)).stdout).toBe("404");
    expect((await world.curl(...status, "-X", "DELETE", `${web}/`)).stdout).toBe("405");
  });

  it("serves the files of a folder and nothing outside of it", async () => {
    const at = `${web}:81`;
    expect((await world.curl(`${at}/hello.txt`)).stdout).toBe("hello from a file\n");
    expect((await world.curl(`${at}/`)).stdout).toContain("hello.txt");
    for (const path of ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/link", "/none"]) {
      const args = ["--path-as-is", "-w", " %{http_code}", `${at}${path}`];
      expect((await world.curl(...args)).stdout, path).toMatch(/ 404$/);
    }
  });

  it("refuses a connection where nothing listens, and curl says so", async () => {
    const { code, stderr } = await world.curl("--max-time", "20", `${web}:4444/`);
    expect(code).toBe(7);
    // 28 would be the code for the time that ran out
    expect(stderr).toMatch(/refused|Failed to connect|Could not connect/);
  });

  it(`serves ${CURLS} curls one after the other`, async () => {
    const script = `for i in $(seq ${CURLS}); do curl -sS -o /dev/null -w '%{http_code}\\n' ${web}/ || echo failed; done`;
    const { stdout } = await world.run("bash", ["-c", script]);
    expect(stdout).toBe("200\n".repeat(CURLS));
  });

  it("serves 64 curls at once", async () => {
    const curls = Array.from({ length: 64 }, async () => await world.curl(`${web}/bytes/100000`));
    const outcomes = await Promise.all(curls);
    for (const { code, stdout, stderr } of outcomes) {
      expect({ code, length: stdout.length, stderr }).toEqual({
        code: 0,
        length: 100_000,
        stderr: "",
      });
    }
  });
});
