// Runs tests over the core as the compiler wrote it, with a counter in each branch: the numbers are those of `tuntcp fuzz`.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { countedCode } from "../../dist/tools/fuzz/branches.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { code, count } = countedCode(`${ROOT}dist/`);

export default defineConfig({
  root: ROOT,
  plugins: [
    {
      name: "branches",
      enforce: "pre",
      load(id) {
        if (!id.startsWith(`${ROOT}src/`)) return null;
        const text = code.get(id.slice(`${ROOT}src/`.length).replace(/\.ts$/, ".js"));
        return text === undefined ? null : text.replaceAll(/(from ")(\.[^"]+)\.js"/g, '$1$2.ts"');
      },
    },
  ],
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["scripts/coverage/setup.mjs"],
    env: { BRANCHES: String(count) },
    testTimeout: 60_000,
  },
});
