/** Descriptors by the names that a script gives them. */
import { Epoll } from "./epoll.ts";
import { DrillError } from "./failure.ts";
import { DrillSocket } from "./socket.ts";

export class Descriptors {
  private readonly open = new Map<number, DrillSocket | Epoll>();
  private readonly closed = new Set<number>();

  add(fd: number, what: DrillSocket | Epoll, line: number): void {
    if (this.open.has(fd))
      throw new DrillError("script", line, `descriptor ${fd} is in use already`);
    this.open.set(fd, what);
    this.closed.delete(fd);
  }

  /** Null: it was closed. One that never was is the script's mistake. */
  get(fd: number, line: number): DrillSocket | Epoll | null {
    const found = this.open.get(fd);
    if (found !== undefined) return found;
    if (this.closed.has(fd)) return null;
    throw new DrillError("script", line, `no descriptor ${fd} was ever made`);
  }

  socket(fd: number, line: number): DrillSocket | null {
    const found = this.get(fd, line);
    if (found instanceof Epoll)
      throw new DrillError("script", line, `descriptor ${fd} is of epoll_create, not a socket`);
    return found;
  }

  epoll(fd: number, line: number): Epoll | null {
    const found = this.get(fd, line);
    if (found instanceof DrillSocket)
      throw new DrillError("script", line, `descriptor ${fd} is a socket, not of epoll_create`);
    return found;
  }

  close(fd: number): void {
    this.open.delete(fd);
    this.closed.add(fd);
    for (const other of this.open.values()) if (other instanceof Epoll) other.remove(fd);
  }

  *sockets(): IterableIterator<DrillSocket> {
    for (const found of this.open.values()) if (found instanceof DrillSocket) yield found;
  }
}
