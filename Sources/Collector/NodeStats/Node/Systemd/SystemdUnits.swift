import Synchronization

/// What systemd says of itself and its units at one moment.
struct SystemdUnits: Sendable {
    struct Unit: Sendable, Hashable {
        var name: String
        /// `loaded`, `not-found`, ...
        var loadState: String
        /// `active`, `failed`, ...
        var activeState: String
        /// A service's `Type=`; empty for others.
        var type = ""
        var socket: Socket?
        /// Microseconds since 1970 when a timer last ran out; nil for others.
        var lastTrigger: UInt64?
    }
    struct Socket: Sendable, Hashable {
        var accepted: UInt64
        var connections: UInt64
        /// Nil before systemd 239.
        var refused: UInt64?
    }

    var version = ""
    /// `running`, `degraded`, ...
    var systemState = ""
    var units: [Unit] = []
}

/// Asks systemd. Its own socket first, which only root may use, then the system's bus.
final class SystemdClient: Sendable {
    private let privateSocket: String
    private let busSockets: [String]
    private let isHidden: @Sendable (String) -> Bool
    /// The types of services, which change only when their files do.
    private let types = Mutex<(asked: Int, byName: [String: String])>((0, [:]))

    /// Nanoseconds that a whole exchange may take.
    static let patience: Int64 = 4_000_000_000
    /// Units that are shown.
    static let unitLimit = 20_000
    /// Exchanges between two looks at the same service's type.
    static let exchangesPerType = 40

    /// `isHidden` says which units are only counted.
    init(root: String, isHidden: @escaping @Sendable (String) -> Bool) {
        privateSocket = root + "/run/systemd/private"
        busSockets = [root + "/run/dbus/system_bus_socket", root + "/var/run/dbus/system_bus_socket"]
        self.isHidden = isHidden
    }

    /// One whole exchange; waits for `patience` at most.
    func read() -> Result<SystemdUnits, BusError> {
        do throws(BusError) {
            return .success(try exchange(try connect(deadline: BackgroundThread.steadyTime + Self.patience)))
        } catch {
            return .failure(error)
        }
    }

    private func connect(deadline: Int64) throws(BusError) -> BusConnection {
        var problem = BusError.absent
        for (path, destination) in [(privateSocket, "")] + busSockets.map({ ($0, "org.freedesktop.systemd1") }) {
            do throws(BusError) {
                return try BusConnection(path: path, destination: destination, deadline: deadline)
            } catch {
                // The next may let us in; of several problems the one that is not "nobody there" says more.
                if problem == .absent { problem = error }
            }
        }
        throw problem
    }

    private static let manager = "org.freedesktop.systemd1.Manager"
    private static let path = "/org/freedesktop/systemd1"

    private func exchange(_ connection: BusConnection) throws(BusError) -> SystemdUnits {
        let answers = try connection.calls([
            .property("Version", of: Self.manager, on: Self.path), .property("SystemState", of: Self.manager, on: Self.path),
            .init(member: "ListUnits", interface: Self.manager, path: Self.path),
        ])
        var all = SystemdUnits()
        all.version = Self.text(answers[0]) ?? ""
        all.systemState = Self.text(answers[1]) ?? ""
        var list = try answers[2].get()
        let paths = try Self.parse(&list, into: &all)
        try addProperties(&all, paths, connection)
        return all
    }

    /// `a(ssssssouso)`: name, description, load state, active state, sub state, followed unit, path, and a job's number,
    /// kind and path. Gives the units' paths.
    private static func parse(_ list: inout BusReader, into all: inout SystemdUnits) throws(BusError) -> [String] {
        let length = Int(try list.number())
        try list.align(8)
        let end = list.offset + length
        guard end <= list.bytes.count else { throw .malformed }
        var paths: [String] = []
        while list.offset < end {
            try list.align(8)
            let name = try list.string()
            _ = try list.string()
            let (load, active) = (try list.string(), try list.string())
            _ = try list.string()
            _ = try list.string()
            let path = try list.string()
            _ = try list.number()
            _ = try list.string()
            _ = try list.string()
            guard all.units.count < unitLimit else { continue }
            all.units.append(.init(name: name, loadState: load, activeState: active))
            paths.append(path)
        }
        return paths
    }

    /// What ListUnits does not say: services' types, sockets' counts, timers' times.
    private func addProperties(_ all: inout SystemdUnits, _ paths: [String], _ connection: BusConnection) throws(BusError) {
        var (_, known) = types.withLock { types in
            types.asked += 1
            if types.asked % Self.exchangesPerType == 0 { types.byName = [:] }
            return types
        }
        var calls: [BusConnection.Call] = []
        var uses: [(unit: Int, property: String)] = []
        for (position, unit) in all.units.enumerated() where unit.loadState == "loaded" && !isHidden(unit.name) {
            func ask(_ property: String, _ interface: String) {
                calls.append(.property(property, of: "org.freedesktop.systemd1.\(interface)", on: paths[position]))
                uses.append((position, property))
            }
            if unit.name.hasSuffix(".service") {
                if let type = known[unit.name] { all.units[position].type = type } else { ask("Type", "Service") }
            } else if unit.name.hasSuffix(".socket") {
                for property in ["NAccepted", "NConnections", "NRefused"] { ask(property, "Socket") }
            } else if unit.name.hasSuffix(".timer") {
                ask("LastTriggerUSec", "Timer")
            }
        }
        for (use, answer) in zip(uses, try connection.calls(calls)) {
            // A unit that has gone meanwhile refuses; it shows what is known of it.
            guard var body = try? answer.get(), let value = try? body.variant() else { continue }
            Self.put(value, use.property, &all.units[use.unit])
        }
        known = [:]
        for unit in all.units where !unit.type.isEmpty { known[unit.name] = unit.type }
        types.withLock { $0.byName = known }
    }

    private static func put(_ value: BusReader.Value, _ property: String, _ unit: inout SystemdUnits.Unit) {
        switch (property, value) {
        case ("Type", .text(let type)): unit.type = type
        case ("NAccepted", .number(let count)): unit.socket = .init(accepted: count, connections: 0)
        case ("NConnections", .number(let count)): unit.socket?.connections = count
        case ("NRefused", .number(let count)): unit.socket?.refused = count
        case ("LastTriggerUSec", .number(let time)): unit.lastTrigger = time
        default: break
        }
    }

    private static func text(_ answer: Result<BusReader, BusError>) -> String? {
        guard var body = try? answer.get(), case .text(let text)? = try? body.variant() else { return nil }
        return text
    }
}
