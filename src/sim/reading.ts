/** Reads plain data field by field; the first mistake ends it with one line: where, what is expected, what name may be meant. */
import { nearest } from "../base/nearest.ts";
import { EXAMPLE, type Kind, quantityOf } from "../netem/quantity.ts";

/** One line: field, what is there, what is expected. The file's name is put before it by who knows it. */
export class ScenarioError extends Error {
  constructor(line: string) {
    super(line);
    this.name = "ScenarioError";
  }
}

/** In plain ASCII and short, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  const text = JSON.stringify(value) ?? String(value);
  const short = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  return short.replaceAll(/[^ -~]/g, "?");
}

export function refuse(field: string, value: unknown, expected: string): never {
  const at = field === "" ? "" : `${field}: `;
  throw new ScenarioError(`${at}expected ${expected}, found ${shown(value)}`);
}

/** One object of the scenario; remembers which of its names were asked for. */
export class Reader {
  readonly path: string;
  private readonly data: Readonly<Record<string, unknown>>;
  private readonly known: string[] = [];

  constructor(path: string, value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      refuse(path, value, "an object");
    }
    this.path = path;
    this.data = value as Record<string, unknown>;
  }

  field(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }

  get(name: string): unknown {
    this.known.push(name);
    return Object.hasOwn(this.data, name) ? this.data[name] : undefined;
  }

  text(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined || typeof value === "string") return value;
    return refuse(this.field(name), value, "a text");
  }

  name(name: string): string | undefined {
    const value = this.text(name);
    if (value !== undefined) checkName(this.field(name), value);
    return value;
  }

  needed<T>(name: string, value: T | undefined): T {
    if (value === undefined) throw new ScenarioError(`${this.field(name)}: is missing`);
    return value;
  }

  flag(name: string, otherwise: boolean): boolean {
    const value = this.get(name);
    if (value === undefined) return otherwise;
    return typeof value === "boolean" ? value : refuse(this.field(name), value, "true or false");
  }

  quantity(name: string, kind: Kind): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const parsed = quantityOf(value, kind);
    return parsed ?? refuse(this.field(name), value, `a value such as ${shown(EXAMPLE[kind])}`);
  }

  /** A whole number, which may be "64kb" where bytes are meant. */
  whole(
    name: string,
    least: number,
    most: number,
    kind: "count" | "size" = "count",
  ): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const number = typeof value === "number" ? value : quantityOf(value, kind);
    if (number !== null && Number.isInteger(number) && number >= least && number <= most) {
      return number;
    }
    const unit = kind === "size" ? " bytes" : "";
    return refuse(this.field(name), value, `a whole number from ${least} to ${most}${unit}`);
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.get(name);
    if (value === undefined || Array.isArray(value)) return value;
    return refuse(this.field(name), value, "a list");
  }

  /** To be called when all known names were asked for. */
  done(): void {
    for (const name of Object.keys(this.data)) {
      if (this.known.includes(name)) continue;
      const near = nearest(name, this.known);
      throw new ScenarioError(
        `${this.field(name)}: is not known; did you mean ${shown(near)}? (${this.known.join(", ")})`,
      );
    }
  }
}

/** Names of hosts, routers, flows and parameters: they stand in files, tables and on the command line. */
export function checkName(field: string, value: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}$/.test(value)) {
    refuse(field, value, "a name of letters, digits, _ . and -");
  }
}
