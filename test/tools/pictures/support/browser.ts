/** A headless Chromium, driven by the DevTools protocol over two pipes: no port, no package. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

const COMMANDS = ["chromium", "chromium-browser", "google-chrome"];

/** Null where there is none. */
export function findChromium(): string | null {
  return COMMANDS.find((name) => spawnSync(name, ["--version"]).status === 0) ?? null;
}

export class Browser {
  readonly errors: string[] = [];
  /** URLs that the page asked for. */
  readonly requests: string[] = [];
  private readonly child: ChildProcess;
  private readonly folder: string;
  private readonly waiting: Map<number, (reply: Reply) => void> = new Map();
  private readonly listeners: ((method: string) => void)[] = [];
  private session: string | null = null;
  private last = 0;

  /** `before`: a command that runs it, such as `ip netns exec NAME`. */
  constructor(command: string, before: readonly string[] = []) {
    this.folder = mkdtempSync(join(tmpdir(), "tuntcp-browser-"));
    const [first, ...rest] = [...before, command];
    this.child = spawn(
      first!,
      [
        ...rest,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        "--disable-background-networking",
        "--remote-debugging-pipe",
        `--user-data-dir=${this.folder}`,
        "--window-size=1300,1700",
        "about:blank",
      ],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    let text = "";
    const from = this.child.stdio[4] as Readable;
    from.setEncoding("utf8");
    from.on("data", (chunk: string) => {
      const parts = (text + chunk).split("\0");
      text = parts.pop()!;
      for (const part of parts) this.take(JSON.parse(part) as Reply);
    });
  }

  /** Attaches to the first page, with a viewport of this size. */
  async open(width: number, height: number): Promise<void> {
    const { targetInfos } = (await this.call("Target.getTargets")) as {
      targetInfos: { targetId: string; type: string }[];
    };
    const target = targetInfos.find(({ type }) => type === "page")!;
    const attached = await this.call("Target.attachToTarget", {
      targetId: target.targetId,
      flatten: true,
    });
    this.session = (attached as { sessionId: string }).sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await this.call(`${domain}.enable`);
    await this.resize(width, height);
  }

  async resize(width: number, height: number): Promise<void> {
    const size = { width, height, deviceScaleFactor: 1, mobile: false };
    await this.call("Emulation.setDeviceMetricsOverride", size);
  }

  async prefer(scheme: "light" | "dark"): Promise<void> {
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.call("Emulation.setEmulatedMedia", { features });
  }

  /** One key, as `Enter`, `Escape`, `ArrowDown` or a letter. */
  async press(key: string): Promise<void> {
    const text = key === "Enter" ? { text: "\r" } : key.length === 1 ? { text: key } : {};
    const codes: Partial<Record<string, number>> = {
      Enter: 13,
      Escape: 27,
      Tab: 9,
      End: 35,
      Home: 36,
      ArrowUp: 38,
      ArrowDown: 40,
    };
    const code = { key, windowsVirtualKeyCode: codes[key] ?? key.toUpperCase().charCodeAt(0) };
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...code, ...text });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...code });
  }

  /** Resolves when the expression is true; throws the last value after a while. */
  async until(expression: string, ms: number = 15_000): Promise<void> {
    const wait = `(async () => { const end = performance.now() + ${ms};
      for (;;) { let v; try { v = (${expression}); } catch (e) { v = String(e); }
        if (v === true) return true; if (performance.now() > end) return v;
        await new Promise((r) => setTimeout(r, 20)); } })()`;
    const value = await this.evaluate(wait);
    if (value !== true) throw new Error(`${expression}: ${JSON.stringify(value)}`);
  }

  async goto(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => {
      this.listeners.push((method) => {
        if (method === "Page.loadEventFired") resolve();
      });
    });
    await this.call("Page.navigate", { url });
    await loaded;
  }

  async evaluate(expression: string): Promise<unknown> {
    const reply = (await this.call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })) as {
      result: { value: unknown };
      exceptionDetails?: { exception?: { description?: string } };
    };
    if (reply.exceptionDetails !== undefined) {
      throw new Error(reply.exceptionDetails.exception?.description ?? "the page failed");
    }
    return reply.result.value;
  }

  async mouse(type: string, x: number, y: number, more: object = {}): Promise<void> {
    await this.call("Input.dispatchMouseEvent", { type, x, y, ...more });
  }

  async screenshot(): Promise<Buffer> {
    const shot = await this.call("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from((shot as { data: string }).data, "base64");
  }

  async call(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.last;
    const message = { id, method, params, ...(this.session && { sessionId: this.session }) };
    const reply = await new Promise<Reply>((resolve) => {
      this.waiting.set(id, resolve);
      (this.child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    });
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await ended;
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }

  private take(reply: Reply): void {
    if (reply.id !== undefined) {
      this.waiting.get(reply.id)?.(reply);
      this.waiting.delete(reply.id);
      return;
    }
    const { method, params } = reply;
    if (method === "Runtime.exceptionThrown") {
      const { exceptionDetails } = params as { exceptionDetails: Thrown };
      this.errors.push(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    if (method === "Log.entryAdded") {
      const { entry } = params as { entry: { level: string; text: string } };
      if (entry.level === "error") this.errors.push(entry.text);
    }
    if (method === "Network.requestWillBeSent") {
      this.requests.push((params as { request: { url: string } }).request.url);
    }
    for (const listener of this.listeners) listener(method ?? "");
  }
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Thrown {
  readonly text: string;
  readonly exception?: { readonly description?: string };
}
