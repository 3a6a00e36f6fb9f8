/** What the command `craft` is made of. */
export { hostAddressFault, type HostLink } from "./host-address.ts";
export { type Crafted, InputError, readLine } from "./input.ts";
export { memoryTarget } from "./memory.ts";
export { type Recorded, recordingOf } from "./recording.ts";
export { replay, type ReplayResult } from "./replay.ts";
export { tunTarget } from "./tun.ts";
export { type Passed, type Target, Wire } from "./wire.ts";
