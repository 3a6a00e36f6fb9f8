// A bad network between two of the kernel's stacks: relay.mjs NAME1 NAME2 SPEC. Opens two TUNs without offload and carries packets from
// one to the other through the impairments of SPEC ("out" is from NAME2 to NAME1). Says "open" when both are there;
// after a line on its stdin carries packets and says "ready"; ends with its stdin.
const [one, two, text] = process.argv.slice(2);
const dist = new URL("../../dist/", import.meta.url);
const { openTun } = await import(new URL("index.js", dist));
const { impairDevice } = await import(new URL("devices/impair.js", dist));
const { parseImpairment } = await import(new URL("devices/impairment-spec.js", dist));
const { forwardPacket } = await import(new URL("devices/buffered-sender.js", dist));
const { systemClock } = await import(new URL("runtime/system.js", dist));

const spec = parseImpairment(text);
if (typeof spec === "string") throw new Error(spec);
const near = impairDevice(openTun({ name: one, offload: "off" }), spec, { clock: systemClock });
const far = openTun({ name: two, offload: "off" });

function carry(from, to) {
  from.start({
    onPacket: (buffer, offset, length) => {
      forwardPacket(to, buffer, offset, length, false, 0, null);
      return null;
    },
    onBatchEnd: () => to.flush(),
    onDeviceLost: (error) => {
      process.stderr.write(`${error.message}\n`);
      process.exit(1);
    },
  });
}
process.stdout.write("open\n");
process.stdin.once("data", () => {
  carry(near, far);
  carry(far, near);
  process.stdout.write("ready\n");
});
process.stdin.on("end", () => process.exit(0));
