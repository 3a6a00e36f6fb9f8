/** Opens the board that `--campaign` names. */
import { parsePlace } from "./address.ts";
import type { Board } from "./board.ts";
import { openFolder } from "./folder.ts";
import { openNats } from "./nats.ts";

export interface BoardOptions {
  /** ms of silence after which a job goes to another worker. */
  readonly lostAfter: number;
  readonly say: (line: string) => void;
}

/** Throws a LoadError with one line. */
export async function openBoard(text: string, options: BoardOptions): Promise<Board> {
  const place = parsePlace(text);
  if (place.kind === "folder") return openFolder(place.path, options);
  return openNats(place.address, options);
}
