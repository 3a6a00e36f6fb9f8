/** What a relayed connection keeps of the one it stands for: order, ends, refusals, pace. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Forwarder } from "../../../src/tools/forward/index.ts";
import { FULL } from "../../support/full.ts";
import { CLIENT, errorOf, ForwardWorld, LOOPBACK, silentPort, STACK, textOf } from "./support.ts";

let world: ForwardWorld;

beforeEach(() => {
  world = new ForwardWorld();
});
afterEach(async () => await world.close());

function echo(socket: Socket): void {
  socket.on("error", () => {});
  socket.pipe(socket);
}

/** A port of loopback on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

describe("what passes", () => {
  test("bytes both ways in order, and the end of each way for itself", async () => {
    let ended = false;
    await world.to(80, (socket) => {
      socket.on("end", () => {
        ended = true;
        socket.end("after your end");
      });
      socket.write("before");
      socket.resume();
    });
    const client = world.connect(80);
    const [first] = (await once(client, "data")) as [Buffer];
    expect([String(first), ended]).toEqual(["before", false]);
    client.end("all of mine");
    expect(await textOf(client)).toBe("after your end");
    expect(ended).toBe(true);
    const closed = await world.event("closed");
    expect(closed).toMatchObject({ sent: 11, received: 20 });
    expect(closed.client).toBe(`${CLIENT}:${client.localPort}`);
    expect(closed.to).toBe(`${STACK}:80`);
  });

  test("the target may end first, and the client goes on", async () => {
    const got = new Promise<string>((resolve) => {
      void world.to(80, (socket) => {
        socket.end("bye");
        void textOf(socket).then(resolve);
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    const client = world.connect(80);
    expect(await textOf(client)).toBe("bye");
    client.end("still here");
    expect(await got).toBe("still here");
  });

  test("eight megabytes there and back", async () => {
    await world.to(80, echo);
    const client = world.connect(80);
    const block = Buffer.from(Uint8Array.from({ length: 1 << 16 }, (_, i) => (i * 31) >> 3));
    let sent = 0;
    let wrong = 0;
    let got = 0;
    client.on("data", (chunk: Buffer) => {
      for (const byte of chunk) if (byte !== block[got++ & 0xffff]) wrong++;
    });
    for (; sent < 128; sent++) if (!client.write(block)) await once(client, "drain");
    client.end();
    await once(client, "end");
    expect([got, wrong]).toEqual([128 << 16, 0]);
  });
});

describe("what fails", () => {
  test("a target that refuses is a refused connection, not one that opens and breaks", async () => {
    const hostPort = await closedPort();
    await world.forward({ specs: [{ address: null, port: 80, host: LOOPBACK, hostPort }] });
    const client = world.connect(80);
    let connected = false;
    client.once("connect", () => (connected = true));
    expect(await errorOf(client)).toBe("ECONNREFUSED");
    expect(connected).toBe(false);
    expect(world.events).toMatchObject([{ event: "refused", why: "ECONNREFUSED" }]);
    expect(world.stack.core.counters.get("TcpPassiveOpens")).toBe(0);
  });

  test("a network that cannot be reached is ICMP unreachable", async () => {
    const host = "255.255.255.255"; // the kernel says so at once
    await world.forward({ specs: [{ address: null, port: 81, host, hostPort: 80 }] });
    const client = world.connect(81);
    // a soft error in our client, which asks on (RFC 1122 §4.2.3.9); Linux' gives up
    const [error] = (await once(client, "softError")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ENETUNREACH");
    expect(await world.event("refused")).toMatchObject({ why: "ENETUNREACH" });
    client.destroy();
  });

  test("a RST of the target is a RST to the client", async () => {
    await world.to(80, (socket) => void socket.once("data", () => socket.resetAndDestroy()));
    const client = world.connect(80);
    client.write("x");
    expect(await errorOf(client)).toBe("ECONNRESET");
    expect((await world.event("reset")).why).toBe("target: ECONNRESET");
  });

  test("a RST of the client is a RST to the target", async () => {
    const failed = new Promise<string | undefined>((resolve) => {
      void world.to(80, (socket) => {
        void errorOf(socket).then(resolve);
        socket.write("hello");
        socket.resume();
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    const client = world.connect(80);
    await once(client, "data");
    client.resetAndDestroy();
    expect(await failed).toBe("ECONNRESET");
    expect((await world.event("reset")).why).toBe("client: ECONNRESET");
  });

  test("a client that goes away while the target is asked leaves nothing behind", async () => {
    await world.to(80, echo);
    const client = world.connect(80);
    await once(client, "connectionAttempt");
    await new Promise((resolve) => process.nextTick(resolve));
    client.destroy();
    // it said nothing when it went: the SYN-ACK draws its RST
    expect(await world.event("given-up")).toMatchObject({ why: "RST received" });
    const second = world.connect(80);
    second.end("x");
    expect(await textOf(second)).toBe("x");
    await world.event("closed");
    expect(world.events.map(({ event }) => event)).toEqual(["given-up", "open", "closed"]);
  });

  test("a target that does not answer is given up in silence, and holds nobody else up", async () => {
    const { spec } = await world.target(80, echo);
    const silent = await silentPort();
    const stuckSpec = { address: null, port: 81, host: LOOPBACK, hostPort: silent.port };
    await world.forward({ connectTimeout: 500, specs: [spec, stuckSpec] });
    const stuck = world.connect(81);
    const quick = world.connect(80);
    quick.end("quick");
    expect(await textOf(quick)).toBe("quick");
    expect(world.events.filter(({ event }) => event === "refused")).toEqual([]);
    expect(await world.event("refused")).toMatchObject({ why: "ETIMEDOUT" });
    expect(stuck.connecting).toBe(true);
    stuck.destroy();
    silent.close();
  });
});

describe("pace", () => {
  test.each(["target", "client"] as const)(
    "a %s that does not read stops the other end",
    async (slow) => {
      let sent = 0;
      const pour = (socket: Socket): void => {
        const block = Buffer.alloc(1 << 16);
        socket.on("error", () => {});
        const more = (): void => {
          while (!socket.destroyed && socket.write(block)) sent += block.length;
        };
        socket.on("drain", more);
        more();
      };
      const sockets: Socket[] = [];
      await world.to(80, (socket) => {
        sockets.push(socket);
        socket.on("error", () => {});
        if (slow === "target") socket.pause();
        else pour(socket);
      });
      const client = world.connect(80);
      client.on("error", () => {});
      await once(client, "connect");
      if (slow === "client") client.pause();
      else pour(client);
      // until nothing moves any more
      for (let before = -1, calm = 0; calm < 5; before = sent) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        calm = before === sent ? calm + 1 : 0;
      }
      expect(sent).toBeGreaterThan(1 << 16);
      // buffers of the kernel and of three stacks' sockets, and no more
      expect(sent).toBeLessThan(24 << 20);
      const held = process.memoryUsage().arrayBuffers;
      expect(held).toBeLessThan(64 << 20);
      client.destroy();
      for (const socket of sockets) socket.destroy();
    },
  );
});

describe("the end", () => {
  test("no new connections, what is under way may finish, and what does not is reset", async () => {
    let forwarder: Forwarder | null = null;
    const sockets: Socket[] = [];
    const { spec } = await world.target(80, (socket) => {
      socket.on("error", () => {});
      sockets.push(socket);
      socket.on("data", (chunk: Buffer) => {
        if (String(chunk) === "last") socket.end("answer");
        else socket.write("up");
      });
    });
    forwarder = await world.forward({ specs: [spec] });
    const [quick, idle] = [world.connect(80), world.connect(80)];
    const reset = errorOf(idle);
    for (const client of [quick, idle]) {
      client.write("x");
      await once(client, "data");
    }
    const ending = forwarder.finish(200);
    quick.end("last");
    expect(await textOf(quick)).toBe("answer");
    const late = world.connect(80);
    expect(await errorOf(late)).toBe("ECONNREFUSED");
    await ending;
    expect(await reset).toBe("ECONNRESET");
  });
});

describe("any address and port", () => {
  beforeEach(async () => {
    await world.close();
    world = new ForwardWorld({}, true);
  });

  test("goes where it is asked to; the stack itself is no target", async () => {
    const { spec } = await world.target(80, echo);
    await world.forward({ any: true, specs: [spec] });
    const client = world.connect(80);
    client.end("by its spec");
    expect(await textOf(client)).toBe("by its spec");
    expect(await errorOf(world.connect(81))).toBe("ECONNREFUSED");
    expect(await world.event("refused")).toMatchObject({ why: "the target is the stack itself" });
  });
});

describe("who the client is", () => {
  test("version 1 of the PROXY protocol says it in words before the first byte", async () => {
    const { spec } = await world.target(80, echo);
    await world.forward({ specs: [spec], proxy: 1 });
    const client = world.connect(80);
    client.end("GET /");
    const text = await textOf(client);
    expect(text).toBe(`PROXY TCP4 ${CLIENT} ${STACK} ${client.localPort} 80\r\nGET /`);
  });

  test("version 2 says it in bytes", async () => {
    const { spec } = await world.target(80, echo);
    await world.forward({ specs: [spec], proxy: 2 });
    const client = world.connect(80);
    client.end();
    const header = Buffer.from(await textOf(client), "latin1");
    const ports = Buffer.alloc(4);
    ports.writeUInt16BE(client.localPort!);
    ports.writeUInt16BE(80, 2);
    expect(header.toString("hex")).toBe(
      `0d0a0d0a000d0a515549540a2111000cc0000201c0000202${ports.toString("hex")}`,
    );
  });

  test("its own address is kept where it is one of this host, and else there is no connection", async () => {
    const { spec } = await world.target(80, echo);
    await world.forward({ specs: [spec], keepSource: true });
    expect(await errorOf(world.connect(80))).toBe("ECONNREFUSED");
    expect((await world.event("refused")).why).toMatch(/--proxy-protocol/);
    const own = world.clients.net.connect({ port: 80, host: STACK, localAddress: "127.0.0.1" });
    await expect(once(own, "connect")).rejects.toThrow("EADDRNOTAVAIL");
  });
});

describe("from real sockets through the stack", () => {
  async function reversed(port: number): Promise<Socket> {
    const listen = await closedPort();
    const spec = { address: null, port: listen, host: CLIENT, hostPort: port };
    await world.forward({ reverse: true, specs: [spec] });
    return connect({ port: listen, host: LOOPBACK, allowHalfOpen: true });
  }

  test("bytes and ends pass", async () => {
    const server = world.clients.net.createServer({ allowHalfOpen: true }, (socket) => {
      expect(socket.remoteAddress).toBe(STACK);
      echo(socket as unknown as Socket);
    });
    server.listen(7);
    const client = await reversed(7);
    client.end("there and back");
    expect(await textOf(client)).toBe("there and back");
    server.close();
  });

  test("a target that refuses resets what the kernel has opened", async () => {
    const client = await reversed(9);
    expect(await errorOf(client)).toBe("ECONNRESET");
    expect(await world.event("refused")).toMatchObject({ why: "ECONNREFUSED" });
  });

  test("a client's own address is not kept where it is of loopback", async () => {
    const listen = await closedPort();
    const spec = { address: null, port: listen, host: CLIENT, hostPort: 7 };
    await world.forward({ reverse: true, keepSource: true, specs: [spec] });
    const client = connect(listen, LOOPBACK);
    expect(await errorOf(client)).toBe("ECONNRESET");
    expect((await world.event("refused")).why).toMatch(/loopback/);
  });
});

describe("many at once", () => {
  const many = FULL ? 5000 : 1000;

  test(`${many} connections, each with its own bytes`, async () => {
    await world.to(80, echo);
    const clients = Array.from({ length: many }, () => world.connect(80));
    await Promise.all(clients.map(async (client) => await once(client, "connect")));
    await world.event("open", many);
    const texts = await Promise.all(
      clients.map(async (client, i) => {
        client.end(`I am ${i}`);
        return await textOf(client);
      }),
    );
    expect(texts).toEqual(clients.map((_, i) => `I am ${i}`));
  }, 60_000);
});
