/* The module's entry point, and how errors of system calls become JavaScript errors. */
#include "tuntcp.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

void tuntcp_throw_api_failure(napi_env env, const char *call) {
  bool pending = false;
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending) return;
  const napi_extended_error_info *info = NULL;
  char text[256];
  napi_get_last_error_info(env, &info);
  const char *why = info != NULL && info->error_message != NULL ? info->error_message : "failed";
  snprintf(text, sizeof text, "tuntcp native: %.120s (%.100s)", why, call);
  napi_throw_error(env, "ERR_TUNTCP_NATIVE", text);
}

napi_value tuntcp_throw_errno(napi_env env, int error, const char *syscall) {
  char code[64];
  char why[128];
  char text[256];
  if (error == EBADFD) {
    /* libuv has no name for the one that a deleted device answers with. */
    snprintf(code, sizeof code, "EBADFD");
    snprintf(why, sizeof why, "no device behind this descriptor");
  } else {
    uv_err_name_r(-error, code, sizeof code);
    uv_strerror_r(-error, why, sizeof why);
  }
  snprintf(text, sizeof text, "%s: %s, %s", code, why, syscall);

  napi_value code_value, message, error_value, value;
  TRY(env, napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &code_value));
  TRY(env, napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message));
  TRY(env, napi_create_error(env, code_value, message, &error_value));
  TRY(env, napi_create_int32(env, -error, &value));
  TRY(env, napi_set_named_property(env, error_value, "errno", value));
  TRY(env, napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &value));
  TRY(env, napi_set_named_property(env, error_value, "syscall", value));
  napi_throw(env, error_value);
  return NULL;
}

napi_value tuntcp_define(napi_env env, napi_value object, const char *name,
                         napi_callback callback) {
  napi_value function;
  TRY(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function));
  TRY(env, napi_set_named_property(env, object, name, function));
  return object;
}

NAPI_MODULE_INIT() {
  if (tuntcp_init_tun(env, exports) == NULL) return NULL;
  return tuntcp_init_port(env, exports);
}
