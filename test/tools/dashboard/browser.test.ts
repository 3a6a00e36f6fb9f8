/**
 * The dashboard in a real browser, through the kernel's loopback and through our own TCP: what it shows is what `ss --json` says.
 * Skipped without Chromium or TUN. With DASHBOARD_SHOTS=FOLDER pictures of it are left there.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConnectionTable, StackSummary } from "../../../src/tools/control/requests.ts";
import { obstacle, type Running, STACK, World } from "../../interop/support/world.ts";
import { figure as report } from "../../support/full.ts";
import { Browser, findChromium } from "../pictures/support/browser.ts";

const command = findChromium();
if (command === null) console.log("no Chromium: the dashboard is not tried in a browser");
const OWN = "198.51.100.2";
/** What goes on by itself while nothing happens. */
const MOVING = ["lastSent", "lastHeard", "lastReceived", "timerIn"];
const SHOTS = process.env["DASHBOARD_SHOTS"];

const ROW = `document.querySelectorAll(".grid-space .row")`;
const rowOf = (text: string): string =>
  `[...${ROW}].find((r) => r.textContent.includes(${JSON.stringify(text)}))`;
const FIELDS = `Object.fromEntries([...document.querySelectorAll("[data-field]")].map((e) => [e.dataset.field, e.textContent]))`;
const NOTE = `document.querySelector(".overview .note")?.textContent`;

const urlOf = ({ stderr }: Running): string => /http:\S+/.exec(stderr)![0];

