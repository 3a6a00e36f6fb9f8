"""SYNs into the kernel's side of a TUN, by a packet socket, from addresses that nobody has.

Arguments: interface, destination, port, how many, how many a second. Prints how many left and in how many seconds.
"""

import random
import socket
import struct
import sys
import time

NAME, TO, PORT, COUNT, RATE = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
OPTIONS = bytes.fromhex("020405b40402080a000003e800000000") + bytes.fromhex("01030307")
DESTINATION = socket.inet_aton(TO)
# 198.51.100.0/24 and 203.0.113.0/24, which are for examples (RFC 5737)
SOURCES = [bytes([*net, host]) for net in ((198, 51, 100), (203, 0, 113)) for host in range(1, 255)]
BATCH = 50


def words(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def folded(total):
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


IP = struct.Struct("!BBHHHBBH4s4s")
TCP = struct.Struct("!HHIIBBHHH")
HEADER = 20 + len(OPTIONS)
TOTAL = 20 + HEADER
IP_WORDS = words(IP.pack(0x45, 0, TOTAL, 0, 0x4000, 64, 6, 0, bytes(4), DESTINATION))
OFFSET = HEADER // 4 << 4
TCP_WORDS = words(TCP.pack(0, PORT, 0, 0, OFFSET, 2, 65535, 0, 0) + OPTIONS + DESTINATION) + 6 + HEADER
FROM = [(source, words(source)) for source in SOURCES]


def main():
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    address = (NAME, 0x0800)
    rng = random.Random(5)
    left = refused = 0
    began = time.monotonic()
    while left < COUNT:
        for _ in range(min(BATCH, COUNT - left)):
            source, sum_of_source = FROM[left % len(FROM)]
            port = 1024 + rng.getrandbits(15)
            isn = rng.getrandbits(32)
            tcp_sum = folded(TCP_WORDS + sum_of_source + port + (isn >> 16) + (isn & 0xFFFF))
            packet = (
                IP.pack(0x45, 0, TOTAL, 0, 0x4000, 64, 6, folded(IP_WORDS + sum_of_source), source, DESTINATION)
                + TCP.pack(port, PORT, isn, 0, OFFSET, 2, 65535, tcp_sum, 0)
                + OPTIONS
            )
            try:
                raw.sendto(packet, address)
            except OSError:
                refused += 1  # the interface's queue is full
            left += 1
        ahead = began + left / RATE - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    print(left - refused, time.monotonic() - began, flush=True)


main()
