import CShims
import Glibc
import InternetAddresses
import JSON
import Runtime

/// The pods' network on this machine: a bridge with the gateway's address, forwarding and masquerading for what
/// leaves the machine, and a local route for services' addresses.
///
/// All of it is marked by the bridge's name and taken away by `remove`, so several instances can share a machine.
struct PodNetwork: Sendable {
    let bridge: String
    let range: IPv4Network
    let serviceRange: IPv4Network?
    let gateway: IPv4Address
    let mtu: Int
    /// Where the value of ip_forward from before is kept.
    let record: String

    private let files = HostFileSystem()
    /// Debian's `iptables` is a link that the administrator may have taken away; the variants are always there.
    private static var program: String? { ["iptables", "iptables-nft", "iptables-legacy"].lazy.compactMap(Command.find).first }
    private static let forwarding = "/proc/sys/net/ipv4/ip_forward"

    init(_ configuration: HostRuntimeConfiguration) {
        bridge = configuration.bridge
        range = configuration.podRange
        serviceRange = configuration.serviceRange
        gateway = AddressPool(range: range).gateway
        mtu = configuration.mtu
        record = "\(configuration.stateDirectory)/network.json"
    }

    private var rules: [[String]] {
        let mark = ["-m", "comment", "--comment", "binnacle:\(bridge)"]
        return [
            ["nat", "POSTROUTING", "-s", range.description, "!", "-d", range.description, "!", "-o", bridge] + mark + ["-j", "MASQUERADE"],
            ["filter", "FORWARD", "-i", bridge] + mark + ["-j", "ACCEPT"],
            ["filter", "FORWARD", "-o", bridge] + mark + ["-j", "ACCEPT"],
        ]
    }

    /// Makes what is not there yet. Returns why the packet filter could not be set, nil if it was; throws if there is no bridge.
    func install(filtering: Bool) throws(RuntimeError) -> String? {
        let socket = binnacle_netlink_open()
        guard socket >= 0 else { throw .failed("cannot speak to the kernel's network: \(errnoText(-socket))") }
        defer { close(socket) }
        let made = unsafe binnacle_link_add_bridge(socket, bridge, gateway.bits, Int32(mtu))
        guard made >= 0 || made == -EEXIST else { throw .failed("cannot make the bridge \(bridge): \(errnoText(-made))") }
        let index = unsafe binnacle_link_index(socket, bridge)
        var code = index < 0 ? index : binnacle_address_add(socket, index, gateway.bits, Int32(range.prefixLength))
        if code >= 0 { code = binnacle_link_up(socket, index, 0) }
        // Every service address is one of this machine: what nothing answers is refused at once and never leaves it.
        if code >= 0, let service = serviceRange { code = binnacle_route_local(socket, service.base.bits, Int32(service.prefixLength), gateway.bits, 0) }
        guard code >= 0 else { throw .failed("cannot set up the bridge \(bridge): \(errnoText(-code))") }
        return filtering ? filter() : nil
    }

    private func filter() -> String? {
        guard let before = try? files.text(Self.forwarding).prefix(1) else { return "ip_forward cannot be read" }
        if before == "0" {
            try? files.write(record, JSON.object([("ipForward", "0")]).bytes())
            do { try files.write(Self.forwarding, Array("1".utf8)) } catch { return "ip_forward cannot be switched on: \(errnoText(error.code))" }
        }
        guard let iptables = Self.program else { return "there is no program iptables" }
        for rule in rules {
            let place = ["-w", "5", "-t", rule[0]]
            if Command.run([iptables] + place + ["-C"] + rule[1...]).status == 0 { continue }
            // In front: another program's rules (Docker's) may drop what comes to the end of FORWARD.
            let result = Command.run([iptables] + place + ["-I"] + rule[1...])
            if result.status != 0 { return String(decoding: result.output, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? "failed" }
        }
        return nil
    }

    func remove() {
        let socket = binnacle_netlink_open()
        if socket >= 0 {
            if let service = serviceRange { _ = binnacle_route_local(socket, service.base.bits, Int32(service.prefixLength), gateway.bits, 1) }
            _ = unsafe binnacle_link_delete(socket, bridge)
            close(socket)
        }
        if let iptables = Self.program {
            for rule in rules { while Command.run([iptables, "-w", "5", "-t", rule[0], "-D"] + rule[1...]).status == 0 {} }
        }
        if let text = try? files.read(record), let before = try? JSON.parse(text), before["ipForward"].string == "0" {
            try? files.write(Self.forwarding, Array("0".utf8))
            try? files.remove(record)
        }
    }

    func removeLink(_ name: String) {
        let socket = binnacle_netlink_open()
        guard socket >= 0 else { return }
        _ = unsafe binnacle_link_delete(socket, name)
        close(socket)
    }
}
