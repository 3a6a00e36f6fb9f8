/** Sends for a while, is silent for a while, over one connection that stays. */
import type { Endpoint } from "../../tcp/endpoint.ts";
import type { FlowStats } from "../flow-stats.ts";
import type { OnOffPlan } from "../plan.ts";
import { Flow, type FlowWorld } from "./flow.ts";
import { Pump } from "./pump.ts";

/** Bytes of one write at a rate; of one segment. */
const PIECE = 1448;
/** ms between two writes at least. */
const STEP = 1;

export class OnOffFlow extends Flow {
  private readonly plan: OnOffPlan;
  private readonly pump = new Pump();
  private on = false;
  /** When this phase ends, ms. */
  private until = 0;
  private owed = 0;

  constructor(plan: OnOffPlan, stats: FlowStats, world: FlowWorld) {
    super(stats, world);
    this.plan = plan;
  }

  protected override opened(): void {
    this.stats.shows(this.client!);
    this.turn();
  }

  /** From one phase into the other. */
  private turn(): void {
    const { on, off, random, rate } = this.plan;
    this.on = !this.on;
    const span = this.span(this.on ? on : off, random);
    this.until = this.now + span;
    this.pump.left = this.on && rate === 0 ? Infinity : 0;
    this.owed = 0;
    this.wakeIn(this.on && rate > 0 ? Math.min(this.step, span) : span);
    this.push();
  }

  private get step(): number {
    return Math.max(STEP, (PIECE * 8000) / this.plan.rate);
  }

  private push(): void {
    const { client } = this;
    if (client !== null && client.state === "ESTABLISHED") this.pump.run(client);
  }

  protected override onClient(endpoint: Endpoint): void {
    if (this.stopped) {
      if (endpoint.state === "ESTABLISHED") endpoint.shutdown();
    } else {
      this.push();
    }
  }

  protected override onServer(endpoint: Endpoint): void {
    for (let chunk = endpoint.receive(); chunk !== null; chunk = endpoint.receive()) {
      this.stats.received(chunk.length, this.now);
    }
    if (!endpoint.atEnd) return;
    this.stats.ends("done", this.now);
    endpoint.close();
  }

  protected override wake(): void {
    if (this.stopped) return;
    if (this.now >= this.until) {
      this.turn();
      return;
    }
    this.owed += (this.plan.rate * this.step) / 8000;
    const whole = Math.floor(this.owed);
    this.owed -= whole;
    this.pump.left += whole;
    this.push();
    this.wakeIn(Math.min(this.step, this.until - this.now));
  }

  protected override stop(): void {
    this.pump.left = 0;
    this.client?.shutdown();
  }
}
