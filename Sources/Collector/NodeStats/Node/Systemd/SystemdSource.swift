import Exposition
import Glibc
import Runtime

/// `systemd`: the states of units, asked over D-Bus in the background: systemd may be busy or stuck, and blocks nobody.
final class SystemdSource: NodeSource {
    private static func gauge(_ name: String, _ help: String) -> NodeFamily { NodeFamily("node_systemd_\(name)", .gauge, help) }
    private static let state = gauge("unit_state", "1 for the state that the unit is in, 0 for the others.")
    private static let count = gauge("units", "Units by state.")
    private static let isRunning = gauge("system_running", "1 if all is started and nothing has failed.")
    private static let version = gauge("version", "systemd's version as a number.")
    private static let accepted = NodeFamily("node_systemd_socket_accepted_connections_total", .counter, "Connections that the socket has accepted.")
    private static let connections = gauge("socket_current_connections", "Connections of the socket that are open.")
    // A gauge in node_exporter, whatever its name says.
    private static let refused = gauge("socket_refused_connections_total", "Connections that the socket has refused.")
    private static let trigger = gauge("timer_last_trigger_seconds", "When the timer last ran out, in Unix seconds; 0 for never.")
    static let states = ["active", "activating", "deactivating", "inactive", "failed"]

    private let calls: BlockingCalls<Result<SystemdUnits, BusError>>
    private let isHidden: @Sendable (String) -> Bool

    /// Steady nanoseconds for which an answer is good, and after which a call counts as hung.
    static let interval: Int64 = 10_000_000_000
    static let timeout: Int64 = 10_000_000_000

    init(root: String, options: NodeOptions, metrics: MetricRegistry) {
        let client = SystemdClient(root: root, isHidden: options.isUnitHidden)
        isHidden = options.isUnitHidden
        calls = BlockingCalls(name: "systemd", threadLimit: 1, timeout: Self.timeout, metrics: metrics) { _ in client.read() }
    }

    func collect(_ text: inout KernelText, _ series: inout SeriesRecorder, _ sample: inout NodeSample) throws(NodeReadError) {
        let answer = calls.answer("systemd", noOlderThan: Self.interval, now: BackgroundThread.steadyTime)
        if answer.isHung { throw .failed(ETIMEDOUT) }
        switch answer.value {
        // It was asked a moment ago for the first time.
        case nil: return
        case .failure(let error): throw error.readError
        case .success(let units): add(units, &series)
        }
    }

    func add(_ all: SystemdUnits, _ series: inout SeriesRecorder) {
        series.add(Self.isRunning, .flag(all.systemState == "running"))
        if let number = Self.number(all.version) { series.add(Self.version, .double(number), labels: [("version", all.version)]) }
        for state in Self.states {
            series.add(Self.count, .integer(UInt64(all.units.count { $0.activeState == state })), labels: [("state", state)])
        }
        for unit in all.units where unit.loadState == "loaded" && !isHidden(unit.name) {
            let key = KernelText.key(of: unit.name + "\n" + unit.type)
            for state in Self.states {
                series.add(Self.state, .flag(unit.activeState == state), key: KernelText.key(of: state, seed: key)) {
                    [("name", unit.name), ("state", state), ("type", unit.type)]
                }
            }
            let labels: () -> [NodeSeries.Label] = { [("name", unit.name)] }
            if let socket = unit.socket {
                series.add(Self.accepted, .integer(socket.accepted), key: key, labels: labels)
                series.add(Self.connections, .integer(socket.connections), key: key, labels: labels)
                if let refused = socket.refused { series.add(Self.refused, .integer(refused), key: key, labels: labels) }
            }
            if let time = unit.lastTrigger { series.add(Self.trigger, .decimal(time, digits: 6), key: key, labels: labels) }
        }
    }

    /// The number at the start of the first word that has one: `252.39` of `252.39-1~deb12u1`, `255` of `systemd 255 (255.4)`.
    static func number(_ version: String) -> Double? {
        for word in version.split(separator: " ") {
            let digits = word.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            if let number = Double(digits.hasSuffix(".") ? digits.dropLast() : digits) { return number }
        }
        return nil
    }
}
