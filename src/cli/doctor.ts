/** `tuntcp doctor`: what works on this machine, and what to do about what does not. */
import { spawnSync } from "node:child_process";
import type { Command } from "commander";
import { probeTun, TUN_NODE, type TunFacts, type TunTrial } from "../devices/probe.ts";
import { EXIT_MACHINE } from "./failure.ts";

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do; empty where nothing is to be done. */
  readonly cure: string;
}

export function registerDoctor(program: Command): void {
  program
    .command("doctor")
    .summary("say what works on this machine, and what to do about what does not")
    .description(
      "Says whether a TUN can be opened here and which offloads it has.\n\nExample: tuntcp doctor",
    )
    .option("--tun <name>", "also look at this device")
    .option("--json", "as JSON")
    .action((options: { tun?: string; json?: boolean }) => {
      const facts = probeTun(options.tun);
      const findings = examine(facts);
      const usable = facts.create.ok || facts.attach?.ok === true;
      process.stdout.write(
        options.json === true
          ? `${JSON.stringify({ usable, findings, facts }, null, 2)}\n`
          : report(findings, usable),
      );
      if (!usable) process.exitCode = EXIT_MACHINE;
    });
}

function examine(facts: TunFacts): Finding[] {
  const findings = [native(facts), node(facts), capability(facts)];
  findings.push(trial("a new TUN", facts.create, "see the lines above"));
  if (facts.attach !== null) {
    const cure = "choose another with --tun, or end the program that holds it";
    findings.push(trial("the named TUN", facts.attach, cure));
  }
  findings.push(
    tool("ip", "to configure the kernel's end", "install iproute2, or use --no-configure"),
    tool("unshare", "for --rootless", "install util-linux"),
  );
  return findings;
}

function native({ nativeLoaded: ok, nativeProblem }: TunFacts): Finding {
  const cure = ok ? "" : "install a C compiler and run: npm run build:native";
  return { what: "native layer", ok, detail: nativeProblem ?? "loaded", cure };
}

function node({ nodeExists, nodeAccessible }: TunFacts): Finding {
  if (!nodeExists)
    return { what: TUN_NODE, ok: false, detail: "missing", cure: "as root: modprobe tun" };
  const detail = nodeAccessible ? "readable and writable" : "not for this user";
  const cure = nodeAccessible ? "" : `as root: chmod 666 ${TUN_NODE}, or run as root`;
  return { what: TUN_NODE, ok: nodeAccessible, detail, cure };
}

function capability({ capNetAdmin }: TunFacts): Finding {
  const ok = capNetAdmin === true;
  const detail = ok ? "held" : capNetAdmin === null ? "cannot be known" : "not held";
  const cure = ok
    ? ""
    : "as root, once: ip tuntap add dev tuntcp0 mode tun user $USER; or use --rootless";
  return { what: "CAP_NET_ADMIN", ok, detail, cure };
}

function trial(what: string, t: TunTrial, cure: string): Finding {
  const detail = t.ok ? offloads(t) : (t.message ?? t.obstacle ?? "refused");
  return { what, ok: t.ok, detail, cure: t.ok ? "" : cure };
}

function tool(command: string, use: string, cure: string): Finding {
  const ok = spawnSync(command, ["-V"]).error === undefined;
  const detail = ok ? `there, ${use}` : `missing: it is used ${use}`;
  return { what: command, ok, detail, cure: ok ? "" : cure };
}

function offloads(trial: { checksum: boolean; tso: boolean }): string {
  if (trial.tso) return "opens, with checksum and segmentation offload";
  return trial.checksum ? "opens, with checksum offload" : "opens, without offload";
}

function report(findings: readonly Finding[], usable: boolean): string {
  const lines = findings.map(({ what, ok, detail, cure }) => {
    const line = `${ok ? "ok " : "no "} ${what.padEnd(16)} ${detail}`;
    return cure === "" ? line : `${line}\n    ${" ".repeat(16)} -> ${cure}`;
  });
  const end = usable
    ? "serve and nc will work here."
    : "serve and nc need a TUN, which cannot be had here; two stacks in one process still work.";
  return `${lines.join("\n")}\n${end}\n`;
}
