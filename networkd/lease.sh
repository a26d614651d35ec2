#!/bin/sh
# What a DHCP client calls with its result: dhclient (reason=..., new_*) or udhcpc ($1, plain names).
# networkd says through the environment whether this device gives the host its default route, and
# which resolv.conf it may write (empty: none).
set -u
gateway=${NETWORKD_GATEWAY:-}
resolv_conf=${NETWORKD_RESOLV_CONF:-}

case "${1:-$reason}" in
deconfig | PREINIT | EXPIRE | FAIL | RELEASE | STOP)
    ip -4 addr flush dev "$interface"
    ip link set dev "$interface" up
    exit 0
    ;;
PREINIT6)
    ip link set dev "$interface" up
    exit 0
    ;;
bound | renew | BOUND | RENEW | REBIND | REBOOT)
    ip -4 addr replace "${new_ip_address:-${ip:-}}/${new_subnet_mask:-${mask:-24}}" dev "$interface"
    routers=${new_routers:-${router:-}}
    if [ -n "$gateway" ] && [ -n "$routers" ]; then
        ip -4 route replace default via "${routers%% *}" dev "$interface"
    fi
    ;;
BOUND6 | RENEW6 | REBIND6)
    ip -6 addr replace "$new_ip6_address/$new_ip6_prefixlen" dev "$interface"
    ;;
*) exit 0 ;;
esac

servers=${new_domain_name_servers:-${new_dhcp6_name_servers:-${dns:-}}}
search=${new_domain_name:-${domain:-}}
if [ -n "$resolv_conf" ] && [ -n "$servers" ]; then
    {
        [ -z "$search" ] || echo "search $search"
        for server in $servers; do echo "nameserver $server"; done
    } > "$resolv_conf.new"
    mv "$resolv_conf.new" "$resolv_conf"
fi
