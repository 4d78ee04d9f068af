/// A unit of systemd, read from the path of its cgroup.
///
/// systemd puts each unit's cgroup below those of its slices and gives it the unit's name, so the path says it all:
/// `/system.slice/nginx.service`, `/user.slice/user-1000.slice/session-3.scope`,
/// `/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.service`.
/// (systemd's Control Group APIs and Delegation; `cg_unescape` and `unit_name_unescape`.)
public struct SystemdUnit: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable { case service, scope, slice, socket, mount, swap }

    /// As systemctl takes it: `nginx.service`, `var-lib-my\x2dapp.mount`.
    public var name: String
    public var kind: Kind
    /// The slice that holds it, `-.slice` at the top.
    public var slice: String
    /// The user whose manager or login it belongs to, nil for the machine's own units.
    public var user: UInt32?
    /// The login session, for units in `session-3.scope`.
    public var session: String?
    /// Started by the user's own manager (`systemctl --user`), not by the machine's.
    public var isOfUserManager = false

    /// The name as people write it: `\x2d` is a hyphen again.
    public var readableName: String { Self.unescaped(name) }

    /// Nil unless the last component is a unit: a cgroup that a service made below its own is the service's business.
    public init?(path: String) {
        let components = path.split(separator: "/").map(Self.cgroupName)
        guard let last = components.last, let kind = Self.kind(of: last) else { return nil }
        name = String(last)
        self.kind = kind
        slice = "-.slice"
        for component in components.dropLast() {
            switch Self.kind(of: component) {
            case .slice:
                slice = String(component)
                if !isOfUserManager, component.hasPrefix("user-") { user = UInt32(component.dropFirst(5).dropLast(6)) }
            case .service where component.hasPrefix("user@"):
                user = UInt32(component.dropFirst(5).dropLast(8))
                isOfUserManager = true
            // A unit within a service or scope is one of a container's own systemd.
            case nil, .service, .scope, .socket, .mount, .swap: return nil
            }
        }
        if kind == .slice, last.hasPrefix("user-"), !isOfUserManager { user = UInt32(last.dropFirst(5).dropLast(6)) }
        if last.hasPrefix("user@"), kind == .service { user = UInt32(last.dropFirst(5).dropLast(8)) }
        if kind == .scope, last.hasPrefix("session-"), user != nil { session = String(last.dropFirst(8).dropLast(6)) }
    }

    private static func kind(of name: Substring) -> Kind? {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return nil }
        return Kind(rawValue: String(name[name.index(after: dot)...]))
    }

    /// systemd puts `_` before a name that the kernel would take for one of its own files.
    private static func cgroupName(_ component: Substring) -> Substring { component.hasPrefix("_") ? component.dropFirst() : component }

    static func unescaped(_ name: String) -> String {
        guard name.contains("\\x") else { return name }
        var bytes: [UInt8] = []
        var rest = Array(name.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
