/** Event logs: their shape as qlog's main schema has it, and what they tell of a transfer with a loss. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createPair } from "../../../src/devices/pair.ts";
import { createStack } from "../../../src/sockets/create-stack.ts";
import { qlog, QlogFolder, qlogTrace } from "../../../src/tools/qlog/index.ts";
import { TwoStacks } from "../../support/two-stacks.ts";

interface Event {
  readonly time: number;
  readonly name: string;
  readonly data: Record<string, unknown> & {
    readonly header: Record<string, unknown>;
    readonly raw: Record<string, unknown>;
  };
}

interface Log {
  readonly header: Record<string, unknown>;
  readonly events: readonly Event[];
}

/** As RFC 7464 has it: each record after a separator, with a line feed behind. */
function parse(text: string): Log {
  expect(text.startsWith("\u001e")).toBe(true);
  const records = text.slice(1).split("\u001e");
  for (const record of records) expect(record.endsWith("\n")).toBe(true);
  const [header, ...events] = records.map((record) => JSON.parse(record) as unknown);
  return { header: header as Record<string, unknown>, events: events as Event[] };
}

class Logs {
  readonly texts = new Map<string, string>();
  readonly ended: string[] = [];
  readonly open = (local: string, remote: string) => {
    const name = `${local} ${remote}${this.texts.has(`${local} ${remote}`) ? " again" : ""}`;
    this.texts.set(name, "");
    return {
      write: (text: string) => void this.texts.set(name, this.texts.get(name)! + text),
      end: () => void this.ended.push(name),
    };
  };
  of(name: string): Log {
    return parse(this.texts.get(name)!);
  }
}

const MINE = "192.0.2.1:50000 192.0.2.2:80";

/** A sends 20 segments, of which the fifth is lost, and closes. */
function transfer(): Logs {
  const logs = new Logs();
  const wire = new TwoStacks({
    settings: { tcp_timestamps: 0 },
    lose: (a, _s, n) => a === "A" && n === 6,
  });
  wire.a.stack.watch(qlogTrace(logs.open, null));
  wire.established();
  wire.a.endpoint!.send(new Uint8Array(20 * 1460));
  wire.runs(1000);
  wire.a.endpoint!.shutdown();
  wire.runs(100);
  wire.b.endpoint!.shutdown();
  wire.runs(70_000);
  wire.a.connects(wire.b, 80, 50001);
  wire.runs(100);
  return logs;
}

const ALL: Readonly<Record<string, readonly string[]>> = {
  "connectivity:connection_started": ["local", "remote"],
  "connectivity:connection_state_updated": ["old", "new"],
  "connectivity:connection_closed": ["trigger"],
  "tcp:parameters_set": ["maximum_segment_size", "congestion_control", "sack"],
  "transport:packet_sent": ["header", "raw"],
  "transport:packet_received": ["header", "raw"],
  "recovery:packet_lost": ["header", "raw"],
  "recovery:metrics_updated": [],
  "recovery:congestion_state_updated": ["old", "new"],
  "recovery:timer_updated": ["event_type", "timer_type"],
};

test("a log is a qlog file: a header with its trace, and events of known names whose times never fall", () => {
  const { header, events } = transfer().of(MINE);
  expect(header).toEqual({
    file_schema: "urn:ietf:params:qlog:file:sequential",
    serialization_format: "application/qlog+json-seq",
    qlog_version: "0.3",
    qlog_format: "JSON-SEQ",
    title: expect.any(String),
    trace: {
      title: expect.any(String),
      vantage_point: { name: "192.0.2.1:50000", type: "network" },
      event_schemas: [expect.stringMatching(/^urn:/)],
      common_fields: {
        group_id: MINE,
        protocol_types: ["TCP"],
        time_format: "relative_to_epoch",
        reference_time: { clock_type: "monotonic", epoch: "unknown" },
      },
    },
  });
  let last = 0;
  for (const { time, name, data, ...rest } of events) {
    expect(time).toBeGreaterThanOrEqual(last);
    last = time;
    expect(rest).toEqual({});
    expect(Object.keys(ALL)).toContain(name);
    for (const field of ALL[name]!) expect(data, name).toHaveProperty(field);
  }
  expect(events[0]).toMatchObject({
    time: 0,
    name: "connectivity:connection_started",
    data: { local: { ip_v4: "192.0.2.1", port_v4: 50000 } },
  });
  const seen = new Set(events.map(({ name }) => name)).add("recovery:timer_updated"); // shown below
  expect(seen).toEqual(new Set(Object.keys(ALL)));
});

