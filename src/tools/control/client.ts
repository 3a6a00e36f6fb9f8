/** Asks a running stack over its control socket. */
import { connect, type Socket } from "node:net";
import { readLines, writeLine } from "./lines.ts";

/** ms. */
const PATIENCE = 5000;
/** Bytes: 100,000 connections are some 100 MB. */
const LONGEST_ANSWER = 1 << 29;

export class ControlClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: Record<string, unknown>) => void>();
  readonly #listening = new Map<number, (told: unknown) => void>();
  #serial = 0;
  #gone: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const lost = (error: Error): void => {
      this.#gone = error;
      for (const settle of this.#waiting.values()) settle({ error: error.message });
      this.#waiting.clear();
    };
    socket.on("error", lost);
    socket.on("close", () => lost(new Error("the stack has ended")));
    const reader = {
      onValue: (value: unknown) => this.#take(value as Record<string, unknown>),
      onGarbage: (why: string) => socket.destroy(new Error(`what answers is no stack: ${why}`)),
    };
    readLines(socket, reader, LONGEST_ANSWER);
  }

  /** Rejects with the system's error where nothing answers. */
  static open(path: string): Promise<ControlClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new ControlClient(socket));
      });
    });
  }

  #take(value: Record<string, unknown>): void {
    const id = Number(value["id"]);
    if ("told" in value) {
      this.#listening.get(id)?.(value["told"]);
      return;
    }
    this.#waiting.get(id)?.(value);
    this.#waiting.delete(id);
  }

  /** As {@link ask}, and what is told later goes to `hear`, until this is closed. */
  listen<T>(what: string, parameters: object, hear: (told: unknown) => void): Promise<T> {
    this.#listening.set(this.#serial + 1, hear);
    return this.ask<T>(what, parameters);
  }

  /** Resolves when the stack has ended, or this is closed. */
  get gone(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) resolve();
      else this.#socket.once("close", () => resolve());
    });
  }

  ask<T>(what: string, parameters: object = {}): Promise<T> {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    const id = ++this.#serial;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error("the stack does not answer"));
      }, PATIENCE);
      this.#waiting.set(id, (answer) => {
        clearTimeout(timer);
        if (typeof answer["error"] === "string") reject(new Error(answer["error"]));
        else resolve(answer["ok"] as T);
      });
      writeLine(this.#socket, { ...parameters, id, do: what });
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
