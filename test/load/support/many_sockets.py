"""Thousands of kernel sockets at once, from one local address.

Arguments: destination, port, how many, the local address. Connects all of them and says so; at a line on stdin a byte
goes through each and back; at the next all are closed. Each line printed is a word, a count, seconds, and that it ends.
"""

import resource
import select
import socket
import sys
import time

TO, PORT, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
SOURCE = sys.argv[4]
# what a listener takes at once
WAVE = 100
IP_BIND_ADDRESS_NO_PORT = 24


def say(word, count, began):
    print(word, count, time.monotonic() - began, "end of", word, flush=True)


def begin():
    s = socket.socket()
    s.setblocking(False)
    s.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    s.bind((SOURCE, 0))
    s.connect_ex((TO, PORT))
    return s


def connect():
    done = []
    for first in range(0, COUNT, WAVE):
        poll = select.epoll()
        waiting = {}
        for _ in range(first, min(first + WAVE, COUNT)):
            s = begin()
            waiting[s.fileno()] = s
            poll.register(s, select.EPOLLOUT)
        while waiting:
            for fd, _ in poll.poll():
                s = waiting.pop(fd)
                poll.unregister(fd)
                error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error != 0:
                    raise OSError(error, "connect")
                done.append(s)
        poll.close()
    return done


def echo(sockets):
    """A byte of its own through each, and how many came back as they left."""
    poll = select.epoll()
    waiting = {}
    for at, s in enumerate(sockets):
        waiting[s.fileno()] = (s, at % 251)
        poll.register(s, select.EPOLLIN)
        s.send(bytes([at % 251]))
    right = 0
    while waiting:
        for fd, _ in poll.poll():
            s, byte = waiting.pop(fd)
            poll.unregister(fd)
            right += s.recv(2) == bytes([byte])
    poll.close()
    return right


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began = time.monotonic()
    sockets = connect()
    say("connected", len(sockets), began)
    sys.stdin.readline()
    began = time.monotonic()
    say("echoed", echo(sockets), began)
    sys.stdin.readline()
    began = time.monotonic()
    for s in sockets:
        s.close()
    say("closed", len(sockets), began)


main()
