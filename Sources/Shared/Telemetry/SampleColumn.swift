/// The values of one series, whole or in runs that follow each other: what a store keeps decoded in several arrays is
/// handed over without copying them.
public enum SampleColumn: Sendable {
    case whole([Double])
    /// None of them empty.
    case runs([ArraySlice<Double>])

    public var isEmpty: Bool {
        switch self {
        case .whole(let values): values.isEmpty
        case .runs(let runs): runs.isEmpty
        }
    }

    public var count: Int {
        switch self {
        case .whole(let values): values.count
        case .runs(let runs): runs.reduce(0) { $0 + $1.count }
        }
    }

    /// As one array, which copies runs.
    public var values: [Double] {
        switch self {
        case .whole(let values): return values
        case .runs(let runs):
            var values: [Double] = []
            values.reserveCapacity(count)
            for run in runs { values.append(contentsOf: run) }
            return values
        }
    }
}
