/*
 * A port: one TUN descriptor on libuv's poll, with slabs of memory that JavaScript owns. Reading
 * drains the descriptor into receive slots and reports one batch; writing sends the packets that
 * JavaScript has laid out. Nothing is allocated per packet. Whatever the reason the port ends for
 * (close, or the end of its Worker), the descriptor is closed in the poll handle's close callback.
 */
#include "tuntcp.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

/* The IP header starts here in each receive slot: a multiple of 4 with room for the offload header. */
#define RX_IP_OFFSET 12
#define MAX_PIECES 1024
#define MAX_SLOTS 256
#define ARRAYS 6
#define RX_FLAG_CHECKSUM_GOOD 1

enum status_word { STATUS_DROPPED, STATUS_ERROR, STATUS_BYTES, STATUS_WORDS };

struct port {
  uv_poll_t poll;
  napi_env env;
  int fd;
  bool vnet;
  bool closing;   /* uv_close was called */
  bool closed;    /* its callback has run */
  bool wrapped;   /* the JavaScript object still points here */
  bool callbacks; /* false once the environment goes: JavaScript must not be called */
  int32_t slots;
  int32_t stride;
  int32_t tx_capacity;
  uint8_t *rx_slots[MAX_SLOTS]; /* each has room for `stride` bytes; setSlot gives another */
  int32_t *rx_lengths;
  int32_t *rx_flags;
  uint8_t *tx_slab;
  int32_t *tx_table; /* offset, length, number of gathered pieces: three words a packet */
  int32_t *status;
  napi_ref arrays[ARRAYS]; /* keep the memory above alive while the descriptor is open */
  napi_ref self;           /* keeps the object alive while the poll handle is */
  napi_ref on_batch;
  napi_ref on_closed;
  napi_async_context async;
  napi_async_cleanup_hook_handle hook;
};

static void free_if_done(struct port *p) {
  if (p->closed && !p->wrapped) free(p);
}

static void drop_reference(napi_env env, napi_ref *reference) {
  if (*reference == NULL) return;
  napi_delete_reference(env, *reference);
  *reference = NULL;
}

/* Calls a JavaScript function with one number. A throw becomes an uncaught exception, as in Node. */
static void call_js(struct port *p, napi_ref function, int32_t argument) {
  napi_env env = p->env;
  napi_handle_scope scope;
  napi_value receiver, callback, argv[1];
  if (!p->callbacks || function == NULL || napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, function, &callback) == napi_ok && callback != NULL &&
      napi_get_global(env, &receiver) == napi_ok &&
      napi_create_int32(env, argument, &argv[0]) == napi_ok &&
      napi_make_callback(env, p->async, receiver, callback, 1, argv, NULL) ==
          napi_pending_exception) {
    napi_value error;
    bool pending = false;
    if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
        napi_get_and_clear_last_exception(env, &error) == napi_ok) {
      napi_fatal_exception(env, error);
    }
  }
  napi_close_handle_scope(env, scope);
}

/* Fills receive slots until the descriptor is empty. Returns how many, or -errno. */
static int32_t drain(struct port *p) {
  const size_t skip = p->vnet ? RX_IP_OFFSET - VNET_HEADER : RX_IP_OFFSET;
  int32_t n = 0;
  while (n < p->slots) {
    uint8_t *at = p->rx_slots[n] + skip;
    ssize_t got = read(p->fd, at, (size_t)p->stride - skip);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || n > 0) break; /* an error that lasts comes again with n == 0 */
      return -errno;
    }
    if (got == 0) break;
    int32_t flags = 0;
    if (p->vnet) {
      if (got <= VNET_HEADER) continue;
      got -= VNET_HEADER;
      /* Not yet filled in means made by this very kernel: good, not in need of a check. */
      if (at[0] & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) {
        flags = RX_FLAG_CHECKSUM_GOOD;
      }
    }
    p->rx_lengths[n] = (int32_t)got;
    p->rx_flags[n] = flags;
    n++;
  }
  return n;
}

