#!/bin/sh
# Installs nginx with Nchan where root and apt-get are there; elsewhere the benchmark names what is missing.
set -eu
[ -e /usr/lib/nginx/modules/ngx_nchan_module.so ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Nchan is not installed (on Debian: sudo apt-get install nginx-light libnginx-mod-nchan); it is left out."
    exit 0
fi
echo "Installing nginx with Nchan, which is compared with."
# The package would start a server of its own on port 80: policy-rc.d tells it not to.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod +x $policy
    trap 'rm -f $policy' EXIT
fi
{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    nginx-light libnginx-mod-nchan; } </dev/null >/dev/null ||
    echo "apt-get could not install nginx-light and libnginx-mod-nchan: Nchan is left out."
