import Telemetry

/// The moments at which an expression is evaluated, in milliseconds.
struct Steps: Sendable, Hashable {
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

    var isEmpty: Bool { values.isEmptyColumn }
}

extension [Double] {
    var isEmptyColumn: Bool { allSatisfy(\.isAbsent) }
    /// Whether any value is `Double.absent`.
    var hasGaps: Bool { contains { $0.isAbsent } }
    /// Whether any value is `Double.absent` or `Double.stale`: without branches, so that several are looked at at once. It may
    /// also be true for a value whose bits lie between theirs, which no one stores.
    var hasMarkers: Bool {
        var hits: UInt64 = 0
        for value in self { hits |= value.bitPattern &- 0x7ff0_0000_0000_0002 <= 2 ? 1 : 0 }
        return hits != 0
    }
}

extension Double {
    /// Whether it is `stale` or `absent`: by one comparison, as their bits lie next to each other.
    var isMarker: Bool { bitPattern &- 0x7ff0_0000_0000_0002 <= 2 && bitPattern != 0x7ff0_0000_0000_0003 }
}

/// The value of an expression over all steps. Range vectors never become one: functions read their windows.
enum Operand: Sendable {
    case scalar([Double])
    case string(String)
    case vector([SeriesColumn])

    /// Series, or 1.
    var seriesCount: Int { if case .vector(let columns) = self { columns.count } else { 1 } }
}

extension String {
    /// Names that describe a metric's meaning, which a computed value no longer has.
    var isMetadataLabel: Bool { utf8.first == UInt8(ascii: "_") && (self == Labels.metricName || self == "__type__" || self == "__unit__") }
}

extension Labels {
    var hasMetadata: Bool { list.contains { $0.name.isMetadataLabel } }
    var withoutName: Labels { hasMetadata ? filter { !$0.name.isMetadataLabel } : self }

    func keeping(_ names: Set<String>) -> Labels { filter { names.contains($0.name) } }
    func dropping(_ names: Set<String>) -> Labels { filter { !names.contains($0.name) } }
}

extension Int64 {
    /// The quotient rounded towards minus infinity.
    func floorDivided(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
