// A worker of a campaign in a process of its own, so that it can be killed: arguments are where the board is, JSON of the
// specification, and ms that each execution takes. Prints a line for each job it begins, and the result.
const [place, text, pace] = process.argv.slice(2);
const root = new URL("../../../../dist/tools/fuzz/campaign/", import.meta.url);
const { openBoard } = await import(new URL("index.js", root));
const { takePart } = await import(new URL("campaign.js", root));
const { beginToy } = await import("./toy.mjs");

const specification = JSON.parse(text);
const say = (line) => process.stdout.write(`${line}\n`);
const board = await openBoard(place, { lostAfter: 1500, say });
const begin = (spec, job) => {
  say(`begins ${job.round}.${job.index}`);
  return beginToy(spec, job, Number(pace));
};
const { signal } = new AbortController();
const result = await takePart({ board, specification, code: "c0de", begin, signal });
say(`result ${JSON.stringify(result)}`);
await board.close();