test("it tells of states, segments, the loss and its repair, in their order", () => {
  const { events } = transfer().of(MINE);
  const of = (name: string): Event[] => events.filter((e) => e.name === name);
  expect(
    of("connectivity:connection_state_updated").map(({ data }) => `${String(data["new"])}`),
  ).toEqual(["SYN-SENT", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED"]);
  const sent = of("transport:packet_sent");
  expect(sent[0]!.data.header).toMatchObject({
    packet_type: "tcp",
    packet_number: 1,
    flags: ["SYN"],
    seq: 0,
    options: { mss: 1460, sack_permitted: true, window_scale: 7 },
  });
  expect(sent[1]!.data.header).toMatchObject({ flags: ["ACK"], seq: 1, ack: 1 });
  expect(sent.map(({ data }) => data.header["packet_number"])).toEqual(sent.map((_, i) => i + 1));
  const lost = of("recovery:packet_lost");
  expect(lost.map(({ data }) => [data.header["seq"], data.raw["payload_length"]])).toEqual([
    [5841, 1460],
  ]);
  const again = sent.filter(({ data }) => data["is_retransmission"] === true);
  expect(again.map(({ data }) => data.header["seq"])).toEqual([5841]);
  expect(again[0]!.time).toBeGreaterThanOrEqual(lost[0]!.time);
  expect(of("recovery:congestion_state_updated").map(({ data }) => data["new"])).toEqual([
    "recovery",
    "open",
  ]);
  const windows = of("recovery:metrics_updated").map(({ data }) => data["congestion_window"]);
  expect(windows).toContain(10 * 1460);
  const sacks = of("transport:packet_received").flatMap(({ data }) => {
    const { sack } = (data.header["options"] ?? {}) as { sack?: number[][] };
    return sack ?? [];
  });
  expect(sacks[0]).toEqual([7301, 8761]);
});

test("a log ends with its connection, and another connection has another", () => {
  const logs = transfer();
  expect(logs.ended).toEqual([MINE]);
  expect([...logs.texts.keys()]).toEqual([MINE, "192.0.2.1:50001 192.0.2.2:80"]);
  const { events } = logs.of(MINE);
  expect(events.at(-1)).toMatchObject({
    name: "connectivity:connection_closed",
    data: { trigger: "2 MSL over" },
  });
});

test("the same run gives the same log", () => {
  expect([...transfer().texts.values()]).toEqual([...transfer().texts.values()]);
});

test("a segment that is lost again is told again", () => {
  const logs = new Logs();
  const wire = new TwoStacks({ lose: (a, _s, n) => a === "A" && n >= 2 });
  wire.a.stack.watch(qlogTrace(logs.open, null));
  wire.established();
  wire.a.endpoint!.send(new Uint8Array(1000));
  wire.runs(3000);
  const { events } = logs.of(MINE);
  const lost = events.filter(({ name }) => name === "recovery:packet_lost");
  const timeouts = events.filter(({ data }) => data["timer_type"] === "retransmit");
  expect(timeouts.length).toBeGreaterThan(2);
  expect(lost).toHaveLength(timeouts.length);
  for (const { data } of lost) expect(data.header["seq"]).toBe(1);
});

test("of a running stack into a folder: a file for each connection, none written over", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tuntcp-qlog-"));
  const [a, b] = createPair();
  const client = createStack({ device: a, address: "192.0.2.1/24" });
  const server = createStack({ device: b, address: "192.0.2.2/24" });
  const logs = new QlogFolder(join(folder, "new"));
  const end = qlog(client, logs.open);
  try {
    const listening = server.net.createServer((socket) =>
      socket.on("error", () => {}).end("hello"),
    );
    listening.listen(80);
    for (let i = 0; i < 2; i++) {
      const socket = client.net.connect({ port: 80, host: "192.0.2.2", localPort: 50000 + i });
      await once(socket.resume(), "close");
    }
    listening.close();
  } finally {
    await client.close();
    await server.close();
    end();
    logs.close();
  }
  const names = readdirSync(join(folder, "new")).toSorted();
  expect(names).toEqual([
    "192.0.2.1_50000-192.0.2.2_80.sqlog",
    "192.0.2.1_50001-192.0.2.2_80.sqlog",
  ]);
  for (const name of names) {
    const { header, events } = parse(readFileSync(join(folder, "new", name), "utf8"));
    const { trace } = header as { trace: { common_fields: { reference_time: object } } };
    expect(trace.common_fields.reference_time).toHaveProperty("wall_clock_time");
    expect(events.some(({ data }) => data["new"] === "ESTABLISHED")).toBe(true);
  }
  const more = new QlogFolder(join(folder, "new"));
  more.open("192.0.2.1:50000", "192.0.2.2:80");
  more.close();
  expect(readdirSync(join(folder, "new"))).toContain("192.0.2.1_50000-192.0.2.2_80-2.sqlog");
  rmSync(folder, { recursive: true });
});
