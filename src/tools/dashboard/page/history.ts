/** The samples of one connection since the page looks at it, as uPlot wants them: columns over time. */
import type { ConnectionFrame } from "../messages.ts";

/** ms that the graphs reach back. */
export const REACH = 60_000;

export const QUANTITIES = [
  "cwnd",
  "ssthresh",
  "inFlight",
  "window",
  "srtt",
  "sendRate",
  "receiveRate",
] as const;
export type Quantity = (typeof QUANTITIES)[number];

export class History {
  /** s of the stack's clock. */
  readonly times: number[] = [];
  readonly values: Readonly<Record<Quantity, (number | null)[]>> = {
    cwnd: [],
    ssthresh: [],
    inFlight: [],
    window: [],
    srtt: [],
    sendRate: [],
    receiveRate: [],
  };

  add({ at, connection, sendRate, receiveRate }: ConnectionFrame): void {
    if (connection === null) return;
    const { cwnd, ssthresh, inFlight, sndWnd, srtt } = connection;
    this.times.push(at / 1000);
    // before the first loss there is no threshold
    const limit = ssthresh >= 0x7fffffff ? null : ssthresh;
    const row = { cwnd, ssthresh: limit, inFlight, window: sndWnd, sendRate, receiveRate };
    const all = { ...row, srtt: srtt > 0 ? srtt : null };
    for (const quantity of QUANTITIES) this.values[quantity].push(all[quantity]);
    const old = this.times.findIndex((time) => time >= (at - REACH) / 1000);
    if (old < 50) return;
    this.times.splice(0, old);
    for (const quantity of QUANTITIES) this.values[quantity].splice(0, old);
  }
}
