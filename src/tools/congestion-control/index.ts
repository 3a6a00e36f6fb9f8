/** A congestion controller of the user's: `--set tcp_congestion_control=./mine.ts`. docs/congestion-control.md tells how to write one. */
import { lineOf } from "../../base/errors.ts";
import { isModulePath } from "../../stack/sysctl.ts";
import type { Settings } from "../../tcp/config.ts";
import {
  type CongestionController,
  type ControllerKind,
  type ControllerOptions,
  NO_SSTHRESH,
} from "../../tcp/congestion/controller.ts";
import { loadModule, LoadError } from "../load-module/index.ts";

const NUMBERS = ["cwnd", "ssthresh"] as const;
const METHODS = ["onAck", "onLoss", "onTimeout"] as const;
const OPTIONAL = ["onEcn", "onRecoveryEnd", "undo", "onIdle", "onUnused", "onMss"] as const;

export interface LoadedSettings {
  readonly settings: Partial<Settings>;
  readonly congestionControls: readonly ControllerKind[];
}

/** Where `tcp_congestion_control` is a path, what it leads to, under its own name. Throws a {@link LoadError}. */
export async function loadSettings(settings: Partial<Settings>): Promise<LoadedSettings> {
  const file = settings.tcp_congestion_control;
  if (file === undefined || !isModulePath(file)) return { settings, congestionControls: [] };
  const kind = await loadCongestionControl(file);
  return {
    settings: { ...settings, tcp_congestion_control: kind.name },
    congestionControls: [kind],
  };
}

/** The default export is a class or a function that takes ControllerOptions. One is made to see whether it has what it needs. */
export async function loadCongestionControl(file: string): Promise<ControllerKind> {
  const made = (await loadModule(file))["default"];
  if (typeof made !== "function") {
    throw new LoadError(`${file}: expected a default export, a class or function that makes one`);
  }
  const create = creator(made as Maker);
  const name = check(file, create);
  return { name, create };
}

type Maker = (new (o: ControllerOptions) => CongestionController) &
  ((o: ControllerOptions) => CongestionController);

function creator(made: Maker): ControllerKind["create"] {
  const isClass = /^class\b/.test(Function.prototype.toString.call(made));
  return isClass ? (options) => new made(options) : (options) => made(options);
}

/** Its name. Throws what is missing, in one line. */
function check(file: string, create: ControllerKind["create"]): string {
  const wrong = (what: string): LoadError => new LoadError(`${file}: ${what}`);
  let one: Record<string, unknown>;
  try {
    const options = { mss: 1460, cwnd: 14600, ssthresh: NO_SSTHRESH, random: () => 0.5 };
    one = create(options) as unknown as Record<string, unknown>;
  } catch (error) {
    throw wrong(`making one failed: ${lineOf(error)}`);
  }
  if (typeof one !== "object" || one === null) throw wrong("expected a controller to be returned");
  const { name } = one;
  if (typeof name !== "string" || name === "") throw wrong("the controller lacks its name");
  for (const key of NUMBERS) {
    if (!(Number(one[key]) > 0)) throw wrong(`${key} of ${name} is not a number of bytes`);
  }
  for (const key of METHODS) {
    if (typeof one[key] !== "function") throw wrong(`${name} lacks ${key}()`);
  }
  for (const key of OPTIONAL) {
    if (one[key] !== undefined && typeof one[key] !== "function") {
      throw wrong(`${key} of ${name} is not a function`);
    }
  }
  return name;
}
