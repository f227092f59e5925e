#!/usr/bin/env bash
# Have PostgreSQL's programs for the tests: nothing to do where they are; installed where this may be done (root on a
# Debian-like system); else said, and the tests that need them are skipped.
set -euo pipefail

if command -v initdb >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing PostgreSQL for the tests"
  # The server that the package would start by itself is not wanted.
  mkdir -p /etc/postgresql-common
  [[ -e /etc/postgresql-common/createcluster.conf ]] ||
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  export DEBIAN_FRONTEND=noninteractive
  if apt-get update -qq && apt-get install -qq -y --no-install-recommends postgresql >/dev/null; then
    exit 0
  fi
  echo "skipped: PostgreSQL could not be installed; the tests that need it will say so" >&2
  exit 0
fi
echo "skipped: PostgreSQL is not installed (apt-get install postgresql); the tests that need it will say so" >&2
