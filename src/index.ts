/**
 * The public names.
 *
 * @module tuntcp
 */
export { createStack, type CreateStackOptions, type UserStack } from "./sockets/create-stack.ts";
export type {
  ConnectFunction,
  ConnectionListener,
  CreateServerFunction,
  NetModule,
} from "./sockets/net.ts";
export type { ConnectOptions as SocketConnectOptions, SocketOptions } from "./sockets/arguments.ts";
export type { OnReadOptions } from "./sockets/onread.ts";
export type { KeepAliveOptions } from "./sockets/socket-support.ts";
export { TcpSocket } from "./sockets/tcp-socket.ts";
export { TcpServer, type ServerOptions } from "./sockets/tcp-server.ts";
export type { Refusal, SynRequest } from "./sockets/syn-request.ts";
export {
  openTun,
  type OffloadMode,
  type TunDevice,
  type TunOptions,
  type TunStats,
} from "./devices/tun.ts";
export { loopback } from "./devices/loopback.ts";
export {
  createPair,
  type PacketPair,
  type PairDevice,
  type PairOptions,
  type PairStats,
} from "./devices/pair.ts";
export {
  duplexDevice,
  type DuplexDevice,
  type DuplexOptions,
  type DuplexStats,
} from "./devices/duplex.ts";
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
export type { Rng } from "./base/rng.ts";
export type { Instant } from "./base/time.ts";
export type { Cidr, Ipv4Address } from "./wire/address.ts";
export type { SeqNum } from "./wire/seq.ts";
export type { TcpSegment } from "./wire/tcp-segment.ts";
export { Stack } from "./stack/stack.ts";
export type { HeldSyn, SynOwner } from "./stack/held-syns.ts";
export type { Counters } from "./stack/counters.ts";
export type { Listener, ListenerOwner } from "./stack/listener.ts";
export type { ListenerRow } from "./stack/listeners.ts";
export type { LocalAddresses } from "./stack/local-addresses.ts";
export type { StackSender } from "./stack/packet-output.ts";
export type { ConnectOptions, ListenOptions, PollHost, StackOptions } from "./stack/options.ts";
export { DEFAULT_SETTINGS, type Settings } from "./tcp/config.ts";
export type { Endpoint, EndpointOwner } from "./tcp/endpoint.ts";
export type { TcpInfo } from "./tcp/info.ts";
export type { Tuning } from "./tcp/tuning.ts";
export type { TcpState } from "./tcp/state.ts";
export { qlog, type LogOpener, type LogSink, QlogFolder } from "./tools/qlog/index.ts";
export type { TcpTrace } from "./tcp/trace.ts";
export type {
  AckSample,
  CongestionController,
  ControllerKind,
  ControllerOptions,
} from "./tcp/congestion/controller.ts";
