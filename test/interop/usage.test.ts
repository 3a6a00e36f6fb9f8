/** What a user gets wrong: one line that says it, exit code 2, and nothing left behind. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle, World } from "./support/world.ts";

interface Mistake {
  readonly what: string;
  readonly args: readonly string[];
  readonly says: RegExp;
}

const MISTAKES: readonly Mistake[] = [
  { what: "an unknown service", args: ["serve", "gopher:70"], says: /gopher.*http/ },
  { what: "port 0", args: ["serve", "http:0"], says: /http:0.*1 to 65535/ },
  { what: "a port beyond 65535", args: ["serve", "http:65536"], says: /65535/ },
  { what: "a port twice", args: ["serve", "http:80", "echo:80"], says: /twice/ },
  { what: "a bad address", args: ["serve", "--address", "192.0.2.256/24"], says: /--address/ },
  { what: "an address without length", args: ["serve", "--address", "192.0.2.2"], says: /prefix/ },
  { what: "a bad host", args: ["serve", "--host", "example"], says: /--host example/ },
  { what: "a host elsewhere", args: ["serve", "--host", "198.51.100.1"], says: /not within/ },
  { what: "an MTU below 68", args: ["serve", "--mtu", "67"], says: /--mtu 67.*68/ },
  { what: "an MTU in words", args: ["serve", "--mtu", "big"], says: /--mtu big/ },
  { what: "an unknown impairment", args: ["serve", "--impair", "los=1%"], says: /--impair.*los/ },
  { what: "a loss beyond all", args: ["serve", "--impair", "loss=101%"], says: /--impair.*loss/ },
  {
    what: "an unknown setting",
    args: ["serve", "--set", "tcp_keepalive_tim=3"],
    says: /tcp_keepalive_tim.*tcp_keepalive_time/,
  },
  {
    what: "a setting with a bad value",
    args: ["serve", "--set", "tcp_sack=maybe"],
    says: /tcp_sack/,
  },
  {
    what: "tcp_tw_recycle",
    args: ["serve", "--set", "tcp_tw_recycle=1"],
    says: /tcp_tw_recycle.*(NAT|Linux)/,
  },
  {
    what: "files of a folder that is not there",
    args: ["serve", "files:81:/nowhere/at/all"],
    says: /\/nowhere\/at\/all/,
  },
  { what: "no workers", args: ["serve", "--workers", "0"], says: /--workers 0.*1 to 64/ },
  { what: "workers in words", args: ["serve", "--workers", "all"], says: /--workers all/ },
  {
    what: "a capture of several workers",
    args: ["serve", "--workers", "2", "--capture", "x.pcapng"],
    says: /--capture.*one worker/,
  },
  {
    what: "iperf3 on several workers",
    args: ["serve", "iperf3:5201", "--workers", "2"],
    says: /iperf3.*one worker/,
  },
  { what: "an unknown option", args: ["serve", "--fast"], says: /--fast/ },
  { what: "an unknown command", args: ["server"], says: /server/ },
  { what: "nc without a port", args: ["nc", "192.0.2.1"], says: /HOST and PORT/ },
  { what: "nc with a port in words", args: ["nc", "192.0.2.1", "web"], says: /web/ },
  { what: "nc with a time of nothing", args: ["nc", "-w", "0", "192.0.2.1", "7"], says: /-w 0/ },
];

describe.skipIf(obstacle() !== null)("a mistake on the command line", () => {
  let world: World;

  beforeAll(() => {
    world = new World();
  });
  afterAll(async () => await world.remove());

  /** What users see of the TUN; the queueing discipline stays once the link was up, and is nobody's setting. */
  const facts = (): unknown => {
    const text = world.namespace.ip("-j", "addr", "show", "dev", "tuntcp0");
    const [link] = JSON.parse(text) as Record<string, unknown>[];
    return { ...link, qdisc: null };
  };

  it.each(MISTAKES)("$what is said in one line, and exits with 2", async ({ args, says }) => {
    const { code, stdout, stderr } = await world.tuntcp(args, "").outcome;
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^tuntcp: [^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(world.links()).toEqual([]);
  });

  it("a capture that cannot be written is said in one line, exits with 2 and leaves no TUN", async () => {
    const path = world.path("no/such/folder/x.pcapng");
    const { code, stderr } = await world.tuntcp(["serve", "--capture", path], "").outcome;
    expect(stderr).toMatch(/^tuntcp: [^\n]*--capture [^\n]*x\.pcapng[^\n]+\n$/);
    expect(code).toBe(2);
    expect(world.links()).toEqual([]);
  });

  it("a capture that cannot be written leaves a TUN that was there as it was", async () => {
    world.namespace.ip("tuntap", "add", "dev", "tuntcp0", "mode", "tun");
    const before = facts();
    writeFileSync(world.path("file"), "");
    const path = world.path("file/x.pcapng");
    const { code } = await world.tuntcp(["serve", "--capture", path], "").outcome;
    expect(code).toBe(2);
    expect(facts()).toEqual(before);
    world.namespace.ip("link", "del", "tuntcp0");
  });

  it("an address that the machine has already is refused before anything is made", async () => {
    world.namespace.ip("addr", "add", "192.0.2.2/32", "dev", "lo");
    const { code, stderr } = await world.tuntcp(["serve"], "").outcome;
    expect(stderr).toMatch(/^tuntcp: 192\.0\.2\.2 belongs to lo [^\n]+\n$/);
    expect(code).toBe(1);
    expect(world.links()).toEqual([]);
    world.namespace.ip("addr", "del", "192.0.2.2/32", "dev", "lo");
  });
});
