/** The public names. */
export { createStack, type CreateStackOptions, type UserStack } from "./sockets/create-stack.ts";
export type { NetModule } from "./sockets/net.ts";
export { TcpSocket } from "./sockets/tcp-socket.ts";
export { TcpServer } from "./sockets/tcp-server.ts";
export type { Refusal, SynRequest } from "./sockets/syn-request.ts";
export { openTun } from "./devices/tun.ts";
export { loopback } from "./devices/loopback.ts";
export { createPair } from "./devices/pair.ts";
export { duplexDevice } from "./devices/duplex.ts";
export {
  type Device,
  type DeviceOffload,
  NO_OFFLOAD,
  type PacketReceiver,
  type PacketRemark,
  type PacketSender,
  RX_CHECKSUM_GOOD,
  RX_KEEPABLE,
} from "./base/device.ts";
export { StackError, type ErrorCode, type Failure } from "./base/errors.ts";
export { Stack } from "./stack/stack.ts";
export type { HeldSyn, SynOwner } from "./stack/held-syns.ts";
export type { ConnectOptions, ListenOptions, StackOptions } from "./stack/options.ts";
export { DEFAULT_SETTINGS, type Settings } from "./tcp/config.ts";
export type { Endpoint, EndpointOwner } from "./tcp/endpoint.ts";
export type { TcpInfo } from "./tcp/info.ts";
export type { TcpState } from "./tcp/state.ts";
export { qlog, type LogOpener, type LogSink, QlogFolder } from "./tools/qlog/index.ts";
export type { TcpTrace } from "./tcp/trace.ts";
export type {
  AckSample,
  CongestionController,
  ControllerKind,
  ControllerOptions,
} from "./tcp/congestion/controller.ts";
