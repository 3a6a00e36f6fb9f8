"""Packets into the kernel's side of a TUN, unchecked, and what comes out of it.

A packet socket on the interface hands whatever it is given to the reader of the TUN; what the reader writes is seen
before the kernel's own IP judges it. Frames on stdin and stdout: a length of 4 bytes, big-endian, and the packet; one
without bytes comes back once all before it are in the interface's queue.
"""

import os
import select
import socket
import struct
import sys

ETH_P_ALL = 3
PACKET_OUTGOING = 4
LARGEST = 65600
SO_RCVBUFFORCE = 33


def main(name):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 28)
    raw.bind((name, ETH_P_ALL))
    address = (name, 0x0800)
    pending = bytearray()
    while True:
        ready, _, _ = select.select([0, raw], [], [])
        if raw in ready:
            out = []
            for _ in range(256):
                try:
                    packet, source = raw.recvfrom(LARGEST, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
                except OSError:
                    continue  # the interface is down or gone
                if source[2] != PACKET_OUTGOING:
                    out.append(struct.pack("!I", len(packet)) + packet)
            write_all(b"".join(out))
        if 0 in ready:
            chunk = os.read(0, 1 << 18)
            if not chunk:
                return
            pending += chunk
            at = 0
            while len(pending) - at >= 4:
                (size,) = struct.unpack_from("!I", pending, at)
                if len(pending) - at - 4 < size:
                    break
                try:
                    if size == 0:
                        write_all(bytes(4))
                    else:
                        raw.sendto(pending[at + 4 : at + 4 + size], address)
                except OSError as error:
                    # too long for the interface, or it is down: as for the kernel's own, it is lost
                    sys.stderr.write(f"{size} bytes: {error}\n")
                    sys.stderr.flush()
                at += 4 + size
            del pending[:at]


def write_all(data):
    while data:
        data = data[os.write(1, data) :]


main(sys.argv[1])
