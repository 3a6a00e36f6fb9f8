// The API reference out of the comments in the sources, to docs/api or the folder given; with --check nothing is written. An export
// without a comment and a broken link are errors. typedoc needs TypeScript's API, which version 7 does not have: for it
// alone `typescript` is `typescript-5`.

import { register } from "node:module";
import { fileURLToPath } from "node:url";

const hook = `export const resolve = (name, context, next) =>
  next(name === "typescript" ? "typescript-5" : name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { Application, ReflectionKind } = await import("typedoc");

/** What says by itself what it is: constants. */
const NEEDS_COMMENT =
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.TypeAlias |
  ReflectionKind.Function;

const [folder] = process.argv.slice(2).filter((word) => word !== "--check");
process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const application = await Application.bootstrapWithPlugins({
  options: "typedoc.json",
  ...(folder === undefined ? {} : { out: folder }),
});
const project = await application.convert();
if (project === undefined) process.exit(1);
application.validate(project);
for (const module of project.children ?? []) {
  for (const child of module.children ?? []) {
    const texts = [child, ...(child.signatures ?? [])].map(({ comment }) => comment?.summary ?? []);
    if (child.kindOf(NEEDS_COMMENT) && texts.every((text) => text.length === 0))
      application.logger.warn(`${module.name}: ${child.name} has no comment`);
  }
}
if (application.logger.hasErrors() || application.logger.hasWarnings()) process.exit(1);
if (process.argv.includes("--check")) process.exit(0);
await application.generateOutputs(project);
if (application.logger.hasErrors() || application.logger.hasWarnings()) process.exit(1);