static void on_readable(uv_poll_t *handle, int status, int events) {
  struct port *p = handle->data;
  (void)events;
  /* On an error libuv has stopped the handle: report it (0 when the device is still there). */
  int32_t n = status < 0 ? -tuntcp_check_attached(p->fd) : drain(p);
  if (n != 0 || status < 0) call_js(p, p->on_batch, n);
}

static void on_handle_closed(uv_handle_t *handle) {
  struct port *p = handle->data;
  napi_env env = p->env;
  napi_handle_scope scope;
  bool scoped = napi_open_handle_scope(env, &scope) == napi_ok;
  close(p->fd);
  p->fd = -1;
  p->closed = true;
  call_js(p, p->on_closed, 0);
  for (int i = 0; i < ARRAYS; i++) drop_reference(env, &p->arrays[i]);
  drop_reference(env, &p->on_batch);
  drop_reference(env, &p->on_closed);
  drop_reference(env, &p->self);
  if (p->async != NULL) napi_async_destroy(env, p->async);
  p->async = NULL;
  if (scoped) napi_close_handle_scope(env, scope);
  napi_async_cleanup_hook_handle hook = p->hook;
  p->hook = NULL;
  free_if_done(p);
  /* Last: when the environment is going this lets it finish. */
  if (hook != NULL) napi_remove_async_cleanup_hook(hook);
}

static void begin_close(struct port *p) {
  if (p->closing) return;
  p->closing = true;
  uv_poll_stop(&p->poll);
  uv_close((uv_handle_t *)&p->poll, on_handle_closed);
}

/* The Worker (or process) ends with the port open: an open handle would abort it. */
static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data) {
  struct port *p = data;
  (void)hook;
  p->callbacks = false;
  begin_close(p);
}

static void on_collected(napi_env env, void *data, void *hint) {
  struct port *p = data;
  (void)env;
  (void)hint;
  p->wrapped = false;
  free_if_done(p);
}

static struct port *unwrap(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv) {
  napi_value self;
  void *data = NULL;
  TRY(env, napi_get_cb_info(env, info, argc, argv, &self, NULL));
  TRY(env, napi_unwrap(env, self, &data));
  return data;
}

/* As unwrap, with an exception for a port that is closed. */
static struct port *unwrap_open(napi_env env, napi_callback_info info, size_t *argc,
                                napi_value *argv, const char *what) {
  struct port *p = unwrap(env, info, argc, argv);
  if (p == NULL || !p->closing) return p;
  tuntcp_throw_errno(env, EBADF, what);
  return NULL;
}

static napi_value js_start(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  size_t argc = 1;
  struct port *p = unwrap_open(env, info, &argc, argv, "start");
  if (p == NULL) return NULL;
  if (argc > 0) {
    drop_reference(env, &p->on_batch);
    TRY(env, napi_create_reference(env, argv[0], 1, &p->on_batch));
  }
  int error = uv_poll_start(&p->poll, UV_READABLE, on_readable);
  return error < 0 ? tuntcp_throw_errno(env, -error, "uv_poll_start") : NULL;
}

static napi_value js_stop(napi_env env, napi_callback_info info) {
  struct port *p = unwrap(env, info, NULL, NULL);
  if (p != NULL && !p->closing) uv_poll_stop(&p->poll);
  return NULL;
}

static napi_value js_ref(napi_env env, napi_callback_info info) {
  struct port *p = unwrap(env, info, NULL, NULL);
  if (p != NULL && !p->closing) uv_ref((uv_handle_t *)&p->poll);
  return NULL;
}

static napi_value js_unref(napi_env env, napi_callback_info info) {
  struct port *p = unwrap(env, info, NULL, NULL);
  if (p != NULL && !p->closing) uv_unref((uv_handle_t *)&p->poll);
  return NULL;
}

