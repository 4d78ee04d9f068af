import Telemetry

/// The moments at which an expression is evaluated, in milliseconds.
struct Steps: Sendable {
    var start: Int64
    var step: Int64
    var count: Int

    func time(_ index: Int) -> Int64 { start + Int64(index) * step }
    var last: Int64 { time(count - 1) }
    func shifted(by milliseconds: Int64) -> Steps { Steps(start: start + milliseconds, step: step, count: count) }
    static func single(_ time: Int64) -> Steps { Steps(start: time, step: 1, count: 1) }
}

/// A series of an instant vector over all steps. `Double.absent` where it has no element.
///
/// The marker is a signalling NaN, which no arithmetic yields, so a result is never taken for absence.
struct SeriesColumn: Sendable {
    var labels: Labels
    var values: [Double]

    var isEmpty: Bool { values.allSatisfy(\.isAbsent) }
}

/// The value of an expression over all steps. Range vectors never become one: functions read their windows.
enum Operand: Sendable {
    case scalar([Double])
    case string(String)
    case vector([SeriesColumn])
}

extension Labels {
    /// Names that describe a metric's meaning, which a computed value no longer has.
    private static let metadata: Set<String> = [Labels.metricName, "__type__", "__unit__"]

    var withoutName: Labels {
        // Names that start with two underscores sort before letters, so most sets are decided at once.
        guard list.contains(where: { Labels.metadata.contains($0.name) }) else { return self }
        return filter { !Labels.metadata.contains($0.name) }
    }

    func keeping(_ names: Set<String>) -> Labels { filter { names.contains($0.name) } }
    func dropping(_ names: Set<String>) -> Labels { filter { !names.contains($0.name) } }
}
