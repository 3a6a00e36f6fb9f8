/** `epoll`: an interest list over sockets, level- and edge-triggered. */
import { EPOLLET, EPOLLONESHOT, POLL } from "./constants.ts";
import type { DrillSocket } from "./socket.ts";

export interface EpollEvent {
  readonly events: number;
  /** What the user gave with the descriptor, and the name that the script gives it by. */
  readonly field: "fd" | "ptr" | "u32" | "u64";
  readonly data: number;
}

interface Interest {
  readonly socket: DrillSocket;
  event: EpollEvent;
  /** Of an edge-triggered one: the socket's count of what happened, when it was last told. */
  told: number;
  disabled: boolean;
}

const NOT_MASKS = EPOLLET | EPOLLONESHOT;

export class Epoll {
  private readonly interests = new Map<number, Interest>();

  add(fd: number, socket: DrillSocket, event: EpollEvent): string | null {
    if (this.interests.has(fd)) return "EEXIST";
    this.interests.set(fd, { socket, event, told: -1, disabled: false });
    return null;
  }

  modify(fd: number, event: EpollEvent): string | null {
    const interest = this.interests.get(fd);
    if (interest === undefined) return "ENOENT";
    interest.event = event;
    interest.told = -1;
    interest.disabled = false;
    return null;
  }

  remove(fd: number): string | null {
    return this.interests.delete(fd) ? null : "ENOENT";
  }

  /** What is ready, at most `max`; edges count as told. */
  ready(max: number): EpollEvent[] {
    const found: EpollEvent[] = [];
    for (const interest of this.interests.values()) {
      const { event, socket } = interest;
      if (found.length >= max || interest.disabled) continue;
      const wanted = (event.events & ~NOT_MASKS) | POLL.ERR | POLL.HUP;
      const events = socket.poll() & wanted;
      if (events === 0) continue;
      if ((event.events & EPOLLET) !== 0) {
        if (interest.told === socket.activity) continue;
        interest.told = socket.activity;
      }
      if ((event.events & EPOLLONESHOT) !== 0) interest.disabled = true;
      found.push({ ...event, events });
    }
    return found;
  }
}
