/**
 * A narrow link behind the kernel, in a namespace of its own: the kernel as a router says what fits, or a link swallows what
 * does not, and downloads through it end all the same.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Namespace } from "../support/tun.ts";
import { obstacle, STACK, World } from "./support/world.ts";

const ROUTER = "198.51.100.1";
const CLIENT = "198.51.100.2";
const NARROW = 1300;
const SIZE = 2 ** 22;

describe.skipIf(obstacle("curl", "sha256sum") !== null)("a path narrower than the link", () => {
  let world: World;
  let client: Namespace;
  let content: { path: string; sha256: string };

  beforeEach(() => {
    world = new World();
    client = new Namespace();
    content = world.content("content", SIZE);
    const veth = ["link", "add", "near", "type", "veth", "peer", "name", "far"];
    world.namespace.ip(...veth, "netns", client.name);
    world.namespace.exec("sysctl", "-qw", "net.ipv4.ip_forward=1");
    world.namespace.ip("address", "add", `${ROUTER}/24`, "dev", "near");
    client.ip("address", "add", `${CLIENT}/24`, "dev", "far");
    client.ip("link", "set", "far", "mtu", String(NARROW), "up");
    // as from a host that knows nothing of the narrow link: its SYN says 1460
    client.ip("route", "add", "192.0.2.0/24", "via", ROUTER, "advmss", "1460");
  });
  afterEach(async () => {
    await world.remove();
    await client.remove();
  });

  /** Fetches over the narrow link; the hash, and what the stack then says of such a connection. */
  async function fetch(nearMtu: number, ...options: string[]): Promise<string[]> {
    world.namespace.ip("link", "set", "near", "mtu", String(nearMtu), "up");
    const serve = await world.serve("http:80", `files:81:${world.folder}`, ...options);
    const from = ["netns", "exec", client.name];
    const script = `curl -sS -m 50 http://${STACK}:81/content | sha256sum`;
    const { stdout } = await world.run("ip", [...from, "bash", "-c", script]);
    const page = await world.run("ip", [...from, "curl", "-sS", `http://${STACK}/`]);
    expect((await serve.stop()).code).toBe(0);
    return [stdout.split(" ")[0]!, /path MTU (\d+)/.exec(page.stdout)?.[1] ?? page.stdout];
  }

  it.each(["auto", "off"])(
    "with messages the next connection begins with what fits, --offload %s [1191-3-REDUCE]",
    async (offload) => {
      // what one connection learns is its own stack's
      const options = ["--offload", offload, "--workers", "1"];
      expect(await fetch(NARROW, ...options)).toEqual([content.sha256, String(NARROW)]);
    },
    60_000,
  );

  it("with two workers a message finds its connection, whichever of them it comes to", async () => {
    world.namespace.ip("link", "set", "near", "mtu", String(NARROW), "up");
    const options = ["--set", "tcp_mtu_probing=0", "--workers", "2"];
    const serve = await world.serve(`files:81:${world.folder}`, ...options);
    const from = ["netns", "exec", client.name, "bash", "-c"];
    // eight ports, so that both workers have some; without the message none of them would end
    const script = `for i in 1 2 3 4 5 6 7 8; do curl -sS -m 20 http://${STACK}:81/content | sha256sum; done`;
    const { stdout } = await world.run("ip", [...from, script]);
    expect(stdout).toBe(`${content.sha256}  -\n`.repeat(8));
    expect((await serve.stop()).code).toBe(0);
  }, 180_000);

  it("without messages the black hole is found and the download ends [4821-7.7-HOLE]", async () => {
    const [sha256, pmtu] = await fetch(1500, "--offload", "off");
    expect(sha256).toBe(content.sha256);
    expect(pmtu).toBe("1500"); // nobody said anything
  }, 60_000);
});
