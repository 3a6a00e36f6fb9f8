{
  "targets": [
    {
      "target_name": "tuntcp",
      "sources": ["src/native/module.c", "src/native/tun.c", "src/native/port.c"],
      "defines": ["_GNU_SOURCE"],
      "cflags_c": ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"]
    }
  ]
}
