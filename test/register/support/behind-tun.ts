/** A namespace in which programs run behind a TUN with the kernel's TCP as their peer. */
import type { Running } from "../../interop/support/world.ts";
import { World } from "../../interop/support/world.ts";
import { PRELOADED, WATCHED } from "./programs.ts";

export class BehindTun extends World {
  readonly #env: readonly string[];

  constructor(env: Readonly<Record<string, string>> = {}) {
    super();
    this.#env = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  }

  /** A program on the stack that has no business with the kernel's TCP: a use of it is said on standard error. */
  onStack(node: string, argv: readonly string[], ...env: string[]): Running {
    return this.start("env", [...this.#env, ...env, node, ...WATCHED, ...argv]);
  }

  /** A program on the stack that may use both. */
  onBoth(argv: readonly string[], ...env: string[]): Running {
    return this.start("env", [...this.#env, ...env, process.execPath, ...PRELOADED, ...argv]);
  }

  /** The same on the kernel. */
  onKernel(node: string, argv: readonly string[]): Running {
    return this.start("env", [...this.#env, node, ...argv]);
  }

  /** What runs its arguments in there. */
  get inside(): readonly string[] {
    return ["ip", "netns", "exec", this.namespace.name];
  }
}