describe.skipIf(command === null || obstacle("curl", "nc") !== null)("in Chromium", () => {
  let world: World;
  let browser: Browser;
  let serve: Running;
  let control = "";

  beforeAll(async () => {
    world = new World();
    control = world.path("control");
    const services = ["http:80", "echo:7", "discard:9", "daytime:13"];
    // --dashboard is for one worker
    serve = await world.serve(...services, "--workers", "1", "--control", control, "--dashboard");
    browser = new Browser(command!, ["ip", "netns", "exec", world.namespace.name]);
    await browser.open(1440, 900);
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await world.remove();
  });

  async function shot(name: string): Promise<void> {
    if (SHOTS !== undefined) writeFileSync(join(SHOTS, `${name}.png`), await browser.screenshot());
  }

  async function table(path: string): Promise<ConnectionTable> {
    const { stdout } = await world.tuntcp(["ss", "--json", "--control", path]).outcome;
    return JSON.parse(stdout) as ConnectionTable;
  }

  const remotes = async (path: string): Promise<string[]> =>
    (await table(path)).connections.map((c) => `${c.remoteAddress}:${c.remotePort}`);

  /** An idle connection to a service that echoes; `remote` is its other end. */
  async function idle(): Promise<{ remote: string; nc: Running }> {
    const known = new Set(await remotes(control));
    const nc = world.start("nc", [STACK, "7"]);
    nc.process.stdin!.write("hello\n");
    await nc.says("hello");
    return { remote: (await remotes(control)).find((r) => !known.has(r))!, nc };
  }

  /** The fields of the opened connection, beside what ss says of it. */
  async function compare(path: string, remote: string): Promise<void> {
    await browser.until(`(${FIELDS}).remotePort === ${JSON.stringify(remote.split(":")[1])}`);
    const shown = (await browser.evaluate(FIELDS)) as Record<string, string>;
    const { connections } = await table(path);
    const found = connections.find((c) => `${c.remoteAddress}:${c.remotePort}` === remote)!;
    const { limit, ...info } = found;
    const told = Object.entries({ ...info, "limit.by": limit.by, "limit.text": limit.text });
    expect(Object.keys(shown).toSorted()).toEqual(told.map(([key]) => key).toSorted());
    for (const [key, value] of told) {
      if (!MOVING.includes(key)) expect([key, shown[key]]).toEqual([key, String(value)]);
    }
  }

  const click = async (element: string): Promise<void> =>
    void (await browser.evaluate(`${element}.click()`));
  const press = async (text: string): Promise<void> =>
    await click(
      `[...document.querySelectorAll("button")].find((b) => b.textContent === ${JSON.stringify(text)})`,
    );

  test("the address that was printed opens it; without the token it is 401", async () => {
    const url = urlOf(serve);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:9000\/\?token=[\w-]{22}$/);
    const plain = url.split("?")[0]!;
    const { stdout } = await world.curl("-o", "/dev/null", "-w", "%{http_code}", plain);
    expect(stdout).toBe("401");
    await browser.goto(url);
    await browser.until(`document.querySelector(".live").textContent === "live"`);
    expect(browser.errors).toEqual([]);
    const elsewhere = browser.requests.filter(
      (r) => !r.startsWith(plain) && !r.startsWith("data:"),
    );
    expect(elsewhere).toEqual([]);
  });

  test("a connection that is clicked shows the figures of ss --json, live, and its segments", async () => {
    const { remote, nc } = await idle();
    await browser.until(`${rowOf(remote)} !== undefined`);
    await click(rowOf(remote));
    const title = `document.querySelector(".detail h2").textContent`;
    await browser.until(`${title} === "${STACK}:7 ⇄ ${remote}"`);
    await compare(control, remote);
    nc.process.stdin!.write("and more\n");
    await nc.says("and more");
    await browser.until(`document.querySelectorAll(".rung").length >= 3`);
    const rungs = `[...document.querySelectorAll(".rung")].map((g) => g.textContent)`;
    expect(((await browser.evaluate(rungs)) as string[])[0]).toMatch(/^PSH ACK 7:16 ack 7 win \d+/);
    expect(await browser.evaluate(`document.querySelector(".ladder .note").textContent`)).toBe(
      "this stack ESTABLISHED, peer ESTABLISHED; times in s",
    );
    await browser.until(`(${FIELDS}).bytesReceived === "15" && (${FIELDS}).bytesAcked === "15"`);
    await compare(control, remote);
    nc.process.kill("SIGKILL");
    const why = `document.querySelector(".why").textContent`;
    await browser.until(`${why} === "This connection is no more."`);
    expect(browser.errors).toEqual([]);
  });

  test("keys alone reach everything: rows by arrows, Enter opens, Escape closes and comes back", async () => {
    const all = [await idle(), await idle(), await idle()];
    await browser.press("Escape");
    await browser.until(`${ROW}.length >= 3`);
    await browser.evaluate(`document.querySelector(".grid-space .row[tabindex='0']").focus()`);
    await browser.press("Home");
    const rank = `Number(document.activeElement.getAttribute("aria-rowindex"))`;
    expect(await browser.evaluate(rank)).toBe(2);
    await browser.press("ArrowDown");
    await browser.press("ArrowDown");
    expect(await browser.evaluate(rank)).toBe(4);
    const outline = `getComputedStyle(document.activeElement).outlineStyle`;
    expect(await browser.evaluate(outline)).toBe("solid");
    await browser.press("Enter");
    const hidden = `document.querySelector(".detail").hidden`;
    await browser.until(`!${hidden} && document.querySelectorAll("[data-field]").length > 60`);
    expect(await browser.evaluate(`document.activeElement.className`)).toBe("detail");
    await browser.press("Escape");
    expect(await browser.evaluate(hidden)).toBe(true);
    expect(await browser.evaluate(rank)).toBe(4);
    await browser.press("/");
    expect(await browser.evaluate(`document.activeElement.className`)).toBe("filter");
    for (const { nc } of all) nc.process.kill("SIGKILL");
  });

  test("buttons make the link bad, and abort a connection", async () => {
    const { remote, nc } = await idle();
    await press("100 ms away");
    await browser.until(
      `document.querySelector(".overview .say").textContent === "In force: delay=50ms"`,
    );
    nc.process.stdin!.write("far\n");
    await nc.says("far");
    // the echo's ACK is another round trip away
    const far = async (): Promise<boolean> =>
      (await table(control)).connections.some(
        (c) => `${c.remoteAddress}:${c.remotePort}` === remote && c.rttvar > 10,
      );
    await expect.poll(far).toBe(true);
    await press("Clean");
    await browser.until(`${NOTE} === "Packets pass as they are."`);
    await browser.until(`${rowOf(remote)} !== undefined`);
    await click(rowOf(remote));
    await press("Abort");
    expect(await remotes(control)).toContain(remote);
    await press("Abort: sure?");
    await nc.outcome;
    await browser.until(`${rowOf(remote)} === undefined`);
    await browser.press("Escape");
    expect(browser.errors).toEqual([]);
  });

  test("1,000 connections are counted and scrolled through, with few rows in the page", async () => {
    const script = `const net = require("net"); let n = 0;
      for (let i = 0; i < 1000; i++) net.connect(7, "${STACK}", () => ++n === 1000 && console.log("open"));`;
    const many = world.start(process.execPath, ["-e", script]);
    await many.says("open");
    const chip = (state: string): string =>
      `document.querySelector(".chip[data-state='${state}']")?.textContent`;
    await browser.until(`${chip("ESTABLISHED")} === "ESTABLISHED 1,000"`);
    const { stdout } = await world.tuntcp(["ss", "-s", "--json", "--control", control]).outcome;
    expect((JSON.parse(stdout) as StackSummary).states["ESTABLISHED"]).toBe(1000);
    await browser.evaluate(`(() => {
      globalThis.gaps_ = [];
      let last = performance.now();
      const tick = (t) => { gaps_.push(t - last); last = t; requestAnimationFrame(tick); };
      requestAnimationFrame(tick);
    })()`);
    for (let i = 0; i < 60; i++) {
      await browser.mouse("mouseWheel", 400, 500, { deltaX: 0, deltaY: 600 });
    }
    const last = `document.querySelector(".grid").getAttribute("aria-rowcount")`;
    await browser.until(`[...${ROW}].some((r) => r.getAttribute("aria-rowindex") === ${last})`);
    expect(await browser.evaluate(`${ROW}.length`)).toBeLessThan(60);
    const gaps = ((await browser.evaluate("gaps_")) as number[]).toSorted((a, b) => a - b);
    const at = (share: number): string => gaps[Math.floor(gaps.length * share)]!.toFixed(1);
    const what = "dashboard, scrolling 1,000 connections, from frame to frame: median, 99 %";
    report(what, `${at(0.5)} ms, ${at(0.99)} ms of ${gaps.length}`);
    await shot("thousand");
    many.process.kill("SIGKILL");
    await browser.until(`${chip("")} === "All 0"`);
    expect(browser.errors).toEqual([]);
  });

  test("a page from elsewhere gets nothing, whatever it tries", async () => {
    const url = urlOf(serve);
    const token = new URL(url).searchParams.get("token")!;
    await browser.goto(`http://${STACK}/`);
    const tries = (await browser.evaluate(`(async () => {
      const tried = [];
      const auth = { Authorization: "Bearer ${token}" };
      const json = { ...auth, "Content-Type": "application/json" };
      const body = '{"spec":"loss=100%"}';
      for (const [path, how] of [["/", {}], ["/", { mode: "no-cors" }], ["/table", { headers: auth }],
        ["/impair", { method: "POST", headers: json, body }],
        ["/impair", { method: "POST", mode: "no-cors", body }]]) {
        const where = "http://127.0.0.1:9000" + path + "?token=${token}";
        tried.push(await fetch(where, how).then((r) => r.type + (r.ok ? " read" : ""), () => "refused"));
      }
      tried.push(await new Promise((r) => {
        const s = new EventSource("http://127.0.0.1:9000/table?token=${token}");
        s.onmessage = () => r("heard");
        s.onerror = () => { s.close(); r("refused"); };
      }));
      return tried;
    })()`)) as string[];
    expect(tries.filter((t) => t !== "refused" && t !== "opaque")).toEqual([]);
    await browser.goto(url);
    await browser.until(`${NOTE} === "Packets pass as they are."`);
    browser.errors.length = 0;
  });

  test("through our own TCP the browser watches the connection that it is watching through", async () => {
    const path = world.path("own");
    const words = `echo:7 --tun own0 --address ${OWN}/24 --host 198.51.100.1 --dashboard ${OWN}:9000 --impair delay=5ms`;
    const own = await world.serve(...words.split(" "), "--control", path);
    const nc = world.start("nc", [OWN, "7"]);
    nc.process.stdin!.write("hello\n");
    await nc.says("hello");
    await browser.goto(urlOf(own));
    await browser.until(`${rowOf(":9000")} !== undefined && ${rowOf(`${OWN}:7`)} !== undefined`);
    const { connections } = await table(path);
    const { remoteAddress, remotePort } = connections.find(({ localPort }) => localPort === 7)!;
    await click(rowOf(`${OWN}:7`));
    await compare(path, `${remoteAddress}:${remotePort}`);
    await browser.press("Escape");
    // the one that carries the table never rests
    const carriers = `[...${ROW}].filter((r) => r.textContent.includes(":9000") && r.querySelector(".send").textContent !== "–")`;
    await browser.until(`${carriers}.length === 1`);
    await click(`${carriers}[0]`);
    await browser.until(
      `(${FIELDS}).localPort === "9000" && document.querySelectorAll(".rung").length > 9`,
    );
    const sent = Number(await browser.evaluate(`(${FIELDS}).bytesSent`));
    await browser.until(`Number((${FIELDS}).bytesSent) > ${sent}`);
    expect(Number(await browser.evaluate(`(${FIELDS}).srtt`))).toBeGreaterThan(9);
    await shot("own");
    expect(browser.errors).toEqual([]);
    nc.process.kill("SIGKILL");
    expect((await own.stop()).code).toBe(0);
  });

  test("light and dark, wide and narrow: nothing is wider than the page", async () => {
    const load = world.start("bash", ["-c", `exec nc ${STACK} 9 < /dev/zero`]);
    for (let i = 0; i < 3; i++) await world.run("nc", ["-d", STACK, "13"]);
    const idles = [await idle(), await idle(), await idle()];
    await browser.goto(urlOf(serve));
    await browser.until(`${ROW}.length >= 7`);
    // of the page of the stack that ended
    browser.errors.length = 0;
    const ground = `getComputedStyle(document.body).backgroundColor`;
    const sizes = [
      { name: "wide", width: 1440, height: 900, row: `${STACK}:9` },
      { name: "narrow", width: 390, height: 844, row: idles[0]!.remote },
    ];
    for (const { name, width, height, row } of sizes) {
      await browser.resize(width, height);
      for (const scheme of ["light", "dark"] as const) {
        await browser.prefer(scheme);
        await shot(`${name}-${scheme}`);
        await click(rowOf(row));
        await browser.until(`document.querySelectorAll("[data-field]").length > 60`);
        await shot(`${name}-${scheme}-detail`);
        const fits = `[document.documentElement, document.querySelector(".detail")].every((e) => e.scrollWidth <= e.clientWidth)`;
        expect(await browser.evaluate(fits)).toBe(true);
        const wanted = scheme === "light" ? "rgb(244, 246, 248)" : "rgb(15, 20, 26)";
        expect(await browser.evaluate(ground)).toBe(wanted);
        await browser.press("Escape");
      }
    }
    await click(`document.querySelector("button[aria-label='Light or dark']")`);
    expect(await browser.evaluate(ground)).toBe("rgb(244, 246, 248)");
    expect(browser.errors).toEqual([]);
    for (const { nc } of idles) nc.process.kill("SIGKILL");
    load.process.kill("SIGKILL");
  });
});
