/** Requests one after the other over one connection, each answered when it has come whole. Counts the bytes of answers. */
import type { Endpoint } from "../../tcp/endpoint.ts";
import type { FlowStats } from "../flow-stats.ts";
import type { RequestPlan } from "../plan.ts";
import { Flow, type FlowWorld } from "./flow.ts";
import { Pump } from "./pump.ts";

export class RequestFlow extends Flow {
  private readonly plan: RequestPlan;
  private readonly asks = new Pump();
  private readonly answers = new Pump();
  /** Bytes still to come of the request, and of the answer, under way. */
  private requestLeft = 0;
  private answerLeft = 0;
  private made = 0;
  private askedAt = 0;
  private thinking = false;

  constructor(plan: RequestPlan, stats: FlowStats, world: FlowWorld) {
    super(stats, world);
    this.plan = plan;
    this.requestLeft = plan.request;
  }

  protected override opened(): void {
    this.client!.setNoDelay(this.plan.noDelay);
    this.ask();
  }

  private ask(): void {
    this.thinking = false;
    this.made++;
    this.askedAt = this.now;
    this.answerLeft = this.plan.response;
    this.asks.left = this.plan.request;
    if (this.client!.state === "ESTABLISHED") this.asks.run(this.client!);
  }

  protected override onClient(endpoint: Endpoint): void {
    for (let chunk = endpoint.receive(); chunk !== null; chunk = endpoint.receive()) {
      this.stats.received(chunk.length, this.now);
      this.answerLeft -= chunk.length;
    }
    if (endpoint.state !== "ESTABLISHED") return;
    this.asks.run(endpoint);
    if (this.answerLeft > 0 || this.thinking) return;
    this.stats.answered(this.askedAt, this.now);
    if (this.stopped || this.made === this.plan.count) {
      this.finish(endpoint);
      return;
    }
    this.thinking = true;
    this.wakeIn(this.span(this.plan.think, this.plan.random));
  }

  private finish(endpoint: Endpoint): void {
    this.stats.ends("done", this.now);
    endpoint.close();
  }

  protected override onServer(endpoint: Endpoint): void {
    if (this.stats.sender !== (endpoint as unknown)) {
      this.stats.shows(endpoint);
      endpoint.setNoDelay(this.plan.noDelay);
    }
    for (let chunk = endpoint.receive(); chunk !== null; chunk = endpoint.receive()) {
      this.requestLeft -= chunk.length;
    }
    if (this.requestLeft <= 0) {
      this.requestLeft += this.plan.request;
      this.answers.left += this.plan.response;
    }
    if (endpoint.atEnd && this.answers.left === 0) endpoint.close();
    else if (endpoint.state === "ESTABLISHED" || endpoint.state === "CLOSE-WAIT") {
      this.answers.run(endpoint);
    }
  }

  protected override wake(): void {
    if (!this.stopped) this.ask();
  }

  /** The answer under way is waited for. */
  protected override stop(): void {
    if (this.thinking && this.client !== null) this.finish(this.client);
  }
}