/* close(onClosed) -> whether this call began it */
static napi_value js_close(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  size_t argc = 1;
  struct port *p = unwrap(env, info, &argc, argv);
  if (p == NULL) return NULL;
  bool first = !p->closing;
  if (first && argc > 0) TRY(env, napi_create_reference(env, argv[0], 1, &p->on_closed));
  begin_close(p);
  TRY(env, napi_get_boolean(env, first, &result));
  return result;
}

static napi_value int_result(napi_env env, int32_t n) {
  napi_value result;
  TRY(env, napi_create_int32(env, n, &result));
  return result;
}

static napi_value js_drain(napi_env env, napi_callback_info info) {
  struct port *p = unwrap(env, info, NULL, NULL);
  if (p == NULL) return NULL;
  return int_result(env, p->closing ? -EBADF : drain(p));
}

/* The memory of element i of the array of slots: it has room for `stride` bytes. */
static bool take_slot(napi_env env, struct port *p, napi_value slots, int32_t i) {
  napi_value slot;
  void *data = NULL;
  size_t size = 0;
  napi_typedarray_type type;
  if (i < 0 || i >= p->slots ||
      napi_get_element(env, slots, (uint32_t)i, &slot) != napi_ok ||
      napi_get_typedarray_info(env, slot, &type, &size, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || size < (size_t)p->stride) {
    return false;
  }
  p->rx_slots[i] = data;
  return true;
}

/* renewSlot(i): JavaScript has put other memory into the array of slots, which keeps it alive */
static napi_value js_renew_slot(napi_env env, napi_callback_info info) {
  napi_value argv[1], slots;
  size_t argc = 1;
  int32_t i;
  struct port *p = unwrap(env, info, &argc, argv);
  if (p == NULL || p->closing) return NULL;
  if (napi_get_value_int32(env, argv[0], &i) != napi_ok ||
      napi_get_reference_value(env, p->arrays[0], &slots) != napi_ok || slots == NULL ||
      !take_slot(env, p, slots, i)) {
    return tuntcp_throw_errno(env, EINVAL, "renewSlot");
  }
  return NULL;
}

/* check() -> 0, or -errno when the device is gone: deletion raises no poll event to rely on */
static napi_value js_check(napi_env env, napi_callback_info info) {
  struct port *p = unwrap(env, info, NULL, NULL);
  if (p == NULL) return NULL;
  return int_result(env, p->closing ? -EBADF : -tuntcp_check_attached(p->fd));
}

static bool is_fatal(int error) {
  return error == EBADFD || error == EBADF || error == ENODEV || error == ENXIO;
}

/* Sends one packet. True to go on with the next one. */
static bool send_packet(struct port *p, const struct iovec *iov, int pieces, int32_t *sent) {
  ssize_t done;
  do {
    done = pieces == 1 ? write(p->fd, iov->iov_base, iov->iov_len) : writev(p->fd, iov, pieces);
  } while (done < 0 && errno == EINTR);
  if (done >= 0) {
    (*sent)++;
    p->status[STATUS_BYTES] += (int32_t)done;
    return true;
  }
  p->status[STATUS_ERROR] = errno;
  /* A packet that the kernel finds malformed hurts itself only. */
  return errno == EINVAL;
}

/* What was not sent is dropped and counted: to TCP it is a loss, and a queue here would be a second one. */
static napi_value finish_flush(napi_env env, struct port *p, int32_t count, int32_t sent) {
  p->status[STATUS_DROPPED] = count - sent;
  int32_t error = p->status[STATUS_ERROR];
  return int_result(env, is_fatal(error) ? -error : sent);
}

static bool begin_flush(napi_env env, struct port *p, napi_value value, int32_t *count) {
  p->status[STATUS_DROPPED] = p->status[STATUS_ERROR] = p->status[STATUS_BYTES] = 0;
  return napi_get_value_int32(env, value, count) == napi_ok && *count >= 0 &&
         *count <= p->tx_capacity;
}

/* flush(n) -> sent | -errno */
static napi_value js_flush(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  size_t argc = 1;
  struct port *p = unwrap_open(env, info, &argc, argv, "write");
  int32_t count, sent = 0;
  if (p == NULL) return NULL;
  if (!begin_flush(env, p, argv[0], &count)) return tuntcp_throw_errno(env, EINVAL, "flush");
  for (int32_t i = 0; i < count; i++) {
    const int32_t *row = p->tx_table + 3 * i;
    struct iovec iov = {p->tx_slab + row[0], (size_t)row[1]};
    if (!send_packet(p, &iov, 1, &sent)) break;
  }
  return finish_flush(env, p, count, sent);
}

/* Points `iov` at buffers[index][from .. from + length). */
static bool gather_piece(napi_env env, napi_value buffers, uint32_t index, int32_t from,
                         int32_t length, struct iovec *iov) {
  napi_value chunk;
  napi_typedarray_type type;
  size_t size = 0;
  void *data = NULL;
  if (napi_get_element(env, buffers, index, &chunk) != napi_ok ||
      napi_get_typedarray_info(env, chunk, &type, &size, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || from < 0 || length < 0 || (size_t)from + (size_t)length > size) {
    return false;
  }
  iov->iov_base = (uint8_t *)data + from;
  iov->iov_len = (size_t)length;
  return true;
}

/* flushGather(n, buffers, offsets, lengths) -> sent | -errno; each packet takes its pieces in turn */
static napi_value js_flush_gather(napi_env env, napi_callback_info info) {
  napi_value argv[4];
  size_t argc = 4;
  struct port *p = unwrap_open(env, info, &argc, argv, "writev");
  struct iovec iov[MAX_PIECES];
  int32_t count, sent = 0;
  void *offsets = NULL, *lengths = NULL;
  size_t offsets_size = 0, lengths_size = 0;
  napi_typedarray_type t1, t2;
  if (p == NULL) return NULL;
  if (!begin_flush(env, p, argv[0], &count)) return tuntcp_throw_errno(env, EINVAL, "flush");
  TRY(env, napi_get_typedarray_info(env, argv[2], &t1, &offsets_size, &offsets, NULL, NULL));
  TRY(env, napi_get_typedarray_info(env, argv[3], &t2, &lengths_size, &lengths, NULL, NULL));
  if (t1 != napi_int32_array || t2 != napi_int32_array) {
    return tuntcp_throw_errno(env, EINVAL, "flush");
  }
  uint32_t next = 0;
  for (int32_t i = 0; i < count; i++) {
    const int32_t *row = p->tx_table + 3 * i;
    int pieces = 1;
    iov[0].iov_base = p->tx_slab + row[0];
    iov[0].iov_len = (size_t)row[1];
    for (int32_t k = 0; k < row[2]; k++, next++) {
      if (pieces >= MAX_PIECES || next >= offsets_size || next >= lengths_size ||
          !gather_piece(env, argv[1], next, ((int32_t *)offsets)[next], ((int32_t *)lengths)[next],
                        &iov[pieces])) {
        return tuntcp_throw_errno(env, EINVAL, "flush");
      }
      pieces++;
    }
    if (!send_packet(p, iov, pieces, &sent)) break;
  }
  return finish_flush(env, p, count, sent);
}

static bool typed(napi_env env, napi_value value, napi_typedarray_type want, void **data,
                  size_t *length) {
  napi_typedarray_type type;
  return napi_get_typedarray_info(env, value, &type, length, data, NULL, NULL) == napi_ok &&
         type == want;
}

/* Takes the slabs from the constructor's arguments and checks that they fit together. */
static bool take_memory(napi_env env, struct port *p, const napi_value *argv) {
  size_t lengths = 0, flags = 0, tx = 0, table = 0, status = 0;
  uint32_t slots = 0;
  if (napi_get_array_length(env, argv[3], &slots) != napi_ok || slots == 0 || slots > MAX_SLOTS ||
      !typed(env, argv[4], napi_int32_array, (void **)&p->rx_lengths, &lengths) ||
      !typed(env, argv[5], napi_int32_array, (void **)&p->rx_flags, &flags) ||
      !typed(env, argv[6], napi_uint8_array, (void **)&p->tx_slab, &tx) ||
      !typed(env, argv[7], napi_int32_array, (void **)&p->tx_table, &table) ||
      !typed(env, argv[8], napi_int32_array, (void **)&p->status, &status)) {
    return false;
  }
  p->slots = (int32_t)slots;
  p->tx_capacity = (int32_t)(table / 3);
  if (p->stride <= RX_IP_OFFSET || lengths < slots || flags < slots || status < STATUS_WORDS) {
    return false;
  }
  for (int32_t i = 0; i < p->slots; i++) {
    if (!take_slot(env, p, argv[3], i)) return false;
  }
  return true;
}

/* Port(fd, vnetHeader, stride, rxSlots, rxLengths, rxFlags, txSlab, txTable, status) */
static napi_value js_port(napi_env env, napi_callback_info info) {
  napi_value argv[9], self, name;
  size_t argc = 9;
  uv_loop_t *loop;
  TRY(env, napi_get_cb_info(env, info, &argc, argv, &self, NULL));
  struct port *p = calloc(1, sizeof *p);
  if (p == NULL) return tuntcp_throw_errno(env, ENOMEM, "port");
  p->env = env;
  p->callbacks = true;
  /* The descriptor is the port's from now on, and closed when the port cannot be made. */
  int error = EINVAL;
  if (napi_get_value_int32(env, argv[0], &p->fd) != napi_ok) {
    free(p);
    return tuntcp_throw_errno(env, error, "port");
  }
  if (napi_get_value_bool(env, argv[1], &p->vnet) == napi_ok &&
      napi_get_value_int32(env, argv[2], &p->stride) == napi_ok && take_memory(env, p, argv) &&
      napi_get_uv_event_loop(env, &loop) == napi_ok) {
    error = -uv_poll_init(loop, &p->poll, p->fd);
  }
  if (error != 0) {
    close(p->fd);
    free(p);
    return tuntcp_throw_errno(env, error, "port");
  }
  p->poll.data = p;
  /* From here on every way out is through begin_close. */
  bool good = napi_add_async_cleanup_hook(env, on_environment_end, p, &p->hook) == napi_ok;
  good = good && napi_wrap(env, self, p, on_collected, NULL, NULL) == napi_ok;
  p->wrapped = good;
  for (int i = 0; i < ARRAYS; i++) {
    good = good && napi_create_reference(env, argv[3 + i], 1, &p->arrays[i]) == napi_ok;
  }
  good = good && napi_create_reference(env, self, 1, &p->self) == napi_ok;
  good = good &&
         napi_create_string_utf8(env, "tuntcp.Port", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_async_init(env, NULL, name, &p->async) == napi_ok;
  if (!good) {
    begin_close(p);
    tuntcp_throw_api_failure(env, "port");
    return NULL;
  }
  return self;
}

napi_value tuntcp_init_port(napi_env env, napi_value exports) {
#define METHOD(name, function) \
  { name, NULL, function, NULL, NULL, NULL, napi_default_method, NULL }
  const napi_property_descriptor methods[] = {
      METHOD("start", js_start), METHOD("stop", js_stop),   METHOD("ref", js_ref),
      METHOD("unref", js_unref), METHOD("close", js_close), METHOD("drain", js_drain),
      METHOD("check", js_check), METHOD("flush", js_flush), METHOD("flushGather", js_flush_gather),
      METHOD("renewSlot", js_renew_slot),
  };
#undef METHOD
  napi_value port;
  TRY(env, napi_define_class(env, "Port", NAPI_AUTO_LENGTH, js_port, NULL,
                             sizeof methods / sizeof methods[0], methods, &port));
  TRY(env, napi_set_named_property(env, exports, "Port", port));
  return exports;
}
