/*
 * Opening a TUN device and the ioctls on it: what is asked for, what the kernel grants, owner,
 * persistence and MTU; and the kernel's side of an interface, as a socket. No packet passes
 * through here.
 */
#include "tuntcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_NODE "/dev/net/tun"

int tuntcp_check_attached(int fd) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  if (ioctl(fd, TUNGETIFF, &request) == 0) return 0;
  int error = errno, pending = 0;
  socklen_t size = sizeof pending;
  /* a socket of openLink; it is told when its interface goes */
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &size) == 0) return pending;
  return error;
}

static bool read_name(napi_env env, napi_value value, char out[IFNAMSIZ]) {
  char text[IFNAMSIZ + 1];
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, text, sizeof text, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "name must be a string");
    return false;
  }
  if (length >= IFNAMSIZ) {
    tuntcp_throw_errno(env, EINVAL, "device name longer than 15 bytes");
    return false;
  }
  memcpy(out, text, length + 1);
  return true;
}

static bool set_bool(napi_env env, napi_value object, const char *name, bool flag) {
  napi_value value;
  return napi_get_boolean(env, flag, &value) == napi_ok &&
         napi_set_named_property(env, object, name, value) == napi_ok;
}

/* What the caller wants and, after negotiation, what was granted. */
struct features {
  bool vnet_header;
  bool checksum;
  bool tso4;
  bool multi_queue;
};

/* Attaches to (or creates) the device. Returns 0 or errno; `syscall` names the step that failed. */
static int attach(int fd, char name[IFNAMSIZ], struct features *want, const char **syscall) {
  unsigned int supported = 0;
  *syscall = "ioctl TUNGETFEATURES";
  if (ioctl(fd, TUNGETFEATURES, &supported) < 0) return errno;
  if ((supported & IFF_VNET_HDR) == 0) want->vnet_header = false;

  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, name, IFNAMSIZ);
  unsigned int flags = IFF_TUN | IFF_NO_PI;
  if (want->vnet_header) flags |= IFF_VNET_HDR;
  if (want->multi_queue) flags |= IFF_MULTI_QUEUE;
  request.ifr_flags = (short)flags;
  *syscall = "ioctl TUNSETIFF";
  if (ioctl(fd, TUNSETIFF, &request) < 0) return errno;
  memcpy(name, request.ifr_name, IFNAMSIZ);

  if (want->vnet_header) {
    int size = VNET_HEADER;
    *syscall = "ioctl TUNSETVNETHDRSZ";
    if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0) return errno;
  }
  return 0;
}

/*
 * Asks for the most first. A persistent device remembers what its last user was granted, so "none"
 * has to be said as well.
 */
static void negotiate_offload(int fd, struct features *want) {
  want->checksum = want->checksum && want->vnet_header;
  want->tso4 = want->tso4 && want->checksum;
  /* with CWR a large segment would else come in pieces */
  const unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO_ECN;
  if (want->tso4 && ioctl(fd, TUNSETOFFLOAD, tso) < 0) want->tso4 = false;
  if (want->tso4) return;
  if (want->checksum && ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM) < 0) want->checksum = false;
  if (!want->checksum) (void)ioctl(fd, TUNSETOFFLOAD, 0);
}

/* open(name, vnetHeader, checksum, tso4, multiQueue) -> {fd, name, vnetHeader, checksum, tso4} */
static napi_value js_open(napi_env env, napi_callback_info info) {
  napi_value argv[5];
  size_t argc = 5;
  char name[IFNAMSIZ] = {0};
  struct features want;
  TRY(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL));
  if (!read_name(env, argv[0], name)) return NULL;
  TRY(env, napi_get_value_bool(env, argv[1], &want.vnet_header));
  TRY(env, napi_get_value_bool(env, argv[2], &want.checksum));
  TRY(env, napi_get_value_bool(env, argv[3], &want.tso4));
  TRY(env, napi_get_value_bool(env, argv[4], &want.multi_queue));

  int fd = open(TUN_NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return tuntcp_throw_errno(env, errno, "open " TUN_NODE);
  const char *syscall = "";
  int error = attach(fd, name, &want, &syscall);
  if (error != 0) {
    close(fd);
    return tuntcp_throw_errno(env, error, syscall);
  }
  negotiate_offload(fd, &want);

  napi_value result, value;
  if (napi_create_object(env, &result) == napi_ok &&
      napi_create_int32(env, fd, &value) == napi_ok &&
      napi_set_named_property(env, result, "fd", value) == napi_ok &&
      napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &value) == napi_ok &&
      napi_set_named_property(env, result, "name", value) == napi_ok &&
      set_bool(env, result, "vnetHeader", want.vnet_header) &&
      set_bool(env, result, "checksum", want.checksum) &&
      set_bool(env, result, "tso4", want.tso4)) {
    return result;
  }
  close(fd);
  tuntcp_throw_api_failure(env, "open result");
  return NULL;
}

/*
 * A socket on the kernel's side of the interface: what is written to it goes to whoever has attached to the TUN, what that one
 * sends is read from it as well. Packets have the header that TUN descriptors have. Returns 0 or errno.
 */
