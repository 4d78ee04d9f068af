import Glibc
public import InternetAddresses

/// Which addresses the machine answers for besides its own.
public protocol AddressTable: Sendable {
    /// Adding what is there is a success.
    func add(_ address: IPv4Address) throws
    /// Removing what is not there is a success.
    func remove(_ address: IPv4Address) throws
    func list() throws -> [IPv4Address]
}

/// For a service block inside 127.0.0.0/8: the kernel answers for all of it already.
public struct NoAddresses: AddressTable {
    public init() {}
    public func add(_ address: IPv4Address) throws {}
    public func remove(_ address: IPv4Address) throws {}
    public func list() throws -> [IPv4Address] { [] }
}

/// A failed change of an interface's addresses.
public struct AddressError: Error, CustomStringConvertible {
    public let problem: String
    public let code: Int32

    public var description: String {
        let remedy =
            code == EPERM
            ? "give Binnacle CAP_NET_ADMIN, or choose a service CIDR inside 127.0.0.0/8, which needs no right"
            : "see `ip address show dev lo`"
        return unsafe "\(problem): \(String(cString: strerror(code))); \(remedy)"
    }
}

/// The /32 addresses of `lo`, changed by rtnetlink (rtnetlink(7); linux/rtnetlink.h gives the layouts).
public struct LoopbackAddresses: AddressTable {
    public init() {}

    private enum Message: UInt16 {
        case new = 20
        case delete = 21
        case get = 22
    }
    private static let acknowledge: UInt16 = 0x1 | 0x4
    private static let dump: UInt16 = 0x1 | 0x300
    private static let localAttribute: UInt16 = 2
    private static let addressAttribute: UInt16 = 1

    public func add(_ address: IPv4Address) throws {
        // NLM_F_CREATE without NLM_F_EXCL would still answer EEXIST for an address that is there.
        let code = try request(.new, flags: Self.acknowledge | 0x400, address: address)
        guard code == 0 || code == EEXIST else { throw AddressError(problem: "cannot add \(address)/32 to lo", code: code) }
    }

    public func remove(_ address: IPv4Address) throws {
        let code = try request(.delete, flags: Self.acknowledge, address: address)
        guard code == 0 || code == EADDRNOTAVAIL else { throw AddressError(problem: "cannot remove \(address)/32 from lo", code: code) }
    }

    public func list() throws -> [IPv4Address] {
        var addresses: [IPv4Address] = []
        try exchange(Self.message(.get, flags: Self.dump, body: [2, 0, 0, 0, 0, 0, 0, 0])) { type, body in
            guard type == Message.new.rawValue, body.count >= 8, body[1] == 32, Self.number(body[4..<8]) == Self.interface else { return }
            var offset = 8
            while offset + 4 <= body.count {
                let length = Int(body[offset]) | Int(body[offset + 1]) << 8
                guard length >= 4, offset + length <= body.count else { return }
                if UInt16(body[offset + 2]) | UInt16(body[offset + 3]) << 8 == Self.localAttribute, length == 8 {
                    addresses.append(IPv4Address(bits: body[(offset + 4)..<(offset + 8)].reduce(0) { $0 << 8 | UInt32($1) }))
                }
                offset += (length + 3) & ~3
            }
        }
        return addresses
    }

    /// The kernel's answer: 0 or an errno.
    private func request(_ kind: Message, flags: UInt16, address: IPv4Address) throws -> Int32 {
        let network = (0..<4).map { UInt8(truncatingIfNeeded: address.bits >> UInt32(24 - 8 * $0)) }
        // struct ifaddrmsg: family, prefix length, flags, scope (host), interface.
        var body: [UInt8] = [2, 32, 0, 254] + Self.bytes(Self.interface)
        for attribute in [Self.localAttribute, Self.addressAttribute] { body += [8, 0, UInt8(attribute), 0] + network }
        return try exchange(Self.message(kind, flags: flags, body: body)) { _, _ in }
    }

    private static var interface: UInt32 { unsafe if_nametoindex("lo") }

    /// struct nlmsghdr, then the body. All numbers are in the machine's order, which is little-endian where we run.
    private static func message(_ kind: Message, flags: UInt16, body: [UInt8]) -> [UInt8] {
        bytes(UInt32(16 + body.count)) + [UInt8(kind.rawValue), 0, UInt8(flags & 255), UInt8(flags >> 8)] + bytes(1) + bytes(0) + body
    }

    private static func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) } }
    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) } }

    /// Sends one message and reads until its acknowledgement, its error or the end of its dump.
    @discardableResult
    private func exchange(_ message: [UInt8], _ take: (_ type: UInt16, _ body: [UInt8]) -> Void) throws -> Int32 {
        // AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE. Without an address, the kernel is whom we talk to.
        let descriptor = socket(16, 3 | 0o2000000, 0)
        guard descriptor >= 0 else { throw AddressError(problem: "cannot ask the kernel for its addresses", code: errno) }
        defer { close(descriptor) }
        let sent = unsafe message.withUnsafeBytes { unsafe send(descriptor, $0.baseAddress, $0.count, 0) }
        guard sent == message.count else { throw AddressError(problem: "cannot ask the kernel for its addresses", code: errno) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw AddressError(problem: "the kernel does not answer about its addresses", code: errno) }
            var offset = 0
            while offset + 16 <= count {
                let length = Int(Self.number(buffer[offset..<(offset + 4)]))
                guard length >= 16, offset + length <= count else { break }
                let type = UInt16(buffer[offset + 4]) | UInt16(buffer[offset + 5]) << 8
                let body = Array(buffer[(offset + 16)..<(offset + length)])
                if type == 3 { return 0 }
                // NLMSG_ERROR holds a negated errno, 0 for an acknowledgement.
                if type == 2 { return -Int32(bitPattern: Self.number(body[0..<4])) }
                take(type, body)
                offset += (length + 3) & ~3
            }
        }
    }
}
