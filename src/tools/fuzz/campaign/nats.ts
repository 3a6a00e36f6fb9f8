/**
 * NATS JetStream as the board of a campaign: one stream keeps what is put down, one message a subject, where the first stays;
 * one hands out the jobs, each to one worker, and again to another when that one falls silent. While the broker is away
 * everything waits for it. The packages are the user's to install, and loaded only when a broker is asked for.
 */
import type { Consumer, JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { setTimeout as sleep } from "node:timers/promises";
import { LoadError, type LoadPackage, loadTwoPackages } from "../../load-module/index.ts";
import type { NatsAddress } from "./address.ts";
import type { Board, Claim, ObjectKind } from "./board.ts";

export interface NatsOptions {
  /** ms of silence after which a job goes to another worker. */
  readonly lostAfter: number;
  readonly say: (line: string) => void;
}

interface Packages {
  readonly transport: typeof import("@nats-io/transport-node");
  readonly jetstream: typeof import("@nats-io/jetstream");
}

/** ms to wait for a broker that does not answer at all, when we come. */
const PATIENCE = 5000;
/** ms for one answer. */
const ANSWER = 2000;
/** ms between two tries while the broker is away. */
const AGAIN = 250;
/** ms to wait for a job to be handed out. */
const HAND_OUT = 1000;
/** ms for the broker to hear that we go. */
const FAREWELL = 1000;
/** JSStreamStoreFailed: among other things, that the subject has its message. */
const STORE_FAILED = 10077;
const UNAVAILABLE = 503;

/** Throws a LoadError that says what to install. */
export async function loadPackages(load?: LoadPackage): Promise<Packages> {
  const packages = ["@nats-io/transport-node@3.3.1", "@nats-io/jetstream@3.3.1"] as const;
  const [transport, jetstream] = await loadTwoPackages("--campaign nats://…", packages, load);
  return { transport, jetstream } as Packages;
}

/** Throws a LoadError where there is no broker with JetStream. */
export async function openNats(address: NatsAddress, options: NatsOptions): Promise<Board> {
  const packages = await loadPackages();
  const { server, shown, user, pass, tls } = address;
  let connection: NatsConnection;
  try {
    connection = await packages.transport.connect({
      servers: server,
      timeout: PATIENCE,
      maxReconnectAttempts: -1,
      reconnectTimeWait: AGAIN,
      ...(user === undefined ? {} : { user }),
      ...(pass === undefined ? {} : { pass }),
      ...(tls ? { tls: {} } : {}),
    });
  } catch (error) {
    throw new LoadError(`--campaign ${shown}: no NATS server to work with (${reason(error)})`);
  }
  try {
    const manager = await packages.jetstream.jetstreamManager(connection, { timeout: ANSWER });
    const board = new NatsBoard(address, options, packages, connection, manager);
    await board.prepare();
    return board;
  } catch (error) {
    await connection.close();
    throw new LoadError(`--campaign ${shown}: no JetStream to work with (${reason(error)})`);
  }
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? code : message;
}

class NatsBoard implements Board {
  readonly shown: string;
  readonly pause: number = 50;
  private readonly kept: string;
  private readonly handed: string;
  private readonly lostAfter: number;
  private readonly packages: Packages;
  private readonly connection: NatsConnection;
  private readonly manager: JetStreamManager;
  private readonly client: JetStreamClient;
  private consumer: Consumer | null = null;
  /** Rounds whose jobs this worker has put up. */
  private readonly offered: Set<number> = new Set();
  private closed = false;

  constructor(
    address: NatsAddress,
    options: NatsOptions,
    packages: Packages,
    connection: NatsConnection,
    manager: JetStreamManager,
  ) {
    this.shown = address.shown;
    this.kept = `tuntcp-fuzz-${address.name}`;
    this.handed = `${this.kept}-jobs`;
    this.lostAfter = options.lostAfter;
    this.packages = packages;
    this.connection = connection;
    this.manager = manager;
    this.client = packages.jetstream.jetstream(connection, { timeout: ANSWER });
    void this.announce(options.say);
  }

  /** Makes what is not there yet. */
  async prepare(): Promise<void> {
    const { AckPolicy, DiscardPolicy, RetentionPolicy, StorageType } = this.packages.jetstream;
    // the first message of a subject stays, and others are refused: what is put down twice counts once
    const first = {
      storage: StorageType.File,
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      discard_new_per_subject: true,
    };
    await this.make(this.kept, { ...first, retention: RetentionPolicy.Limits });
    await this.make(this.handed, { ...first, retention: RetentionPolicy.Workqueue });
    await this.manager.consumers.add(this.handed, {
      durable_name: "workers",
      ack_policy: AckPolicy.Explicit,
      ack_wait: this.lostAfter * 1e6,
      max_deliver: -1,
      max_ack_pending: -1,
    });
  }

  async open(specification: string | null): Promise<string | null> {
    if (specification !== null) {
      await this.putOnce(`${this.kept}.specification`, Buffer.from(specification));
    }
    const stands = await this.read(`${this.kept}.specification`);
    return stands === null ? null : Buffer.from(stands).toString();
  }

  async claim(round: number, jobs: number): Promise<Claim | null> {
    await this.offer(round, jobs);
    const message = await this.persist(async () => {
      this.consumer ??= await this.client.consumers.get(this.handed, "workers");
      return this.consumer.next({ expires: HAND_OUT });
    });
    if (message === null) return null;
    const [of, job] = message.subject.split(".").slice(-2).map(Number) as [number, number];
    if (of === round) return this.claimOf(message, job);
    // put up once more, by a worker that came late, for a round that is over
    message.ack();
    return null;
  }

  async put(kind: ObjectKind, digest: string, data: Uint8Array): Promise<void> {
    await this.putOnce(`${this.kept}.${kind}.${digest}`, data);
  }

  async get(kind: ObjectKind, digest: string): Promise<Uint8Array> {
    const data = await this.read(`${this.kept}.${kind}.${digest}`);
    if (data === null) throw new Error(`${this.shown}: ${kind} ${digest} is gone`);
    return data;
  }

  async putOutcome(round: number, job: number, data: Uint8Array): Promise<void> {
    await this.putOnce(`${this.kept}.outcome.${round}.${job}`, data);
  }

  async outcomes(round: number): Promise<Map<number, Uint8Array>> {
    const subjects = `${this.kept}.outcome.${round}.*`;
    const { state } = await this.persist(() =>
      this.manager.streams.info(this.kept, { subjects_filter: subjects }),
    );
    const found = new Map<number, Uint8Array>();
    for (const subject of Object.keys(state.subjects ?? {})) {
      const data = await this.read(subject);
      if (data !== null) found.set(Number(subject.split(".").at(-1)), data);
    }
    return found;
  }

  async close(): Promise<void> {
    this.closed = true;
    // what was said last, unless nobody listens
    await Promise.race([this.connection.flush().catch(() => {}), sleep(FAREWELL)]);
    await this.connection.close();
  }

  private async make(name: string, config: object): Promise<void> {
    await this.manager.streams.add({ name, subjects: [`${name}.>`], ...config });
  }

  private async offer(round: number, jobs: number): Promise<void> {
    if (this.offered.has(round)) return;
    for (let job = 0; job < jobs; job++) {
      await this.putOnce(`${this.handed}.${round}.${job}`, new Uint8Array(0));
    }
    this.offered.add(round);
  }

  private async putOnce(subject: string, data: Uint8Array): Promise<void> {
    await this.persist(async () => {
      try {
        await this.client.publish(subject, data, { timeout: ANSWER });
      } catch (error) {
        const { JetStreamApiError } = this.packages.jetstream;
        const stands = error instanceof JetStreamApiError && error.code === STORE_FAILED;
        if (!stands || !/maximum messages per subject/.test(error.message)) throw error;
      }
    });
  }

  private async read(subject: string): Promise<Uint8Array | null> {
    const message = await this.persist(() =>
      this.manager.streams.getMessage(this.kept, { last_by_subj: subject }),
    );
    return message?.data ?? null;
  }

  private claimOf(message: JsMsg, job: number): Claim {
    return {
      job,
      keep: () => Promise.resolve(message.working()),
      // an answer that is lost with a broker costs one more look: the outcome stands
      done: () => Promise.resolve(message.ack()),
      giveBack: () => Promise.resolve(message.nak()),
    };
  }

  /** Again and again while the broker does not answer. */
  private async persist<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (this.closed || !this.isAway(error)) throw error;
        await sleep(AGAIN);
      }
    }
  }

  private isAway(error: unknown): boolean {
    const { ConnectionError, NoRespondersError, RequestError, TimeoutError } =
      this.packages.transport;
    const { JetStreamApiError, JetStreamError } = this.packages.jetstream;
    if (error instanceof JetStreamApiError) return error.status === UNAVAILABLE;
    return [ConnectionError, NoRespondersError, RequestError, TimeoutError, JetStreamError].some(
      (kind) => error instanceof kind,
    );
  }

  /** Says once that the broker is away, and once that it is back. */
  private async announce(say: (line: string) => void): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect" && !this.closed) say(`${this.shown} is away; waiting for it`);
      if (type === "reconnect") say(`${this.shown} is back`);
    }
  }
}