static int attach_link(int fd, const char name[IFNAMSIZ], const char **syscall) {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, name, IFNAMSIZ);
  *syscall = "ioctl SIOCGIFINDEX";
  if (ioctl(fd, SIOCGIFINDEX, &request) < 0) return errno;
  const int on = 1;
  *syscall = "setsockopt PACKET_VNET_HDR";
  if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0) return errno;
  *syscall = "setsockopt PACKET_IGNORE_OUTGOING";
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0) return errno;
  struct sockaddr_ll address;
  memset(&address, 0, sizeof address);
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = request.ifr_ifindex;
  *syscall = "bind";
  return bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
}

/* openLink(name) -> fd */
static napi_value js_open_link(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  size_t argc = 1;
  char name[IFNAMSIZ] = {0};
  TRY(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL));
  if (!read_name(env, argv[0], name)) return NULL;
  /* no protocol yet: nothing is queued before bind says where from */
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return tuntcp_throw_errno(env, errno, "socket AF_PACKET");
  const char *syscall = "";
  int error = attach_link(fd, name, &syscall);
  if (error != 0) {
    close(fd);
    return tuntcp_throw_errno(env, error, syscall);
  }
  if (napi_create_int32(env, fd, &result) == napi_ok) return result;
  close(fd);
  tuntcp_throw_api_failure(env, "openLink result");
  return NULL;
}

static napi_value js_close_fd(napi_env env, napi_callback_info info) {
  napi_value argv[1];
  size_t argc = 1;
  int32_t fd;
  TRY(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL));
  TRY(env, napi_get_value_int32(env, argv[0], &fd));
  close(fd);
  return NULL;
}

/* dupFd(fd) -> another descriptor of the same queue: it stays attached until the last one is closed */
static napi_value js_dup_fd(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  size_t argc = 1;
  int32_t fd;
  TRY(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL));
  TRY(env, napi_get_value_int32(env, argv[0], &fd));
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return tuntcp_throw_errno(env, errno, "fcntl F_DUPFD_CLOEXEC");
  TRY(env, napi_create_int32(env, copy, &result));
  return result;
}

/* One ioctl on the descriptor with an integer argument. */
static napi_value int_ioctl(napi_env env, napi_callback_info info, unsigned long code,
                            const char *syscall) {
  napi_value argv[2];
  size_t argc = 2;
  int32_t fd, argument;
  TRY(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL));
  TRY(env, napi_get_value_int32(env, argv[0], &fd));
  TRY(env, napi_get_value_int32(env, argv[1], &argument));
  if (ioctl(fd, code, (long)argument) < 0) return tuntcp_throw_errno(env, errno, syscall);
  return NULL;
}

static napi_value js_set_persist(napi_env env, napi_callback_info info) {
  return int_ioctl(env, info, TUNSETPERSIST, "ioctl TUNSETPERSIST");
}

static napi_value js_set_owner(napi_env env, napi_callback_info info) {
  return int_ioctl(env, info, TUNSETOWNER, "ioctl TUNSETOWNER");
}

/* SIOCGIFMTU and SIOCSIFMTU want a socket, any socket. Returns 0 or errno. */
static int interface_ioctl(unsigned long code, struct ifreq *request) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int error = ioctl(fd, code, request) < 0 ? errno : 0;
  close(fd);
  return error;
}

/* getMtu(name) -> number */
static napi_value js_get_mtu(napi_env env, napi_callback_info info) {
  napi_value argv[1], result;
  size_t argc = 1;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  TRY(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL));
  if (!read_name(env, argv[0], request.ifr_name)) return NULL;
  int error = interface_ioctl(SIOCGIFMTU, &request);
  if (error != 0) return tuntcp_throw_errno(env, error, "ioctl SIOCGIFMTU");
  TRY(env, napi_create_int32(env, request.ifr_mtu, &result));
  return result;
}

/* setMtu(name, mtu) */
static napi_value js_set_mtu(napi_env env, napi_callback_info info) {
  napi_value argv[2];
  size_t argc = 2;
  struct ifreq request;
  memset(&request, 0, sizeof request);
  TRY(env, napi_get_cb_info(env, info, &argc, argv, NULL, NULL));
  if (!read_name(env, argv[0], request.ifr_name)) return NULL;
  TRY(env, napi_get_value_int32(env, argv[1], &request.ifr_mtu));
  int error = interface_ioctl(SIOCSIFMTU, &request);
  if (error != 0) return tuntcp_throw_errno(env, error, "ioctl SIOCSIFMTU");
  return NULL;
}

napi_value tuntcp_init_tun(napi_env env, napi_value exports) {
  if (tuntcp_define(env, exports, "open", js_open) == NULL) return NULL;
  if (tuntcp_define(env, exports, "openLink", js_open_link) == NULL) return NULL;
  if (tuntcp_define(env, exports, "closeFd", js_close_fd) == NULL) return NULL;
  if (tuntcp_define(env, exports, "dupFd", js_dup_fd) == NULL) return NULL;
  if (tuntcp_define(env, exports, "setPersist", js_set_persist) == NULL) return NULL;
  if (tuntcp_define(env, exports, "setOwner", js_set_owner) == NULL) return NULL;
  if (tuntcp_define(env, exports, "getMtu", js_get_mtu) == NULL) return NULL;
  return tuntcp_define(env, exports, "setMtu", js_set_mtu);
}
