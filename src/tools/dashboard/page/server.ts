/** The way to the server: streams that come back by themselves, and actions; all with the token of the page's own address. */
const TOKEN = new URLSearchParams(location.search).get("token") ?? "";

/** "lost": it is asked again by itself; "over": the server refuses. */
export type StreamState = "live" | "lost" | "over";

export function follow<T>(
  path: string,
  query: Readonly<Record<string, string>>,
  onFrame: (frame: T) => void,
  onState: (state: StreamState) => void,
): () => void {
  const source = new EventSource(
    `${path}?${String(new URLSearchParams({ ...query, token: TOKEN }))}`,
  );
  source.addEventListener("message", (event) => {
    onState("live");
    onFrame(JSON.parse(event.data as string) as T);
  });
  source.addEventListener("error", () => {
    onState(source.readyState === EventSource.CLOSED ? "over" : "lost");
  });
  return () => source.close();
}

/** Null: done; else what the server said. */
export async function act(path: string, body: object): Promise<string | null> {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { Authorization: `Bearer ${TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as { error?: string };
    return answer.error ?? null;
  } catch {
    return "the stack does not answer";
  }
}
