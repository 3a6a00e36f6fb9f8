/** What a document shows to be typed or written into a file, so that tests can do it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Block {
  /** `sh`, `ts`, … or empty. */
  readonly language: string;
  readonly text: string;
  /** The file it is: named alone in the line above, as in "`first.ts`:". */
  readonly file: string | null;
}

/** The fenced blocks of a document, whose path is from the project's root. */
export function blocksOf(document: string): Block[] {
  const text = readFileSync(ROOT + document, "utf8");
  const fenced = /(?:^`([^`\n]+)`:\n\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fenced)].map(([, file, language, content]) => ({
    language: language!,
    text: content!,
    file: file ?? null,
  }));
}

/** The lines of its `sh` blocks, without comments; lines that end in a backslash are joined. */
export function commandsOf(document: string): string[] {
  return blocksOf(document)
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.replaceAll("\\\n", " ").split("\n"))
    .map((line) =>
      line
        .replace(/(^|\s+)#\s.*$/, "")
        .replaceAll(/\s+/g, " ")
        .trim(),
    )
    .filter((line) => line !== "");
}
