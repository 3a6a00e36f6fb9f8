/** Event logs of connections in qlog's shape; docs/looking-inside.md says what is in them. */
export { type LogSink, type LogOpener, qlogTrace } from "./trace.ts";
export { qlog } from "./attach.ts";
export { QlogFolder } from "./folder.ts";
