/** A congestion controller of the user's: `--set tcp_congestion_control=./mine.ts`. docs/congestion-control.md tells how to write one. */
import { isModulePath } from "../../stack/sysctl.ts";
import type { Settings } from "../../tcp/config.ts";
import { checkMaker } from "../../tcp/congestion/check.ts";
import {
  type CongestionController,
  type ControllerKind,
  type ControllerOptions,
} from "../../tcp/congestion/controller.ts";
import { loadModule, LoadError } from "../load-module/index.ts";

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

/** The default export is a class or a function that takes ControllerOptions. */
export async function loadCongestionControl(file: string): Promise<ControllerKind> {
  const made = (await loadModule(file))["default"];
  if (typeof made !== "function") {
    throw new LoadError(`${file}: expected a default export, a class or function that makes one`);
  }
  const create = creator(made as Maker);
  const checked = checkMaker(create);
  if ("wrong" in checked) throw new LoadError(`${file}: ${checked.wrong}`);
  return { name: checked.name, create };
}

type Maker = (new (o: ControllerOptions) => CongestionController) &
  ((o: ControllerOptions) => CongestionController);

function creator(made: Maker): ControllerKind["create"] {
  const isClass = /^class\b/.test(Function.prototype.toString.call(made));
  return isClass ? (options) => new made(options) : (options) => made(options);
}
