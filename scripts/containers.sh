#!/usr/bin/env bash
# Have containers for the tests: buildah, podman and a registry, their configuration, and a base image with Python and
# the packages of requirements/demo.txt, all under build/containers. Nothing to do where it is there; made where this may
# be done (root on a Debian-like system, outside the checkout only the system packages change); else it says why not,
# and the tests that need it are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

here="$PWD/build/containers"
ready="$here/ready"
base=mlopsctl-tests/images
suite=bookworm # its Python is 3.11, the oldest that mlopsctl runs on
needed=(buildah podman docker-registry debootstrap runc fuse-overlayfs uidmap)
programs=(buildah podman docker-registry debootstrap runc)

skip() {
  echo "skipped: $1; the tests that need containers will say so" >&2
  exit 0
}

# What the base image is made of.
made_of="$(cat scripts/containers.sh requirements/demo.txt | sha256sum | cut -d' ' -f1)"
if [[ -f "$ready" && "$(cat "$ready")" == "$made_of" ]]; then
  exit 0
fi

[[ "$(uname -s)" == Linux ]] || skip "containers need Linux"
[[ "$(uname -m)" == x86_64 ]] || skip "the base image is made for x86_64 only"
[[ "$(id -u)" == 0 ]] || skip "a base image is made by root only (debootstrap, chroot)"
[[ -x .venv/bin/uv ]] || skip "there is no .venv/bin/uv (make dev)"

missing=()
for program in "${programs[@]}"; do
  command -v "$program" >/dev/null 2>&1 || missing+=("$program")
done
if ((${#missing[@]})); then
  command -v apt-get >/dev/null 2>&1 || skip "there is no ${missing[*]}, and no apt-get to install it"
  echo "Installing ${missing[*]} for the tests"
  export DEBIAN_FRONTEND=noninteractive
  # The package would start a registry of its own, which is not wanted.
  apt-get update -qq && apt-get install -qq -y --no-install-recommends "${needed[@]}" >/dev/null ||
    skip "apt-get could not install ${needed[*]}"
fi

mkdir -p "$here/registry"
exec 9>"$here/.lock"
flock 9
if [[ -f "$ready" && "$(cat "$ready")" == "$made_of" ]]; then
  exit 0
fi
rm -f "$ready"

# The configuration of both engines: limits that a container without privileges can set, runc, one folder for images.
cat >"$here/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
cgroupns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
cat >"$here/storage.conf" <<CONF
[storage]
driver = "overlay"
graphroot = "$here/storage"
runroot = "$here/run"
CONF
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$here/policy.json"

export CONTAINERS_CONF="$here/containers.conf" CONTAINERS_STORAGE_CONF="$here/storage.conf" BUILDAH_ISOLATION=chroot

container=""
registry=""
leave() {
  [[ -z "$registry" ]] || kill "$registry" 2>/dev/null || true
  [[ -z "$container" ]] || buildah rm "$container" >/dev/null 2>&1 || true
}
trap leave EXIT

echo "Making the base image for the tests (Debian $suite, Python, requirements/demo.txt): a minute or two"
container="$(buildah from scratch)" || skip "buildah cannot make a container here"
root="$(buildah mount "$container")" || skip "buildah cannot mount a container here"
debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv "$suite" "$root" >"$here/debootstrap.log" 2>&1 ||
  skip "debootstrap failed, see $here/debootstrap.log"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
# The packages that steps stand on, as the lock says, so that building a step's image installs only mlopsctl.
.venv/bin/uv pip install --quiet --python .venv --python-version 3.11 --link-mode copy --compile-bytecode \
  --target "$root/usr/local/lib/python3.11/dist-packages" --require-hashes -r requirements/demo.txt ||
  skip "the packages of requirements/demo.txt could not be installed into the base image"
buildah config --env LANG=C.UTF-8 --env PYTHONUNBUFFERED=1 --cmd python3 "$container"
buildah umount "$container" >/dev/null
buildah commit --quiet --rm "$container" "localhost/$base:tests" >/dev/null
container=""

# A registry for as long as it takes to push the base image; the tests start their own over the same folder, and on the
# same port where they can, for the engines remember what a registry has by its address.
port="$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
cat >"$here/registry.yml" <<CONF
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $here/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:$port"}
CONF
docker-registry serve "$here/registry.yml" >"$here/registry.log" 2>&1 9>&- &
registry=$!
for _ in $(seq 100); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
  sleep 0.1
done
buildah push --quiet --tls-verify=false --digestfile "$here/base.digest" \
  "localhost/$base:tests" "docker://127.0.0.1:$port/$base:tests" ||
  skip "the base image could not be pushed to a registry on this machine"
echo "$base@$(cat "$here/base.digest")" >"$here/base"
echo "$port" >"$here/port"

# Whether a container runs at all; if not, nothing here is ready.
podman run --rm --network none "localhost/$base:tests" python3 -c 'import sklearn' ||
  skip "podman cannot run a container here"
echo "$made_of" >"$ready"
