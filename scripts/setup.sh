# Sourced by scripts/demo and scripts/test: says what it installs, or what is missing.

setup_node() {
  local version
  version=$(node --version 2>/dev/null) || { echo "Node.js is missing: install Node 20.19 or newer"; return 3; }
  if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
    echo "Node.js $version is too old: 20.19 or newer is needed"
    return 3
  fi
}

# Debian's packages for the commands that tests use, or for those given as command:package; without root only what
# is missing is said.
setup_tools() {
  local pair command package missing=""
  [ $# -gt 0 ] || set -- curl:curl nc:netcat-openbsd tshark:tshark ip:iproute2 ping:iputils-ping openssl:openssl iperf3:iperf3 wrk:wrk ab:apache2-utils sshd:openssh-server ssh:openssh-client ps:procps cc:gcc redis-server:redis-server nats-server:nats-server chromium:chromium pg_ctlcluster:postgresql
  for pair in "$@"; do
    command=${pair%%:*} package=${pair##*:}
    command -v "$command" >/dev/null 2>&1 || missing="$missing $package"
  done
  if command -v nc >/dev/null 2>&1 && ! nc -h 2>&1 | grep -q OpenBSD; then missing="$missing netcat-openbsd"; fi
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing with apt-get:$missing"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing; } >/tmp/tuntcp-apt.log 2>&1 ||
      { echo "apt-get failed; its last lines:"; tail -n 3 /tmp/tuntcp-apt.log; }
  else
    echo "missing, and only root can install them:$missing (what needs them is skipped)"
  fi
}

setup_build() {
  if [ ! -d node_modules ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    echo "installing with npm ci"
    npm ci --no-audit --no-fund || return 1
  fi
  if [ -z "$(compgen -G 'build/Release/*.node')$(compgen -G 'prebuilds/*/*.node')" ]; then
    echo "building the native layer"
    node scripts/build-native.mjs
  fi
  echo "building"
  npm run --silent build
}

# Newer Nodes, for the tests that run programs on them; without the npm registry it is said what is missing.
setup_nodes() {
  local version place machine
  [ "$(uname -s)" = Linux ] || return 0
  case $(uname -m) in x86_64) machine=linux-x64 ;; aarch64) machine=linux-arm64 ;; *) return 0 ;; esac
  for version in "$@"; do
    place=node_modules/.nodes/$version
    [ ! -x "$place/node_modules/node/bin/node" ] || continue
    echo "bringing Node $version from the npm registry"
    mkdir -p "$place" && echo '{"private":true}' >"$place/package.json"
    npm install --no-audit --no-fund --no-save --prefix "$place" "node@npm:node-$machine@$version" >"/tmp/tuntcp-node.log" 2>&1 ||
      { echo "npm could not install Node $version (tests on it are skipped); its last lines:"; tail -n 3 /tmp/tuntcp-node.log; }
  done
}
