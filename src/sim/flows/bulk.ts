/** As much as TCP carries, from the one who opens to the other. */
import type { Endpoint } from "../../tcp/endpoint.ts";
import type { FlowStats } from "../flow-stats.ts";
import type { BulkPlan } from "../plan.ts";
import { Flow, type FlowWorld } from "./flow.ts";
import { firstWrong, Pump } from "./pump.ts";

export class BulkFlow extends Flow {
  private readonly plan: BulkPlan;
  private readonly pump = new Pump();

  constructor(plan: BulkPlan, stats: FlowStats, world: FlowWorld) {
    super(stats, world);
    this.plan = plan;
    this.pump.left = plan.bytes;
  }

  protected override opened(): void {
    this.stats.shows(this.client!);
  }

  protected override onClient(endpoint: Endpoint): void {
    if (endpoint.state !== "ESTABLISHED") return;
    if (this.pump.run(endpoint)) endpoint.shutdown();
  }

  protected override onServer(endpoint: Endpoint): void {
    const { stats } = this;
    for (let chunk = endpoint.receive(); chunk !== null; chunk = endpoint.receive()) {
      if (this.plan.verify && stats.outcome === "") {
        const wrong = firstWrong(chunk, stats.bytes);
        if (wrong >= 0) stats.ends(`byte ${stats.bytes + wrong} is wrong`, this.now);
      }
      stats.received(chunk.length, this.now);
    }
    if (!endpoint.atEnd || stats.over >= 0) return;
    const missing = this.stopped ? 0 : this.plan.bytes - stats.bytes;
    stats.ends(missing === 0 ? "done" : `${missing} bytes are missing`, this.now);
    endpoint.close();
  }

  protected override wake(): void {}

  protected override stop(): void {
    this.pump.left = 0;
    this.client?.shutdown();
  }
}
