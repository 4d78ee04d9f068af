// Just enough rtnetlink to give a pod its interface: each call is one request and its acknowledgement,
// some tens of microseconds, where starting ip(8) costs milliseconds.
#include "shims.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct request {
    struct nlmsghdr header;
    char body[1024];
};

static void *extend(struct request *r, size_t count) {
    void *at = (char *)r + NLMSG_ALIGN(r->header.nlmsg_len);
    memset(at, 0, NLMSG_ALIGN(count));
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + count;
    return at;
}

static void *begin(struct request *r, int type, int flags, size_t count) {
    memset(&r->header, 0, sizeof r->header);
    r->header.nlmsg_len = NLMSG_HDRLEN;
    r->header.nlmsg_type = type;
    r->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    return extend(r, count);
}

static struct rtattr *attribute(struct request *r, int type, const void *data, size_t count) {
    struct rtattr *a = extend(r, RTA_LENGTH(count));
    a->rta_type = type;
    a->rta_len = RTA_LENGTH(count);
    if (count) memcpy(RTA_DATA(a), data, count);
    return a;
}

// Ends a nest: it counts the padding of its last member, so the message must as well.
static void finish(struct request *r, struct rtattr *nest) {
    r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len);
    nest->rta_len = (char *)r + r->header.nlmsg_len - (char *)nest;
}

static void text(struct request *r, int type, const char *value) { attribute(r, type, value, strlen(value) + 1); }
static void number(struct request *r, int type, uint32_t value) { attribute(r, type, &value, sizeof value); }

// Sends and waits for the acknowledgement; an interface index in a reply on the way is returned.
static int talk(int socket, struct request *r) {
    if (send(socket, r, r->header.nlmsg_len, 0) < 0) return -errno;
    int index = 0;
    for (;;) {
        union {
            struct nlmsghdr header;
            char bytes[16384];
        } reply;
        ssize_t count = recv(socket, &reply, sizeof reply, 0);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return -errno;
        struct nlmsghdr *at = &reply.header;
        for (int left = count; NLMSG_OK(at, (unsigned)left); at = NLMSG_NEXT(at, left)) {
            if (at->nlmsg_type == NLMSG_ERROR) {
                int code = ((struct nlmsgerr *)NLMSG_DATA(at))->error;
                return code ? code : index;
            }
            if (at->nlmsg_type == RTM_NEWLINK) index = ((struct ifinfomsg *)NLMSG_DATA(at))->ifi_index;
        }
    }
}

int binnacle_netlink_open(void) {
    int channel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return channel < 0 ? -errno : channel;
}

int binnacle_link_index(int socket, const char *name) {
    struct request r;
    begin(&r, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
    text(&r, IFLA_IFNAME, name);
    return talk(socket, &r);
}

int binnacle_link_add_bridge(int socket, const char *name, uint32_t address, int mtu) {
    struct request r;
    begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    text(&r, IFLA_IFNAME, name);
    // An address of its own: otherwise the bridge takes that of its lowest port and changes it as pods come and go.
    uint32_t wire = htonl(address);
    unsigned char hardware[6] = {0x02, 0xb1};
    memcpy(hardware + 2, &wire, 4);
    attribute(&r, IFLA_ADDRESS, hardware, sizeof hardware);
    if (mtu > 0) number(&r, IFLA_MTU, mtu);
    struct rtattr *info = attribute(&r, IFLA_LINKINFO, NULL, 0);
    text(&r, IFLA_INFO_KIND, "bridge");
    finish(&r, info);
    return talk(socket, &r);
}

int binnacle_link_add_veth(int socket, const char *name, const char *peer, int process, int mtu) {
    struct request r;
    begin(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
    text(&r, IFLA_IFNAME, name);
    if (mtu > 0) number(&r, IFLA_MTU, mtu);
    struct rtattr *info = attribute(&r, IFLA_LINKINFO, NULL, 0);
    text(&r, IFLA_INFO_KIND, "veth");
    struct rtattr *data = attribute(&r, IFLA_INFO_DATA, NULL, 0);
    struct rtattr *end = attribute(&r, VETH_INFO_PEER, NULL, 0);
    extend(&r, sizeof(struct ifinfomsg));
    text(&r, IFLA_IFNAME, peer);
    number(&r, IFLA_NET_NS_PID, process);
    if (mtu > 0) number(&r, IFLA_MTU, mtu);
    finish(&r, end);
    finish(&r, data);
    finish(&r, info);
    return talk(socket, &r);
}

int binnacle_link_up(int socket, int index, int bridge) {
    struct request r;
    struct ifinfomsg *link = begin(&r, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
    link->ifi_index = index;
    link->ifi_flags = link->ifi_change = IFF_UP;
    if (bridge > 0) number(&r, IFLA_MASTER, bridge);
    return talk(socket, &r);
}

int binnacle_link_hairpin(int socket, int index) {
    struct request r;
    struct ifinfomsg *link = begin(&r, RTM_SETLINK, 0, sizeof(struct ifinfomsg));
    link->ifi_family = PF_BRIDGE;
    link->ifi_index = index;
    struct rtattr *port = attribute(&r, IFLA_PROTINFO | NLA_F_NESTED, NULL, 0);
    unsigned char on = 1;
    attribute(&r, IFLA_BRPORT_MODE, &on, 1);
    finish(&r, port);
    return talk(socket, &r);
}

int binnacle_link_delete(int socket, const char *name) {
    struct request r;
    begin(&r, RTM_DELLINK, 0, sizeof(struct ifinfomsg));
    text(&r, IFLA_IFNAME, name);
    return talk(socket, &r);
}

int binnacle_address_add(int socket, int index, uint32_t address, int prefix) {
    struct request r;
    struct ifaddrmsg *message = begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct ifaddrmsg));
    message->ifa_family = AF_INET;
    message->ifa_prefixlen = prefix;
    message->ifa_index = index;
    uint32_t wire = htonl(address), all = htonl(address | (prefix < 32 ? 0xffffffffu >> prefix : 0));
    attribute(&r, IFA_LOCAL, &wire, 4);
    attribute(&r, IFA_ADDRESS, &wire, 4);
    attribute(&r, IFA_BROADCAST, &all, 4);
    return talk(socket, &r);
}

int binnacle_route_default(int socket, uint32_t gateway) {
    struct request r;
    struct rtmsg *route = begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct rtmsg));
    *route = (struct rtmsg){.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST};
    uint32_t wire = htonl(gateway);
    attribute(&r, RTA_GATEWAY, &wire, 4);
    return talk(socket, &r);
}

int binnacle_route_local(int socket, uint32_t range, int prefix, uint32_t source, int remove) {
    struct request r;
    struct rtmsg *route = begin(&r, remove ? RTM_DELROUTE : RTM_NEWROUTE, remove ? 0 : NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct rtmsg));
    *route = (struct rtmsg){.rtm_family = AF_INET,
                            .rtm_dst_len = prefix,
                            .rtm_table = RT_TABLE_LOCAL,
                            .rtm_protocol = RTPROT_STATIC,
                            .rtm_scope = RT_SCOPE_HOST,
                            .rtm_type = RTN_LOCAL};
    uint32_t wire = htonl(range), sender = htonl(source);
    attribute(&r, RTA_DST, &wire, 4);
    number(&r, RTA_OIF, 1); // lo
    if (source) attribute(&r, RTA_PREFSRC, &sender, 4);
    return talk(socket, &r);
}
