// Imported beside the preload: a call of the kernel's TCP is said on standard error, which tests want empty.
const { TCP } = process.binding("tcp_wrap");
for (const name of ["connect", "connect6", "bind", "bind6", "listen"]) {
  const call = TCP.prototype[name];
  TCP.prototype[name] = function (...args) {
    console.error(`the kernel's TCP: ${name}`);
    return call.apply(this, args);
  };
}
