/** Packages that are the user's to install, and loaded only when what needs them is asked for. */
import { LoadError } from "./load-error.ts";

export type LoadPackage = (name: string) => Promise<unknown>;

/** `packages` as `name@version`, two of them. Throws a LoadError that says what `user` needs, and how to install it. */
export async function loadTwoPackages(
  user: string,
  packages: readonly [string, string],
  load: LoadPackage = (name) => import(/* @vite-ignore */ name),
): Promise<readonly [unknown, unknown]> {
  try {
    const [one, other] = packages.map((spec) => load(spec.slice(0, spec.lastIndexOf("@"))));
    return await Promise.all([one, other]);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new LoadError(
      `${user} needs two packages that are not installed: npm install ${packages.join(" ")}`,
    );
  }
}
