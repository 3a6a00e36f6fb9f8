/** Whether tests run at the sizes of the long gate, and what they tell its report. */

/** The sizes of the long gate instead of those of every day. */
export const FULL: boolean = process.env["TUNTCP_FULL"] === "1";

/** A row of the gate's report; nothing in an everyday run. */
export function figure(name: string, value: string): void {
  if (FULL) console.log(`figure: ${name} = ${value}`);
}

/** What a long test is at: the gate shows the last such line. */
export function progress(line: string): void {
  if (FULL) console.log(line);
}

/** Seconds that this process has computed: what a machine of many does beside does not count. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
