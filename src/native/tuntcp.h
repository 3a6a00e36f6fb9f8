/*
 * The native layer's shared declarations: raising errors that look like Node's own, calls on a TUN
 * descriptor (tun.c), and the port that polls one (port.c). Plain C, because <linux/virtio_net.h> is
 * not valid C++, and Node-API only, so that one build serves every Node version.
 */
#ifndef TUNTCP_H
#define TUNTCP_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>

/* Length of struct virtio_net_hdr as we ask for it with TUNSETVNETHDRSZ. */
#define VNET_HEADER 10

/* Returns NULL from the caller when a Node-API call fails; an exception is then pending. */
#define TRY(env, call)                        \
  do {                                        \
    if ((call) != napi_ok) {                  \
      tuntcp_throw_api_failure(env, #call);   \
      return NULL;                            \
    }                                         \
  } while (0)

void tuntcp_throw_api_failure(napi_env env, const char *call);
/* Throws an Error with code, errno (negative, as in Node) and syscall. Returns NULL for `return`. */
napi_value tuntcp_throw_errno(napi_env env, int error, const char *syscall);
napi_value tuntcp_define(napi_env env, napi_value object, const char *name, napi_callback callback);

/* 0, or the errno that says the descriptor no longer has a device behind it. */
int tuntcp_check_attached(int fd);

napi_value tuntcp_init_tun(napi_env env, napi_value exports);
napi_value tuntcp_init_port(napi_env env, napi_value exports);

#endif
