/**
 * The parts of scripts/gate. Each has a name, the minutes it takes on two cores, how many of these it keeps busy, and
 * its commands; `tun` says that it needs root and /dev/net/tun. What a command prints as `figure: NAME = VALUE` gets a row
 * in the report, as do the tests of vitest that failed or took a second.
 */

/** Test files at full size; `minutes` is what one test may take. */
function vitest(filters, minutes = 15) {
  const argv = ["npx", "vitest", "run", ...filters, `--testTimeout=${minutes * 60_000}`];
  return { argv, env: { TUNTCP_FULL: "1" }, vitest: true };
}

function command(...argv) {
  return { argv, env: {} };
}

function bench(label, ...options) {
  return { argv: ["scripts/bench", "--json", ...options], env: {}, tables: (o) => rates(label, o) };
}

/** The table out of what `tuntcp bench --json` prints. */
function rates(label, output) {
  const at = output.indexOf("{");
  if (at < 0) return [];
  const { rows, tun } = JSON.parse(output.slice(at));
  const digits = { "Gbit/s": 1, "%": 3 };
  const text = (s, unit) => (s === null ? "" : s.rate.toFixed(digits[unit] ?? 0));
  return [
    {
      title: `${label}; the largest read of the TUN had ${tun.largestRead} bytes`,
      header: ["figure", "ours", "Node on the kernel's loopback", "unit"],
      rows: rows.map((r) => [r.what, text(r.ours, r.unit), text(r.kernel, r.unit), r.unit]),
    },
  ];
}

export const PARTS = [
  {
    name: "test",
    what: "everything that scripts/test does",
    minutes: 5,
    cores: 2,
    tun: true,
    steps: [command("scripts/test")],
  },
  {
    name: "demo",
    what: "the demo through a TUN",
    minutes: 1,
    cores: 2,
    tun: true,
    steps: [command("scripts/demo")],
  },
  {
    name: "full",
    what: "transfers of 1 GiB, 2,000 curls and what else goes through a TUN",
    minutes: 2,
    cores: 2,
    tun: true,
    steps: [vitest(["test/interop"])],
  },
  {
    name: "package",
    what: "npm pack in a fresh clone, installed into an empty project without scripts, and the API reference",
    minutes: 2,
    cores: 1,
    tun: true,
    steps: [vitest(["test/package"])],
  },
  {
    name: "register",
    what: "real packages on Node 20, 24 and 26 through tuntcp/register, and 100,000 short connections",
    minutes: 3,
    cores: 2,
    tun: true,
    steps: [
      command("bash", "-c", ". scripts/setup.sh && setup_nodes 24.21.0 26.10.0"),
      vitest(["test/register"]),
    ],
  },
  {
    name: "hostile",
    what: "every hostile peer, at full size",
    minutes: 10,
    cores: 2,
    tun: true,
    steps: [vitest(["test/hostile"])],
  },
  {
    name: "load",
    what: "a million SYNs of a flood, 20,000 sockets of the kernel, 100,000 idle connections",
    minutes: 3,
    cores: 2,
    tun: true,
    // one after the other: clients that wait are timed
    steps: [
      vitest(["test/load/syn-flood.test.ts"]),
      vitest(["test/load/kernel-sockets.test.ts"]),
      vitest(["test/load/cookies.test.ts", "test/load/idle.test.ts"]),
    ],
  },
  {
    name: "soak",
    what: "a million lives of connections in a day of virtual time",
    minutes: 4,
    cores: 1,
    steps: [vitest(["test/soak/lives.test.ts"], 40)],
  },
  {
    name: "days",
    what: "twenty connections for fifty days of virtual time",
    minutes: 3,
    cores: 1,
    steps: [vitest(["test/soak/days.test.ts"], 40)],
  },
  {
    name: "statistics",
    what: "chi-square of ISNs, ports and identifications",
    minutes: 1,
    cores: 1,
    steps: [vitest(["test/stack/statistics.test.ts"])],
  },
  {
    name: "mutants",
    what: "small faults put into the source, each of which a test must notice",
    minutes: 5,
    cores: 2,
    steps: [command("npm", "run", "--silent", "mutants")],
  },
  {
    name: "drill",
    what: "every wrong variant of the scripts of test/drill/scripts",
    minutes: 2,
    cores: 1,
    tun: false,
    steps: [vitest(["test/drill"])],
  },
  {
    name: "planted",
    what: "30 bugs put into the source, of which the fuzzer finds 25 within a minute each on one core",
    minutes: 8,
    cores: 2,
    steps: [command("node", "scripts/planted.mjs", "--seconds", "60")],
  },
  {
    name: "kernel-oracle",
    what: "10,000 sequences answered by the kernel and by the stack, each difference with a name",
    minutes: 1,
    cores: 2,
    tun: true,
    steps: [vitest(["test/tools/fuzz/kernel.test.ts"])],
  },
  {
    name: "fuzz",
    what: "10^8 inputs through the parsers, 10^6 sequences through the machine, branches reached, replay on newer Nodes",
    minutes: 12,
    cores: 2,
    steps: [
      vitest(["test/fuzz"], 20),
      command("node", "scripts/coverage/coverage.mjs", "--runs", "60000"),
    ],
  },
  {
    name: "transfers",
    what: "300 transfers over bad networks, by their SHA-256",
    minutes: 8,
    cores: 2,
    tun: true,
    steps: [vitest(["test/beside/transfers.test.ts"])],
  },
  {
    name: "beside",
    what: "goodput over bad networks beside the kernel's own",
    minutes: 12,
    cores: 2,
    tun: true,
    steps: [vitest(["test/beside/goodput.test.ts"])],
  },
  {
    name: "sim",
    what: "the simulator against models, its golden runs on newer Nodes, and pictures of a million marks",
    minutes: 7,
    cores: 2,
    steps: [vitest(["test/sim", "test/tools/pictures"])],
  },
  {
    name: "bench",
    what: "scripts/bench with offload and without, at two MTUs",
    minutes: 6,
    cores: 2,
    tun: true,
    steps: [
      bench("offload, MTU 1500"),
      bench("no offload, MTU 1500", "--offload", "off", "--metrics", "up1,up8,down1,down8"),
      bench("no offload, MTU 9000", "--offload", "off", "--mtu", "9000", "--metrics", "up1,down1"),
    ],
  },
];
