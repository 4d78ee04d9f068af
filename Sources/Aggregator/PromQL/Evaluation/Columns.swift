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

/// The values of some columns step by step, for what compares series with each other.
struct StepTable: Sendable {
    private var values: [Double]
    private let width: Int

    init(_ columns: [SeriesColumn], _ members: [Int], _ count: Int) {
        width = members.count
        values = Array(repeating: .absent, count: width * count)
        var output = values.mutableSpan
        for (place, member) in members.enumerated() {
            let column = columns[member].values
            let span = column.span
            var target = place
            for step in 0..<count {
                output[target] = span[step]
                target += members.count
            }
        }
    }

    /// The members' values at a step, in their order.
    func row(_ step: Int) -> [Double] { Array(values[step * width..<(step + 1) * width]) }
}

extension [Double] {
    var isEmptyColumn: Bool { allSatisfy(\.isAbsent) }
    /// Whether any value is `Double.absent`.
    var hasGaps: Bool { hasNaN(in: 0..<count) && contains { $0.isAbsent } }
    /// Whether any value is `Double.absent` or `Double.stale`.
    func hasMarkers(in range: Range<Int>) -> Bool { hasNaN(in: range) && self[range].contains { $0.isMarker } }

    /// Markers are NaN, and most columns have none. Without branches, so that several values are looked at at once.
    func hasNaN(in range: Range<Int>) -> Bool {
        let span = span
        precondition(range.lowerBound >= 0 && range.upperBound <= span.count)
        var hits: UInt64 = 0
        for index in range {
            // In the array, by the precondition; a check of each index would keep the loop from being vectorised.
            let value = unsafe span[unchecked: index]
            hits |= value == value ? 0 : 1
        }
        return hits != 0
    }

    /// Whether each value is at least the one before it, which also says that none is NaN. Without branches too.
    func isAscending(in range: Range<Int>) -> Bool {
        guard range.count > 1 else { return !hasNaN(in: range) }
        let span = span
        precondition(range.lowerBound >= 0 && range.upperBound <= span.count)
        var hits: UInt64 = 0
        for index in range.lowerBound + 1..<range.upperBound {
            // In the array, by the precondition.
            let value = unsafe span[unchecked: index], before = unsafe span[unchecked: index - 1]
            hits |= value >= before ? 0 : 1
        }
        return hits == 0
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
