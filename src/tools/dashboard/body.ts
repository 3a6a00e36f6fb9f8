/** The body of a request as JSON, with a bound for what a stranger may make us hold. */
import type { IncomingMessage } from "node:http";

/** Bytes. */
const LONGEST_BODY = 4096;

export interface BadBody {
  readonly status: number;
  readonly why: string;
}

/** An object out of JSON, or what is wrong with it. */
export async function readBody(
  request: IncomingMessage,
): Promise<Readonly<Record<string, unknown>> | BadBody> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type !== "application/json") {
    return { status: 415, why: "the body is to be application/json" };
  }
  const bytes = await collect(request);
  if (bytes === null) return { status: 413, why: `a body of more than ${LONGEST_BODY} bytes` };
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // told below
  }
  return { status: 400, why: "the body is to be an object as JSON" };
}

/** Null where it is too long. Rejects where the request breaks off. */
function collect(request: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LONGEST_BODY) chunks.push(chunk);
      else resolve(null);
    });
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", reject);
  });
}

export function isBadBody(body: object): body is BadBody {
  return "status" in body && "why" in body && typeof body.status === "number";
}
